import math
from functools import partial
import torch
import torch.nn as nn
torch.manual_seed(5)
class LRScheduler:
    def __init__(self, name, lr, iters_per_epoch, total_epochs, **kwargs):
        self.lr = lr
        self.iters_per_epoch = iters_per_epoch
        self.total_epochs = total_epochs
        self.total_iters = iters_per_epoch * total_epochs
        self.__dict__.update(kwargs)
        self.lr_func = self._get_lr_func(name)
    def update_lr(self, iters):
        return self.lr_func(iters)
    def _get_lr_func(self, name):
        if name == "yoloxwarmcos":
            warmup_total_iters = self.iters_per_epoch * self.warmup_epochs
            no_aug_iters = self.iters_per_epoch * self.no_aug_epochs
            return partial(yolox_warm_cos_lr, self.lr, 0.05, self.total_iters, warmup_total_iters, 0, no_aug_iters)
        raise ValueError(name)
def yolox_warm_cos_lr(lr, min_lr_ratio, total_iters, warmup_total_iters, warmup_lr_start, no_aug_iter, iters):
    min_lr = lr * min_lr_ratio
    if iters <= warmup_total_iters:
        lr = (lr - warmup_lr_start) * pow(iters / float(warmup_total_iters), 2) + warmup_lr_start
    elif iters >= total_iters - no_aug_iter:
        lr = min_lr
    else:
        lr = min_lr + 0.5 * (lr - min_lr) * (1.0 + math.cos(math.pi * (iters - warmup_total_iters) / (total_iters - warmup_total_iters - no_aug_iter)))
    return lr
class Exp:
    def __init__(self):
        self.basic_lr_per_img = 0.01 / 64.0
        self.momentum, self.weight_decay = 0.9, 5e-4
        self.warmup_epochs, self.no_aug_epochs, self.max_epoch = 1, 1, 4
        self.scheduler = "yoloxwarmcos"
        self.warmup_lr = 0
    def get_model(self):
        if getattr(self, "model", None) is None:
            self.model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
        return self.model
    def get_optimizer(self, batch_size):
        if "optimizer" not in self.__dict__:
            if self.warmup_epochs > 0:
                lr = self.warmup_lr
            else:
                lr = self.basic_lr_per_img * batch_size
            pg0, pg1, pg2 = [], [], []
            for k, v in self.model.named_modules():
                if hasattr(v, "bias") and isinstance(v.bias, nn.Parameter):
                    pg2.append(v.bias)
                if isinstance(v, nn.BatchNorm1d) or "bn" in k:
                    pg0.append(v.weight)
                elif hasattr(v, "weight") and isinstance(v.weight, nn.Parameter):
                    pg1.append(v.weight)
            optimizer = torch.optim.SGD(pg0, lr=lr, momentum=self.momentum, nesterov=True)
            optimizer.add_param_group({"params": pg1, "weight_decay": self.weight_decay})
            optimizer.add_param_group({"params": pg2})
            self.optimizer = optimizer
        return self.optimizer
    def get_lr_scheduler(self, lr, iters_per_epoch):
        return LRScheduler(self.scheduler, lr, iters_per_epoch, self.max_epoch, warmup_epochs=self.warmup_epochs, no_aug_epochs=self.no_aug_epochs)
class Trainer:
    def __init__(self, exp):
        self.exp = exp
        self.max_epoch = exp.max_epoch
        self.loader = [(torch.randn(6, 4), torch.randint(0, 2, (6,))) for _ in range(3)]
        self.max_iter = len(self.loader)
    def train(self):
        self.model = self.exp.get_model()
        self.optimizer = self.exp.get_optimizer(64)
        self.lr_scheduler = self.exp.get_lr_scheduler(self.exp.basic_lr_per_img * 64, self.max_iter)
        for self.epoch in range(self.max_epoch):
            for self.iter in range(self.max_iter):
                self.train_one_iter()
    @property
    def progress_in_iter(self):
        return self.epoch * self.max_iter + self.iter
    def train_one_iter(self):
        inps, targets = self.loader[self.iter]
        outputs = self.model(inps)
        loss = nn.functional.cross_entropy(outputs, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        lr = self.lr_scheduler.update_lr(self.progress_in_iter + 1)
        for param_group in self.optimizer.param_groups:
            param_group["lr"] = lr
Trainer(Exp()).train()
