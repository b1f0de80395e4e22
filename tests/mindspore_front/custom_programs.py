"""Optimizers as users of MindSpore write them: text, read once with ``mindspore`` and once with ``calando.mindspore``.

The first is the example of MindSpore's own documentation (nn.Optimizer, 2.10); the others are written in the manners
of its model zoo: HyperMap over a MultitypeFuncGraph, numbers kept as Parameters, groups told apart by hand.
"""

HEAD = """
import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor, Parameter, ParameterTuple
from mindspore.common import dtype as mstype
from mindspore.ops import operations as P
from mindspore.ops import composite as C
from mindspore.ops import functional as F
from mindspore.common.initializer import initializer
from mindspore.nn.optim.optimizer import Optimizer, opt_init_args_register
"""

DOCUMENTED = """
class MyMomentum(nn.Optimizer):
    def __init__(self, params, learning_rate, momentum=0.9, weight_decay=0.0, loss_scale=1.0):
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.moments = self.parameters.clone(prefix="moments", init="zeros")
        self.momentum = momentum
        self.opt = ops.ApplyMomentum()

    def construct(self, gradients):
        params = self.parameters
        lr = self.get_lr()
        gradients = self.flatten_gradients(gradients)
        gradients = self.decay_weight(gradients)
        gradients = self.gradients_centralization(gradients)
        gradients = self.scale_grad(gradients)

        success = None
        for number, (param, mom, grad) in enumerate(zip(params, self.moments, gradients)):
            rate = lr[number] if self.is_group_lr else lr
            success = self.opt(param, mom, rate, grad, self.momentum)
        return success
"""

COUNTING = """
class Counting(MyMomentum):
    def construct(self, gradients):
        success = super().construct(gradients)
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        return success
"""

MAPPED = """
_update = C.MultitypeFuncGraph("update")

@_update.register("Function", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor")
def _update_one(opt, momentum, lr, weight, moment, stat, gradient):
    success = True
    return F.depend(success, opt(weight, gradient, lr, moment, momentum, stat))

class Mapped(Optimizer):
    @opt_init_args_register
    def __init__(self, params, learning_rate=0.1, momentum=0.9, weight_decay=0.0, loss_scale=1.0):
        super(Mapped, self).__init__(learning_rate, params, weight_decay, loss_scale)
        self.momentum = Parameter(Tensor(momentum, mstype.float32), name="momentum")
        self.accum = self.parameters.clone(prefix="accum", init="zeros")
        self.stat = self.parameters.clone(prefix="stat", init="ones")
        self.opt = P.SGD(0.25, 0.0, False)
        self.hyper_map = C.HyperMap()

    def construct(self, gradients):
        lr = self.get_lr()
        gradients = self.decay_weight(gradients)
        gradients = self.scale_grad(gradients)
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        update, kept = F.partial(_update, self.opt, self.momentum), (self.parameters, self.accum, self.stat)
        if self.is_group_lr:
            return self.hyper_map(update, lr, *kept, gradients)
        return self.hyper_map(F.partial(update, lr), *kept, gradients)
"""

POWERS = """
class Powers(nn.Optimizer):
    def __init__(self, params, learning_rate=1e-2, beta1=0.9, beta2=0.99, eps=1e-6, weight_decay=0.0):
        super().__init__(learning_rate, params, weight_decay)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.beta1_power = Parameter(initializer(1, [1], mstype.float32), name="beta1_power")
        self.beta2_power = Parameter(initializer(1, [1], mstype.float32), name="beta2_power")
        self.m = self.parameters.clone(prefix="m", init="zeros")
        self.v = self.parameters.clone(prefix="v", init="zeros")
        self.opt = ops.Adam(False, False)

    def construct(self, gradients):
        lr = self.get_lr()
        gradients = self.decay_weight(gradients)
        self.beta1_power = self.beta1_power * self.beta1
        self.beta2_power = self.beta2_power * self.beta2
        ones = (self.beta1_power.reshape(()), self.beta2_power.reshape(()))
        for number, (param, m, v, grad) in enumerate(zip(self.parameters, self.m, self.v, gradients)):
            self.opt(param, m, v, *ones, lr[number] if self.is_group_lr else lr,
                     Tensor(self.beta1, mstype.float32), Tensor(self.beta2, mstype.float32),
                     Tensor(self.eps, mstype.float32), grad)
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        return True
"""

BY_HAND = """
class SignMomentum(nn.Optimizer):
    def __init__(self, params, learning_rate=1e-2, beta=0.9, weight_decay=0.0):
        super().__init__(learning_rate, params, weight_decay)
        self.beta = Tensor(np.array(beta, np.float32))
        self.trace_of = self.parameters.clone(prefix="trace", init="zeros")
        self.sign, self.mul, self.cast = P.Sign(), P.Mul(), P.Cast()
        self.assign, self.sub = P.Assign(), P.AssignSub()

    def construct(self, gradients):
        lr, decay = self.get_lr(), self.get_weight_decay()
        for number, (param, trace, grad) in enumerate(zip(self.parameters, self.trace_of, gradients)):
            rate = lr[number] if self.is_group_lr else lr
            wd = decay[number] if self.is_group else decay
            new = P.AddN()([self.mul(trace, self.beta), self.mul(grad, 1 - self.beta)])
            self.sub(param, self.mul(rate, self.sign(new) + self.cast(wd, mstype.float32) * param))
            self.assign(trace, new)
        ops.assign_add(self.global_step, self.global_step_increase_tensor)
        return True
"""

PROGRAMS = {
    "MyMomentum": DOCUMENTED,
    "Counting": DOCUMENTED + COUNTING,
    "Mapped": MAPPED,
    "Powers": POWERS,
    "SignMomentum": BY_HAND,
}


def read(name: str, ours: bool) -> dict:
    """The names of a program, read for calando or for real MindSpore."""
    text = HEAD + PROGRAMS[name]
    names: dict = {"__name__": f"program_{name}"}
    exec(text.replace("mindspore", "calando.mindspore") if ours else text, names)
    return names
