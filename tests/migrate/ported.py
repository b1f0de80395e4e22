"""Ports in unfamiliar shapes: each with one mistake, at a line; and clean ones."""

MS = """import math
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
import mindspore.common.dtype as mstype
net, head = nn.Dense(2, 4), nn.Dense(4, 1)
loss_fn = nn.MSELoss()
"""
PT = """import math
import torch
import torch.nn as nn
import torch.nn.functional as F
net, head = nn.Linear(2, 4), nn.Linear(4, 1)
"""

PORTS = {
    "a rate assigned too late by a function": (
        MS + """
opt = nn.Adam(net.trainable_params(), 0.1)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
def set_lr(o, step):
    ops.assign(o.learning_rate, Tensor(0.1 / math.sqrt(step + 1), ms.float32))
def train(loader):
    for step, (x, y) in enumerate(loader):
        loss, g = grad_fn(x, y)
        opt(g)
        set_lr(opt, step)
""",
        17,
        "after the update",
    ),
    "assign_value in a trainer class": (
        MS + """
class Trainer:
    def __init__(self, lr):
        self.optimizer = nn.SGD(net.trainable_params(), lr)
        self.grad_fn = ms.value_and_grad(self.forward, None, self.optimizer.parameters)
    def forward(self, x, y):
        return loss_fn(net(x), y)
    def fit(self, data):
        for it, (x, y) in enumerate(data):
            loss, grads = self.grad_fn(x, y)
            self.optimizer(grads)
            self.optimizer.learning_rate.assign_value(Tensor(0.1 * 0.9 ** it, ms.float32))
""",
        19,
        "no effect",
    ),
    "a list of rates beside the constant that is given": (
        MS + """
def make(cfg, steps):
    lrs = [cfg.lr * (1 - i / steps) for i in range(steps)]
    optimizer = nn.Momentum(net.trainable_params(), learning_rate=cfg.lr, momentum=0.9)
    return optimizer
opt = make(cfg, 100)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in data:
    _, grads = g(x, y)
    opt(grads)
""",
        10,
        "no optimizer is given",
    ),
    "milestones that no rate asks for": (
        MS + """
decay_lr_at = [80000, 100000]
decay_lr_to = 0.1
opt = nn.SGD(net.trainable_params(), 1e-3, momentum=0.9)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
decay_lr_at = [it // 100 for it in decay_lr_at]
for epoch in range(10):
    for x, y in data:
        _, grads = g(x, y)
        opt(grads)
""",
        10,
        "never used",
    ),
    "gradients shared under a condition": (
        MS + """
dec_opt = nn.Adam(head.trainable_params(), 4e-4)
enc_opt = nn.Adam(net.trainable_params(), 1e-4) if fine_tune else None
def forward(img, cap):
    return loss_fn(head(net(img)), cap)
grad_fn = ops.value_and_grad(forward, None, head.trainable_params())
def train():
    for img, cap in loader:
        loss, grads = grad_fn(img, cap)
        grads = ops.clip_by_global_norm(grads, 5.0)
        dec_opt(grads)
        if enc_opt is not None:
            enc_opt(grads)
""",
        20,
        "another optimizer",
    ),
    "several outputs under one name": (
        MS + """
opt = nn.Adam(net.trainable_params(), 0.1)
def generator_step(a, b):
    fake = net(a)
    loss = loss_fn(fake, b)
    out = (loss, fake)
    return out
fn = ops.value_and_grad(generator_step, None, opt.parameters)
for a, b in data:
    (loss, fake), grads = fn(a, b)
    opt(grads)
""",
        15,
        "2 outputs",
    ),
    "several outputs of a Cell": (
        MS + """
class WithLoss(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
    def construct(self, x, y):
        z = self.net(x)
        return loss_fn(z, y), z
opt = nn.Adam(net.trainable_params(), 0.1)
wl = WithLoss(net)
fn = ms.value_and_grad(wl, None, opt.parameters)
for a, b in data:
    out, grads = fn(a, b)
    opt(grads)
""",
        18,
        "2 outputs",
    ),
    "milestones in steps of another data set": (
        MS + """
lr = nn.piecewise_constant_lr([30 * 1019, 60 * 1019, 90 * 1019], [0.1, 0.01, 0.001])
opt = nn.Momentum(net.trainable_params(), lr, 0.9)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for e in range(90):
    for x, y in data:
        _, grads = g(x, y)
        opt(grads)
""",
        9,
        "number here",
    ),
    "steps per epoch in a default": (
        MS + """
def get_lr(base, epochs, steps_per_epoch=1562):
    return [base * (1 - i / (epochs * steps_per_epoch)) for i in range(epochs * steps_per_epoch)]
opt = nn.Momentum(net.trainable_params(), get_lr(0.1, 90), 0.9)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in data:
    _, grads = g(x, y)
    opt(grads)
""",
        9,
        "number here",
    ),
    "betas in a dictionary": (
        MS + """
opts = dict(betas=(0.5, 0.999), learning_rate=2e-4)
opt = nn.Adam(net.trainable_params(), **opts)
""",
        9,
        "beta1 and beta2",
    ),
    "betas as a pair in place": (
        MS + """
opt = nn.Adam(net.trainable_params(), 2e-4, (0.5, 0.999))
""",
        9,
        "beta1 and beta2",
    ),
    "gradients in the network's order": (
        MS + """
groups = [{"params": [p for p in net.trainable_params() if "bias" in p.name], "weight_decay": 0.0},
          {"params": [p for p in net.trainable_params() if "bias" not in p.name], "weight_decay": 1e-4}]
opt = nn.Momentum(groups, 0.1, 0.9)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, net.trainable_params())
for x, y in data:
    _, grads = g(x, y)
    opt(grads)
""",
        15,
        "network's order",
    ),
    "a typing error in a class": (
        MS + """
class T:
    def __init__(self):
        self.opt = nn.Adam(net.trainable_params(), 1e-3)
        self.g = ms.value_and_grad(self.f, None, self.opt.parameter)
    def f(self, x):
        return net(x).sum()
""",
        12,
        "called parameters",
    ),
    "a momentum that warms up in vain": (
        MS + """
class T:
    def __init__(self):
        self.optimizer = nn.Momentum(net.trainable_params(), 1e-3, 0.9)
    def train(self, data):
        for i, (x, y) in enumerate(data):
            if i < 100:
                self.optimizer.momentum = Tensor(np.interp(i, [0, 100], [0.8, 0.937]), ms.float32)
            loss, grads = self.grad_fn(x, y)
            self.optimizer(grads)
""",
        15,
        "no effect",
    ),
    "Noam's rate at step 0": (
        MS + """
class Noam(nn.learning_rate_schedule.LearningRateSchedule):
    def __init__(self, d, w):
        super().__init__()
        self.d, self.w = d, w
    def construct(self, global_step):
        return self.d ** -0.5 * ops.minimum(global_step ** -0.5, global_step * self.w ** -1.5)
opt = nn.Adam(net.trainable_params(), learning_rate=Noam(512, 4000))
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in data:
    _, grads = g(x, y)
    opt(grads)
""",
        13,
        "count from 1",
    ),
    "a polynomial written too late": (
        PT + """
opt = torch.optim.SGD(net.parameters(), lr=0.1)
def train(loader, total):
    for i, (x, y) in enumerate(loader):
        opt.zero_grad(set_to_none=True)
        F.mse_loss(net(x), y).backward()
        opt.step()
        for pg in opt.param_groups:
            pg['lr'] = 0.1 * (1 - i / total) ** 0.9
""",
        14,
        "after the update",
    ),
    "one scheduler of two forgotten": (
        PT + """
opt_a = torch.optim.Adam(net.parameters(), 1e-3)
opt_b = torch.optim.Adam(head.parameters(), 1e-3)
sch_a = torch.optim.lr_scheduler.StepLR(opt_a, 10)
sch_b = torch.optim.lr_scheduler.StepLR(opt_b, 10)
for e in range(10):
    for x, y in loader:
        opt_a.zero_grad(); opt_b.zero_grad()
        F.mse_loss(head(net(x)), y).backward()
        opt_a.step(); opt_b.step()
    sch_a.step()
""",
        10,
        "never stepped",
    ),
    "a global norm thrown away": (
        MS + """
opt = nn.Adam(net.trainable_params(), 1e-3)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in data:
    _, grads = g(x, y)
    ops.clip_by_global_norm(grads, 1.0)
    opt(grads)
""",
        13,
        "thrown away",
    ),
    "a name and a parameter swapped in a comprehension": (
        MS + """
decay = [p for p, n in net.parameters_and_names() if "bias" not in n]
opt = nn.Adam(decay, 1e-3)
""",
        9,
        "name first",
    ),
    "iterators under a name": (
        MS + """
backbone = filter(lambda p: "fc" not in p.name, net.trainable_params())
rest = list(filter(lambda p: "fc" in p.name, net.trainable_params()))
opt = nn.Momentum([{"params": backbone, "lr": 0.01}, {"params": rest}], 0.1, 0.9)
""",
        11,
        "trains nothing",
    ),
}  # fmt: skip

