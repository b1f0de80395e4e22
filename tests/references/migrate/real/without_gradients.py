import torch
from torch import nn, optim

torch.manual_seed(3)
X, Y = torch.randn(48, 4), torch.randn(48, 1)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
crit = nn.MSELoss()
opt = optim.SGD(net.parameters(), lr=0.05)
bootstrap = True


@torch.no_grad()
def target(x):
    return net(x) * 0.3


def consistency(x, out):
    with torch.no_grad():
        reference = net(x * 2)
    return crit(out, reference)


for epoch in range(3):
    for i in range(0, 48, 16):
        x, y = X[i:i + 16], Y[i:i + 16]
        opt.zero_grad()
        out = net(x)
        if bootstrap:
            with torch.no_grad():
                goal = net(x + 0.1)
        else:
            goal = y
        total = 0
        for k in range(2):
            with torch.set_grad_enabled(False):
                near = net(x + k)  # a comment behind
                near = near * 0.5
            total = total + crit(out, near)
        (loss := total + crit(out, goal) + crit(out, target(x)) + consistency(x, out) + crit(out, y)).backward()
        opt.step()
    print(loss.detach())
