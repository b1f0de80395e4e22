import math
import torch
from torch.optim.lr_scheduler import LRScheduler


class CosineWarmup(LRScheduler):
    """Linear warmup, then cosine to min_lr."""

    def __init__(self, optimizer, warmup, total, min_lr=0.0, last_epoch=-1):
        self.warmup, self.total, self.min_lr = warmup, total, min_lr
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t = self.last_epoch
        if t < self.warmup:
            return [b * (t + 1) / self.warmup for b in self.base_lrs]
        p = (t - self.warmup) / max(1, self.total - self.warmup)
        return [self.min_lr + 0.5 * (b - self.min_lr) * (1 + math.cos(math.pi * p)) for b in self.base_lrs]


def run(epochs=4):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    opt = torch.optim.AdamW([{"params": model[0].parameters()}, {"params": list(model[1].parameters()), "weight_decay": 0.0}], lr=1e-2)
    batches = [(torch.randn(6, 2), torch.randn(6, 1)) for _ in range(5)]
    sched = CosineWarmup(opt, warmup=5, total=epochs * len(batches), min_lr=1e-4)
    for ep in range(epochs):
        for x, y in batches:
            opt.zero_grad()
            loss = (model(x) - y).square().mean()
            loss.backward()
            opt.step()
            sched.step()
        print(ep, sched.get_last_lr())


run()
