"""LAMB of MindSpore's model zoo, from operators: HyperMap, Norm, Select, Greater, Fill."""

import numpy as np
from mindspore import nn, ops
from mindspore.common import dtype as mstype
from mindspore.common.tensor import Tensor
from mindspore.nn.optim.optimizer import Optimizer
from mindspore.ops import composite as C
from mindspore.ops import functional as F
from mindspore.ops import operations as P

num_one = Tensor(np.ones([1]), mstype.float32)
lamb_opt = C.MultitypeFuncGraph("lamb_opt")


@lamb_opt.register(
    "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Bool", "Bool"
)
def _update_run_op(beta1, beta2, eps, global_step, lr, weight_decay, param, m, v, gradient, decay_flag, optim_filter):
    if optim_filter:
        op_mul = P.Mul()
        op_sqrt = P.Sqrt()
        op_rsqrt = P.Rsqrt()
        op_square = P.Square()
        op_cast = P.Cast()
        op_reshape = P.Reshape()
        op_shape = P.Shape()
        op_pow = P.Pow()
        op_norm = nn.Norm()
        op_select = P.Select()
        op_greater = P.Greater()
        op_fill = P.Fill()
        op_dtype = P.DType()
        param_fp32 = op_cast(param, mstype.float32)
        m_fp32 = op_cast(m, mstype.float32)
        v_fp32 = op_cast(v, mstype.float32)
        gradient_fp32 = op_cast(gradient, mstype.float32)
        next_m = op_mul(beta1, m_fp32) + op_mul(op_cast(num_one, mstype.float32) - beta1, gradient_fp32)
        next_v = op_mul(beta2, v_fp32) + op_mul(op_cast(num_one, mstype.float32) - beta2, op_square(gradient_fp32))
        next_mm = next_m / (
            op_cast(num_one, mstype.float32) - op_pow(beta1, op_cast(global_step + num_one, mstype.float32))
        )
        next_vv = next_v / (
            op_cast(num_one, mstype.float32) - op_pow(beta2, op_cast(global_step + num_one, mstype.float32))
        )
        w_norm = op_norm(param_fp32)
        g_norm = op_norm(gradient_fp32)
        g_norm_hat = op_norm(op_mul(next_mm, op_rsqrt(next_vv + eps)) + weight_decay * param_fp32)
        zeros = F.zeros_like(w_norm)
        ones = op_fill(op_dtype(w_norm), op_shape(w_norm), 1.0)
        trust_ratio = op_select(
            op_greater(w_norm, zeros), op_select(op_greater(g_norm, zeros), w_norm / g_norm_hat, ones), ones
        )
        tens = op_fill(op_dtype(trust_ratio), op_shape(trust_ratio), 10.0)
        trust_ratio = C.clip_by_value(trust_ratio, zeros, tens)
        update = next_mm / (op_sqrt(next_vv) + eps)
        if decay_flag:
            update = update + op_mul(weight_decay, param_fp32)
        update_with_lr = op_mul(op_mul(trust_ratio, lr), update)
        next_param = param_fp32 - op_reshape(update_with_lr, op_shape(param_fp32))
        next_param = F.depend(next_param, F.assign(param, op_cast(next_param, F.dtype(param))))
        next_param = F.depend(next_param, F.assign(m, op_cast(next_m, F.dtype(m))))
        next_param = F.depend(next_param, F.assign(v, op_cast(next_v, F.dtype(v))))
        return op_cast(next_param, F.dtype(param))
    return gradient


class Lamb(Optimizer):
    def __init__(self, params, learning_rate=0.01, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.0):
        super().__init__(learning_rate, params, weight_decay)
        self.beta1 = Tensor(np.array([beta1]).astype(np.float32))
        self.beta2 = Tensor(np.array([beta2]).astype(np.float32))
        self.eps = Tensor(np.array([eps]).astype(np.float32))
        self.params = self.parameters
        self.moments1 = self.params.clone(prefix="lamb_m", init="zeros")
        self.moments2 = self.params.clone(prefix="lamb_v", init="zeros")
        self.map_ = ops.Map() if hasattr(ops, "Map") else C.HyperMap()
        self.hyper_map = C.HyperMap()

    def construct(self, gradients):
        weight_decay = self.get_weight_decay()
        lr = self.get_lr()
        gradients = self.gradients_centralization(gradients)
        if not self.is_group:
            weight_decay = (
                Tensor(weight_decay, mstype.float32) if not isinstance(weight_decay, Tensor) else weight_decay
            )
            f = F.partial(lamb_opt, self.beta1, self.beta2, self.eps, self.global_step, lr, weight_decay)
            r = self.hyper_map(
                f, self.params, self.moments1, self.moments2, gradients, self.decay_flags, self.optim_filter
            )
        else:
            f = F.partial(lamb_opt, self.beta1, self.beta2, self.eps, self.global_step)
            if self.is_group_lr:
                r = self.hyper_map(
                    f,
                    lr,
                    weight_decay,
                    self.params,
                    self.moments1,
                    self.moments2,
                    gradients,
                    self.decay_flags,
                    self.optim_filter,
                )
            else:
                r = self.hyper_map(
                    F.partial(f, lr),
                    weight_decay,
                    self.params,
                    self.moments1,
                    self.moments2,
                    gradients,
                    self.decay_flags,
                    self.optim_filter,
                )
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        return r
