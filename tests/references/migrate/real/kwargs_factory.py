"""Arguments of the optimizer collected in a dictionary, the class looked up by name."""
import inspect

import torch
from torch import nn, optim

torch.manual_seed(0)
model = nn.Linear(3, 1)
fused_available = "fused" in inspect.signature(torch.optim.AdamW).parameters
extra_args = dict(fused=False) if fused_available else dict()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.95), **extra_args)
opt_args = dict(lr=0.05, weight_decay=1e-4)
other = optim.SGD(model.parameters(), momentum=0.9, nesterov=True, **opt_args)
third = getattr(optim, "Adam")(model.parameters(), lr=1e-3)
schedule = optim.lr_scheduler.__dict__["StepLR"](third, 2)
for i in range(4):
    for each in (optimizer, other, third):
        each.zero_grad()
        loss = (model(torch.ones(2, 3)) - 1).pow(2).mean()
        loss.backward()
        each.step()
    schedule.step()
