"""Warm-up chains: SequentialLR over a list in a variable, and ChainedScheduler over two multiplying schedulers."""
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import (
    ChainedScheduler, ConstantLR, CosineAnnealingLR, ExponentialLR, LinearLR, SequentialLR,
)

EPOCHS = 7
torch.manual_seed(0)
loader = [(torch.randn(6, 3), torch.randn(6, 1)) for _ in range(3)]
a, b = nn.Linear(3, 1), nn.Linear(3, 1)
opt_a = SGD(a.parameters(), lr=0.1, momentum=0.9, nesterov=True)
warmup_epochs = 2
warmup = LinearLR(opt_a, start_factor=0.01, total_iters=warmup_epochs)
cosine = CosineAnnealingLR(opt_a, T_max=EPOCHS - warmup_epochs, eta_min=1e-5)
sched_a = SequentialLR(opt_a, schedulers=[warmup, cosine], milestones=[warmup_epochs])
opt_b = Adam(b.parameters(), lr=0.01)
sched_b = ChainedScheduler([ConstantLR(opt_b, factor=0.1, total_iters=2), ExponentialLR(opt_b, gamma=0.9)])

for epoch in range(EPOCHS):
    for x, y in loader:
        opt_a.zero_grad()
        loss_a = ((a(x) - y) ** 2).mean()
        loss_a.backward()
        opt_a.step()

        opt_b.zero_grad()
        loss_b = ((b(x) - y) ** 2).mean()
        loss_b.backward()
        opt_b.step()
    sched_a.step()
    sched_b.step()
    print(epoch, sched_a.get_last_lr(), sched_b.get_last_lr(), loss_a.item(), loss_b.item())
