"""CyclicLR in all three of its modes, momentum cycled where the optimizer has one."""
import torch
from torch import nn, optim

torch.manual_seed(0)
x, y = torch.randn(24, 3), torch.randn(24, 1)


def train(model, optimizer, scheduler, epochs):
    for epoch in range(epochs):
        for i in range(0, 24, 8):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[i:i + 8]), y[i:i + 8])
            loss.backward()
            optimizer.step()
            scheduler.step()
        print(epoch, loss.item(), scheduler.get_last_lr())


model = nn.Linear(3, 1)
opt_tri = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
sched_tri = optim.lr_scheduler.CyclicLR(opt_tri, base_lr=0.01, max_lr=0.1, step_size_up=4, mode="triangular2")
train(model, opt_tri, sched_tri, 6)

second = nn.Linear(3, 1)
opt_exp = optim.AdamW(second.parameters(), lr=0.1)
sched_exp = optim.lr_scheduler.CyclicLR(
    opt_exp, base_lr=0.001, max_lr=0.02, step_size_up=3, step_size_down=5, mode="exp_range", gamma=0.97,
    cycle_momentum=False,
)
for epoch in range(5):
    for i in range(0, 24, 8):
        opt_exp.zero_grad()
        loss = nn.functional.mse_loss(second(x[i:i + 8]), y[i:i + 8])
        loss.backward()
        opt_exp.step()
        sched_exp.step()
