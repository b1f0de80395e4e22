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
