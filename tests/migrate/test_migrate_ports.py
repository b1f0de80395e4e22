"""Whole ports with several mistakes each: every one is found at its line, and nothing else."""

import pytest

from calando.migrate.lint import lint

# ruff: noqa: E501

PORTS = {
    "SSD": (
        r"""import mindspore as ms
from mindspore import nn, ops, Tensor
lr_decay_rate = 0.5
decay_lr_at = [80000, 100000]
def train(net, dataset, epochs):
    biases, not_biases = list(), list()
    for param, param_name in net.parameters_and_names():
        if param.requires_grad:
            (biases if param_name.endswith(".bias") else not_biases).append(param)
    optimizer = nn.SGD(params=[{"params": biases, "lr": 2e-3}, {"params": not_biases}], learning_rate=1e-3, momentum=0.9)
    grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameter)
    for epoch in range(epochs):
        for x, y in dataset:
            loss, grads = grad_fn(x, y)
            optimizer(grads)
""",
        [(3, "never used"), (4, "never used"), (7, "the name first"), (11, "called parameters")],
    ),
    "CycleGAN": (
        r"""import itertools
import mindspore as ms
from mindspore import nn, ops
class LambdaLR:
    def __init__(self, n, o, d):
        self.n, self.o, self.d = n, o, d
    def step(self, e):
        return 1.0 - max(0, e + self.o - self.d) / (self.n - self.d)
G_AB, G_BA, D = Gen(), Gen(), Dis()
lr = nn.polynomial_decay_lr(2e-4, 0.0, 200 * 1019, step_per_epoch=1019, decay_epoch=100, power=1.0)
opt_G = nn.Adam(G_AB.trainable_params() + G_BA.trainable_params(), learning_rate=lr, betas=(0.5, 0.999))
opt_D = nn.Adam(D.trainable_params(), learning_rate=2e-4, beta1=0.5)
def forward(a, b):
    fake_b, fake_a = G_AB(a), G_BA(b)
    loss = criterion(fake_b, b) + criterion(fake_a, a)
    return loss, fake_a, fake_b
def forward_d(x):
    return criterion(D(x), valid)
grad_g = ms.value_and_grad(forward, None, opt_G.parameters)
grad_d = ms.value_and_grad(forward_d, None, opt_D.parameters)
for epoch in range(200):
    for a, b in data:
        (loss, fa, fb), grads = grad_g(a, b)
        opt_G(grads)
        loss_d, d_grads = grad_d(a)
        opt_D(d_grads)
""",
        [(10, "is a number"), (11, "betas"), (19, "3 outputs")],
    ),
    "a Noam rate by hand": (
        r"""import torch
from torch import nn
def noam(step, d, warm):
    return d ** -0.5 * min(step ** -0.5, step * warm ** -1.5)
class Run:
    def __init__(self, model):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), learning_rate=1.0, betas=(0.9, 0.98))
    def fit(self, loader, n):
        for step in range(n):
            x, y = next(loader)
            loss = nn.functional.cross_entropy(self.model(x), y)
            loss.backward()
            self.opt.step()
            lr = noam(step, 512, 4000)
            for g in self.opt.param_groups:
                g["lr"] = lr
""",
        [(8, "called lr"), (14, "pile up"), (15, "count from 1"), (17, "after the update")],
    ),
    "a translator": (
        r"""import mindspore as ms
from mindspore import nn, ops, Tensor
def get_lr(step):
    return 2.0 * 512 ** -0.5 * pow(step, -0.5)
net = Transformer()
opt = nn.Adam(net.trainable_params(), learning_rate=get_lr(1), beta1=0.9, beta2=0.98, epsilon=1e-9)
grad_fn = ops.value_and_grad(forward_fn, None, opt.parameters)
step = 0
for epoch in range(10):
    for i, batch in enumerate(loader):
        loss, grads = grad_fn(batch)
        opt(grads)
        ops.assign(opt.learning_rate, Tensor(get_lr(i), ms.float32))
        opt.momentum = 0.9
""",
        [(6, "called eps"), (13, "count from 1"), (13, "after the update"), (14, "no effect")],
    ),
    "encoder and decoder": (
        r"""import torch
from torch import nn
class Net(nn.Module):
    pass
def adjust_learning_rate(optimizer, epoch):
    for g in optimizer.param_groups:
        g["lr"] = 0.1 * 0.1 ** (epoch // 30)
def train(loader, steps_per_epoch=5004):
    enc, dec = Net(), Net()
    opt_e = torch.optim.Adam(enc.parameters(), lr=1e-3)
    opt_d = torch.optim.Adam(dec.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt_d, T_max=100)
    for epoch in range(100):
        for x, y in loader:
            opt_e.zero_grad()
            opt_d.zero_grad()
            sched.step()
            loss = nn.functional.cross_entropy(dec(enc(x)), y)
            loss.backward()
            opt_d.step()
            nn.utils.clip_grad_norm_(dec.parameters(), 1.0)
        opt_d.lr = 0.1
""",
        [
            (5, "never called"),
            (8, "is a number"),
            (10, "never makes an update"),
            (17, "stepped at every batch"),
            (17, "before the optimizer"),
            (21, "clip them before"),
            (22, "param_groups"),
        ],
    ),
    "a step of its own": (
        r"""import mindspore as ms
from mindspore import nn, ops, Tensor
class Cyc(nn.Cell):
    def __init__(self, net, opt, accum):
        super().__init__()
        self.net, self.opt, self.accum = net, opt, accum
        self.grad_fn = ops.value_and_grad(self.run, None, opt.parameters)
    def run(self, x, y):
        out = self.net(x)
        loss = ops.mse_loss(out, y)
        return loss, out
    def construct(self, x, y, i):
        (loss, out), grads = self.grad_fn(x, y)
        loss2 = self.run(x, y)
        ops.clip_by_global_norm(grads, 1.0)
        if i % self.accum == 0:
            self.opt(grads)
        else:
            self.opt.get_lr()
        return loss
def main(net, data):
    opt = nn.Momentum([{"params": filter(lambda p: "bias" in p.name, net.trainable_params())}, {"params": [p for p in net.trainable_params() if "bias" not in p.name]}], 0.1, 0.9, use_nesterov=True)
    cell = Cyc(net, opt, 4)
    opt.weight_decay = 1e-4
    opt.learning_rate.set_data(Tensor(0.01, ms.float32))
    for i, (x, y) in enumerate(data):
        cell(x, y, i)
""",
        [
            (7, "2 outputs"),
            (14, "once more"),
            (15, "thrown away"),
            (19, "does not advance"),
            (22, "trains nothing"),
            (22, "ignores"),
            (24, "no effect"),
            (25, "set_data"),
        ],
    ),
}
RIGHT = {
    "AMP with accumulation": r"""import torch
from torch import nn, optim
class Trainer:
    def __init__(self, model, loader, cfg):
        self.model, self.loader, self.cfg = model, loader, cfg
        decay, no_decay = [], []
        for name, p in model.named_parameters():
            (no_decay if p.ndim <= 1 else decay).append(p)
        self.optimizer = optim.AdamW([{"params": decay, "weight_decay": cfg.wd}, {"params": no_decay, "weight_decay": 0.0}], lr=cfg.lr, betas=(0.9, 0.95))
        total = cfg.epochs * len(loader)
        self.scheduler = optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=cfg.lr, total_steps=total)
        self.scaler = torch.amp.GradScaler("cuda", enabled=cfg.amp)
    def train_epoch(self, epoch):
        self.model.train()
        for i, (x, y) in enumerate(self.loader):
            with torch.autocast("cuda", enabled=self.cfg.amp):
                loss = nn.functional.cross_entropy(self.model(x), y) / self.cfg.accum
            self.scaler.scale(loss).backward()
            if (i + 1) % self.cfg.accum == 0:
                self.scaler.unscale_(self.optimizer)
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.scaler.step(self.optimizer)
                self.scaler.update()
                self.optimizer.zero_grad(set_to_none=True)
                self.scheduler.step()
""",
    "a list of rates with groups": r"""import math
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
def get_lr(base, warmup, total, steps_per_epoch):
    lrs = []
    for i in range(total * steps_per_epoch):
        if i < warmup * steps_per_epoch:
            lr = base * (i + 1) / (warmup * steps_per_epoch)
        else:
            lr = base * (1 + math.cos(math.pi * (i - warmup * steps_per_epoch) / ((total - warmup) * steps_per_epoch))) / 2
        lrs.append(lr)
    return np.array(lrs, np.float32)
def build(net, dataset, cfg):
    lr = get_lr(cfg.lr, cfg.warmup, cfg.epochs, dataset.get_dataset_size())
    bn, rest = [], []
    for p in net.trainable_params():
        (bn if p.name.endswith(("gamma", "beta", "bias")) else rest).append(p)
    groups = [{"params": rest, "weight_decay": cfg.wd}, {"params": bn}, {"order_params": net.trainable_params()}]
    return nn.Momentum(groups, lr, cfg.momentum)
def train(net, dataset, loss_fn, cfg):
    opt = build(net, dataset, cfg)
    def forward(x, y):
        out = net(x)
        return loss_fn(out, y), out
    grad_fn = ms.value_and_grad(forward, None, opt.parameters, has_aux=True)
    for epoch in range(cfg.epochs):
        for x, y in dataset.create_tuple_iterator():
            (loss, _), grads = grad_fn(x, y)
            grads = ops.clip_by_global_norm(grads, 1.0)
            opt(grads)
        print(epoch, loss, opt.get_lr())
""",
    "a WGAN": r"""import torch, copy
from torch import nn
def train(G, D, loader, z_dim, n_critic=5):
    opt_g = torch.optim.RMSprop(G.parameters(), lr=5e-5)
    opt_d = torch.optim.RMSprop(D.parameters(), lr=5e-5)
    for i, x in enumerate(loader):
        z = torch.randn(len(x), z_dim)
        opt_d.zero_grad()
        loss_d = -D(x).mean() + D(G(z).detach()).mean()
        loss_d.backward()
        opt_d.step()
        for p in D.parameters():
            p.data.clamp_(-0.01, 0.01)
        if i % n_critic == 0:
            opt_g.zero_grad()
            loss_g = -D(G(z)).mean()
            loss_g.backward()
            opt_g.step()
""",
    "a Polyak average and two schedulers": r"""import torch
from torch import nn, optim
lr_decay = 0.95
net = nn.Linear(2, 1)
target = nn.Linear(2, 1)
optimizer = optim.Adam(net.parameters(), lr=1e-3)
scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda e: lr_decay ** e)
plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for epoch in range(10):
    for x, y in loader:
        loss = ((net(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for p, q in zip(net.parameters(), target.parameters()):
            q.data.mul_(0.99).add_(p.data, alpha=0.01)
    scheduler.step()
    plateau.step(validate(net))
    torch.save({"opt": optimizer.state_dict(), "sched": scheduler.state_dict()}, "x.pt")
""",
    "Noam's wrapper": r"""import torch
from torch import nn
import torch.optim as optim
class NoamOpt:
    def __init__(self, d, factor, warmup, optimizer):
        self.optimizer, self._step, self.warmup, self.factor, self.d = optimizer, 0, warmup, factor, d
    def step(self):
        self._step += 1
        rate = self.rate()
        for p in self.optimizer.param_groups:
            p["lr"] = rate
        self.optimizer.step()
    def rate(self, step=None):
        step = step or self._step
        return self.factor * (self.d ** -0.5 * min(step ** -0.5, step * self.warmup ** -1.5))
    def zero_grad(self):
        self.optimizer.zero_grad()
def run(model, loader):
    opt = NoamOpt(512, 2, 4000, optim.Adam(model.parameters(), lr=0, betas=(0.9, 0.98), eps=1e-9))
    for x, y in loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
""",
    "gradients set to None by hand": r"""import torch
from torch import nn
def train(model, loader, steps, base_lr, warm):
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.SGD(params, lr=base_lr, momentum=0.9, weight_decay=1e-4, nesterov=True)
    it = 0
    while it < steps:
        for x, y in loader:
            lr = base_lr * min(1.0, (it + 1) / warm)
            for g in opt.param_groups:
                g["lr"] = lr
            loss = nn.functional.cross_entropy(model(x), y)
            for p in params:
                p.grad = None
            loss.backward()
            opt.step()
            it += 1
""",
}


@pytest.mark.parametrize("name", PORTS)
def test_every_mistake_of_a_port_is_found_and_nothing_else(name):
    text, wanted = PORTS[name]
    found, _ = lint({"port.py": text.encode()})
    assert [f.line for f in found] == [line for line, _ in wanted], [str(f) for f in found]
    for line, told in wanted:
        assert any(f.line == line and told in f.reason for f in found), (line, told)


@pytest.mark.parametrize("name", RIGHT)
def test_right_scripts_have_none(name):
    assert lint({"right.py": RIGHT[name].encode()}) == ([], [])
