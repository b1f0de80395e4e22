"""A runner with hooks, as mmcv has it."""
import torch
from torch import nn


class Hook:
    def before_run(self, runner): ...
    def after_train_iter(self, runner): ...
    def before_train_epoch(self, runner): ...


class OptimizerHook(Hook):
    def __init__(self, grad_clip=None):
        self.grad_clip = grad_clip

    def after_train_iter(self, runner):
        runner.optimizer.zero_grad()
        runner.outputs["loss"].backward()
        if self.grad_clip is not None:
            nn.utils.clip_grad_norm_(runner.model.parameters(), **self.grad_clip)
        runner.optimizer.step()


class StepLrHook(Hook):
    def __init__(self, step, gamma=0.1):
        self.step, self.gamma = step, gamma

    def before_run(self, runner):
        for group in runner.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lr = [g["initial_lr"] for g in runner.optimizer.param_groups]

    def before_train_epoch(self, runner):
        exp = sum(runner.epoch >= s for s in self.step)
        for g, base in zip(runner.optimizer.param_groups, self.base_lr):
            g["lr"] = base * self.gamma ** exp


class Runner:
    def __init__(self, model, optimizer, hooks):
        self.model, self.optimizer, self.hooks, self.epoch = model, optimizer, hooks, 0

    def call(self, name):
        for h in self.hooks:
            getattr(h, name)(self)

    def run(self, loader, epochs):
        self.call("before_run")
        for self.epoch in range(epochs):
            self.call("before_train_epoch")
            for x, y in loader:
                self.outputs = {"loss": nn.functional.mse_loss(self.model(x), y)}
                self.call("after_train_iter")


torch.manual_seed(0)
net = nn.Linear(3, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
Runner(net, opt, [OptimizerHook(dict(max_norm=1.0, norm_type=2)), StepLrHook([2])]).run(
    [(torch.randn(4, 3), torch.randn(4, 1)) for _ in range(3)], 4)
