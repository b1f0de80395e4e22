r"""RMSProp: steps divided by the root of a running mean of g².

    v ← ρ v + (1 - ρ) g²,   and when centred   c ← c + (1 - ρ)(g - c)

    torch's manner         n = √v + ε,        centred √(v - c²) + ε
    MindSpore's manner     n = √(v + ε),      centred √(v - c² + ε)

    plain       p ← p - lr g / n
    momentum    m ← μ m + g / n,  p ← p - lr m        in torch's manner
                m ← μ m + lr g / n,  p ← p - m        in MindSpore's

v starts at 0 in torch and at 1 in MindSpore (the front end says). Without momentum MindSpore's manner
keeps m as well (μ = 0), as its checkpoints do, adds (1 - ρ)(g² - v) to v, and leaves m and p as they are
where rounding makes v - c² + ε negative or 0, as under gradients that do not change.

Sources: Tieleman & Hinton 2012, Lecture 6.5; centred: Graves 2013, arXiv:1308.0850, equation 38;
torch.optim.RMSprop 2.13 and mindspore.nn.RMSProp 2.10 as documented (its CPU kernel for float32 uses √v + ε
in blocks of eight and √(v + ε) in the rest).
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import sqrt, where
from ..rule import Rule


class Scalars(NamedTuple):
    lr: float
    keep: float  # ρ
    gain: float  # 1 - ρ
    eps: float


class MovingScalars(NamedTuple):
    lr: float
    keep: float
    gain: float
    eps: float
    mu: float  # momentum


class CenteredScalars(NamedTuple):
    lr: float
    keep: float
    gain: float
    eps: float
    mu: float
    zero: float


def still(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"], hyper["rho"], 1 - hyper["rho"], hyper["eps"])


def moving(hyper: Mapping[str, float], age: int) -> MovingScalars:
    return MovingScalars(*still(hyper, age), hyper["momentum"])


def centered(hyper: Mapping[str, float], age: int) -> CenteredScalars:
    return CenteredScalars(*still(hyper, age), hyper["momentum"], 0.0)


def rmsprop(p, g, v, lr, keep, gain, eps):
    v = v * keep + g * g * gain
    return p - lr * g / (sqrt(v) + eps), v


def rmsprop_centered(p, g, v, c, lr, keep, gain, eps):
    v = v * keep + g * g * gain
    c = c + (g - c) * gain
    return p - lr * g / (sqrt(v - c * c) + eps), v, c


def rmsprop_momentum(p, g, v, m, lr, keep, gain, eps, mu):
    v = v * keep + g * g * gain
    m = m * mu + g / (sqrt(v) + eps)
    return p - lr * m, v, m


def rmsprop_centered_momentum(p, g, v, c, m, lr, keep, gain, eps, mu):
    v = v * keep + g * g * gain
    c = c + (g - c) * gain
    m = m * mu + g / (sqrt(v - c * c) + eps)
    return p - lr * m, v, c, m


def rmsprop_inside(p, g, v, m, lr, keep, gain, eps, mu):
    v = v + (g * g - v) * gain
    m = m * mu + lr * g / sqrt(v + eps)
    return p - m, v, m


def rmsprop_inside_centered(p, g, v, c, m, lr, keep, gain, eps, mu, zero):
    v = v + (g * g - v) * gain
    c = c + (g - c) * gain
    d = v - c * c + eps
    far = m * mu + lr * g / sqrt(d)
    return where(d > zero, p - far, p), v, c, where(d > zero, far, m)


STILL = {"lr": (0.0, inf), "rho": (0.0, inf), "eps": (0.0, inf)}
DOMAIN = {**STILL, "momentum": (0.0, inf)}
TORCH = "Tieleman & Hinton 2012; torch.optim.RMSprop 2.13"
MINDSPORE = "Tieleman & Hinton 2012; mindspore.nn.RMSProp 2.10, docs"

RMSPROP = Rule("rmsprop", ("v",), STILL, still, rmsprop, TORCH)
RMSPROP_CENTERED = Rule("rmsprop_centered", ("v", "c"), STILL, still, rmsprop_centered, TORCH)
RMSPROP_MOMENTUM = Rule("rmsprop_momentum", ("v", "m"), DOMAIN, moving, rmsprop_momentum, TORCH)
RMSPROP_CENTERED_MOMENTUM = Rule(
    "rmsprop_centered_momentum", ("v", "c", "m"), DOMAIN, moving, rmsprop_centered_momentum, TORCH
)
RMSPROP_INSIDE = Rule("rmsprop_inside", ("v", "m"), DOMAIN, moving, rmsprop_inside, MINDSPORE)
RMSPROP_INSIDE_CENTERED = Rule(
    "rmsprop_inside_centered", ("v", "c", "m"), DOMAIN, centered, rmsprop_inside_centered, MINDSPORE
)
