"""SGD with warm-up, clipping and a Parameter for each buffer, without HyperMap."""

import mindspore as ms
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops
from mindspore.common import dtype as mstype


class WarmSGD(nn.Optimizer):
    """SGD with warm-up, clipping and momentum by tensors"""

    def __init__(self, params, learning_rate=0.1, warmup=3, momentum=0.9, weight_decay=0.0, clip=1.0):
        super().__init__(learning_rate, params, weight_decay=weight_decay)
        self.warmup = Tensor(float(warmup), ms.float32)
        self.momentum = Parameter(Tensor(momentum, ms.float32), name="momentum")
        self.buf = ParameterTuple(
            tuple(
                Parameter(ops.zeros(p.shape, p.dtype), name="buf." + p.name, requires_grad=False)
                for p in self.parameters
            )
        )
        self.clip = clip
        self.one = Tensor(1.0, mstype.float32)
        self.steps = Parameter(Tensor(0, mstype.int32), name="own_steps", requires_grad=False)

    def construct(self, gradients):
        lr = self.get_lr()
        ops.assign_add(self.steps, Tensor(1, mstype.int32))
        factor = ops.minimum(ops.cast(self.steps, ms.float32) / self.warmup, self.one)
        gradients = self.decay_weight(gradients)
        gradients = ops.clip_by_global_norm(gradients, self.clip)
        for i, (p, b, g) in enumerate(zip(self.parameters, self.buf, gradients, strict=True)):
            rate = lr[i] if self.is_group_lr else lr
            ops.assign(b, self.momentum * b + g)
            ops.assign_sub(p, rate * factor * (g + self.momentum * b))
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        return factor
