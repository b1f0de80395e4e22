"""Training scripts of MindSpore's in still other ways: a name, and the text."""

from returns import HEAD

WAYS = {
    "a Cell that returns gradients, in a step of the script's own": r"""import numpy as np
import mindspore as ms
import mindspore.nn as nn
import mindspore.ops as ops
from mindspore import Tensor, ParameterTuple

class LinearNet(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(3, 1)
    def construct(self, x):
        return self.fc(x)

class GradNetWrtW(nn.Cell):
    def __init__(self, network):
        super(GradNetWrtW, self).__init__()
        self.network = network
        self.weights = ParameterTuple(network.trainable_params())
        self.grad_op = ops.GradOperation(get_by_list=True)
    def construct(self, x, y):
        gradient_function = self.grad_op(self.network, self.weights)
        return gradient_function(x, y)

class TrainOneStep(nn.Cell):
    def __init__(self, network, optimizer):
        super(TrainOneStep, self).__init__()
        self.network = network
        self.optimizer = optimizer
        self.grad = GradNetWrtW(network)
    def construct(self, x, y):
        loss = self.network(x, y)
        grads = self.grad(x, y)
        self.optimizer(grads)
        return loss

np.random.seed(0)
net = LinearNet()
loss_net = nn.WithLossCell(net, nn.MSELoss())
opt = nn.Momentum(net.trainable_params(), learning_rate=0.05, momentum=0.9)
train = TrainOneStep(loss_net, opt)
for i in range(6):
    x = Tensor(np.random.randn(4, 3).astype(np.float32))
    y = Tensor(np.random.randn(4, 1).astype(np.float32))
    print(i, train(x, y))
""",
    "a Cell that returns gradients, called in the loop": r"""import numpy as np
from mindspore import Tensor, nn, ops, ParameterTuple, set_seed
set_seed(1)

class GradWrap(nn.Cell):
    def __init__(self, network):
        super().__init__(auto_prefix=False)
        self.network = network
        self.weights = ParameterTuple(filter(lambda x: x.requires_grad, network.get_parameters()))
    def construct(self, x, label):
        weights = self.weights
        return ops.GradOperation(get_by_list=True)(self.network, weights)(x, label)

net = nn.SequentialCell(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 2))
criterion = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
net_with_criterion = nn.WithLossCell(net, criterion)
train_network = GradWrap(net_with_criterion)
train_network.set_train()
optimizer = nn.Momentum(filter(lambda x: x.requires_grad, net.get_parameters()), 0.1, 0.9)
for epoch in range(3):
    for i in range(2):
        data = Tensor(np.random.rand(4, 4).astype(np.float32))
        label = Tensor(np.random.randint(0, 2, 4).astype(np.int32))
        loss = net_with_criterion(data, label)
        grads = train_network(data, label)
        success = optimizer(grads)
        print(epoch, i, loss.asnumpy())
""",
    "an accumulator that clips what it gathered": r"""import numpy as np
import mindspore as ms
import mindspore.ops as ops
import mindspore.nn as nn
from mindspore import ParameterTuple, Parameter, Tensor

class Accumulator:
    def __init__(self, optimizer, accumulate_step, clip_norm=1.0):
        self.optimizer = optimizer
        self.clip_norm = clip_norm
        self.inner_grads = optimizer.parameters.clone(prefix="accumulate_", init='zeros')
        self.zeros = optimizer.parameters.clone(prefix="zeros_", init='zeros')
        self.counter = Parameter(Tensor(1, ms.int32), 'counter_')
        assert accumulate_step > 0
        self.accumulate_step = accumulate_step
        self.map = ops.HyperMap()

    def __call__(self, grads):
        self.map(ops.partial(ops.assign_add), self.inner_grads, grads)
        if self.counter % self.accumulate_step == 0:
            if self.clip_norm > 0:
                grads = ops.clip_by_global_norm(self.inner_grads, self.clip_norm)
                self.optimizer(grads)
            else:
                self.optimizer(self.inner_grads)
            self.map(ops.partial(ops.assign), self.inner_grads, self.zeros)
        ops.assign_add(self.counter, Tensor(1, ms.int32))
        return True

net = nn.Dense(4, 2)
opt = nn.Adam(net.trainable_params(), 1e-2)
loss_fn = nn.CrossEntropyLoss()
accumulator = Accumulator(opt, 2)

def forward_fn(x, y):
    return loss_fn(net(x), y) / 2
grad_fn = ms.value_and_grad(forward_fn, None, net.trainable_params())

def train_step(x, y):
    loss, grads = grad_fn(x, y)
    accumulator(grads)
    return loss

r = np.random.RandomState(0)
for step in range(8):
    l = train_step(Tensor(r.randn(4, 4).astype(np.float32)), Tensor(r.randint(0, 2, 4).astype(np.int32)))
    print(step, l)
""",
    "fit with EarlyStopping and ReduceLROnPlateau": r"""import numpy as np
import mindspore as ms
from mindspore import nn
from mindspore.train import Model, LossMonitor, EarlyStopping, ReduceLROnPlateau, ModelCheckpoint, CheckpointConfig
import mindspore.dataset as ds

def make(n, seed):
    r = np.random.RandomState(seed)
    x = r.randn(n, 3).astype(np.float32)
    return ds.NumpySlicesDataset((x, x.sum(1, keepdims=True)), ["x", "y"], shuffle=False).batch(4)

train_set, val_set = make(32, 0), make(16, 1)
network = nn.Dense(3, 1)
optimizer = nn.SGD(network.trainable_params(), learning_rate=0.05, momentum=0.9)
early = EarlyStopping(monitor="eval_loss", patience=2, mode="min", verbose=True)
plateau = ReduceLROnPlateau(monitor="eval_loss", factor=0.5, patience=1, mode="min")
model = Model(network, loss_fn=nn.MSELoss(), optimizer=optimizer, metrics={"loss", "mae"})
model.fit(8, train_set, val_set, callbacks=[LossMonitor(), early, plateau], dataset_sink_mode=False)
print(model.eval(val_set))
""",
    "a callback that asks the optimizer's rate": r"""import numpy as np
import mindspore as ms
from mindspore import nn, Model, Tensor
from mindspore.train.callback import Callback, LossMonitor
import mindspore.dataset as ds

class Logger(Callback):
    def __init__(self, every=1):
        super().__init__()
        self.every, self.seen = every, []
    def step_end(self, run_context):
        cb_params = run_context.original_args()
        opt = cb_params.optimizer
        if opt is None:
            opt = cb_params.train_network.optimizer
        if cb_params.cur_step_num % self.every == 0:
            self.seen.append(float(opt.get_lr().asnumpy()))
            print(cb_params.cur_step_num, "lr", self.seen[-1], "loss", cb_params.net_outputs)

x = np.random.RandomState(0).randn(24, 3).astype(np.float32)
y = x.sum(1, keepdims=True).astype(np.float32)
data = ds.NumpySlicesDataset((x, y), ["x", "y"], shuffle=False).batch(8)
net = nn.Dense(3, 1)
lr = nn.exponential_decay_lr(0.1, 0.9, 30, data.get_dataset_size(), 2)
opt = nn.Momentum(net.trainable_params(), lr, 0.9)
model = Model(net, nn.MSELoss(), opt)
model.train(4, data, callbacks=[LossMonitor(3), Logger(2)], dataset_sink_mode=False)
""",
    "groups of mindspore.experimental behind getattr": r"""import numpy as np
import mindspore as ms
from mindspore import Tensor
from mindspore import nn
from mindspore.experimental import optim
import mindspore.experimental.optim as eopt

def get_lr(trainer):
    return getattr(trainer.optimizer, "param_groups")[0]["lr"]

class T:
    def __init__(self):
        self.net = nn.Dense(3, 1)
        self.optimizer = optim.AdamW(self.net.trainable_params(), lr=0.01, weight_decay=0.1)
        self.sched = eopt.lr_scheduler.SequentialLR(self.optimizer, schedulers=[
            eopt.lr_scheduler.LinearLR(self.optimizer, 0.1, 1.0, 3),
            eopt.lr_scheduler.CosineAnnealingLR(self.optimizer, 6)], milestones=[3])
        self.grad_fn = ms.value_and_grad(self.forward, None, self.optimizer.parameters)
        self.mse = nn.MSELoss()
    def forward(self, x, y):
        return self.mse(self.net(x), y)
    def step(self, x, y):
        loss, grads = self.grad_fn(x, y)
        self.optimizer(grads)
        self.sched.step()
        return loss

t = T()
r = np.random.RandomState(0)
for i in range(8):
    l = t.step(Tensor(r.randn(4, 3).astype(np.float32)), Tensor(r.randn(4, 1).astype(np.float32)))
    for group in getattr(t.optimizer, "param_groups"):
        print(i, l, group["lr"].asnumpy(), get_lr(t))
""",
    "Models of several folds, made by a factory that scales one of them, in dictionaries": HEAD
    + """
from mindspore import FixedLossScaleManager
from mindspore.train import Model, LossMonitor, Callback
from mindspore.train import ModelCheckpoint, CheckpointConfig
class Measure(Callback):
    def __init__(self, model):
        super().__init__()
        self.model = model
    def on_train_epoch_end(self, run_context):
        print(self.model.eval(create_dataset(), dataset_sink_mode=False))
def build(fold, scaled):
    network = Net()
    if scaled:
        opt = nn.Momentum(network.trainable_params(), [0.05 / (1 + fold)] * 8, 0.9, loss_scale=64.0)
        model = Model(network, loss_fn, opt, loss_scale_manager=FixedLossScaleManager(64.0, False), metrics={"loss"})
    else:
        opt = nn.Momentum(network.trainable_params(), [0.05 / (1 + fold)] * 8, 0.9)
        model = Model(network, nn.MSELoss(), opt, metrics={"loss"})
    return {"fold": fold, "model": model}
def fit(held, epochs, path):
    model, data = held["model"], create_dataset()
    saved = ModelCheckpoint("m", path, CheckpointConfig(4))
    model.train(epochs, data, callbacks=[LossMonitor(2), Measure(model), saved], dataset_sink_mode=False)
with tempfile.TemporaryDirectory() as folder:
    folds = [build(fold, fold == 1) for fold in range(2)]
    for fold in folds:
        fit(fold, 2, folder)
""",
    "a Model that takes its network's name, kept by a trainer; one of a step of its own": HEAD
    + """
from mindspore.train import Model, LossMonitor
class Clipped(nn.TrainOneStepCell):
    def construct(self, x, y):
        loss = self.network(x, y)
        grads = self.grad(self.network, self.weights)(x, y, ops.fill(loss.dtype, loss.shape, self.sens))
        grads = ops.clip_by_global_norm(grads, 0.5)
        self.optimizer(grads)
        return loss
class Trainer:
    def __init__(self, epochs):
        self.epochs = epochs
    def set_model(self, model):
        self.model = model
    def run(self, data):
        self.model.fit(self.epochs, data, create_dataset(), callbacks=LossMonitor(), dataset_sink_mode=False,
                       valid_dataset_sink_mode=False)
def make(net):
    opt = nn.Adam(net.trainable_params(), learning_rate=0.01)
    net = Model(net, loss_fn, opt, metrics={"loss"})
    return net, opt
def second(net):
    opt = nn.SGD(net.trainable_params(), learning_rate=0.02, momentum=0.5)
    both = nn.WithLossCell(net, loss_fn)
    step = Clipped(both, opt)
    return Model(step)
trainer = Trainer(2)
model, _ = make(net)
trainer.set_model(model)
trainer.run(create_dataset())
def last(model, data):
    model.train(1, data, dataset_sink_mode=False)
last(second(net), create_dataset())
""",
    "gradients that wait while others are taken, names kept by a name, and weights that the script writes": HEAD
    + """
from mindspore.experimental import optim
mean_net = Net()
for p in mean_net.get_parameters():
    p.requires_grad = False
def group_params(model):
    params = []
    for param in model.trainable_params():
        name = param.name
        if "bias" in name or "norm" in name:
            params.append({"params": [param], "weight_decay": 0.0})
        else:
            params.append({"params": [param], "weight_decay": 0.1})
    return params
opt = optim.AdamW(group_params(net), lr=0.01)
def forward(x, y):
    return loss_fn(net(x), y)
def rough(x, y):
    return ops.abs(net(x) - y).mean()
fn = ms.value_and_grad(forward, None, opt.parameters)
rough_fn = ms.value_and_grad(rough, None, opt.parameters)
def norm_of(x, y):
    _, g = fn(x, y)
    return g[0].sum()
for x, y in create_dataset().create_tuple_iterator():
    loss, grads = fn(x, y)
    rough_loss, rough_grads = rough_fn(x, y)
    print(norm_of(x, y))
    opt(grads)
    opt(rough_grads)
    for p in net.trainable_params():
        p.set_data(ops.clip_by_value(p, -0.4, 0.4))
    for t, p in zip(mean_net.get_parameters(), net.get_parameters()):
        t.set_data(0.9 * t + 0.1 * p)
""",
    "gradients added up in a loop over pairs": HEAD
    + """
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
acc = opt.parameters.clone(prefix="acc", init="zeros")
fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y) / 2, None, opt.parameters)
i = 0
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = fn(x, y)
        for a, g in zip(acc, grads):
            ops.assign_add(a, g)
        i += 1
        if i % 2 == 0:
            opt(acc)
            for a in acc:
                ops.assign(a, ops.zeros_like(a))
""",
}
