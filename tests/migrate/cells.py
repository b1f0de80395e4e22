"""Training steps in the shape of MindSpore's model repositories: Cells, gradient operations, maps over gradients."""

HEAD = """import argparse
import math
import os
import tempfile
import time
import numpy as np
import mindspore as ms
import mindspore.nn as nn
import mindspore.ops as ops
from mindspore import Tensor, Parameter, context
import mindspore.common.dtype as mstype
import mindspore.dataset as ds
context.set_context(mode=context.PYNATIVE_MODE, device_target="CPU")
ms.set_seed(1)
rng = np.random.default_rng(7)
DATA = rng.standard_normal((64, 6)).astype(np.float32)
LABEL = np.tanh(DATA.sum(axis=1, keepdims=True)).astype(np.float32)
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Dense(6, 10)
        self.ln = nn.LayerNorm((10,))
        self.fc2 = nn.Dense(10, 1)
    def construct(self, x):
        return self.fc2(ops.relu(self.ln(self.fc1(x))))
def create_dataset(batch_size=16, repeat_num=1):
    data = ds.NumpySlicesDataset((DATA, LABEL), column_names=["data", "label"], shuffle=False)
    return data.batch(batch_size, drop_remainder=True).repeat(repeat_num)
"""

# MindSpore's check for overflow has no kernel for the CPU; the same by numbers, so that the scripts run there.
BY_NUMBERS = """def by_numbers(self, status, grads):  # the CPU has no kernel for MindSpore's own check
    return Tensor(not all(bool(ops.isfinite(g).all()) for g in grads))
nn.TrainOneStepWithLossScaleCell.start_overflow_check = lambda self, before, after: (None, after)
nn.TrainOneStepWithLossScaleCell.get_overflow_status = by_numbers
"""
PATCHED = HEAD.replace("def create_", BY_NUMBERS + "def create_")

