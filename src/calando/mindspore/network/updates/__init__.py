"""MindSpore's update primitives: one step of a rule on a parameter and its slots, in place.

    opt = ops.ApplyMomentum()
    opt(param, moment, lr, gradient, momentum)

An object holds switches and no state: parameter, slots, numbers and gradient are handed over at each call, in
MindSpore's order. The arithmetic is that of ``calando.rules``, played by the same kernels as in the optimizers.

Parameter and slots are Parameters or Tensors of calando's or of real MindSpore, torch tensors or NumPy arrays, of one
shape and dtype; a number is a number or anything with one element, and is rounded to float32 unless the parameter is
float64. Where a primitive has parts of a formula as arguments (``beta1_power`` is β₁ᵗ after t updates), they are taken
as they come.

``use_locking`` is accepted where MindSpore takes it, and not needed.

Every call returns what it has changed: the parameter, or (parameter, slots …) where MindSpore returns several.

Each raises, before anything has changed:

    TypeError     something is no parameter, no number, of another dtype, or a switch neither True nor False
    ValueError    another shape, or a number outside the domain of the formula (a learning rate may be negative)
"""

from .adagrad import ApplyAdadelta as ApplyAdadelta
from .adagrad import ApplyAdagrad as ApplyAdagrad
from .adagrad import ApplyAdagradV2 as ApplyAdagradV2
from .adagrad import ApplyProximalAdagrad as ApplyProximalAdagrad
from .adam import Adam as Adam
from .adam import AdamWeightDecay as AdamWeightDecay
from .adam import ApplyAdaMax as ApplyAdaMax
from .adam import ApplyAdamWithAmsgrad as ApplyAdamWithAmsgrad
from .adam import ApplyAdamWithAmsgradV2 as ApplyAdamWithAmsgradV2
from .descent import SGD as SGD
from .descent import ApplyGradientDescent as ApplyGradientDescent
from .descent import ApplyMomentum as ApplyMomentum
from .ftrl import ApplyFtrl as ApplyFtrl
from .rmsprop import ApplyCenteredRMSProp as ApplyCenteredRMSProp
from .rmsprop import ApplyRMSProp as ApplyRMSProp

__all__ = [
    "SGD",
    "Adam",
    "AdamWeightDecay",
    "ApplyAdaMax",
    "ApplyAdadelta",
    "ApplyAdagrad",
    "ApplyAdagradV2",
    "ApplyAdamWithAmsgrad",
    "ApplyAdamWithAmsgradV2",
    "ApplyCenteredRMSProp",
    "ApplyFtrl",
    "ApplyGradientDescent",
    "ApplyMomentum",
    "ApplyProximalAdagrad",
    "ApplyRMSProp",
]
