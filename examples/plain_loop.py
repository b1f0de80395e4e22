"""A loop of one's own. Needs: calando[torch]."""

import torch

from calando.schedules import Cosine, Linear
from calando.torch import AdamW

STEPS = 60

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
inputs = torch.randn(256, 8)
targets = inputs.sin().sum(1, keepdim=True)

optimizer = AdamW(
    model.parameters(),
    lr=Linear(0.0, 0.02, steps=10).then(Cosine(0.02, 0.0, steps=STEPS - 10)),
    weight_decay=Linear(0.1, 0.0, steps=STEPS),
    max_norm=1.0,
)
for step in range(STEPS):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    loss.backward()
    optimizer.step()  # no scheduler.step(): time lives inside
    if step % 20 == 0:
        print(f"step {step:3}  loss {loss.item():.3f}  lr of the next step {optimizer.param_groups[0]['lr']:.5f}")
print("lr in force:", [round(rate, 4) for rate in optimizer.trace("lr", range(0, STEPS, 10), group=0).tolist()])
