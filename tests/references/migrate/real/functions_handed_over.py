import torch
from torch import nn, optim
torch.manual_seed(0)
def mse(model, x, y):
    return ((model(x) - y) ** 2).mean()
def fit(model, optimizer, loss_fn, schedule):
    for epoch in range(4):
        schedule(optimizer, epoch)
        for k in range(3):
            x, y = torch.randn(8, 4), torch.randn(8, 1)
            optimizer.zero_grad()
            loss = loss_fn(model, x, y)
            loss.backward()
            optimizer.step()
def halve(optimizer, epoch):
    for g in optimizer.param_groups:
        g["lr"] = 0.1 * 0.5 ** epoch
net = nn.Linear(4, 1)
fit(net, optim.SGD(net.parameters(), lr=0.1, momentum=0.9), mse, halve)
