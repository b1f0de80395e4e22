import torch
from torch import nn
import torch.optim as optim

torch.manual_seed(0)
enc, dec = nn.Linear(4, 3), nn.Linear(3, 4)
opt_e = optim.Adam(enc.parameters(), lr=1e-2)
opt_d = optim.Adam(dec.parameters(), lr=2e-2)
sched = [optim.lr_scheduler.StepLR(o, 2, gamma=0.5) for o in (opt_e, opt_d)]
for epoch in range(4):
    for k in range(3):
        x = torch.randn(5, 4)
        for o in (opt_e, opt_d):
            o.zero_grad()
        loss = nn.functional.mse_loss(dec(torch.relu(enc(x))), x)
        loss.backward()
        for o in (opt_e, opt_d):
            o.step()
    for s in sched:
        s.step()
    print(epoch, loss.item(), opt_e.param_groups[0]["lr"], opt_d.param_groups[0]["lr"])
