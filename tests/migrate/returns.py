"""MindSpore's training scripts as people write them, for the road to PyTorch: a name, and the text."""

HEAD = """import math
import os
import tempfile
import time
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, Parameter
import mindspore.dataset as ds
ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
ms.set_seed(3)
rng = np.random.default_rng(3)
X = rng.standard_normal((48, 4)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True).astype(np.float32)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.body = nn.Dense(4, 8)
        self.norm = nn.LayerNorm((8,))
        self.head = nn.Dense(8, 1)
    def construct(self, x):
        return self.head(ops.tanh(self.norm(self.body(x))))
net = Net()
loss_fn = nn.MSELoss()
def create_dataset():
    return ds.NumpySlicesDataset({"data": X, "label": Y}, shuffle=False).batch(12)
"""

CONFIG = """
class Config:
    lr_init = 0.0
    lr_end = 1e-4
    lr_max = 0.1
    warmup_epochs = 1
    epoch_size = 4
    momentum = 0.9
    weight_decay = 1e-3
    loss_scale = 1024
config = Config()
"""

SHAPES = {
    "momentum with groups by name and a fixed loss scale": HEAD + CONFIG + """
from mindspore.train import Model, LossMonitor, TimeMonitor, CheckpointConfig, ModelCheckpoint
from mindspore.train.loss_scale_manager import FixedLossScaleManager
def get_lr(lr_init, lr_end, lr_max, warmup_epochs, total_epochs, steps_per_epoch):
    lr_each_step = []
    total_steps = steps_per_epoch * total_epochs
    warmup_steps = steps_per_epoch * warmup_epochs
    for i in range(total_steps):
        if i < warmup_steps:
            lr = lr_init + (lr_max - lr_init) * i / warmup_steps
        else:
            base = 1.0 - (i - warmup_steps) / (total_steps - warmup_steps)
            lr = lr_max * base * base
        lr_each_step.append(max(lr, lr_end))
    return np.array(lr_each_step).astype(np.float32)
def init_group_params(net):
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
    return group_params
def train_net():
    dataset = create_dataset()
    step_size = dataset.get_dataset_size()
    lr = get_lr(config.lr_init, config.lr_end, config.lr_max, config.warmup_epochs, config.epoch_size, step_size)
    lr = Tensor(lr)
    opt = nn.Momentum(init_group_params(net), lr, config.momentum, loss_scale=config.loss_scale)
    loss_scale = FixedLossScaleManager(config.loss_scale, drop_overflow_update=False)
    model = Model(net, loss_fn=loss_fn, optimizer=opt, loss_scale_manager=loss_scale, metrics={'mse'},
                  amp_level="O0", keep_batchnorm_fp32=False)
    time_cb = TimeMonitor(data_size=step_size)
    loss_cb = LossMonitor()
    cb = [time_cb, loss_cb]
    config_ck = CheckpointConfig(save_checkpoint_steps=2 * step_size, keep_checkpoint_max=3)
    ckpt_cb = ModelCheckpoint(prefix="net", directory=tempfile.mkdtemp(), config=config_ck)
    cb += [ckpt_cb]
    model.train(config.epoch_size, dataset, callbacks=cb, dataset_sink_mode=False)
    print(model.eval(dataset, dataset_sink_mode=False))
if __name__ == '__main__':
    train_net()
""",
    "cosine with warm-up cells and dynamic loss scale": HEAD + """
from mindspore.nn.learning_rate_schedule import LearningRateSchedule, CosineDecayLR, WarmUpLR
class WarmUpCosine(LearningRateSchedule):
    def __init__(self, lr, warmup_steps, total_steps):
        super().__init__()
        self.warmup_steps = warmup_steps
        self.warmup = WarmUpLR(lr, warmup_steps)
        self.cosine = CosineDecayLR(1e-5, lr, total_steps)
    def construct(self, global_step):
        if global_step < self.warmup_steps:
            return self.warmup(global_step)
        return self.cosine(global_step)
net_with_loss = nn.WithLossCell(net, loss_fn)
lr_schedule = WarmUpCosine(0.05, 4, 20)
optimizer = nn.Adam(net.trainable_params(), learning_rate=lr_schedule, weight_decay=1e-4)
manager = nn.DynamicLossScaleUpdateCell(loss_scale_value=2**12, scale_factor=2, scale_window=1000)
train_network = nn.TrainOneStepWithLossScaleCell(net_with_loss, optimizer, scale_sense=manager)
train_network.set_train()
dataset = create_dataset()
for epoch in range(5):
    for data in dataset.create_dict_iterator():
        loss, overflow, scale = train_network(data["data"], data["label"])
    print(f"epoch {epoch} loss {float(loss.asnumpy()):.4f} overflow {overflow}")
""",
    "a jitted step in a function": HEAD + """
steps_per_epoch = create_dataset().get_dataset_size()
lr = nn.piecewise_constant_lr([2 * steps_per_epoch, 4 * steps_per_epoch], [0.1, 0.01])
optimizer = nn.SGD(net.trainable_params(), learning_rate=lr, momentum=0.9, weight_decay=1e-3, nesterov=True)
def forward_fn(data, label):
    logits = net(data)
    loss = loss_fn(logits, label)
    return loss, logits
grad_fn = ms.value_and_grad(forward_fn, None, optimizer.parameters, has_aux=True)
@ms.jit
def train_step(data, label):
    (loss, _), grads = grad_fn(data, label)
    loss = ops.depend(loss, optimizer(grads))
    return loss
def train_loop(model, dataset):
    size = dataset.get_dataset_size()
    model.set_train()
    for batch, (data, label) in enumerate(dataset.create_tuple_iterator()):
        loss = train_step(data, label)
        if batch % 2 == 0:
            loss, current = loss.asnumpy(), batch
            print(f"loss: {loss:>7f}  [{current:>3d}/{size:>3d}]")
for t in range(4):
    train_loop(net, create_dataset())
""",
    "a clipped step with a dynamic loss scaler": HEAD + """
from mindspore.amp import DynamicLossScaler, all_finite
optimizer = nn.AdamWeightDecay(net.trainable_params(), learning_rate=0.01, weight_decay=0.05, eps=1e-8)
loss_scaler = DynamicLossScaler(scale_value=1024, scale_factor=2, scale_window=50)
def forward_fn(data, label):
    logits = net(data)
    loss = loss_fn(logits, label)
    loss = loss_scaler.scale(loss)
    return loss, logits
grad_fn = ops.value_and_grad(forward_fn, None, optimizer.parameters, has_aux=True)
def train_step(data, label):
    (loss, _), grads = grad_fn(data, label)
    loss = loss_scaler.unscale(loss)
    is_finite = all_finite(grads)
    if is_finite:
        grads = loss_scaler.unscale(grads)
        grads = ops.clip_by_global_norm(grads, 1.0)
        optimizer(grads)
    loss_scaler.adjust(is_finite)
    return loss
net.set_train()
for epoch in range(3):
    for data, label in create_dataset().create_tuple_iterator():
        loss = train_step(data, label)
    print(epoch, float(loss.asnumpy()))
""",
    "an accumulator as the documentation has it": HEAD + """
class Accumulator():
    def __init__(self, optimizer, accumulate_step):
        self.optimizer = optimizer
        self.inner_grads = optimizer.parameters.clone(prefix="accumulate_", init='zeros')
        self.zeros = optimizer.parameters.clone(prefix="zeros_", init='zeros')
        self.counter = Parameter(Tensor(1, ms.int32), 'counter_')
        self.accumulate_step = accumulate_step
        self.map = ops.HyperMap()
    def __call__(self, grads):
        self.map(ops.partial(ops.assign_add), self.inner_grads, grads)
        if self.counter % self.accumulate_step == 0:
            self.optimizer(self.inner_grads)
            self.map(ops.partial(ops.assign), self.inner_grads, self.zeros)
        ops.assign_add(self.counter, Tensor(1, ms.int32))
        return True
accumulate_step = 2
optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9)
accumulator = Accumulator(optimizer, accumulate_step)
def forward_fn(data, label):
    loss = loss_fn(net(data), label)
    return loss / accumulate_step
grad_fn = ms.value_and_grad(forward_fn, None, net.trainable_params())
def train_step(data, label):
    loss, grads = grad_fn(data, label)
    accumulator(grads)
    return loss
for epoch in range(3):
    for data, label in create_dataset().create_tuple_iterator():
        loss = train_step(data, label)
    print(epoch, loss.asnumpy())
""",
    "an old step cell with GradOperation": HEAD + """
import mindspore.ops.composite as C
import mindspore.ops.functional as F
from mindspore import ParameterTuple
class TrainStep(nn.Cell):
    def __init__(self, network, optimizer, sens=1.0):
        super(TrainStep, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = ParameterTuple(network.trainable_params())
        self.optimizer = optimizer
        self.grad = C.GradOperation(get_by_list=True, sens_param=True)
        self.sens = sens
    def construct(self, data, label):
        loss = self.network(data, label)
        sens = ops.fill(loss.dtype, loss.shape, self.sens)
        grads = self.grad(self.network, self.weights)(data, label, sens)
        return F.depend(loss, self.optimizer(grads))
criterion = nn.WithLossCell(net, loss_fn)
opt = nn.RMSProp(net.trainable_params(), learning_rate=0.01, decay=0.9, momentum=0.5)
step = TrainStep(criterion, opt)
step.set_train()
for epoch in range(3):
    for data, label in create_dataset().create_tuple_iterator():
        loss = step(data, label)
    print("epoch", epoch, "loss", loss)
""",
    "a subclass of TrainOneStepCell with a clip": HEAD + """
GRADIENT_CLIP_VALUE = 0.5
class TrainOneStepWithClip(nn.TrainOneStepCell):
    def __init__(self, network, optimizer, sens=1.0, clip=True):
        super(TrainOneStepWithClip, self).__init__(network, optimizer, sens)
        self.clip = clip
    def construct(self, *inputs):
        loss = self.network(*inputs)
        sens = ops.fill(loss.dtype, loss.shape, self.sens)
        grads = self.grad(self.network, self.weights)(*inputs, sens)
        if self.clip:
            grads = ops.clip_by_global_norm(grads, GRADIENT_CLIP_VALUE)
        grads = self.grad_reducer(grads)
        loss = ops.depend(loss, self.optimizer(grads))
        return loss
steps = create_dataset().get_dataset_size()
lr = nn.exponential_decay_lr(0.1, 0.9, 3 * steps, steps, 1)
optim = nn.SGD(net.trainable_params(), learning_rate=lr)
train_net = TrainOneStepWithClip(nn.WithLossCell(net, loss_fn), optim)
train_net.set_train(True)
dataset = create_dataset()
for e in range(3):
    for d in dataset.create_dict_iterator(num_epochs=1):
        loss = train_net(d["data"], d["label"])
    print("epoch: {}, loss: {:.5f}".format(e, float(loss.asnumpy())))
""",
    "resume from a checkpoint of net and optimizer": HEAD + CONFIG + """
def build(net):
    total = config.epoch_size * 4
    lr = [config.lr_max * (1 - i / total) for i in range(total)]
    return nn.Momentum(net.trainable_params(), learning_rate=Tensor(lr, ms.float32), momentum=config.momentum,
                       weight_decay=config.weight_decay)
def train(net, optimizer, start, end, path):
    grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)
    for epoch in range(start, end):
        for data, label in create_dataset().create_tuple_iterator():
            loss, grads = grad_fn(data, label)
            optimizer(grads)
        ms.save_checkpoint(optimizer, path)
        print(epoch, float(loss.asnumpy()))
path = os.path.join(tempfile.mkdtemp(), "last.ckpt")
optimizer = build(net)
train(net, optimizer, 0, 2, path)
net = Net()
optimizer = build(net)
params = ms.load_checkpoint(path)
ms.load_param_into_net(optimizer, params)
ms.load_param_into_net(net, params)
train(net, optimizer, 2, config.epoch_size, path)
""",
    "evaluation after every epoch": HEAD + """
from mindspore.train import Model, LossMonitor
from mindspore.train.callback import Callback
class EvalCallback(Callback):
    def __init__(self, model, dataset):
        self.model = model
        self.dataset = dataset
    def epoch_end(self, run_context):
        print(self.model.eval(self.dataset, dataset_sink_mode=False))
train_set, eval_set = create_dataset(), create_dataset()
optimizer = nn.Adagrad(net.trainable_params(), accum=0.1, learning_rate=0.05)
model = Model(net, loss_fn, optimizer, metrics={"loss": nn.Loss()})
for epoch in range(3):
    model.train(1, train_set, callbacks=[LossMonitor(2), EvalCallback(model, eval_set)], dataset_sink_mode=False)
    result = model.eval(eval_set)
    print(epoch, result)
""",
    "rates assigned in the loop": HEAD + """
base_lr = 0.05
optimizer = nn.Adam([{"params": net.body.trainable_params(), "lr": base_lr * 0.1},
                     {"params": net.norm.trainable_params()},
                     {"params": net.head.trainable_params(), "weight_decay": 1e-3},
                     {"order_params": net.trainable_params()}], learning_rate=base_lr, beta1=0.9, beta2=0.98)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)
it = 0
for epoch in range(4):
    for data, label in create_dataset().create_tuple_iterator():
        factor = 0.9 ** epoch
        for rate, first in zip(optimizer.learning_rate, (0.1, 0.1, 1.0, 1.0, 1.0, 1.0)):
            ops.assign(rate, Tensor(base_lr * first * factor, ms.float32))
        loss, grads = grad_fn(data, label)
        optimizer(grads)
        it += 1
    print(epoch, float(loss.asnumpy()))
""",
    "a decay by assignment": HEAD + """
optimizer = nn.SGD(net.trainable_params(), learning_rate=0.1, momentum=0.9)
def adjust_lr(optimizer, epoch):
    lr = 0.1 * 0.5 ** (epoch // 2)
    ops.assign(optimizer.learning_rate, Tensor(lr, ms.float32))
    return lr
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, optimizer.parameters, has_aux=False)
for epoch in range(5):
    lr = adjust_lr(optimizer, epoch)
    for x, y in create_dataset():
        loss, grads = grad_fn(x, y)
        optimizer(grads)
    print("lr", lr, optimizer.get_lr())
""",
    "two optimizers that alternate": HEAD + """
gen = nn.SequentialCell(nn.Dense(4, 4), nn.Tanh())
disc = nn.SequentialCell(nn.Dense(4, 4), nn.Tanh(), nn.Dense(4, 1))
for i, p in enumerate(disc.get_parameters()):
    p.name = "disc." + p.name
bce = nn.BCEWithLogitsLoss()
optimizer_G = nn.Adam(gen.trainable_params(), learning_rate=0.002, beta1=0.5, beta2=0.999)
optimizer_D = nn.Adam(disc.trainable_params(), learning_rate=0.002, beta1=0.5, beta2=0.999)
optimizer_G.update_parameters_name("optim_g")
optimizer_D.update_parameters_name("optim_d")
def generator_forward(z, valid):
    fake = gen(z)
    return bce(disc(fake), valid), fake
def discriminator_forward(real, fake, valid, wrong):
    return (bce(disc(real), valid) + bce(disc(fake), wrong)) / 2
grad_generator = ms.value_and_grad(generator_forward, None, optimizer_G.parameters, has_aux=True)
grad_discriminator = ms.value_and_grad(discriminator_forward, None, optimizer_D.parameters)
valid, wrong = ops.ones((12, 1), ms.float32), ops.zeros((12, 1), ms.float32)
for epoch in range(3):
    for x, _ in create_dataset().create_tuple_iterator():
        (g_loss, fake), g_grads = grad_generator(x, valid)
        optimizer_G(g_grads)
        d_loss, d_grads = grad_discriminator(x, ops.stop_gradient(fake), valid, wrong)
        optimizer_D(d_grads)
    print(f"[Epoch {epoch}] [D loss: {d_loss.asnumpy().item():.4f}] [G loss: {g_loss.asnumpy().item():.4f}]")
""",
    "a trainer class": HEAD + """
class Trainer:
    def __init__(self, net, lr, epochs):
        self.net = net
        self.epochs = epochs
        self.loss_fn = nn.MSELoss()
        self.optimizer = nn.Momentum(params=net.trainable_params(), learning_rate=lr, momentum=0.9)
        self.grad_fn = ms.value_and_grad(self.forward, None, self.optimizer.parameters, has_aux=True)
    def forward(self, x, y):
        pred = self.net(x)
        return self.loss_fn(pred, y), pred
    def train_step(self, x, y):
        (loss, pred), grads = self.grad_fn(x, y)
        self.optimizer(grads)
        return loss
    def fit(self, dataset):
        self.net.set_train()
        for epoch in range(self.epochs):
            for x, y in dataset.create_tuple_iterator():
                loss = self.train_step(x, y)
            print(epoch, loss)
dataset = create_dataset()
Trainer(net, nn.polynomial_decay_lr(0.1, 0.01, 12, dataset.get_dataset_size(), 3, 0.5), 3).fit(dataset)
""",
    "a dynamic loss scale in Model.train": HEAD + """
from mindspore import Model, DynamicLossScaleManager
from mindspore.train import LossMonitor
loss_scale_manager = DynamicLossScaleManager(init_loss_scale=2 ** 10, scale_factor=2, scale_window=100)
lr = nn.WarmUpLR(0.05, 6)
opt = nn.Momentum(net.trainable_params(), learning_rate=lr, momentum=0.9)
model = Model(net, loss_fn=loss_fn, optimizer=opt, loss_scale_manager=loss_scale_manager)
model.train(3, create_dataset(), callbacks=LossMonitor(), dataset_sink_mode=False)
""",
    "TrainOneStepCell over a network with its own loss": HEAD + """
class NetWithLoss(nn.Cell):
    def __init__(self, backbone, loss):
        super().__init__(auto_prefix=False)
        self.backbone, self.loss = backbone, loss
    def construct(self, data, label, scale):
        return self.loss(self.backbone(data), label) * scale
loss_net = NetWithLoss(net, loss_fn)
optimizer = nn.Adadelta(loss_net.trainable_params(), learning_rate=1.0)
train_net = nn.TrainOneStepCell(loss_net, optimizer, sens=1.0)
train_net.set_train()
for epoch in range(2):
    for data, label in create_dataset().create_tuple_iterator():
        loss = train_net(data, label, 0.5)
    print(epoch, float(loss.asnumpy()))
""",
    "AdaMax and a list of rates from numpy": HEAD + """
def warmup_cosine_annealing_lr(lr, steps_per_epoch, warmup_epochs, max_epoch, T_max, eta_min=0):
    base_lr = lr
    warmup_init_lr = 0
    total_steps = int(max_epoch * steps_per_epoch)
    warmup_steps = int(warmup_epochs * steps_per_epoch)
    lr_each_step = []
    for i in range(total_steps):
        last_epoch = i // steps_per_epoch
        if i < warmup_steps:
            lr = warmup_init_lr + (base_lr - warmup_init_lr) / warmup_steps * (i + 1)
        else:
            lr = eta_min + (base_lr - eta_min) * (1. + math.cos(math.pi * last_epoch / T_max)) / 2
        lr_each_step.append(lr)
    return np.array(lr_each_step).astype(np.float32)
lr = Tensor(warmup_cosine_annealing_lr(0.05, 4, 1, 4, 4), ms.float32)
opt = nn.AdaMax(net.trainable_params(), learning_rate=lr)
def forward(a, b):
    out = net(a)
    return loss_fn(out, b)
step_fn = ms.value_and_grad(forward, grad_position=None, weights=opt.parameters)
for epoch in range(4):
    for a, b in create_dataset():
        loss, g = step_fn(a, b)
        opt(g)
""",
    "a scaled gradient by hand": HEAD + """
scale = 128.0
optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.05, momentum=0.9, loss_scale=scale)
def forward_fn(x, y):
    return loss_fn(net(x), y) * scale
grad_fn = ms.value_and_grad(forward_fn, None, optimizer.parameters)
for i in range(6):
    loss, grads = grad_fn(Tensor(X[i*8:(i+1)*8]), Tensor(Y[i*8:(i+1)*8]))
    optimizer(grads)
    print(float(loss.asnumpy()) / scale)
""",
    "gradients changed one by one": HEAD + """
optimizer = nn.SGD(net.trainable_params(), 0.1)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)
for i in range(6):
    loss, grads = grad_fn(Tensor(X[i*8:(i+1)*8]), Tensor(Y[i*8:(i+1)*8]))
    grads = tuple(g * 0.5 for g in grads)
    norm = sum(float((g ** 2).sum()) for g in grads) ** 0.5
    optimizer(grads)
    print(norm)
""",
    "optimizers that PyTorch lacks": HEAD + """
sparse = nn.FTRL(net.body.trainable_params(), learning_rate=0.05, l2=1e-3)
rest = nn.ProximalAdagrad(net.head.trainable_params() + net.norm.trainable_params(), accum=0.2, learning_rate=0.05)
def forward(a, b):
    return loss_fn(net(a), b)
first = ms.value_and_grad(forward, None, sparse.parameters)
second = ms.value_and_grad(forward, None, rest.parameters)
for a, b in create_dataset():
    loss, grads = first(a, b)
    loss, others = second(a, b)
    sparse(grads)
    rest(others)
""",
    "Lamb, which no PyTorch has": HEAD + """
optimizer = nn.Lamb(net.trainable_params(), learning_rate=0.01, weight_decay=0.01)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)
def step(x, y):
    loss, grads = grad_fn(x, y)
    optimizer(grads)
    return loss
""",
    "an optimizer of another library": HEAD + """
from mindcv.optim import create_optimizer
from mindcv.scheduler import create_scheduler
lr = create_scheduler(4, "cosine_decay", lr=0.1)
optimizer = create_optimizer(net.trainable_params(), opt="momentum", lr=lr)
""",
    "a loop with a while and an early stop": HEAD + """
size = len(X) // 12
optimizer = nn.Adam(net.trainable_params(), learning_rate=nn.natural_exp_decay_lr(0.02, 0.9, 3 * size, size, 2, True))
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)
step, best = 0, 1e9
while step < 12:
    i = step % 4
    loss, grads = grad_fn(Tensor(X[i*12:(i+1)*12]), Tensor(Y[i*12:(i+1)*12]))
    grads = ops.clip_by_norm(grads, 1.0)
    optimizer(grads)
    if float(loss.asnumpy()) < best:
        best = float(loss.asnumpy())
        ms.save_checkpoint(net, os.path.join(tempfile.mkdtemp(), "best.ckpt"))
    step += 1
""",
    "a step that jit wraps, and clipped gradients under another name": HEAD + """
optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9)
def forward_fn(data, label):
    return loss_fn(net(data), label)
grad_fn = ms.value_and_grad(forward_fn, None, net.trainable_params())
def train_step(data, label):
    loss, grads = grad_fn(data, label)
    clipped_grads = ops.clip_by_global_norm(grads, 1.0)
    optimizer(clipped_grads)
    return loss
train_step = ms.jit(train_step)
for epoch in range(2):
    for data, label in create_dataset().create_tuple_iterator():
        loss = train_step(data, label)
    print(epoch, loss)
""",
    "a step cell with value_and_grad": HEAD + """
class TrainStepWithClip(nn.TrainOneStepCell):
    def __init__(self, network, optimizer, clip_val=0.3):
        super(TrainStepWithClip, self).__init__(network, optimizer)
        self.clip_val = clip_val
        self.grad_fn = ops.value_and_grad(self.network, grad_position=None, weights=self.weights)
    def construct(self, *inputs):
        loss, grads = self.grad_fn(*inputs)
        grads = ops.clip_by_global_norm(grads, self.clip_val)
        loss = ops.depend(loss, self.optimizer(grads))
        return loss
opt = nn.SGD(net.trainable_params(), 0.1, momentum=0.9)
train = TrainStepWithClip(nn.WithLossCell(net, loss_fn), opt)
train.set_train()
for data, label in create_dataset().create_tuple_iterator():
    print(train(data, label))
""",
    "a step that data_sink feeds": HEAD + """
optimizer = nn.AdamWeightDecay(net.trainable_params(), learning_rate=0.01)
grad_fn = ops.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters, has_aux=False)
@ms.jit
def train_step(data, label):
    loss, grads = grad_fn(data, label)
    loss = ops.depend(loss, optimizer(grads))
    return loss
sink_process = ms.data_sink(train_step, create_dataset(), 1)
for _ in range(4):
    loss = sink_process()
""",
    "graph mode and a weight decay of its own": HEAD.replace("PYNATIVE", "GRAPH") + """
from mindspore.train import Model
class Decay(nn.Cell):
    def __init__(self, start, steps):
        super().__init__()
        self.start, self.steps = start, steps
    def construct(self, global_step):
        return self.start * (1.0 - global_step / self.steps)
decay = Decay(0.1, 40)
optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9, weight_decay=decay)
Model(net, loss_fn, optimizer).train(3, create_dataset(), dataset_sink_mode=False)
""",
    "a norm of the gradients, and the clock, in a log line": HEAD + """
n = create_dataset().get_dataset_size()
lr_list = nn.warmup_lr(0.05, 2 * n, n, 1) + nn.cosine_decay_lr(0.0, 0.05, 3 * n, n, 3)
optimizer = nn.Adam(net.trainable_params(), learning_rate=lr_list[:5 * n], eps=1e-6)
def fwd(x, y):
    z = net(x)
    return loss_fn(z, y), z
grad_fn = ops.value_and_grad(fwd, None, optimizer.parameters, True)
for epoch in range(3):
    for i, d in enumerate(create_dataset().create_dict_iterator()):
        (loss, out), grads = grad_fn(d["data"], d["label"])
        total_norm = ops.sqrt(sum([(g ** 2).sum() for g in grads]))
        optimizer(grads)
        print(int(optimizer.global_step.asnumpy()[0]), float(optimizer.get_lr()), float(total_norm))
""",
    "a callback that assigns the rate": HEAD + """
from mindspore.train import Model, Callback, LossMonitor
class LrDecay(Callback):
    def __init__(self, optimizer, milestones, gamma):
        super().__init__()
        self.optimizer = optimizer
        self.milestones = milestones
        self.gamma = gamma
    def epoch_end(self, run_context):
        cb_params = run_context.original_args()
        if cb_params.cur_epoch_num in self.milestones:
            ops.assign(self.optimizer.learning_rate, self.optimizer.learning_rate * self.gamma)
        if cb_params.cur_epoch_num == 4:
            run_context.request_stop()
opt = nn.SGD(net.trainable_params(), learning_rate=0.1, momentum=0.9)
model = Model(net, loss_fn, opt)
model.train(6, create_dataset(), callbacks=[LrDecay(opt, [2, 3], 0.1), LossMonitor()], dataset_sink_mode=False)
""",
    "Models of several platforms, which scale in several ways, under one name": HEAD + """
from mindspore import FixedLossScaleManager
from mindspore.train import Model, LossMonitor
for platform in ("Ascend", "CPU", "GPU"):
    if platform == "GPU":
        opt = nn.Momentum(net.trainable_params(), 0.05, 0.9)
        model = Model(net, loss_fn, opt)
    else:
        opt = nn.Momentum(net.trainable_params(), 0.1, 0.9, 1e-3, 64.0)
        if platform == "Ascend":
            manager = FixedLossScaleManager(64.0, drop_overflow_update=False)
            model = Model(net, loss_fn=loss_fn, optimizer=opt, loss_scale_manager=manager, amp_level="O0")
        else:
            model = Model(net, loss_fn, opt, loss_scale_manager=None, metrics={"mse"})
    model.train(2, create_dataset(), callbacks=[LossMonitor()], dataset_sink_mode=False)
""",
    "a Model in each of two functions": HEAD + """
from mindspore.train import Model
other = Net()
def coarse(opt):
    model = Model(net, loss_fn, opt)
    model.train(2, create_dataset(), dataset_sink_mode=False)
def fine(opt):
    model = Model(other, nn.L1Loss(), opt)
    model.train(2, create_dataset(), dataset_sink_mode=False)
coarse(nn.SGD(net.trainable_params(), 0.1))
fine(nn.SGD(other.trainable_params(), 0.1, momentum=0.5))
""",
    "a loss scale that a flag chooses": HEAD + """
from mindspore import FixedLossScaleManager, DynamicLossScaleManager
from mindspore.train import Model, LossMonitor
if os.environ.get("SMALL"):
    opt = nn.Momentum(net.trainable_params(), 0.05, 0.9)
else:
    opt = nn.Momentum(net.trainable_params(), 0.1, 0.9, 1e-3, 32.0)
manager = None
if os.environ.get("MOVES") == "yes":
    manager = DynamicLossScaleManager(init_loss_scale=1024, scale_factor=2, scale_window=100)
elif not os.environ.get("PLAIN"):
    manager = FixedLossScaleManager(64.0, drop_overflow_update=False)
model = Model(net, loss_fn=loss_fn, optimizer=opt, loss_scale_manager=manager)
model.train(3, create_dataset(), callbacks=[LossMonitor()], dataset_sink_mode=False)
""",
}  # fmt: skip
