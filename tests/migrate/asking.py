"""Scripts of MindSpore's that ask their optimizer, or change it, by way of something else."""

from returns import HEAD

ASKING = {
    "a callback that lowers the rate of the training's optimizer": HEAD + """
from mindspore.train import Model
from mindspore.train.callback import Callback
class Halve(Callback):
    def __init__(self, every):
        super().__init__()
        self.every = every
    def on_train_epoch_end(self, run_context):
        cb_params = run_context.original_args()
        if cb_params.cur_epoch_num % self.every == 0:
            lr = cb_params.optimizer.learning_rate
            ops.assign(lr, lr * 0.5)
opt = nn.Momentum(net.trainable_params(), learning_rate=0.1, momentum=0.9)
model = Model(net, loss_fn, opt)
model.train(4, create_dataset(), callbacks=[Halve(2)], dataset_sink_mode=False)
""",
    "a callback that finds the optimizer in the network it is told": HEAD + """
from mindspore.train import Model
from mindspore.train.callback import Callback
class Halve(Callback):
    def __init__(self, every):
        super().__init__()
        self.every = every
    def on_train_epoch_end(self, run_context):
        cb_params = run_context.original_args()
        if cb_params.cur_epoch_num % self.every == 0:
            opt = cb_params.train_network.optimizer
            from mindspore.ops import functional as F
            F.assign(opt.learning_rate, opt.learning_rate * 0.5)
opt = nn.Momentum(net.trainable_params(), learning_rate=0.1, momentum=0.9)
model = Model(net, loss_fn, opt)
model.train(4, create_dataset(), callbacks=[Halve(2)], dataset_sink_mode=False)
""",
    "a loop that the optimizer's clock ends": HEAD + """
opt = nn.Momentum(net.trainable_params(), nn.ExponentialDecayLR(0.1, 0.9, 2), 0.9)
vg = ops.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
while int(opt.global_step.asnumpy()[0]) < 10:
    for x, y in create_dataset():
        loss, g = vg(x, y)
        opt(g)
        print(opt.global_step, opt.get_lr())
""",
    "a clip by select, mapped over the gradients": HEAD + """
opt = nn.Momentum(net.trainable_params(), 0.05, 0.9)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
clip_grad = ops.MultitypeFuncGraph("clip_grad")
@clip_grad.register("Number", "Tensor")
def _clip_grad(limit, grad):
    norm = ops.sqrt(ops.sum(grad * grad))
    return ops.select(norm > limit, grad * limit / norm, grad)
hyper_map = ops.HyperMap()
for x, y in create_dataset().create_tuple_iterator():
    loss, grads = grad_fn(x, y)
    grads = hyper_map(ops.partial(clip_grad, 0.1), grads)
    opt(grads)
""",
}  # fmt: skip

ASKING["a step with a forward of its own, under a name that hides the options"] = (
    HEAD
    + """
class args:
    loss_scale = 64.0
    clip = 0.2
opt = nn.Momentum(net.trainable_params(), 0.05, 0.9, loss_scale=args.loss_scale)
class Step(nn.Cell):
    def __init__(self, network, optimizer):
        super().__init__()
        self.network, self.optimizer = network, optimizer
        self.grad_fn = ms.value_and_grad(self.forward, None, optimizer.parameters)
    def forward(self, x, y):
        return loss_fn(self.network(x), y) * 64.0
    def construct(self, *args):
        loss, grads = self.grad_fn(*args)
        self.optimizer(grads)
        return loss
step = Step(net, opt)
for x, y in create_dataset().create_tuple_iterator():
    step(x, y)
"""
)
ASKING["parameters filtered by a function of the configuration"] = (
    HEAD
    + """
class Config:
    decay_filter = lambda x: "norm" not in x.name.lower() and "bias" not in x.name.lower()
    weight_decay = 0.05
def build(network):
    params = network.trainable_params()
    decayed = list(filter(Config.decay_filter, params))
    others = list(filter(lambda x: not Config.decay_filter(x), params))
    groups = [{"params": decayed, "weight_decay": Config.weight_decay}, {"params": others, "weight_decay": 0.0},
              {"order_params": params}]
    return nn.Momentum(groups, 0.05, 0.9)
opt = build(net)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for x, y in create_dataset().create_tuple_iterator():
    loss, grads = grad_fn(x, y)
    opt(grads)
"""
)
