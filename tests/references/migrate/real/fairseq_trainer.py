import math
import torch
from torch import nn


class FairseqOptimizer(object):
    def __init__(self, params, lr, betas=(0.9, 0.98), weight_decay=0.0):
        self._optimizer = torch.optim.Adam(params, lr=lr, betas=betas, eps=1e-8, weight_decay=weight_decay)

    @property
    def optimizer(self):
        return self._optimizer

    @property
    def params(self):
        for param_group in self.optimizer.param_groups:
            for p in param_group["params"]:
                yield p

    def get_lr(self):
        return self.optimizer.param_groups[0]["lr"]

    def set_lr(self, lr):
        for param_group in self.optimizer.param_groups:
            param_group["lr"] = lr

    def backward(self, loss):
        loss.backward()

    def multiply_grads(self, c):
        for p in self.params:
            if p.grad is not None:
                p.grad.data.mul_(c)

    def clip_grad_norm(self, max_norm):
        return torch.nn.utils.clip_grad_norm_(list(self.params), max_norm)

    def step(self, closure=None):
        self.optimizer.step(closure)

    def zero_grad(self):
        self.optimizer.zero_grad()


class InverseSquareRootSchedule(object):
    def __init__(self, optimizer, warmup_updates=4, warmup_init_lr=1e-7, lr=5e-4):
        self.optimizer = optimizer
        self.warmup_updates, self.warmup_init_lr = warmup_updates, warmup_init_lr
        self.lr_step = (lr - warmup_init_lr) / warmup_updates
        self.decay_factor = lr * warmup_updates ** 0.5
        self.lr = warmup_init_lr
        self.optimizer.set_lr(self.lr)

    def step_update(self, num_updates):
        if num_updates < self.warmup_updates:
            self.lr = self.warmup_init_lr + num_updates * self.lr_step
        else:
            self.lr = self.decay_factor * num_updates ** -0.5
        self.optimizer.set_lr(self.lr)
        return self.lr


class Trainer(object):
    def __init__(self, model, criterion):
        self.model, self.criterion = model, criterion
        self.optimizer = FairseqOptimizer(filter(lambda p: p.requires_grad, model.parameters()), lr=5e-4)
        self.lr_scheduler = InverseSquareRootSchedule(self.optimizer)
        self._num_updates = 0

    def train_step(self, samples):
        self.model.train()
        self.optimizer.zero_grad()
        sample_size = 0
        for x, y in samples:
            loss = self.criterion(self.model(x), y)
            self.optimizer.backward(loss)
            sample_size += y.numel()
        self.optimizer.multiply_grads(1.0 / sample_size)
        grad_norm = self.optimizer.clip_grad_norm(0.1)
        self.optimizer.step()
        self._num_updates += 1
        self.lr_scheduler.step_update(self._num_updates)
        return grad_norm


torch.manual_seed(0)
trainer = Trainer(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)), nn.MSELoss(reduction="sum"))
for epoch in range(3):
    for k in range(4):
        trainer.train_step([(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(2)])
