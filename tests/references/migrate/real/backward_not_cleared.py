import torch
from torch import nn, optim
torch.manual_seed(0)
enc = nn.Linear(4, 6); gen = nn.Linear(6, 4)
opt_e = optim.SGD(enc.parameters(), lr=0.02); opt_g = optim.SGD(gen.parameters(), lr=0.02)
crit = nn.MSELoss()
for k in range(4):
    x = torch.randn(8, 4)
    opt_e.zero_grad()
    opt_g.zero_grad()
    loss_ge = crit(gen(enc(x)), x)
    loss_ge.backward()
    opt_e.step()
    fake = gen(torch.randn(8, 6))
    loss_g = crit(enc(fake).mean(), torch.zeros(()))
    loss_g.backward()
    opt_g.step()
