import torch
from torch import nn

torch.manual_seed(0)
nets = {"enc": nn.Linear(4, 5), "dec": nn.Linear(5, 2)}
head = nn.Linear(2, 1)
opt = torch.optim.SGD([*nets["enc"].parameters(), *nets["dec"].parameters(), *head.parameters()], lr=0.1)
crit = nn.MSELoss()


def update(out, y):
    opt.zero_grad()
    loss = crit(out, y)
    loss.backward()
    opt.step()
    return loss.item()


for _ in range(4):
    x = torch.randn(3, 4)
    feat = nets["enc"](x)
    out = head(nets["dec"](torch.relu(feat)))
    update(out, x[:, :1])
