"""optimizer.step(closure) with an optimizer that calls its closure once."""
import torch
from torch import nn, optim

torch.manual_seed(2)
x, y = torch.randn(30, 3), torch.randn(30, 1)
net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))
mse = nn.MSELoss()
optimizer = optim.Adam(net.parameters(), lr=0.02)

for i in range(20):
    def closure():
        optimizer.zero_grad()
        out = net(x)
        loss = mse(out, y)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    if i % 5 == 0:
        print(i, loss.item())
