import math
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.99)
skipped = 0
for step in range(12):
    x = torch.randn(4, 4)
    loss = model(x).pow(2).mean()
    if not math.isfinite(loss.item()):
        skipped += 1
        continue
    opt.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if torch.isfinite(norm):
        opt.step()
    else:
        skipped += 1
    sched.step()
