"""A WarmupMultiStepLR of the script's own, derived from torch's base class, stepped per iteration."""
from bisect import bisect_right

import torch
from torch import nn


class WarmupMultiStepLR(torch.optim.lr_scheduler._LRScheduler):
    def __init__(self, optimizer, milestones, gamma=0.1, warmup_factor=1.0 / 3, warmup_iters=5,
                 warmup_method="linear", last_epoch=-1):
        self.milestones = milestones
        self.gamma = gamma
        self.warmup_factor = warmup_factor
        self.warmup_iters = warmup_iters
        self.warmup_method = warmup_method
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warmup_factor = 1
        if self.last_epoch < self.warmup_iters:
            alpha = self.last_epoch / self.warmup_iters
            warmup_factor = self.warmup_factor * (1 - alpha) + alpha
        return [
            base_lr * warmup_factor * self.gamma ** bisect_right(self.milestones, self.last_epoch)
            for base_lr in self.base_lrs
        ]


torch.manual_seed(0)
model = nn.Linear(3, 1)
loader = [(torch.randn(6, 3), torch.randn(6, 1)) for _ in range(20)]
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = WarmupMultiStepLR(optimizer, [10, 15], warmup_iters=4)
for iteration, (x, y) in enumerate(loader, 1):
    loss = ((model(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if iteration % 5 == 0:
        print(iteration, loss.item(), optimizer.param_groups[0]["lr"])
