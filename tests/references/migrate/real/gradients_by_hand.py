import torch
from torch import nn, optim
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
crit = nn.MSELoss()
for k in range(6):
    x, y = torch.randn(8, 4), torch.randn(8, 1)
    opt.zero_grad()
    loss = crit(net(x), y)
    loss.backward()
    for p in net.parameters():
        if p.grad is None:
            continue
        p.grad.data.div_(2 + k)
    for name, param in net.named_parameters():
        param.grad = param.grad + 0.01 * param.data
    for p in net.parameters():
        p.grad.data.clamp_(min=-0.2)
    opt.step()
