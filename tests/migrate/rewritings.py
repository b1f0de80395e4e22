"""MindSpore's scripts in which weights are written by hand, or a factory hands options on, for the road to PyTorch."""

from returns import HEAD

ADAM = "opt = nn.Adam(net.trainable_params(), 0.01)\n"
STEP = """
forward = lambda x, y: loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
"""
WRITTEN = {
    "a critic's weights clamped after its update": HEAD + ADAM + STEP + """
        for p in net.trainable_params():
            ops.assign(p, ops.clip_by_value(p, -0.3, 0.3))
""",
    "a target network that follows slowly": HEAD + """
class Agent:
    def __init__(self):
        self.q, self.target = Net(), Net()
        self.optim = nn.Adam(self.q.trainable_params(), 0.01)
        self.grad = ms.value_and_grad(self.loss, None, self.optim.parameters)
        self.tau = 0.1
    def loss(self, s, goal):
        return loss_fn(self.q(s), goal)
    def follow(self, source, into):
        for a, b in zip(source.trainable_params(), into.trainable_params()):
            ops.assign(b, self.tau * a + (1 - self.tau) * b)
    def update(self, s, r):
        goal = r + 0.9 * self.target(s)
        loss, grads = self.grad(s, ops.stop_gradient(goal))
        self.optim(grads)
        self.follow(self.q, self.target)
        return loss
agent = Agent()
for epoch in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        print(agent.update(x, y))
""",
    "a moving average in a training step": HEAD + """
class EMAStep(nn.TrainOneStepCell):
    def __init__(self, network, optimizer, decay=0.9):
        super().__init__(network, optimizer)
        self.ema = self.weights.clone(prefix="ema", init="same")
        self.decay = decay
    def construct(self, *inputs):
        loss = self.network(*inputs)
        grads = self.grad(self.network, self.weights)(*inputs, ops.ones_like(loss) * 1.0)
        loss = ops.depend(loss, self.optimizer(grads))
        for e, w in zip(self.ema, self.weights):
            ops.assign(e, e * self.decay + w * (1 - self.decay))
        return loss
""" + ADAM + """
step = EMAStep(nn.WithLossCell(net, loss_fn), opt)
for epoch in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        print(step(x, y))
""",
    "mindcv's training step": HEAD + """
from mindspore.ops import functional as F
from mindspore.ops import composite as C
_ema_op = C.MultitypeFuncGraph("grad_ema_op")
_grad_scale = C.MultitypeFuncGraph("grad_scale")
@_ema_op.register("Tensor", "Tensor", "Tensor")
def _ema_weights(factor, ema_weight, weight):
    return F.assign(ema_weight, ema_weight * factor + weight * (1 - factor))
@_grad_scale.register("Tensor", "Tensor")
def tensor_grad_scale(scale, grad):
    return grad * F.cast(1.0 / scale, F.dtype(grad))
class TrainStep(nn.TrainOneStepWithLossScaleCell):
    def __init__(self, network, optimizer, scale_sense=1.0, ema=False, ema_decay=0.9999, clip_grad=False, clip_value=9):
        super(TrainStep, self).__init__(network, optimizer, scale_sense)
        self.ema = ema
        self.ema_decay = ema_decay
        self.updates = Parameter(Tensor(0.0, ms.float32))
        self.clip_grad = clip_grad
        self.clip_value = clip_value
        if self.ema:
            self.weights_all = ms.ParameterTuple(list(network.get_parameters()))
            self.ema_weight = self.weights_all.clone("ema", init="same")
    def ema_update(self):
        self.updates += 1
        d = self.ema_decay * (1 - F.exp(-self.updates / 2000))
        self.hyper_map(F.partial(_ema_op, d), self.ema_weight, self.weights_all)
        return self.updates
    def construct(self, *inputs):
        weights = self.weights
        loss = self.network(*inputs)
        scaling_sens = self.scale_sense
        status, scaling_sens = self.start_overflow_check(loss, scaling_sens)
        scaling_sens_filled = C.ones_like(loss) * F.cast(scaling_sens, F.dtype(loss))
        grads = self.grad(self.network, weights)(*inputs, scaling_sens_filled)
        grads = self.hyper_map(F.partial(_grad_scale, scaling_sens), grads)
        if self.clip_grad:
            grads = C.clip_by_global_norm(grads, clip_norm=self.clip_value)
        loss = F.depend(loss, self.optimizer(grads))
        if self.ema:
            self.ema_update()
        return loss
opt = nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.0, 0.05, 12, 4, 3), 0.9, weight_decay=1e-3)
scale = nn.FixedLossScaleUpdateCell(128)
step = TrainStep(nn.WithLossCell(net, loss_fn), opt, scale_sense=scale, ema=True, clip_grad=True, clip_value=0.2)
step.set_train()
for epoch in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        print(step(x, y))
""",
    "a scaler asked twice in one line": HEAD + """
def create_scheduler(steps, lr, epochs):
    lrs = []
    for i in range(steps * epochs):
        lrs.append(lr * math.cos(math.pi / 2 * math.floor(i / steps) / epochs))
    return lrs
data = create_dataset()
scaler = ms.amp.StaticLossScaler(1024)
opt = nn.AdamWeightDecay(net.trainable_params(), learning_rate=create_scheduler(data.get_dataset_size(), 0.01, 3))
grad_fn = ms.value_and_grad(lambda x, y: scaler.scale(loss_fn(net(x), y)), None, opt.parameters)
for epoch in range(3):
    for x, y in data.create_tuple_iterator(num_epochs=1):
        l, g = grad_fn(x, y)
        l, g = scaler.unscale(l), scaler.unscale(g)
        if ms.amp.all_finite(g):
            g = ops.clip_by_global_norm(g, 3.0)
            opt(g)
""",
    "a factory with further options": HEAD + """
def init_group_params(params, weight_decay):
    decay, rest = [], []
    for param in params:
        (rest if "bias" in param.name or "gamma" in param.name or "beta" in param.name else decay).append(param)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": rest}, {"order_params": params}]
def create_optimizer(params, opt="adam", lr=1e-3, weight_decay=0, momentum=0.9, loss_scale=1.0, **kwargs):
    if weight_decay:
        params = init_group_params(params, weight_decay)
    opt_args = dict(**kwargs)
    if opt == "sgd":
        return nn.SGD(params, lr, momentum=momentum, weight_decay=weight_decay, loss_scale=loss_scale, **opt_args)
    if opt == "adam":
        return nn.Adam(params, lr, weight_decay=weight_decay, loss_scale=loss_scale, **opt_args)
    raise ValueError(opt)
opt = create_optimizer(net.trainable_params(), "sgd", [0.05] * 6 + [0.01] * 6, weight_decay=1e-2)
model = ms.Model(net, loss_fn=loss_fn, optimizer=opt)
model.train(3, create_dataset(), dataset_sink_mode=False)
""",
    "a finetuning cell that looks at the float status": HEAD + """
ops.FloatStatus = lambda: lambda g: (1 - ops.isfinite(g).all().astype(ms.float32)).reshape((1,))  # none for the CPU
GRADIENT_CLIP_TYPE = 1
GRADIENT_CLIP_VALUE = 1.0
clip_grad = ops.MultitypeFuncGraph("clip_grad")
@clip_grad.register("Number", "Number", "Tensor")
def _clip_grad(clip_type, clip_value, grad):
    if clip_type not in (0, 1):
        return grad
    dt = ops.DType()(grad)
    if clip_type == 0:
        low, high = ops.tuple_to_array((-clip_value,)), ops.tuple_to_array((clip_value,))
        new_grad = ops.clip_by_value(grad, ops.cast(low, dt), ops.cast(high, dt))
    else:
        new_grad = nn.ClipByNorm()(grad, ops.cast(ops.tuple_to_array((clip_value,)), dt))
    return new_grad
grad_scale = ops.MultitypeFuncGraph("grad_scale")
reciprocal = ops.Reciprocal()
@grad_scale.register("Tensor", "Tensor")
def tensor_grad_scale(scale, grad):
    return grad * reciprocal(scale)
_grad_overflow = ops.MultitypeFuncGraph("_grad_overflow")
grad_overflow = ops.FloatStatus()
@_grad_overflow.register("Tensor")
def _tensor_grad_overflow(grad):
    return grad_overflow(grad)
class FinetuneCell(nn.Cell):
    def __init__(self, network, optimizer, scale_update_cell=None):
        super(FinetuneCell, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = optimizer.parameters
        self.optimizer = optimizer
        self.grad = ops.GradOperation(get_by_list=True, sens_param=True)
        self.reducer_flag = False
        self.allreduce = ops.AllReduce()
        self.is_distributed = False
        self.cast = ops.Cast()
        self.gpu_target = True
        self.float_status = ops.FloatStatus()
        self.addn = ops.AddN()
        self.reshape = ops.Reshape()
        self.reduce_sum = ops.ReduceSum(keep_dims=False)
        self.base = Tensor(1, ms.float32)
        self.less_equal = ops.LessEqual()
        self.hyper_map = ops.HyperMap()
        self.loss_scale = None
        self.loss_scaling_manager = scale_update_cell
        if scale_update_cell:
            self.loss_scale = Parameter(Tensor(scale_update_cell.get_loss_scale(), dtype=ms.float32), name="loss_scale")
    def construct(self, x, y, sens=None):
        weights = self.weights
        init = False
        loss = self.network(x, y)
        if sens is None:
            scaling_sens = self.loss_scale
        else:
            scaling_sens = sens
        grads = self.grad(self.network, weights)(x, y, self.cast(scaling_sens, ms.float32))
        grads = self.hyper_map(ops.partial(grad_scale, scaling_sens), grads)
        grads = self.hyper_map(ops.partial(clip_grad, GRADIENT_CLIP_TYPE, GRADIENT_CLIP_VALUE), grads)
        flag_sum = self.hyper_map(ops.partial(_grad_overflow), grads)
        flag_sum = self.addn(flag_sum)
        flag_sum = self.reshape(flag_sum, (()))
        if self.is_distributed:
            flag_reduce = self.allreduce(flag_sum)
            cond = self.less_equal(self.base, flag_reduce)
        else:
            cond = self.less_equal(self.base, flag_sum)
        overflow = cond
        if sens is None:
            overflow = self.loss_scaling_manager(self.loss_scale, cond)
        if not overflow:
            self.optimizer(grads)
        return (loss, cond)
opt = nn.AdamWeightDecay(net.trainable_params(), 0.01)
update = nn.DynamicLossScaleUpdateCell(loss_scale_value=2.0**127, scale_factor=2, scale_window=1000)
step = FinetuneCell(nn.WithLossCell(net, loss_fn), opt, update)
step.set_train()
for epoch in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        print(step(x, y))
""",
    "a Model that is given everything in place": HEAD + """
class WithLoss(nn.Cell):
    def __init__(self, net):
        super().__init__(auto_prefix=False)
        self.net = net
    def construct(self, x, y):
        return loss_fn(self.net(x), y)
def main(epochs):
    data = create_dataset()
    ms.Model(WithLoss(net), optimizer=nn.Momentum(net.trainable_params(), [0.05] * 12, 0.9)).train(epochs, data)
main(3)
""",
    "a training step that is given everything in place": HEAD + """
class WithLoss(nn.Cell):
    def __init__(self, net):
        super().__init__(auto_prefix=False)
        self.net = net
    def construct(self, x, y):
        return loss_fn(self.net(x), y)
def make(params, lr):
    return nn.Adam(params, lr, weight_decay=0.01)
step = nn.TrainOneStepCell(WithLoss(net), make(net.trainable_params(), 0.01)).set_train()
for epoch in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        print(step(x, y))
""",
    "a single weight and a scalar": HEAD + """
class Scaled(nn.Cell):
    def __init__(self):
        super().__init__()
        self.net, self.scale = Net(), Parameter(Tensor(1.5, ms.float32), name="scale")
    def construct(self, x):
        return self.net(x) * self.scale
net = Scaled()
opt = nn.Adam([{"params": [net.net.body.weight, net.net.head.weight], "weight_decay": 0.1},
               {"params": [net.scale], "lr": 0.5}], 0.1)
""" + STEP,
}  # fmt: skip
