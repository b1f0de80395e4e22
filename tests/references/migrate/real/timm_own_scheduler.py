import math
import torch
from torch import nn


class Scheduler:
    """Parameter scheduler base class, stepped per update."""

    def __init__(self, optimizer, param_group_field):
        self.optimizer = optimizer
        self.param_group_field = param_group_field
        for group in self.optimizer.param_groups:
            group.setdefault("initial_" + param_group_field, group[param_group_field])
        self.base_values = [group["initial_" + param_group_field] for group in self.optimizer.param_groups]
        self.update_groups(self.base_values)

    def update_groups(self, values):
        if not isinstance(values, (list, tuple)):
            values = [values] * len(self.optimizer.param_groups)
        for param_group, value in zip(self.optimizer.param_groups, values):
            param_group[self.param_group_field] = value

    def step_update(self, num_updates):
        values = self.get_update_values(num_updates)
        if values is not None:
            self.update_groups(values)


class CosineLRScheduler(Scheduler):
    def __init__(self, optimizer, t_initial, lr_min=0.0, warmup_t=0, warmup_lr_init=0.0):
        super().__init__(optimizer, param_group_field="lr")
        self.t_initial, self.lr_min, self.warmup_t, self.warmup_lr_init = t_initial, lr_min, warmup_t, warmup_lr_init
        if self.warmup_t:
            self.warmup_steps = [(v - warmup_lr_init) / self.warmup_t for v in self.base_values]
            super().update_groups(self.warmup_lr_init)

    def get_update_values(self, t):
        if t < self.warmup_t:
            return [self.warmup_lr_init + t * s for s in self.warmup_steps]
        return [self.lr_min + 0.5 * (v - self.lr_min) * (1 + math.cos(math.pi * t / self.t_initial)) for v in self.base_values]


def create_optimizer_v2(model, lr, weight_decay, opt="adamw"):
    decay, no_decay = [], []
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        if param.ndim <= 1 or name.endswith(".bias"):
            no_decay.append(param)
        else:
            decay.append(param)
    params = [{"params": no_decay, "weight_decay": 0.0}, {"params": decay, "weight_decay": weight_decay}]
    if opt == "adamw":
        return torch.optim.AdamW(params, lr=lr)
    elif opt == "momentum":
        return torch.optim.SGD(params, lr=lr, momentum=0.9)
    raise ValueError(opt)


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = create_optimizer_v2(model, lr=5e-3, weight_decay=0.05)
loader = [(torch.randn(8, 4), torch.randint(0, 3, (8,))) for _ in range(4)]
updates_per_epoch = len(loader)
lr_scheduler = CosineLRScheduler(optimizer, t_initial=3 * updates_per_epoch, lr_min=1e-5, warmup_t=3, warmup_lr_init=1e-4)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
num_updates = 0
for epoch in range(3):
    for input, target in loader:
        output = model(input)
        loss = criterion(output, target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        num_updates += 1
        lr_scheduler.step_update(num_updates=num_updates)
        lrl = [param_group['lr'] for param_group in optimizer.param_groups]
        lr = sum(lrl) / len(lrl)
