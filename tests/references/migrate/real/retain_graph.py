import torch
from torch import nn, optim
torch.manual_seed(0)
enc = nn.Linear(4, 6); head_a = nn.Linear(6, 1); head_b = nn.Linear(6, 1)
opt = optim.Adam(list(enc.parameters()) + list(head_a.parameters()) + list(head_b.parameters()), lr=1e-2)
crit = nn.MSELoss()
for epoch in range(3):
    for k in range(3):
        x, y = torch.randn(8, 4), torch.randn(8, 1)
        opt.zero_grad()
        h = torch.tanh(enc(x))
        loss_a = crit(head_a(h), y)
        loss_b = crit(head_b(h), y * 2)
        loss_a.backward(retain_graph=True)
        loss_b.backward(retain_graph=False)
        opt.step()
