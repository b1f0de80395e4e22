"""More training scripts of MindSpore's, each of another kind: a name, and the text."""

# ruff: noqa: E501

SCRIPTS = {
    "a ModelZoo training with argparse, a list of rates and a checkpoint callback": r"""import argparse
import os
import numpy as np
from mindspore import context
from mindspore import Tensor
from mindspore.nn.optim import Momentum
from mindspore.train.model import Model
from mindspore.train.callback import ModelCheckpoint, CheckpointConfig, LossMonitor, TimeMonitor
from mindspore.nn.loss import SoftmaxCrossEntropyWithLogits
from mindspore.train.loss_scale_manager import FixedLossScaleManager
from mindspore.common import set_seed
import mindspore.nn as nn
import mindspore.dataset as ds
import mindspore.common.initializer as weight_init

parser = argparse.ArgumentParser(description='Image classification')
parser.add_argument('--run_distribute', type=bool, default=False)
parser.add_argument('--epoch_size', type=int, default=4)
parser.add_argument('--pre_trained', type=str, default=None)
args_opt = parser.parse_args()
set_seed(1)

class EasyDict(dict):
    __getattr__ = dict.__getitem__

config = EasyDict({"class_num": 4, "batch_size": 8, "loss_scale": 1024, "momentum": 0.9, "weight_decay": 1e-4,
                   "lr_init": 0.01, "lr_end": 0.00001, "lr_max": 0.1, "warmup_epochs": 1, "lr_decay_mode": "poly",
                   "save_checkpoint": True, "save_checkpoint_epochs": 2, "keep_checkpoint_max": 10,
                   "save_checkpoint_path": "ckpt"})

def _generate_poly_lr(lr_init, lr_end, lr_max, total_steps, warmup_steps):
    lr_each_step = []
    if warmup_steps != 0:
        inc_each_step = (float(lr_max) - float(lr_init)) / float(warmup_steps)
    else:
        inc_each_step = 0
    for i in range(total_steps):
        if i < warmup_steps:
            lr = float(lr_init) + inc_each_step * float(i)
        else:
            base = (1.0 - (float(i) - float(warmup_steps)) / (float(total_steps) - float(warmup_steps)))
            lr = float(lr_max) * base * base
            if lr < 0.0:
                lr = 0.0
        lr_each_step.append(lr)
    return lr_each_step

def get_lr(lr_init, lr_end, lr_max, warmup_epochs, total_epochs, steps_per_epoch, lr_decay_mode):
    total_steps = steps_per_epoch * total_epochs
    warmup_steps = steps_per_epoch * warmup_epochs
    if lr_decay_mode == 'poly':
        lr_each_step = _generate_poly_lr(lr_init, lr_end, lr_max, total_steps, warmup_steps)
    else:
        lr_each_step = [lr_max] * total_steps
    lr_each_step = np.array(lr_each_step).astype(np.float32)
    return lr_each_step

class Net(nn.Cell):
    def __init__(self, class_num):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(4 * 25, class_num)
    def construct(self, x):
        return self.fc(self.flatten(self.relu(self.bn(self.conv(x)))))

def create_dataset(batch_size):
    g = np.random.default_rng(5)
    x = g.standard_normal((32, 3, 5, 5)).astype(np.float32)
    y = g.integers(0, 4, 32).astype(np.int32)
    return ds.NumpySlicesDataset((x, y), ["image", "label"], shuffle=False).batch(batch_size, drop_remainder=True)

if __name__ == '__main__':
    context.set_context(mode=context.GRAPH_MODE, device_target="CPU", save_graphs=False)
    dataset = create_dataset(config.batch_size)
    step_size = dataset.get_dataset_size()
    net = Net(class_num=config.class_num)
    for _, cell in net.cells_and_names():
        if isinstance(cell, nn.Conv2d):
            cell.weight.set_data(weight_init.initializer(weight_init.XavierUniform(), cell.weight.shape, cell.weight.dtype))
    lr = get_lr(lr_init=config.lr_init, lr_end=config.lr_end, lr_max=config.lr_max, warmup_epochs=config.warmup_epochs,
                total_epochs=args_opt.epoch_size, steps_per_epoch=step_size, lr_decay_mode=config.lr_decay_mode)
    lr = Tensor(lr)
    decayed_params = []
    no_decayed_params = []
    for param in net.trainable_params():
        if 'beta' not in param.name and 'gamma' not in param.name and 'bias' not in param.name:
            decayed_params.append(param)
        else:
            no_decayed_params.append(param)
    group_params = [{'params': decayed_params, 'weight_decay': config.weight_decay},
                    {'params': no_decayed_params},
                    {'order_params': net.trainable_params()}]
    opt = Momentum(group_params, lr, config.momentum, loss_scale=config.loss_scale)
    loss = SoftmaxCrossEntropyWithLogits(sparse=True, reduction='mean')
    loss_scale = FixedLossScaleManager(config.loss_scale, drop_overflow_update=False)
    model = Model(net, loss_fn=loss, optimizer=opt, loss_scale_manager=loss_scale, metrics={'acc'},
                  amp_level="O0", keep_batchnorm_fp32=False)
    time_cb = TimeMonitor(data_size=step_size)
    loss_cb = LossMonitor()
    cb = [time_cb, loss_cb]
    if config.save_checkpoint:
        config_ck = CheckpointConfig(save_checkpoint_steps=config.save_checkpoint_epochs * step_size,
                                     keep_checkpoint_max=config.keep_checkpoint_max)
        ckpt_cb = ModelCheckpoint(prefix="resnet", directory=config.save_checkpoint_path, config=config_ck)
        cb += [ckpt_cb]
    model.train(args_opt.epoch_size, dataset, callbacks=cb, sink_size=dataset.get_dataset_size(), dataset_sink_mode=False)
""",
    "own schedules in groups, asked with Tensors": r'''import math
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, context
from mindspore.nn.learning_rate_schedule import LearningRateSchedule
context.set_context(mode=context.PYNATIVE_MODE)
ms.set_seed(8)

class Noam(LearningRateSchedule):
    """lr = d^-0.5 min(step^-0.5, step warmup^-1.5)"""
    def __init__(self, d_model, warmup, factor=1.0):
        super().__init__()
        self.scale = factor * d_model ** -0.5
        self.warmup = warmup
        self.min = ops.Minimum()
        self.pow = ops.Pow()
    def construct(self, global_step):
        step = global_step.astype(ms.float32) + 1.0
        return self.scale * self.min(self.pow(step, -0.5), step * self.warmup ** -1.5)

class WarmRestarts(LearningRateSchedule):
    def __init__(self, base, period):
        super().__init__()
        self.base, self.period = base, period
        self.cos = ops.Cos()
    def construct(self, global_step):
        t = (global_step % self.period).astype(ms.float32) / self.period
        return self.base * 0.5 * (1 + self.cos(t * math.pi))

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.enc = nn.Dense(4, 6, activation="relu")
        self.dec = nn.Dense(6, 4)
    def construct(self, x):
        return self.dec(self.enc(x))

net = Net()
opt = nn.Adam([{"params": net.enc.trainable_params(), "lr": Noam(16, 5)},
               {"params": net.dec.trainable_params(), "lr": WarmRestarts(0.02, 4), "weight_decay": 0.001}],
              learning_rate=0.01, beta1=0.9, beta2=0.98, eps=1e-9)
loss_fn = nn.MSELoss(reduction="mean")
net_with_criterion = nn.WithLossCell(net, loss_fn)
train_network = nn.TrainOneStepCell(net_with_criterion, opt)
train_network.set_train()
rng = np.random.default_rng(1)
x = Tensor(rng.normal(size=(10, 4)), ms.float32)
for i in range(14):
    loss = train_network(x, x)
    if i % 5 == 0:
        print("step", i, "loss", loss)
''',
    "a weight decay of its own in a group": r"""import numpy as np
import mindspore as ms
from mindspore import nn, Tensor, ops, Parameter
ms.set_seed(21)

class ExponentialWeightDecay(nn.Cell):
    def __init__(self, weight_decay, decay_rate, decay_steps):
        super(ExponentialWeightDecay, self).__init__()
        self.weight_decay = weight_decay
        self.decay_rate = decay_rate
        self.decay_steps = decay_steps
    def construct(self, global_step):
        p = global_step / self.decay_steps
        return self.weight_decay * ops.pow(self.decay_rate, p)

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3, has_bias=True, weight_init='he_normal')
        self.bn = nn.BatchNorm2d(3)
        self.pool = nn.MaxPool2d(2, 2)
        self.flat = nn.Flatten()
        self.fc = nn.Dense(27, 2)
    def construct(self, x):
        return self.fc(self.flat(self.pool(ops.relu(self.bn(self.conv1(x))))))
net = Net()
weight_decay = ExponentialWeightDecay(0.01, 0.9, 10)
conv_params = list(filter(lambda x: 'conv' in x.name, net.trainable_params()))
no_conv_params = list(filter(lambda x: 'conv' not in x.name, net.trainable_params()))
fix_lr = 0.01
polynomial_lr = nn.PolynomialDecayLR(learning_rate=0.1, end_learning_rate=0.01, decay_steps=4, power=0.5)
group_params = [{'params': conv_params, 'weight_decay': weight_decay, 'lr': fix_lr},
                {'params': no_conv_params, 'lr': polynomial_lr},
                {'order_params': net.trainable_params()}]
optim = nn.Momentum(group_params, learning_rate=0.1, momentum=0.9, weight_decay=0.0)
loss_fn = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
def fw(a, b):
    out = net(a)
    return loss_fn(out, b), out
g = ops.value_and_grad(fw, None, optim.parameters, has_aux=True)
net.set_train()
rs = np.random.RandomState(0)
for it in range(10):
    a = Tensor(rs.randn(4, 1, 6, 6).astype(np.float32))
    b = Tensor(rs.randint(0, 2, 4).astype(np.int32))
    (value, out), gr = g(a, b)
    value = ops.depend(value, optim(gr))
print(value)
""",
    "build_train_network": r"""import numpy as np
import mindspore as ms
from mindspore import nn, amp, Tensor
from mindspore.train.amp import build_train_network
ms.set_seed(5)
net = nn.SequentialCell([nn.Dense(6, 5), nn.ReLU(), nn.Dense(5, 2)])
loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction='mean')
opt = nn.Momentum(net.trainable_params(), learning_rate=0.1, momentum=0.9)
train_network = amp.build_train_network(net, opt, loss, level="O0", loss_scale_manager=None)
train_network.set_train()
r = np.random.RandomState(1)
for i in range(8):
    out = train_network(Tensor(r.randn(4, 6).astype(np.float32)), Tensor(r.randint(0, 2, 4).astype(np.int32)))
    print(i, out.asnumpy())
""",
    "a number beside the optimizer's state": r"""import os, tempfile
import numpy as np
import mindspore as ms
from mindspore import nn, Tensor, save_checkpoint, load_checkpoint, load_param_into_net
ms.set_seed(13)
rng = np.random.RandomState(1)
X = rng.randn(40, 4).astype('float32')
Y = np.sin(X.sum(1, keepdims=True)).astype('float32')
work = tempfile.mkdtemp()

def make():
    net = nn.SequentialCell(nn.Dense(4, 8), nn.LayerNorm((8,)), nn.ReLU(), nn.Dense(8, 1))
    lr = nn.exponential_decay_lr(0.05, 0.8, 40, 5, 1, True)
    opt = nn.Adagrad(net.trainable_params(), accum=0.2, learning_rate=lr, weight_decay=0.01)
    return net, opt

def run(net, opt, start, end):
    fn = nn.HuberLoss()
    def fwd(x, y):
        return fn(net(x), y)
    gf = ms.value_and_grad(fwd, None, opt.parameters)
    for epoch in range(start, end):
        for i in range(0, 40, 8):
            l, g = gf(Tensor(X[i:i+8]), Tensor(Y[i:i+8]))
            opt(g)
        print(epoch, l)

net, opt = make()
run(net, opt, 0, 2)
save_checkpoint(net, os.path.join(work, "net.ckpt"))
save_checkpoint(opt, os.path.join(work, "opt.ckpt"), append_dict={"epoch": 2})
net2, opt2 = make()
load_param_into_net(net2, load_checkpoint(os.path.join(work, "net.ckpt")))
state = load_checkpoint(os.path.join(work, "opt.ckpt"))
load_param_into_net(opt2, state)
run(net2, opt2, int(state["epoch"].asnumpy()), 4)
""",
    "experimental Adam and StepLR": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops
from mindspore.experimental import optim
from mindspore.experimental.optim import lr_scheduler
ms.set_seed(3)
net = nn.SequentialCell(nn.Dense(4, 5), nn.GELU(), nn.Dense(5, 1))
loss_fn = nn.MSELoss()
optimizer = optim.Adam([{'params': net[0].trainable_params(), 'lr': 0.01}, {'params': net[2].trainable_params()}], lr=0.02, betas=(0.8, 0.99), weight_decay=0.01)
scheduler = lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
def forward_fn(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward_fn, None, optimizer.parameters)
def train_step(x, y):
    loss, grads = grad_fn(x, y)
    optimizer(grads)
    return loss
r = np.random.RandomState(0)
for epoch in range(5):
    for _ in range(3):
        loss = train_step(ms.Tensor(r.randn(6, 4).astype(np.float32)), ms.Tensor(r.randn(6, 1).astype(np.float32)))
    scheduler.step()
    print(epoch, scheduler.get_last_lr(), loss)
""",
    "a factory of six classes": r"""import sys
import numpy as np
import mindspore as ms
import mindspore.nn as nn
from mindspore import Tensor
ms.set_seed(30)
r = np.random.RandomState(3)
X, Y = r.randn(30, 4).astype(np.float32), r.randn(30, 2).astype(np.float32)
def build(name, params):
    if name == "rprop":
        return nn.Rprop(params, learning_rate=0.02, etas=(0.6, 1.3), step_sizes=(1e-5, 10.))
    elif name == "asgd":
        return nn.ASGD(params, learning_rate=0.05, lambd=1e-3, alpha=0.7, t0=3., weight_decay=0.01)
    elif name == "ftrl":
        return nn.FTRL(params, initial_accum=0.2, learning_rate=0.05, lr_power=-0.6, l2=0.01)
    elif name == "proximal":
        return nn.ProximalAdagrad(params, accum=0.3, learning_rate=0.04, l1=0.001)
    elif name == "lazy":
        return nn.LazyAdam(params, learning_rate=0.01, beta1=0.85)
    elif name == "adadelta":
        return nn.Adadelta(params, learning_rate=0.7, rho=0.8)
    raise ValueError(name)
for name in ("rprop", "asgd", "ftrl", "proximal", "lazy", "adadelta"):
    net = nn.SequentialCell(nn.Dense(4, 3), nn.Tanh(), nn.Dense(3, 2))
    net.update_parameters_name(name + ".")
    optimizer = build(name, net.trainable_params())
    loss_fn = nn.MSELoss()
    def forward(x, y):
        return loss_fn(net(x), y)
    grad_fn = ms.value_and_grad(forward, None, optimizer.parameters)
    for i in range(0, 30, 5):
        loss, grads = grad_fn(Tensor(X[i:i + 5]), Tensor(Y[i:i + 5]))
        optimizer(grads)
    print(name, loss)
""",
    "AdaFactor": r"""import numpy as np
import mindspore as ms
from mindspore import nn, Tensor
ms.set_seed(32)
net = nn.SequentialCell(nn.Dense(4, 6), nn.ReLU(), nn.Dense(6, 3))
opt = nn.AdaFactor(net.trainable_params(), learning_rate=0.01, relative_step=False, scale_parameter=False, warmup_init=False)
loss_fn = nn.CrossEntropyLoss()
def fwd(x, y):
    return loss_fn(net(x), y)
vg = ms.value_and_grad(fwd, None, opt.parameters)
r = np.random.RandomState(0)
for i in range(6):
    loss, g = vg(Tensor(r.randn(5, 4).astype(np.float32)), Tensor(r.randint(0, 3, 5).astype(np.int32)))
    opt(g)
print(loss)
""",
    "gradients summed and clipped under another name": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(40)
net = nn.SequentialCell(nn.Dense(4, 6), nn.Tanh(), nn.Dense(6, 2))
opt = nn.AdamWeightDecay(net.trainable_params(), learning_rate=0.01, weight_decay=0.1)
loss_fn = nn.MSELoss()
accum = 4
def forward(a, b):
    return loss_fn(net(a), b) / accum
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
total = None
r = np.random.RandomState(0)
for it in range(16):
    loss, grads = grad_fn(Tensor(r.randn(4, 4), ms.float32), Tensor(r.randn(4, 2), ms.float32))
    if total is None:
        total = grads
    else:
        total = tuple(a + b for a, b in zip(total, grads))
    if (it + 1) % accum == 0:
        total = ops.clip_by_global_norm(total, 1.0)
        opt(total)
        total = None
        print(it, loss.asnumpy() * accum)
""",
    "a step that takes the network's name": r'''import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, context
from mindspore.nn import TrainOneStepCell, WithLossCell
ms.set_seed(47)

def linear_warmup_lr(current_step, warmup_steps, base_lr, init_lr):
    lr_inc = (float(base_lr) - float(init_lr)) / float(warmup_steps)
    return float(init_lr) + lr_inc * current_step

def warmup_step_lr(lr, lr_epochs, steps_per_epoch, warmup_epochs, max_epoch, gamma=0.1):
    base_lr, warmup_init_lr = lr, 0
    total_steps = int(max_epoch * steps_per_epoch)
    warmup_steps = int(warmup_epochs * steps_per_epoch)
    milestones_steps = []
    for milestone in lr_epochs:
        milestones_steps.append(milestone * steps_per_epoch)
    lr_each_step = []
    lr = base_lr
    for i in range(total_steps):
        if i < warmup_steps:
            lr = linear_warmup_lr(i + 1, warmup_steps, base_lr, warmup_init_lr)
        elif i in milestones_steps:
            lr = lr * gamma
        lr_each_step.append(lr)
    return np.array(lr_each_step).astype(np.float32)

def get_param_groups(network):
    """Param groups for optimizer."""
    decay_params = []
    no_decay_params = []
    for x in network.trainable_params():
        parameter_name = x.name
        if parameter_name.endswith('.bias'):
            no_decay_params.append(x)
        elif parameter_name.endswith('.gamma'):
            no_decay_params.append(x)
        elif parameter_name.endswith('.beta'):
            no_decay_params.append(x)
        else:
            decay_params.append(x)
    return [{'params': no_decay_params, 'weight_decay': 0.0}, {'params': decay_params}]

class Backbone(nn.Cell):
    def __init__(self):
        super().__init__()
        self.body = nn.SequentialCell(nn.Conv2d(1, 4, 3, pad_mode="pad", padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Dense(4 * 16, 2)
        self.reshape = ops.Reshape()
    def construct(self, x):
        x = self.body(x)
        return self.head(self.reshape(x, (x.shape[0], -1)))

class YoloWithLossCell(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.yolo_network = network
    def construct(self, x, y):
        return ops.reduce_mean((self.yolo_network(x) - y) ** 2)

def run_train():
    steps_per_epoch = 3
    network = Backbone()
    default_recurisive_init = network.init_parameters_data
    network = YoloWithLossCell(network)
    lr = warmup_step_lr(0.1, [2, 3], steps_per_epoch, 1, 4)
    opt = nn.Momentum(params=get_param_groups(network), momentum=0.9, learning_rate=ms.Tensor(lr), weight_decay=0.0005, loss_scale=64)
    network = nn.TrainOneStepCell(network, opt, 64)
    network.set_train()
    r = np.random.RandomState(1)
    for i in range(12):
        loss = network(Tensor(r.randn(2, 1, 4, 4), ms.float32), Tensor(r.randn(2, 2), ms.float32))
        print('step[{}], loss:{}, lr:{}'.format(i, loss.asnumpy(), lr[i]))

if __name__ == "__main__":
    run_train()
''',
    "experimental groups under a sequence of schedulers": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
from mindspore.experimental.optim import SGD, lr_scheduler
from mindspore.experimental.optim.lr_scheduler import SequentialLR, LinearLR, CyclicLR
ms.set_seed(3)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(4, 6); self.n = nn.LayerNorm((6,)); self.b = nn.Dense(6, 1)
    def construct(self, x):
        return self.b(self.n(ops.relu(self.a(x))))
net = Net()
decay = [p for p in net.trainable_params() if "bias" not in p.name]
rest = [p for p in net.trainable_params() if "bias" in p.name]
opt = SGD([{"params": decay, "weight_decay": 0.01}, {"params": rest, "lr": 0.05}], lr=0.1, momentum=0.9, nesterov=True)
sched = SequentialLR(opt, schedulers=[LinearLR(opt, 0.1, total_iters=3), lr_scheduler.CosineAnnealingLR(opt, T_max=6)], milestones=[3])
loss_fn = nn.SmoothL1Loss()
gf = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
def step(x, y):
    loss, grads = gf(x, y)
    grads = ops.clip_by_global_norm(grads, 1.0)
    opt(grads)
    sched.step()
    return loss
r = np.random.RandomState(0)
for i in range(9):
    l = step(Tensor(r.randn(6, 4), ms.float32), Tensor(r.randn(6, 1), ms.float32))
    print(i, l, sched.get_last_lr()[0], opt.param_groups[1]["lr"].asnumpy())
for g in opt.param_groups:
    ops.assign(g["lr"], Tensor(0.01, ms.float32))
step(Tensor(r.randn(6, 4), ms.float32), Tensor(r.randn(6, 1), ms.float32))
""",
    "gradients that go through functions": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(3)
net = nn.SequentialCell(nn.Dense(4, 3), nn.ReLU(), nn.Dense(3, 1))
opt = nn.SGD(net.trainable_params(), learning_rate=0.1, momentum=0.9)
loss_fn = nn.MSELoss()
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
def limit(gs, bound):
    return tuple(ops.clip_by_norm(g, bound) for g in gs)
def train_step(x, y):
    loss, grads = grad_fn(x, y)
    small = limit(grads, 0.5)
    clipped = [ops.clip_by_value(g, Tensor(-0.1, ms.float32), Tensor(0.1, ms.float32)) for g in small]
    opt(tuple(clipped))
    return loss
r = np.random.RandomState(0)
for i in range(8):
    out = train_step(Tensor(r.randn(5, 4), ms.float32), Tensor(r.randn(5, 1), ms.float32))
""",
    "dampening, and a loss scale in build_train_network": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, amp
ms.set_seed(3)
net = nn.SequentialCell(nn.Dense(4, 5), nn.ReLU(), nn.Dense(5, 3))
opt = nn.SGD(net.trainable_params(), learning_rate=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01)
manager = ms.FixedLossScaleManager(512.0, drop_overflow_update=False)
opt2 = nn.SGD(net.trainable_params(), learning_rate=0.1, momentum=0.9, loss_scale=512.0)
step = amp.build_train_network(net, opt, nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"))
second = amp.build_train_network(net, opt2, loss_fn=nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), level="O0", loss_scale_manager=manager)
r = np.random.RandomState(0)
for i in range(12):
    x, y = Tensor(r.randn(5, 4), ms.float32), Tensor(r.randint(0, 3, 5), ms.int32)
    loss = step(x, y) if i < 6 else second(x, y)
    print(loss.asnumpy())
""",
    "gradients without a name": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
from mindspore.common.parameter import ParameterTuple
ms.set_seed(3)
net = nn.SequentialCell(nn.Dense(4, 5), nn.ReLU(), nn.Dense(5, 3))
loss_fn = nn.CrossEntropyLoss()
class Loss(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
    def construct(self, x, y):
        return loss_fn(self.net(x), y)
lossnet = Loss(net)
opt = nn.Adagrad(net.trainable_params(), learning_rate=0.1)
grad_op = ops.GradOperation(get_by_list=True)
grad_fn = grad_op(lossnet, ParameterTuple(net.trainable_params()))
vg = ms.value_and_grad(lossnet, None, opt.parameters)
r = np.random.RandomState(0)
for i in range(6):
    x, y = Tensor(r.randn(5, 4), ms.float32), Tensor(r.randint(0, 3, 5), ms.int32)
    if i % 2:
        opt(grad_fn(x, y))
    else:
        opt(vg(x, y)[1])
""",
    "options written out in a dictionary": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(3)
r = np.random.RandomState(0)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(4, 6); self.n = nn.BatchNorm1d(6); self.b = nn.Dense(6, 2)
    def construct(self, x):
        return self.b(ops.relu(self.n(self.a(x))))
net = Net()
loss_fn = nn.MSELoss()
data = [(Tensor(r.randn(6, 4), ms.float32), Tensor(r.randn(6, 2), ms.float32)) for _ in range(4)]

cfg = {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-3}
opt = nn.SGD(net.trainable_params(), **cfg)
OPTS = {"adam": nn.Adam, "rmsprop": nn.RMSProp}
other = OPTS["adam"](net.trainable_params(), learning_rate=0.01)
third = getattr(nn, "Momentum")(net.trainable_params(), 0.01, 0.9)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for i in range(6):
    loss, grads = grad_fn(*data[i % 4])
    opt(grads)
""",
    "sums of gradients in zeros": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(3)
r = np.random.RandomState(0)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(4, 6); self.n = nn.BatchNorm1d(6); self.b = nn.Dense(6, 2)
    def construct(self, x):
        return self.b(ops.relu(self.n(self.a(x))))
net = Net()
loss_fn = nn.MSELoss()
data = [(Tensor(r.randn(6, 4), ms.float32), Tensor(r.randn(6, 2), ms.float32)) for _ in range(4)]

opt = nn.Adam(net.trainable_params(), 0.01)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
acc = [ops.zeros_like(p) for p in opt.parameters]
for i in range(12):
    loss, grads = grad_fn(*data[i % 4])
    acc = [a + g for a, g in zip(acc, grads)]
    if i % 3 == 2:
        opt(tuple(a / 3 for a in acc))
        acc = [ops.zeros_like(p) for p in opt.parameters]
""",
    "a momentum that is assigned": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(3)
r = np.random.RandomState(0)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(4, 6); self.n = nn.BatchNorm1d(6); self.b = nn.Dense(6, 2)
    def construct(self, x):
        return self.b(ops.relu(self.n(self.a(x))))
net = Net()
loss_fn = nn.MSELoss()
data = [(Tensor(r.randn(6, 4), ms.float32), Tensor(r.randn(6, 2), ms.float32)) for _ in range(4)]

opt = nn.SGD(net.trainable_params(), learning_rate=0.05, momentum=0.5)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for i in range(8):
    ops.assign(opt.momentum, Tensor(0.5 + 0.05 * i, ms.float32))
    loss, grads = grad_fn(*data[i % 4])
    opt(grads)
""",
    "rates halved one by one": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(39)
net = nn.SequentialCell(nn.Dense(4, 6), nn.Tanh(), nn.Dense(6, 2))
backbone = net[0].trainable_params()
head = net[2].trainable_params()
opt = nn.SGD([{"params": backbone, "lr": 0.01}, {"params": head, "lr": 0.1, "weight_decay": 0.01}], learning_rate=0.1, momentum=0.9)
loss_fn = nn.MSELoss()
grad_fn = ms.value_and_grad(lambda a, b: loss_fn(net(a), b), None, opt.parameters)
r = np.random.RandomState(0)
for epoch in range(4):
    for it in range(3):
        loss, grads = grad_fn(Tensor(r.randn(4, 4), ms.float32), Tensor(r.randn(4, 2), ms.float32))
        opt(grads)
    for param in opt.learning_rate:
        ops.assign(param, param * 0.5)
    print(epoch, [float(x) for x in opt.get_lr()])
""",
    "rates of groups as Tensors, and a step that is set to train": r"""import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
ms.set_seed(3)
r = np.random.RandomState(0)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(4, 6); self.n = nn.BatchNorm1d(6); self.b = nn.Dense(6, 2)
    def construct(self, x):
        return self.b(ops.relu(self.n(self.a(x))))
net = Net()
loss_fn = nn.MSELoss()
data = [(Tensor(r.randn(6, 4), ms.float32), Tensor(r.randn(6, 2), ms.float32)) for _ in range(4)]
lrs = np.linspace(0.1, 0.01, 10).astype(np.float32)
opt = nn.Adam([{"params": net.a.trainable_params(), "lr": Tensor(lrs)}, {"params": net.n.trainable_params() + net.b.trainable_params(), "lr": Tensor(lrs * 0.1)}], learning_rate=0.1, weight_decay=0.01)
net_with_loss = nn.WithLossCell(net, loss_fn)
step_cell = nn.TrainOneStepCell(net_with_loss, opt).set_train()
for i in range(10):
    loss = step_cell(*data[i % 4])
""",
}
