"""scheduler.step() before optimizer.step(): the first factor is never used."""
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
t_total = 20
scheduler = LambdaLR(optimizer, lambda step: max(0.0, 1.0 - step / t_total))
for step in range(t_total):
    x, y = torch.randn(4, 3), torch.randn(4, 1)
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scheduler.step()
    optimizer.step()
    optimizer.zero_grad()
