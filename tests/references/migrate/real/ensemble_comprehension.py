"""An ensemble: an optimizer for each member, schedulers beside them."""
import torch
from torch import nn, optim

torch.manual_seed(2)
members = [nn.Linear(3, 1) for _ in range(3)]
optimizers = [optim.SGD(m.parameters(), lr=0.05 * (i + 1), momentum=0.9) for i, m in enumerate(members)]
schedulers = [optim.lr_scheduler.ExponentialLR(o, gamma=0.9) for o in optimizers]
X, Y = torch.randn(30, 3), torch.randn(30, 1)
for epoch in range(4):
    for b in range(0, 30, 10):
        for net, opt in zip(members, optimizers):
            opt.zero_grad()
            loss = ((net(X[b:b + 10]) - Y[b:b + 10]) ** 2).mean()
            loss.backward()
            opt.step()
    for s in schedulers:
        s.step()
    print(epoch, [o.param_groups[0]["lr"] for o in optimizers])