CELLS = {
    "BERT's step, which clips each gradient and watches for overflow": PATCHED + """
from mindspore.ops import composite as C
from mindspore.ops import functional as F
from mindspore.ops import operations as P
from mindspore.nn.learning_rate_schedule import LearningRateSchedule, PolynomialDecayLR, WarmUpLR
GRADIENT_CLIP_TYPE = 1
GRADIENT_CLIP_VALUE = 1.0
clip_grad = C.MultitypeFuncGraph("clip_grad")
@clip_grad.register("Number", "Number", "Tensor")
def _clip_grad(clip_type, clip_value, grad):
    '''Clip gradients.'''
    if clip_type not in (0, 1):
        return grad
    dt = F.dtype(grad)
    if clip_type == 0:
        new_grad = C.clip_by_value(grad, F.cast(F.tuple_to_array((-clip_value,)), dt),
                                   F.cast(F.tuple_to_array((clip_value,)), dt))
    else:
        new_grad = nn.ClipByNorm()(grad, F.cast(F.tuple_to_array((clip_value,)), dt))
    return new_grad
grad_scale = C.MultitypeFuncGraph("grad_scale")
reciprocal = P.Reciprocal()
@grad_scale.register("Tensor", "Tensor")
def tensor_grad_scale(scale, grad):
    return grad * reciprocal(scale)
class BertLearningRate(LearningRateSchedule):
    '''Warmup-decay learning rate for Bert network.'''
    def __init__(self, learning_rate, end_learning_rate, warmup_steps, decay_steps, power):
        super(BertLearningRate, self).__init__()
        self.warmup_flag = False
        if warmup_steps > 0:
            self.warmup_flag = True
            self.warmup_lr = WarmUpLR(learning_rate, warmup_steps)
        self.decay_lr = PolynomialDecayLR(learning_rate, end_learning_rate, decay_steps, power)
        self.warmup_steps = Tensor(np.array([warmup_steps]).astype(np.float32))
        self.greater = P.Greater()
        self.one = Tensor(np.array([1.0]).astype(np.float32))
        self.cast = P.Cast()
    def construct(self, global_step):
        decay_lr = self.decay_lr(global_step)
        if self.warmup_flag:
            is_warmup = self.cast(self.greater(self.warmup_steps, global_step), mstype.float32)
            warmup_lr = self.warmup_lr(global_step)
            lr = (self.one - is_warmup) * decay_lr + is_warmup * warmup_lr
        else:
            lr = decay_lr
        return lr
class BertTrainOneStepWithLossScaleCell(nn.TrainOneStepWithLossScaleCell):
    def __init__(self, network, optimizer, scale_update_cell=None):
        super(BertTrainOneStepWithLossScaleCell, self).__init__(network, optimizer, scale_update_cell)
        self.cast = P.Cast()
        self.degree = 1
        self.loss_scale = None
        self.loss_scaling_manager = scale_update_cell
        if scale_update_cell:
            self.loss_scale = Parameter(Tensor(scale_update_cell.get_loss_scale(), dtype=mstype.float32))
    def construct(self, input_ids, label_ids, sens=None):
        weights = self.weights
        loss = self.network(input_ids, label_ids)
        if sens is None:
            scaling_sens = self.loss_scale
        else:
            scaling_sens = sens
        status, scaling_sens = self.start_overflow_check(loss, scaling_sens)
        grads = self.grad(self.network, weights)(input_ids, label_ids, self.cast(scaling_sens, mstype.float32))
        # apply grad reducer on grads
        grads = self.grad_reducer(grads)
        degree_sens = self.cast(scaling_sens * self.degree, mstype.float32)
        grads = self.hyper_map(F.partial(grad_scale, degree_sens), grads)
        grads = self.hyper_map(F.partial(clip_grad, GRADIENT_CLIP_TYPE, GRADIENT_CLIP_VALUE), grads)
        cond = self.get_overflow_status(status, grads)
        overflow = cond
        if sens is None:
            overflow = self.loss_scaling_manager(self.loss_scale, cond)
        if not overflow:
            self.optimizer(grads)
        return (loss, cond, scaling_sens.value())
def _get_optim(args_opt, network):
    '''get bert optimizer, support Lamb, Momentum, AdamWeightDecay.'''
    lr_schedule = BertLearningRate(learning_rate=args_opt.lr, end_learning_rate=1e-6, warmup_steps=4,
                                   decay_steps=20, power=2.0)
    params = network.trainable_params()
    decay_params = list(filter(lambda x: 'layernorm' not in x.name.lower() and 'bias' not in x.name.lower(), params))
    other_params = list(filter(lambda x: 'layernorm' in x.name.lower() or 'bias' in x.name.lower(), params))
    group_params = [{'params': decay_params, 'weight_decay': 0.01},
                    {'params': other_params, 'weight_decay': 0.0},
                    {'order_params': params}]
    if args_opt.optimizer == 'Momentum':
        optimizer = nn.Momentum(network.trainable_params(), learning_rate=args_opt.lr, momentum=0.9)
    else:
        optimizer = nn.AdamWeightDecay(group_params, learning_rate=lr_schedule, eps=1e-6)
    return optimizer
def run_pretrain():
    parser = argparse.ArgumentParser()
    parser.add_argument("--optimizer", default="AdamWeightDecay")
    parser.add_argument("--lr", type=float, default=0.003)
    args_opt = parser.parse_args([])
    net_with_loss = nn.WithLossCell(Net(), nn.MSELoss())
    optimizer = _get_optim(args_opt, net_with_loss)
    update_cell = nn.DynamicLossScaleUpdateCell(loss_scale_value=2 ** 10, scale_factor=2, scale_window=1000)
    net_with_grads = BertTrainOneStepWithLossScaleCell(net_with_loss, optimizer=optimizer,
                                                       scale_update_cell=update_cell)
    net_with_grads.set_train()
    for epoch in range(5):
        for x, y in create_dataset().create_tuple_iterator():
            loss, cond, scale = net_with_grads(x, y)
        print(epoch, loss, cond, scale)
if __name__ == "__main__":
    run_pretrain()
""",
    "YOLO's three groups with lists of their own": HEAD + """
def linear_warmup(total, warmup, start, peak, end):
    out = []
    for i in range(total):
        if i < warmup:
            out.append(start + (peak - start) * i / warmup)
        else:
            out.append(end + 0.5 * (peak - end) * (1 + math.cos(math.pi * (i - warmup) / (total - warmup))))
    return out
def get_lr(args, steps_per_epoch):
    total, warm = args.max_epoch * steps_per_epoch, args.warmup_epochs * steps_per_epoch
    lr = linear_warmup(total, warm, 0.0, args.lr, args.lr * 0.01)
    lr_bias = linear_warmup(total, warm, 0.1, args.lr, args.lr * 0.01)
    return np.array(lr, np.float32), np.array(lr_bias, np.float32)
def get_param_groups(network, lr, lr_bias, weight_decay):
    decay_params, no_decay_params, bias_params = [], [], []
    for x in network.trainable_params():
        parameter_name = x.name
        if parameter_name.endswith('.bias'):
            bias_params.append(x)
        elif parameter_name.endswith('.gamma'):
            no_decay_params.append(x)
        elif parameter_name.endswith('.beta'):
            no_decay_params.append(x)
        else:
            decay_params.append(x)
    return [{'params': bias_params, 'lr': Tensor(lr_bias), 'weight_decay': 0.0},
            {'params': no_decay_params, 'lr': Tensor(lr), 'weight_decay': 0.0},
            {'params': decay_params, 'lr': Tensor(lr), 'weight_decay': weight_decay}]
class TrainingWrapper(nn.Cell):
    def __init__(self, network, optimizer, sens=1.0):
        super(TrainingWrapper, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = optimizer.parameters
        self.optimizer = optimizer
        self.grad = ops.GradOperation(get_by_list=True, sens_param=True)
        self.sens = sens
        self.reducer_flag = False
        self.grad_reducer = None
        self.parallel_mode = context.get_auto_parallel_context("parallel_mode")
        if self.parallel_mode in [context.ParallelMode.DATA_PARALLEL, context.ParallelMode.HYBRID_PARALLEL]:
            self.reducer_flag = True
        if self.reducer_flag:
            mean = context.get_auto_parallel_context("gradients_mean")
            self.grad_reducer = nn.DistributedGradReducer(optimizer.parameters, mean, 1)
    def construct(self, *args):
        weights = self.weights
        loss = self.network(*args)
        sens = ops.Fill()(ops.DType()(loss), ops.Shape()(loss), self.sens)
        grads = self.grad(self.network, weights)(*args, sens)
        if self.reducer_flag:
            grads = self.grad_reducer(grads)
        return ops.depend(loss, self.optimizer(grads))
def main():
    parser = argparse.ArgumentParser('yolov5')
    parser.add_argument('--lr', type=float, default=0.02)
    parser.add_argument('--max_epoch', type=int, default=5)
    parser.add_argument('--warmup_epochs', type=int, default=2)
    parser.add_argument('--loss_scale', type=int, default=64)
    args = parser.parse_args([])
    dataset = create_dataset()
    args.steps_per_epoch = dataset.get_dataset_size()
    network = nn.WithLossCell(Net(), nn.MSELoss())
    lr, lr_bias = get_lr(args, args.steps_per_epoch)
    opt = nn.Momentum(params=get_param_groups(network, lr, lr_bias, 5e-4), learning_rate=Tensor(lr), momentum=0.937,
                      weight_decay=5e-4, loss_scale=args.loss_scale)
    network = TrainingWrapper(network, opt, args.loss_scale)
    network.set_train()
    t_end = time.time()
    for epoch_idx in range(args.max_epoch):
        for step_idx, data in enumerate(dataset.create_dict_iterator(num_epochs=1)):
            loss = network(data["data"], data["label"])
            if step_idx % 4 == 0:
                rate = lr[epoch_idx * 4 + step_idx]
                print('epoch[{}], iter[{}], loss:{}, lr:{}'.format(epoch_idx, step_idx, loss, rate))
main()
""",
    "SSD's wrapper with a global norm under a loss scale": HEAD + """
def get_lr(global_step, lr_init, lr_end, lr_max, warmup_epochs, total_epochs, steps_per_epoch):
    lr_each_step = []
    total_steps = steps_per_epoch * total_epochs
    warmup_steps = steps_per_epoch * warmup_epochs
    for i in range(total_steps):
        if i < warmup_steps:
            lr = lr_init + (lr_max - lr_init) * i / warmup_steps
        else:
            angle = math.pi * (i - warmup_steps) / (total_steps - warmup_steps)
            lr = lr_end + (lr_max - lr_end) * (1. + math.cos(angle)) / 2.
        if lr < 0.0:
            lr = 0.0
        lr_each_step.append(lr)
    current_step = global_step
    lr_each_step = np.array(lr_each_step).astype(np.float32)
    learning_rate = lr_each_step[current_step:]
    return learning_rate
class TrainingWrapper(nn.Cell):
    def __init__(self, network, optimizer, sens=1.0, use_global_norm=False):
        super(TrainingWrapper, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = ms.ParameterTuple(network.trainable_params())
        self.optimizer = optimizer
        self.grad = ops.GradOperation(get_by_list=True, sens_param=True)
        self.sens = sens
        self.use_global_norm = use_global_norm
        self.hyper_map = ops.HyperMap()
    def construct(self, *args):
        weights = self.weights
        loss = self.network(*args)
        sens = ops.fill(loss.dtype, loss.shape, self.sens)
        grads = self.grad(self.network, weights)(*args, sens)
        if self.use_global_norm:
            grads = self.hyper_map(ops.partial(grad_scale, ops.scalar_to_tensor(self.sens)), grads)
            grads = ops.clip_by_global_norm(grads)
        self.optimizer(grads)
        return loss
grad_scale = ops.MultitypeFuncGraph("grad_scale")
@grad_scale.register("Tensor", "Tensor")
def tensor_grad_scale(scale, grad):
    return grad * ops.Reciprocal()(scale)
def train():
    dataset = create_dataset()
    loss_scale = float(128)
    net = nn.WithLossCell(Net(), nn.MSELoss())
    lr = Tensor(get_lr(global_step=0, lr_init=0.001, lr_end=0.001 * 0.05, lr_max=0.05, warmup_epochs=2, total_epochs=6,
                       steps_per_epoch=dataset.get_dataset_size()))
    opt = nn.Momentum(filter(lambda x: x.requires_grad, net.get_parameters()), lr, 0.9, 1.5e-4, loss_scale)
    net = TrainingWrapper(net, opt, loss_scale)
    callback = [ms.TimeMonitor(data_size=4), ms.LossMonitor()]
    model = ms.Model(net)
    model.train(6, dataset, callbacks=callback, dataset_sink_mode=False)
train()
""",
    "accumulation in three cells": HEAD + """
from mindspore.ops import composite as C, functional as F, operations as P
_sum_op = C.MultitypeFuncGraph("grad_sum_op")
_clear_op = C.MultitypeFuncGraph("clear_op")
@_sum_op.register("Tensor", "Tensor")
def _cumulative_grad(grad_sum, grad):
    '''Apply grad sum to cumulative gradient.'''
    add = P.AssignAdd()
    return add(grad_sum, grad)
@_clear_op.register("Tensor", "Tensor")
def _clear_grad_sum(grad_sum, zero):
    '''Apply zero to clear grad_sum.'''
    success = True
    success = F.depend(success, F.assign(grad_sum, zero))
    return success
class TrainForwardBackward(nn.Cell):
    def __init__(self, network, optimizer, grad_sum, sens=1.0):
        super(TrainForwardBackward, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.network.add_flags(defer_inline=True)
        self.weights = ms.ParameterTuple(network.trainable_params())
        self.optimizer = optimizer
        self.grad_sum = grad_sum
        self.grad = C.GradOperation(get_by_list=True, sens_param=True)
        self.sens = sens
        self.hyper_map = C.HyperMap()
    def construct(self, *inputs):
        weights = self.weights
        loss = self.network(*inputs)
        sens = P.Fill()(P.DType()(loss), P.Shape()(loss), self.sens)
        grads = self.grad(self.network, weights)(*inputs, sens)
        return F.depend(loss, self.hyper_map(F.partial(_sum_op), self.grad_sum, grads))
class TrainOptim(nn.Cell):
    def __init__(self, optimizer, grad_sum):
        super(TrainOptim, self).__init__(auto_prefix=False)
        self.optimizer = optimizer
        self.grad_sum = grad_sum
    def construct(self):
        return self.optimizer(self.grad_sum)
class TrainClear(nn.Cell):
    def __init__(self, grad_sum, zeros):
        super(TrainClear, self).__init__(auto_prefix=False)
        self.grad_sum = grad_sum
        self.zeros = zeros
        self.hyper_map = C.HyperMap()
    def construct(self):
        success = self.hyper_map(F.partial(_clear_op), self.grad_sum, self.zeros)
        return success
class GradientAccumulation:
    def __init__(self, network, loss_fn, optimizer):
        self._optimizer = optimizer
        params = self._optimizer.parameters
        self._grad_sum = params.clone(prefix="grad_sum", init='zeros')
        self._zeros = params.clone(prefix="zeros", init='zeros')
        net_with_loss = nn.WithLossCell(network, loss_fn)
        self._train_forward_backward = TrainForwardBackward(net_with_loss, self._optimizer, self._grad_sum)
        self._train_optim = TrainOptim(self._optimizer, self._grad_sum)
        self._train_clear = TrainClear(self._grad_sum, self._zeros)
    def train_process(self, epoch, train_dataset, mini_steps=None):
        for i in range(epoch):
            for k, d in enumerate(train_dataset.create_dict_iterator()):
                loss = self._train_forward_backward(d["data"], d["label"])
                if (k + 1) % mini_steps == 0:
                    self._train_optim()
                    self._train_clear()
            print("epoch:", i + 1, "loss is ", loss)
net = Net()
net_opt = nn.Momentum(net.trainable_params(), 0.01, 0.9)
GradientAccumulation(net, nn.MSELoss(), net_opt).train_process(3, create_dataset(), mini_steps=2)
""",
    "Wide&Deep's two optimizers in one cell": HEAD + """
from mindspore import ParameterTuple
from mindspore.ops import composite as C, functional as F, operations as P
class WideDeep(nn.Cell):
    def __init__(self):
        super().__init__()
        self.wide_w = nn.Dense(6, 1)
        self.deep_a = nn.Dense(6, 8)
        self.deep_b = nn.Dense(8, 1)
    def construct(self, x):
        return self.wide_w(x) + self.deep_b(ops.relu(self.deep_a(x)))
class NetWithLossClass(nn.Cell):
    def __init__(self, network):
        super(NetWithLossClass, self).__init__(auto_prefix=False)
        self.network = network
        self.loss = nn.MSELoss()
    def construct(self, x, label):
        predict = self.network(x)
        wide_loss = self.loss(predict, label)
        deep_loss = wide_loss + 1e-4 * (self.network.deep_a.weight ** 2).sum()
        return wide_loss, deep_loss
class IthOutputCell(nn.Cell):
    def __init__(self, network, output_index):
        super(IthOutputCell, self).__init__()
        self.network = network
        self.output_index = output_index
    def construct(self, x, label):
        predict = self.network(x, label)[self.output_index]
        return predict
class TrainStepWrap(nn.Cell):
    def __init__(self, network, sens=1024.0):
        super(TrainStepWrap, self).__init__()
        self.network = network
        self.network.set_train()
        self.trainable_params = network.trainable_params()
        weights_w, weights_d = [], []
        for params in self.trainable_params:
            if 'wide' in params.name:
                weights_w.append(params)
            else:
                weights_d.append(params)
        self.weights_w = ParameterTuple(weights_w)
        self.weights_d = ParameterTuple(weights_d)
        self.optimizer_w = nn.FTRL(learning_rate=1e-2, params=self.weights_w, l1=0.0, l2=1e-8,
                                   initial_accum=1.0, loss_scale=sens)
        self.optimizer_d = nn.Adam(self.weights_d, learning_rate=3.5e-3, eps=1e-8, loss_scale=sens)
        self.hyper_map = C.HyperMap()
        self.grad_w = C.GradOperation(get_by_list=True, sens_param=True)
        self.grad_d = C.GradOperation(get_by_list=True, sens_param=True)
        self.sens = sens
        self.loss_net_w = IthOutputCell(network, output_index=0)
        self.loss_net_d = IthOutputCell(network, output_index=1)
        self.loss_net_w.set_grad()
        self.loss_net_d.set_grad()
    def construct(self, x, label):
        weights_w = self.weights_w
        weights_d = self.weights_d
        loss_w, loss_d = self.network(x, label)
        sens_w = ops.fill(loss_w.dtype, loss_w.shape, self.sens)
        sens_d = ops.fill(loss_d.dtype, loss_d.shape, self.sens)
        grads_w = self.grad_w(self.loss_net_w, weights_w)(x, label, sens_w)
        grads_d = self.grad_d(self.loss_net_d, weights_d)(x, label, sens_d)
        return F.depend(loss_w, self.optimizer_w(grads_w)), F.depend(loss_d, self.optimizer_d(grads_d))
train_net = TrainStepWrap(NetWithLossClass(WideDeep()))
train_net.set_train()
for epoch in range(2):
    for x, y in create_dataset().create_tuple_iterator():
        print(train_net(x, y))
""",
    "a loss scale kept as a tensor of one number": HEAD + """
class Config:
    base_lr, base_step, total_epoch, warmup_step, warmup_ratio = 0.04, 4, 4, 5, 1 / 3.
    momentum, weight_decay, loss_scale = 0.91, 1e-4, 256
config = Config()
def linear_warmup_learning_rate(current_step, warmup_steps, base_lr, init_lr):
    lr_inc = (float(base_lr) - float(init_lr)) / float(warmup_steps)
    learning_rate = float(init_lr) + lr_inc * current_step
    return learning_rate
def a_cosine_learning_rate(current_step, base_lr, warmup_steps, decay_steps):
    base = float(current_step - warmup_steps) / float(decay_steps)
    learning_rate = (1 + math.cos(base * math.pi)) / 2 * base_lr
    return learning_rate
def dynamic_lr(config, steps_per_epoch):
    total_steps = steps_per_epoch * (config.total_epoch + 1)
    warmup_steps = int(config.warmup_step)
    lr = []
    for i in range(total_steps):
        if i < warmup_steps:
            first = config.base_lr * config.warmup_ratio
            lr.append(linear_warmup_learning_rate(i, warmup_steps, config.base_lr, first))
        else:
            lr.append(a_cosine_learning_rate(i, config.base_lr, warmup_steps, total_steps))
    return lr
class LossNet(nn.Cell):
    def construct(self, x1, x2):
        return x1 + x2
class Wrapped(nn.Cell):
    def __init__(self, network, optimizer, sens=1.0, reduce_flag=False, mean=True, degree=None):
        super(Wrapped, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = optimizer.parameters
        self.optimizer = optimizer
        self.grad = ops.GradOperation(get_by_list=True, sens_param=True)
        self.sens = Tensor([sens,], mstype.float32)
        self.reduce_flag = reduce_flag
        if reduce_flag:
            self.grad_reducer = nn.DistributedGradReducer(optimizer.parameters, mean, degree)
    def construct(self, x, gt):
        weights = self.weights
        loss = self.network(x, gt)
        grads = self.grad(self.network, weights)(x, gt, self.sens)
        if self.reduce_flag:
            grads = self.grad_reducer(grads)
        return ops.depend(loss, self.optimizer(grads))
net = Net()
with_loss = nn.WithLossCell(net, nn.L1Loss())
lr = Tensor(dynamic_lr(config, 4), mstype.float32)
opt = nn.SGD(params=net.trainable_params(), learning_rate=lr, momentum=config.momentum,
             weight_decay=config.weight_decay, loss_scale=config.loss_scale)
train = Wrapped(with_loss, opt, sens=config.loss_scale)
train.set_train(True)
losses = []
for epoch in range(config.total_epoch):
    for d in create_dataset().create_dict_iterator():
        loss = train(d["data"], d["label"].reshape(16, 1))
        losses.append(float(loss.asnumpy().mean()))
print(losses)
""",
    "CRNN's clip of each gradient, trained by Model": HEAD + """
from mindspore.ops import composite as C, functional as F, operations as P
GRADIENT_CLIP_TYPE = 1
GRADIENT_CLIP_VALUE = 0.3
clip_grad = C.MultitypeFuncGraph("clip_grad")
@clip_grad.register("Number", "Number", "Tensor")
def _clip_grad(clip_type, clip_value, grad):
    if clip_type not in [0, 1]:
        return grad
    dt = F.dtype(grad)
    if clip_type == 0:
        new_grad = C.clip_by_value(grad, F.cast(F.tuple_to_array((-clip_value,)), dt),
                                   F.cast(F.tuple_to_array((clip_value,)), dt))
    else:
        new_grad = ops.clip_by_norm(grad, clip_value)
    return new_grad
class StepWithGradClip(nn.Cell):
    def __init__(self, network, optimizer, sens=1.0):
        super(StepWithGradClip, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.network.add_flags(defer_inline=True)
        self.weights = optimizer.parameters
        self.optimizer = optimizer
        self.grad = C.GradOperation(get_by_list=True, sens_param=True)
        self.hyper_map = C.HyperMap()
        self.sens = sens
    def construct(self, img, label):
        weights = self.weights
        loss = self.network(img, label)
        sens = ops.fill(loss.dtype, loss.shape, self.sens)
        grads = self.grad(self.network, weights)(img, label, sens)
        grads = self.hyper_map(F.partial(clip_grad, GRADIENT_CLIP_TYPE, GRADIENT_CLIP_VALUE), grads)
        return F.depend(loss, self.optimizer(grads))
net = Net()
opt = nn.SGD(params=net.trainable_params(), learning_rate=nn.piecewise_constant_lr([6, 20], [0.1, 0.01]),
             momentum=0.95, nesterov=True)
net_with_grads = StepWithGradClip(nn.WithLossCell(net, nn.MSELoss()), opt).set_train()
callbacks = [ms.LossMonitor(per_print_times=1), ms.TimeMonitor(data_size=4)]
model = ms.Model(net_with_grads)
model.train(3, create_dataset(), callbacks=callbacks, dataset_sink_mode=False)
""",
    "a trainer with groups spelled dict()": HEAD + """
class Trainer:
    def __init__(self, net, loss, epochs, lr, clip=None, accumulate=1):
        self.net, self.loss = net, loss
        self.epochs, self.base_lr, self.clip = epochs, lr, clip
        self.dataset = create_dataset()
        self.steps = self.dataset.get_dataset_size()
        self.optimizer = self.build_optim()
        self.grad_fn = ms.value_and_grad(self.forward, None, self.optimizer.parameters, has_aux=True)
    def build_optim(self):
        schedule = nn.CosineDecayLR(min_lr=1e-4, max_lr=self.base_lr, decay_steps=self.epochs * self.steps)
        no_decay = [p for p in self.net.trainable_params() if "ln" in p.name or p.name.endswith("bias")]
        decay = [p for p in self.net.trainable_params() if not ("ln" in p.name or p.name.endswith("bias"))]
        groups = [dict(params=decay, weight_decay=0.02), dict(params=no_decay, weight_decay=0.0),
                  dict(order_params=self.net.trainable_params())]
        return nn.Adam(groups, learning_rate=schedule, beta1=0.9, beta2=0.95)
    def forward(self, x, y):
        out = self.net(x)
        return self.loss(out, y), out
    def step(self, x, y):
        (loss, out), grads = self.grad_fn(x, y)
        if self.clip is not None:
            grads = ops.clip_by_value(grads, -self.clip, self.clip)
        self.optimizer(grads)
        return loss, out
    def lr(self):
        return self.optimizer.get_lr()
    def fit(self):
        for epoch in range(1, self.epochs + 1):
            self.net.set_train()
            for i, (x, y) in enumerate(self.dataset.create_tuple_iterator(num_epochs=1)):
                loss, _ = self.step(x, y)
            print(f"[{epoch}/{self.epochs}] loss {loss.asnumpy().item():.4f}")
Trainer(Net(), nn.MSELoss(), 4, 0.02, clip=0.1).fit()
""",
}  # fmt: skip
