"""Lion in the manner of mindcv: a compiled ``construct``, ``map_``, the decay as a float."""

import mindspore as ms
import numpy as np
from mindspore import Tensor, jit, nn, ops
from mindspore.common import dtype as mstype

_lion_opt = ops.MultitypeFuncGraph("lion_opt")


@_lion_opt.register("Tensor", "Tensor", "Tensor", "Float", "Tensor", "Tensor", "Tensor", "Bool", "Bool")
def _lion_update(beta1, beta2, lr, weight_decay, param, m, gradient, decay_flag, optim_filter):
    if optim_filter:
        param_fp32 = param.astype(ms.float32)
        gradient_fp32 = ops.cast(gradient, ms.float32)
        m_fp32 = ops.cast(m, mstype.float32)
        next_m = ops.mul(beta1, m_fp32) + ops.mul(
            ops.cast(ops.tuple_to_array((1.0,)), ms.float32) - beta1, gradient_fp32
        )
        update = ops.sign(next_m)
        if decay_flag:
            update = ops.mul(weight_decay, param_fp32) + update
        next_param = param_fp32 - ops.reshape(ops.mul(lr, update), ops.shape(param_fp32))
        next_m = ops.mul(beta2, m_fp32) + ops.mul(1.0 - beta2, gradient_fp32)
        next_param = ops.depend(next_param, ops.assign(param, ops.cast(next_param, param.dtype)))
        next_param = ops.depend(next_param, ops.assign(m, ops.cast(next_m, m.dtype)))
        return next_param
    return gradient


class Lion(nn.Optimizer):
    def __init__(self, params, learning_rate=2e-4, beta1=0.9, beta2=0.99, weight_decay=0.0, loss_scale=1.0):
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.beta1 = Tensor(np.array([beta1]).astype(np.float32))
        self.beta2 = Tensor(np.array([beta2]).astype(np.float32))
        self.moments1 = self.parameters.clone(prefix="lion_m", init="zeros")
        self.wd = float(weight_decay)

    @jit
    def construct(self, gradients):
        lr = self.get_lr()
        gradients = self.scale_grad(gradients)
        kept = (self.parameters, self.moments1, gradients, self.decay_flags, self.optim_filter)
        if self.is_group_lr:
            decays = tuple(self.wd for _ in gradients)
            res = ops.HyperMap()(ops.partial(_lion_opt, self.beta1, self.beta2), lr, decays, *kept)
        else:
            res = self.map_(ops.partial(_lion_opt, self.beta1, self.beta2, lr, self.wd), *kept)
        return ops.depend(True, res)