CLEAN = {
    "a rate assigned by a function in time": MS + """
opt = nn.Adam(net.trainable_params(), 0.1)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
def set_lr(o, step):
    ops.assign(o.learning_rate, Tensor(0.1 / math.sqrt(step + 1), ms.float32))
def train(loader):
    for step, (x, y) in enumerate(loader):
        set_lr(opt, step)
        loss, grads = g(x, y)
        opt(grads)
train(data)
""",
    "several outputs with has_aux": MS + """
class Net2(nn.Cell):
    def construct(self, x, y):
        return loss_fn(net(x), y), net(x)
opt = nn.Adam(net.trainable_params(), 0.1)
fn = ms.value_and_grad(Net2(), None, opt.parameters, has_aux=True)
for a, b in data:
    (loss, _), grads = fn(a, b)
    opt(grads)
""",
    "groups with order_params": MS + """
groups = [{"params": [p for p in net.trainable_params() if "bias" in p.name], "weight_decay": 0.0},
          {"params": [p for p in net.trainable_params() if "bias" not in p.name], "weight_decay": 1e-4},
          {"order_params": net.trainable_params()}]
opt = nn.Momentum(groups, 0.1, 0.9)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, net.trainable_params())
for x, y in data:
    _, grads = g(x, y)
    opt(grads)
""",
    "milestones from the data": MS + """
spe = data.get_dataset_size()
lr = nn.piecewise_constant_lr([30 * spe, 60 * spe], [0.1, 0.01])
opt = nn.Momentum(net.trainable_params(), lr, 0.9)
ms.Model(net, loss_fn, opt).train(60, data)
""",
    "a warm-up per batch": PT + """
opt = torch.optim.SGD(net.parameters(), lr=0.1)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda k: min(1, (k + 1) / 100))
for i, (x, y) in enumerate(loader):
    opt.zero_grad()
    F.mse_loss(net(x), y).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    sched.step()
""",
    "the coming rate written after the update": PT + """
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i, (x, y) in enumerate(loader):
    F.mse_loss(net(x), y).backward()
    opt.step()
    opt.zero_grad()
    lr = 0.1 * 0.9 ** (i + 1)
    for pg in opt.param_groups:
        pg['lr'] = lr
""",
    "gradients by two lists of weights": MS + """
dec_opt = nn.Adam(head.trainable_params(), 4e-4)
enc_opt = nn.Adam(net.trainable_params(), 1e-4)
def forward(img, cap):
    return loss_fn(head(net(img)), cap)
grad_fn = ops.value_and_grad(forward, None, (net.trainable_params(), head.trainable_params()))
for img, cap in loader:
    loss, (ge, gd) = grad_fn(img, cap)
    dec_opt(gd)
    enc_opt(ge)
""",
    "Noam's rate from 1": MS + """
class Warm(nn.learning_rate_schedule.LearningRateSchedule):
    def construct(self, global_step):
        step = global_step + 1
        return 512 ** -0.5 * ops.minimum(step ** -0.5, step * 4000 ** -1.5)
opt = nn.Adam(net.trainable_params(), learning_rate=Warm(), beta1=0.9, beta2=0.98)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in data:
    _, grads = g(x, y)
    grads = ops.clip_by_global_norm(grads, 1.0)
    opt(grads)
""",
    "lists in groups": MS + """
decay = [p for n, p in net.parameters_and_names() if "bias" not in n]
rest = list(filter(lambda p: "bias" in p.name, net.trainable_params()))
opt = nn.Momentum([{"params": decay, "lr": 0.01}, {"params": rest}], 0.1, 0.9)
g = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in data:
    _, grads = g(x, y)
    opt(grads)
""",
    "two optimizers that alternate": PT + """
gen_opt = torch.optim.Adam(net.parameters(), 1e-3, betas=(0.5, 0.999))
dis_opt = torch.optim.Adam(head.parameters(), 1e-3, betas=(0.5, 0.999))
for i, x in enumerate(loader):
    dis_opt.zero_grad()
    head(net(x).detach()).mean().backward()
    dis_opt.step()
    if i % 5 == 0:
        gen_opt.zero_grad()
        (-head(net(x)).mean()).backward()
        gen_opt.step()
""",
}  # fmt: skip
