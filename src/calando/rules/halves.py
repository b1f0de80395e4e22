r"""float16 as MindSpore's CPU computes it: what the rules of its front end are for parameters of that dtype.

Its kernels and its Python code round where its other dtypes do not, and in another order:

    ====================================  ================================================================
    all: decay and loss scale s           g ← ½(½(½(p ½(λ s)) + g) ½(1/s)),  ½: rounded to float16
    AdamWeightDecay, Rprop                every operation rounded, with hyperparameters rounded before
    RMSProp, not centred                  in float32, with hyperparameters rounded to float16 before
    Adam, LazyAdam                        in float32; m ← fma(g - m, 1 - β₁, m),  v ← fma(fma(g, g, -v), 1 - β₂, v)
    Adadelta                              in float32, in the order that is written below
    AdaMax, Adagrad, RMSProp centred      in float32, as parameters of float32
    ASGD                                  in float32, but what its average grows by is rounded
    AdaFactor with momentum               in float32, but the row of means is read as it is kept (``whole.halves``)
    ====================================  ================================================================

What is kept is rounded to float16 at the end, as everywhere. The other optimizers (Momentum, SGD, ProximalAdagrad)
are computed in float32 and rounded once, as their rules are anyway.

Source: found by comparison with mindspore.nn 2.10, operator by operator, to the last bit (tests/mindspore_front/
test_ms_live_halves.py); the rounding is that of its class Float16.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..decay import DECOUPLED, INSIDE, L2, Decay
from ..ops import fma, maximum, minimum, sqrt, through_half, where
from .adadelta import ADADELTA
from .adam import ADAM_EPSILON_HAT, ADAM_EPSILON_HAT_AHEAD, ADAM_UNCORRECTED
from .asgd import ASGD, fading, remember
from .rmsprop import RMSPROP_INSIDE, MovingScalars, moving
from .rprop import RPROP, own_steps
from .rprop import Scalars as RpropScalars
from .singles import IN_SINGLE, SOURCE, corrected, instead
from .whole.halves import HALVES as WHOLE


def half(x: float) -> float:
    """A float32 number rounded to float16."""
    with np.errstate(over="ignore"):
        return float(np.float16(np.float32(x)))


# Decay and loss scale.


class Steps(NamedTuple):
    share: float  # what clipping leaves of g
    decay: float  # ½(λ s)
    unscale: float  # ½(1 / s)
    zero: float


def steps(hyper: Mapping[str, float], scale: float) -> Steps:
    loss_scale = hyper.get("loss_scale", 1.0)
    return Steps(scale * loss_scale, half(hyper["weight_decay"] * loss_scale), half(1 / loss_scale), 0.0)


def l2_in_steps(p, g, share, decay, unscale, zero, center):
    h = through_half(g * share + where(decay > zero, through_half(p * decay), zero))
    return p, through_half(h * unscale - center)


def l2_mean_in_steps(g, p, scalars):
    return (g * scalars.share + where(scalars.decay > scalars.zero, p * scalars.decay, scalars.zero)) * scalars.unscale


L2_IN_STEPS = Decay("l2_in_steps", steps, l2_in_steps, l2_mean_in_steps, SOURCE)


# Rounded after every operation.


class DecayingScalars(NamedTuple):
    lr: float
    gain1: float  # 1 - β₁
    gain2: float  # 1 - β₂
    eps: float
    decay: float  # λ


def decaying(hyper: Mapping[str, float], age: int) -> DecayingScalars:
    lr, beta1, beta2, eps, decay = (half(hyper[name]) for name in ("lr", "beta1", "beta2", "eps", "weight_decay"))
    return DecayingScalars(lr, half(1 - beta1), half(1 - beta2), eps, decay)


def adam_in_steps(p, g, m, v, lr, gain1, gain2, eps, decay):
    m = through_half(m + through_half(through_half(g - m) * gain1))
    v = through_half(v + through_half(through_half(through_half(g * g) - v) * gain2))
    u = through_half(m / through_half(through_half(sqrt(v)) + eps))
    u = through_half(u + through_half(p * decay))
    return p - through_half(u * lr), m, v


def own_steps_in_half(hyper: Mapping[str, float], age: int) -> RpropScalars:
    return RpropScalars(*map(half, own_steps(hyper, age)))


def rprop_in_steps(p, g, h, s, start, keep, up, down, low, high, zero, one):
    x = through_half(g * h)
    factor = where(x > zero, up, where(x < zero, down, one))
    s = minimum(maximum(through_half((s * keep + start) * factor), low), high)
    h = where(x < zero, zero, g)
    return p - where(h > zero, s, where(h < zero, -s, zero)), h, s


# In float32, with hyperparameters in float16.


def moving_in_half(hyper: Mapping[str, float], age: int) -> MovingScalars:
    return moving({name: half(value) for name, value in hyper.items()}, age)


def rmsprop_fused(p, g, v, m, lr, keep, gain, eps, mu):
    v = fma(fma(g, g, -v), gain, v)
    m = m * mu + lr * g / sqrt(v + eps)
    return p - m, v, m


# In float32, in MindSpore's order.


class AveragedScalars(NamedTuple):
    eta: float  # step size
    keep: float  # 1 - λ η
    mu: float  # share of the new place in the average
    stay: float  # 1 - μ
    zero: float


def averaging(hyper: Mapping[str, float], age: int, eta: float, mu: float) -> AveragedScalars:
    single = np.float32(eta)
    keep = np.float32(1) - np.float32(hyper["lambd"]) * single
    return AveragedScalars(*fading(hyper, age, eta, mu)._replace(eta=float(single), keep=float(keep)), 0.0)


def remembered(hyper: Mapping[str, float], age: int, eta: float, mu: float) -> tuple[float, float]:
    """As ``asgd.remember``, step by step in float32."""
    one, lr = np.float32(1), np.float32(hyper["lr"])
    grown = one + np.float32(hyper["lambd"]) * lr * np.float32(age)
    return float(lr / grown ** np.float32(hyper["alpha"])), remember(hyper, age, eta, mu)[1]


def asgd_ordered(p, g, x, eta, keep, mu, stay, zero):
    p = p * keep - eta * g
    return p, where(stay > zero, x + through_half((p - x) * mu), p)


def adam_fused(p, g, m, v, a, keep1, gain1, keep2, gain2, eps):
    m = fma(g - m, gain1, m)
    v = fma(fma(g, g, -v), gain2, v)
    return p - a * m / (sqrt(v) + eps), m, v


def adam_ahead_fused(p, g, m, v, a, keep1, gain1, keep2, gain2, eps):
    m = fma(g - m, gain1, m)
    v = fma(fma(g, g, -v), gain2, v)
    return p - a * fma(m, keep1, g * gain1) / (sqrt(v) + eps), m, v


def adadelta_ordered(p, g, v, q, lr, keep, gain, eps):
    v = fma(g * g, gain, v * keep)
    d = sqrt(q + eps) * (g / sqrt(v + eps))
    q = fma(d * d, gain, q * keep)
    return p - lr * d, v, q


HALVES = {
    ADADELTA: instead(ADADELTA, "halves", adadelta_ordered),
    ADAM_EPSILON_HAT: instead(ADAM_EPSILON_HAT, "halves", adam_fused, corrected),
    ADAM_EPSILON_HAT_AHEAD: instead(ADAM_EPSILON_HAT_AHEAD, "halves", adam_ahead_fused, corrected),
    ADAM_UNCORRECTED: instead(ADAM_UNCORRECTED, "halves", adam_in_steps, decaying),
    ASGD: replace(instead(ASGD, "halves", asgd_ordered, averaging), remember=remembered),
    RMSPROP_INSIDE: instead(RMSPROP_INSIDE, "halves", rmsprop_fused, moving_in_half),
    RPROP: instead(RPROP, "halves", rprop_in_steps, own_steps_in_half),
}
IN_HALVES: dict[Any, Any] = {**IN_SINGLE, L2: L2_IN_STEPS, DECOUPLED: INSIDE, **HALVES, **WHOLE}
