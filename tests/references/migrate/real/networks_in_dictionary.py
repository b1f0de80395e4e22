import torch
from torch import nn


def train(models, criteria, batches, lr):
    params = [p for m in models.values() for p in m.parameters()]
    opt = torch.optim.Adam(params, lr)
    for x, y in batches:
        opt.zero_grad()
        feat = models["enc"](x)
        out = models["dec"](torch.relu(feat))
        loss = criteria["mse"](out, y)
        loss.backward()
        opt.step()


torch.manual_seed(0)
train({"enc": nn.Linear(4, 5), "dec": nn.Linear(5, 1)}, {"mse": nn.MSELoss()}, [(torch.randn(3, 4), torch.randn(3, 1)) for _ in range(4)], 0.01)
