import torch
from torch import nn, optim


def exotic(params):
    import types
    return types.SimpleNamespace(step=lambda: None, zero_grad=lambda: None, param_groups=[{"lr": 0.0}])


def choose(model, kind):
    if kind == "exotic":
        return exotic(model.parameters())
    return optim.SGD(model.parameters(), lr=0.1)


model = nn.Linear(2, 1)
opt = choose(model, "sgd")
for i in range(3):
    opt.zero_grad()
    loss = model(torch.randn(3, 2)).pow(2).mean()
    loss.backward()
    opt.step()
