import torch
from torch import nn, optim

torch.manual_seed(0)
nets, opts = [], []
for width in (3, 5):
    n = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))
    nets.append(n)
    opts.append(optim.SGD(n.parameters(), lr=0.1 / width, momentum=0.5))
for t in range(6):
    x = torch.randn(7, 2)
    y = x[:, :1] * x[:, 1:]
    for j in range(len(nets)):
        opts[j].zero_grad()
        loss = (nets[j](x) - y).pow(2).mean()
        loss.backward()
        opts[j].step()
        print(t, j, loss.item())
