"""A polynomial schedule object in fairseq's manner: step_update(num_updates) writes the rate, a trainer calls it."""
import torch
from torch import nn


class PolynomialDecayLRSchedule:
    def __init__(self, optimizer, lr, warmup_updates, total_num_update, end_learning_rate=0.0, power=1.0):
        self.optimizer = optimizer
        self.lr = lr
        self.warmup_updates = warmup_updates
        self.total_num_update = total_num_update
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.warmup_factor = 1.0 / warmup_updates if warmup_updates > 0 else 1
        self.set_lr(self.warmup_factor * self.lr)

    def set_lr(self, lr):
        for param_group in self.optimizer.param_groups:
            param_group["lr"] = lr

    def get_lr(self):
        return self.optimizer.param_groups[0]["lr"]

    def step_update(self, num_updates):
        """Update the learning rate after each update."""
        if self.warmup_updates > 0 and num_updates <= self.warmup_updates:
            self.warmup_factor = num_updates / float(self.warmup_updates)
            lr = self.warmup_factor * self.lr
        elif num_updates >= self.total_num_update:
            lr = self.end_learning_rate
        else:
            warmup = self.warmup_updates
            lr_range = self.lr - self.end_learning_rate
            pct_remaining = 1 - (num_updates - warmup) / (self.total_num_update - warmup)
            lr = lr_range * pct_remaining ** self.power + self.end_learning_rate
        self.set_lr(lr)
        return self.get_lr()


class Trainer:
    def __init__(self, model, criterion):
        self.model, self.criterion = model, criterion
        self.optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.98), eps=1e-6)
        self.lr_scheduler = PolynomialDecayLRSchedule(self.optimizer, 0.01, 3, 14)
        self.num_updates = 0

    def train_step(self, sample):
        self.model.train()
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(sample[0]), sample[1])
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.num_updates += 1
        lr = self.lr_scheduler.step_update(self.num_updates)
        return loss.item(), lr


torch.manual_seed(0)
trainer = Trainer(nn.Linear(4, 2), nn.CrossEntropyLoss())
samples = [(torch.randn(5, 4), torch.randint(0, 2, (5,))) for _ in range(5)]
for epoch in range(3):
    for sample in samples:
        loss, lr = trainer.train_step(sample)
    print(epoch, loss, lr)
