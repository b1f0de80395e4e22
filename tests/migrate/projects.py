"""Projects of several files for MindSpore, as people lay them out: a name, and the files by their paths."""

PROJECTS = {
    "a model of the zoo: src beside train.py": {
        "src/__init__.py": "",
        "src/config.py": """class Config(dict):
    __getattr__ = dict.__getitem__
config = Config(lr=0.05, lr_end=0.001, momentum=0.9, weight_decay=1e-3, loss_scale=16.0, epochs=3, warmup=1, batch=8)
""",
        "src/dataset.py": """import numpy as np
import mindspore.dataset as ds
def create_dataset(batch):
    r = np.random.default_rng(0)
    x = r.standard_normal((32, 6)).astype(np.float32)
    return ds.NumpySlicesDataset({"x": x, "y": x[:, :1] * 0.5}, shuffle=False).batch(batch)
""",
        "src/lr_generator.py": """import math
import numpy as np
def _linear(current, warmup, base, init):
    return init + (base - init) / warmup * current
def get_lr(base, end, warmup_epochs, epochs, steps_per_epoch):
    out = []
    for i in range(epochs * steps_per_epoch):
        if i < warmup_epochs * steps_per_epoch:
            out.append(_linear(i + 1, warmup_epochs * steps_per_epoch, base, 0.0))
        else:
            f = (i - warmup_epochs * steps_per_epoch) / ((epochs - warmup_epochs) * steps_per_epoch)
            out.append(end + (base - end) * 0.5 * (1 + math.cos(math.pi * f)))
    return np.array(out, dtype=np.float32)
""",
        "src/network.py": """import mindspore.nn as nn
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(6, 8)
        self.bn = nn.LayerNorm((8,))
        self.b = nn.Dense(8, 1)
    def construct(self, x):
        return self.b(self.bn(self.a(x)))
""",
        "src/optim.py": """from mindspore import nn
from .config import config
def get_param_groups(network):
    decay, no_decay = [], []
    for x in network.trainable_params():
        name = x.name
        if name.endswith('.bias'):
            no_decay.append(x)
        elif name.endswith('.gamma') or name.endswith('.beta'):
            no_decay.append(x)
        else:
            decay.append(x)
    return [{'params': no_decay, 'weight_decay': 0.0}, {'params': decay}]
def build_optimizer(network, lr):
    return nn.Momentum(params=get_param_groups(network), learning_rate=lr, momentum=config.momentum,
                       weight_decay=config.weight_decay, loss_scale=config.loss_scale)
""",
        "src/step.py": '''import mindspore.nn as nn
import mindspore.ops as ops
from mindspore.ops import composite as C
class ClippedStep(nn.TrainOneStepCell):
    """One step with a clip."""
    def __init__(self, network, optimizer, sens=1.0, clip=2.0):
        super().__init__(network, optimizer, sens)
        self.clip = clip
    def construct(self, x, y):
        loss = self.network(x, y)
        sens = ops.fill(loss.dtype, loss.shape, self.sens)
        grads = self.grad(self.network, self.weights)(x, y, sens)
        grads = C.clip_by_global_norm(grads, self.clip)
        return ops.depend(loss, self.optimizer(grads))
''',
        "train.py": '''"""Train."""
import mindspore as ms
from mindspore import Tensor, nn
from src.config import config
from src.dataset import create_dataset
from src.lr_generator import get_lr
from src.network import Net
from src.optim import build_optimizer
from src.step import ClippedStep


def main():
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
    ms.set_seed(1)
    dataset = create_dataset(config.batch)
    steps = dataset.get_dataset_size()
    net = Net()
    lr = Tensor(get_lr(config.lr, config.lr_end, config.warmup, config.epochs, steps))
    opt = build_optimizer(net, lr)
    train_net = ClippedStep(nn.WithLossCell(net, nn.MSELoss()), opt, sens=config.loss_scale)
    train_net.set_train()
    for epoch in range(config.epochs):
        for data in dataset.create_dict_iterator():
            loss = train_net(data["x"], data["y"])
        print("epoch", epoch, "loss", loss)


if __name__ == "__main__":
    main()
''',
    },
    "a package whose factories are handed on by __init__": {
        "cvlib/__init__.py": """from .optim import create_optimizer
from .scheduler import create_scheduler
""",
        "cvlib/optim/__init__.py": """from .optim_factory import create_optimizer
""",
        "cvlib/optim/optim_factory.py": '''"""optim factory"""
import os
from typing import Optional
from mindspore import nn

def init_group_params(params, weight_decay):
    decay_params = []
    no_decay_params = []
    for param in params:
        if "beta" not in param.name and "gamma" not in param.name and "bias" not in param.name:
            decay_params.append(param)
        else:
            no_decay_params.append(param)
    return [
        {"params": decay_params, "weight_decay": weight_decay},
        {"params": no_decay_params},
        {"order_params": params},
    ]

def create_optimizer(
    params,
    opt: str = "adam",
    lr: Optional[float] = 1e-3,
    weight_decay: float = 0,
    momentum: float = 0.9,
    nesterov: bool = False,
    filter_bias_and_bn: bool = True,
    loss_scale: float = 1.0,
    **kwargs,
):
    opt = opt.lower()
    if weight_decay and filter_bias_and_bn:
        params = init_group_params(params, weight_decay)
        weight_decay = 0.0
    opt_args = dict(**kwargs)
    if opt == "sgd":
        optimizer = nn.SGD(params=params, learning_rate=lr, momentum=momentum, weight_decay=weight_decay,
                            nesterov=nesterov, loss_scale=loss_scale)
    elif opt in ["momentum", "nesterov"]:
        optimizer = nn.Momentum(params=params, learning_rate=lr, momentum=momentum, weight_decay=weight_decay,
                            use_nesterov=nesterov, loss_scale=loss_scale)
    elif opt == "adam":
        optimizer = nn.Adam(params=params, learning_rate=lr, weight_decay=weight_decay, loss_scale=loss_scale,
                            use_nesterov=nesterov)
    elif opt == "adamw":
        optimizer = nn.AdamWeightDecay(params=params, learning_rate=lr, weight_decay=weight_decay)
    else:
        raise ValueError(f"Invalid optimizer: {opt}")
    return optimizer
''',
        "cvlib/scheduler/__init__.py": """from .scheduler_factory import create_scheduler
""",
        "cvlib/scheduler/dynamic_lr.py": """import math
from bisect import bisect_right
def linear_lr(start_factor, end_factor, total_iters, *, lr, steps_per_epoch, epochs):
    lrs = []
    for epoch_idx in range(epochs):
        multiplier = min(epoch_idx, total_iters) / total_iters
        multiplier = start_factor + multiplier * (end_factor - start_factor)
        lrs.extend([lr * multiplier for _ in range(steps_per_epoch)])
    return lrs
def cosine_decay_lr(decay_epochs, eta_min, *, eta_max, steps_per_epoch, epochs, cycles=1):
    tot_steps = steps_per_epoch * epochs
    lrs = []
    for i in range(tot_steps):
        epoch_idx = i // steps_per_epoch
        lrs.append(eta_min + 0.5 * (eta_max - eta_min) * (1.0 + math.cos(math.pi * epoch_idx / decay_epochs)))
    return lrs
""",
        "cvlib/scheduler/scheduler_factory.py": """import logging
from typing import List
from .dynamic_lr import cosine_decay_lr, linear_lr
_logger = logging.getLogger(__name__)
def create_scheduler(steps_per_epoch: int, scheduler: str = "constant", lr: float = 0.01, min_lr: float = 1e-6,
                     warmup_epochs: int = 3, decay_epochs: int = 10, num_epochs: int = 200):
    warmup_lr_scheduler = []
    if warmup_epochs > 0:
        warmup_lr_scheduler = linear_lr(0.1, 1.0, warmup_epochs, lr=lr, steps_per_epoch=steps_per_epoch,
                            epochs=warmup_epochs)
    main_epochs = num_epochs - warmup_epochs
    if scheduler == "cosine_decay":
        main = cosine_decay_lr(decay_epochs, min_lr, eta_max=lr, steps_per_epoch=steps_per_epoch, epochs=main_epochs)
    elif scheduler == "constant":
        main = [lr for _ in range(steps_per_epoch * main_epochs)]
    else:
        raise ValueError(scheduler)
    return warmup_lr_scheduler + main
""",
        "cvlib/utils/__init__.py": "",
        "train.py": """import argparse
import numpy as np
import mindspore as ms
from mindspore import nn
import mindspore.dataset as ds
from cvlib import create_optimizer, create_scheduler

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(6, 6)
        self.norm = nn.LayerNorm((6,))
        self.out = nn.Dense(6, 1)
    def construct(self, x):
        return self.out(self.norm(self.fc(x)))

def train(args):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    ms.set_seed(args.seed)
    r = np.random.default_rng(0)
    x = r.standard_normal((32, 6)).astype(np.float32)
    loader = ds.NumpySlicesDataset({"x": x, "y": x[:, :1]}, shuffle=False).batch(8)
    network = Net()
    loss = nn.MSELoss()
    num_batches = loader.get_dataset_size()
    lr_scheduler = create_scheduler(num_batches, scheduler=args.scheduler, lr=args.lr, warmup_epochs=1,
                        decay_epochs=3, num_epochs=args.epochs)
    optimizer = create_optimizer(network.trainable_params(), opt=args.opt, lr=lr_scheduler,
                        weight_decay=args.weight_decay, momentum=0.9)
    def forward_fn(d, l):
        return loss(network(d), l)
    grad_fn = ms.value_and_grad(forward_fn, None, optimizer.parameters)
    network.set_train()
    for t in range(args.epochs):
        for i, (data, label) in enumerate(loader.create_tuple_iterator()):
            value, grads = grad_fn(data, label)
            optimizer(grads)
        print(t, value.asnumpy())

if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--opt", default="momentum")
    p.add_argument("--scheduler", default="cosine_decay")
    p.add_argument("--lr", type=float, default=0.05)
    p.add_argument("--weight_decay", type=float, default=1e-3)
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    train(p.parse_args())
""",
    },
    "Model.train with callbacks from another file": {
        "src/__init__.py": "",
        "src/callbacks.py": """import time
import numpy as np
from mindspore import Tensor, ops
from mindspore.train.callback import Callback, TimeMonitor, ModelCheckpoint, CheckpointConfig, LossMonitor
class LossAverager(Callback):
    def __init__(self, every=3, logger=print):
        super().__init__()
        self.every = every
        self.losses = []
        self.logger = logger
    def begin(self, run_context):
        self.started = time.time()
    def step_end(self, run_context):
        cb_params = run_context.original_args()
        loss = cb_params.net_outputs
        if isinstance(loss, (tuple, list)):
            loss = loss[0]
        if isinstance(loss, Tensor):
            loss = float(np.mean(loss.asnumpy()))
        self.losses.append(loss)
        cur = (cb_params.cur_step_num - 1) % cb_params.batch_num + 1
        if cb_params.cur_step_num % self.every == 0:
            self.logger("epoch", cb_params.cur_epoch_num, cur, np.mean(self.losses[-self.every:]))
    def epoch_end(self, run_context):
        cb_params = run_context.original_args()
        if np.isnan(self.losses[-1]):
            run_context.request_stop()
def get_callbacks(steps, folder, rank=0):
    cbs = [TimeMonitor(data_size=steps), LossAverager(every=2)]
    if rank == 0:
        config = CheckpointConfig(save_checkpoint_steps=steps, keep_checkpoint_max=1)
        cbs.append(ModelCheckpoint(prefix="m", directory=folder, config=config))
    return cbs
""",
        "src/net.py": """from mindspore import nn
def build(width=8):
    return nn.SequentialCell([nn.Dense(4, width), nn.ReLU(), nn.Dense(width, 1)])
""",
        "train.py": """import argparse, ast, tempfile
import numpy as np
import mindspore as ms
import mindspore.dataset as ds
from mindspore import nn, Model
from mindspore.train import FixedLossScaleManager
from src.callbacks import get_callbacks
from src.net import build
parser = argparse.ArgumentParser(description="x")
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--milestones", type=ast.literal_eval, default=[1, 3])
parser.add_argument("--sink", type=ast.literal_eval, default=False)
args, _ = parser.parse_known_args()
def piecewise(base, milestones, spe):
    return nn.piecewise_constant_lr([m * spe for m in milestones], [base * 0.1 ** i for i in range(len(milestones))])
def run():
    ms.set_seed(3)
    ms.set_context(mode=ms.GRAPH_MODE)
    r = np.random.default_rng(1)
    x = r.standard_normal((24, 4)).astype(np.float32)
    train_set = ds.NumpySlicesDataset((x, x[:, :1]), ["a", "b"], shuffle=False).batch(6)
    spe = train_set.get_dataset_size()
    net = build()
    opt = nn.SGD(net.trainable_params(), piecewise(args.lr, args.milestones, spe), momentum=0.9, weight_decay=1e-4)
    model = Model(net, nn.MSELoss(), opt, loss_scale_manager=FixedLossScaleManager(8, False), metrics={"acc": nn.MAE()})
    model.train(args.epochs, train_set, callbacks=get_callbacks(spe, tempfile.mkdtemp()), dataset_sink_mode=args.sink)
    print(model.eval(train_set, dataset_sink_mode=False))
if __name__ == "__main__":
    run()
""",
    },
    "an engine in a library, two scripts that use it": {
        "common.py": """import numpy as np
import mindspore.dataset as ds
from mindspore import nn
from lib.schedule import Noam
def data():
    r = np.random.default_rng(1)
    x = r.standard_normal((30, 5)).astype(np.float32)
    return ds.NumpySlicesDataset({"x": x, "y": x[:, :2] * 0.1}, shuffle=False).batch(6)
def make_optimizer(enc, dec, kind="adam"):
    params = enc.trainable_params() + dec.trainable_params()
    if kind == "adam":
        return nn.Adam(params, learning_rate=Noam(64, 4, 0.3), beta1=0.9, beta2=0.98, eps=1e-9)
    return nn.SGD(params, learning_rate=0.05)
""",
        "finetune.py": """import mindspore as ms
from mindspore import nn
from common import data, make_optimizer
from lib import engine, models
def main():
    ms.set_seed(0)
    ms.set_context(mode=ms.PYNATIVE_MODE)
    enc, dec = models.Encoder(), models.Decoder()
    dec.update_parameters_name("d.")
    for p in enc.get_parameters():
        p.requires_grad = False
    opt = make_optimizer(enc, dec, kind="sgd")
    e = engine.Engine(enc, dec, opt, nn.MSELoss())
    for _ in range(2):
        e.train_epoch(data().create_tuple_iterator())
if __name__ == '__main__':
    main()
""",
        "lib/__init__.py": "",
        "lib/engine.py": """import os
import mindspore as ms
from mindspore import ops
class Engine:
    def __init__(self, enc, dec, optimizer, criterion, clip=None, ckpt=None):
        self.enc, self.dec = enc, dec
        self.optimizer = optimizer
        self.criterion = criterion
        self.clip = clip
        self.ckpt = ckpt
        self.step = 0
        self.grad_fn = ops.value_and_grad(self.compute, None, weights=self.optimizer.parameters, has_aux=True)
    def compute(self, x, y):
        out = self.dec(self.enc(x))
        return self.criterion(out, y), out
    def train_epoch(self, data):
        for x, y in data:
            (loss, out), grads = self.grad_fn(x, y)
            if self.clip is not None:
                grads = ops.clip_by_global_norm(grads, self.clip)
            self.optimizer(grads)
            self.step += 1
        return float(loss.asnumpy())
    def save(self, epoch):
        if self.ckpt:
            ms.save_checkpoint(self.optimizer, os.path.join(self.ckpt, "opt.ckpt"), append_dict={"epoch": epoch})
    def resume(self):
        d = ms.load_checkpoint(os.path.join(self.ckpt, "opt.ckpt"))
        ms.load_param_into_net(self.optimizer, d)
        return int(d["epoch"].asnumpy())
""",
        "lib/models.py": """from mindspore import nn
class Encoder(nn.Cell):
    def __init__(self):
        super().__init__(); self.f = nn.Dense(5, 7)
    def construct(self, x): return self.f(x).tanh()
class Decoder(nn.Cell):
    def __init__(self):
        super().__init__(); self.g = nn.Dense(7, 2)
    def construct(self, x): return self.g(x)
""",
        "lib/schedule.py": """from mindspore.nn.learning_rate_schedule import LearningRateSchedule
from mindspore import ops, Tensor
import mindspore as ms
class Noam(LearningRateSchedule):
    def __init__(self, d_model, warmup, factor=1.0):
        super().__init__()
        self.scale = factor * d_model ** -0.5
        self.warmup = Tensor(warmup, ms.float32)
    def construct(self, global_step):
        step = ops.cast(global_step, ms.float32) + 1.0
        return self.scale * ops.minimum(step ** -0.5, step * self.warmup ** -1.5)
""",
        "train.py": """import tempfile
import mindspore as ms
from mindspore import nn
from common import data, make_optimizer
from lib.engine import Engine
from lib.models import Encoder, Decoder
if __name__ == "__main__":
    ms.set_seed(0)
    ms.set_context(mode=ms.PYNATIVE_MODE)
    room = tempfile.mkdtemp()
    enc, dec = Encoder(), Decoder()
    dec.update_parameters_name("dec.")
    eng = Engine(enc, dec, make_optimizer(enc, dec), nn.MSELoss(), clip=0.5, ckpt=room)
    for epoch in range(2):
        print(eng.train_epoch(data().create_tuple_iterator()))
        eng.save(epoch + 1)
    enc, dec = Encoder(), Decoder()
    dec.update_parameters_name("dec.")
    eng = Engine(enc, dec, make_optimizer(enc, dec), nn.MSELoss(), clip=0.5, ckpt=room)
    start = eng.resume()
    for epoch in range(start, 4):
        print(eng.train_epoch(data().create_tuple_iterator()))
""",
    },
}  # fmt: skip
