"""Adan in the manner of mindcv: four clones, ``get_weight_decay``, bias told by ``global_step``."""

from mindspore import Tensor, ops
from mindspore.common import dtype as mstype
from mindspore.nn.optim import Optimizer

_adan_opt = ops.MultitypeFuncGraph("adan_opt")


@_adan_opt.register(
    "Float",
    "Float",
    "Float",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
    "Tensor",
)
def _update_run_op(beta1, beta2, beta3, eps, global_step, lr, param, prev_g, m, v, n, g, weight_decay):
    success = True
    diff = ops.select(global_step == 0, ops.zeros_like(g), g - prev_g)
    update = g + (1 - beta2) * diff
    new_m = (1 - beta1) * m + beta1 * g
    new_v = (1 - beta2) * v + beta2 * diff
    new_n = (1 - beta3) * n + beta3 * ops.square(update)
    step = lr / (ops.sqrt(new_n) + eps)
    new_p = (param - step * (new_m + (1 - beta2) * new_v)) / (1 + lr * weight_decay)
    success = ops.depend(success, ops.assign(param, new_p))
    success = ops.depend(success, ops.assign(m, new_m))
    success = ops.depend(success, ops.assign(v, new_v))
    success = ops.depend(success, ops.assign(n, new_n))
    success = ops.depend(success, ops.assign(prev_g, g))
    return success


class Adan(Optimizer):
    def __init__(
        self, params, learning_rate=1e-3, beta1=0.02, beta2=0.08, beta3=0.01, eps=1e-8, weight_decay=0.0, loss_scale=1.0
    ):
        super().__init__(learning_rate, params, weight_decay=weight_decay, loss_scale=loss_scale)
        assert isinstance(beta1, float) and 0 <= beta1 <= 1.0
        self.beta1, self.beta2, self.beta3 = beta1, beta2, beta3
        self.eps = Tensor(eps, mstype.float32)
        self.prev_g = self.parameters.clone(prefix="prev_gradient", init="zeros")
        self.moment1 = self._parameters.clone(prefix="moment1", init="zeros")
        self.moment2 = self._parameters.clone(prefix="moment2", init="zeros")
        self.moment3 = self._parameters.clone(prefix="moment3", init="zeros")
        self.hyper_map = ops.HyperMap()

    def construct(self, gradients):
        params = self._parameters
        gradients = self.flatten_gradients(gradients)
        gradients = self.gradients_centralization(gradients)
        gradients = self.scale_grad(gradients)
        gradients = self._grad_sparse_indices_deduplicate(gradients)
        lr = self.get_lr()
        wd = self.get_weight_decay()
        step = self.global_step
        lrs = lr if self.is_group_lr else tuple(lr for _ in params)
        wds = wd if self.is_group else tuple(wd for _ in params)
        wds = tuple(Tensor(w, mstype.float32) if not isinstance(w, Tensor) else w for w in wds)
        success = self.hyper_map(
            ops.partial(_adan_opt, self.beta1, self.beta2, self.beta3, self.eps, step),
            lrs,
            params,
            self.prev_g,
            self.moment1,
            self.moment2,
            self.moment3,
            gradients,
            wds,
        )
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        return success
