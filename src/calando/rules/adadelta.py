r"""Adadelta: steps measured by the steps before them.

    v ← ρ v + (1 - ρ) g²
    d = √(q + ε) / √(v + ε) g
    q ← ρ q + (1 - ρ) d²
    p ← p - lr d

Source: Zeiler 2012, arXiv:1212.5701, Algorithm 1; torch.optim.Adadelta 2.13, mindspore.nn.Adadelta 2.10.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    lr: float
    keep: float  # ρ
    gain: float  # 1 - ρ
    eps: float


def fading(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"], hyper["rho"], 1 - hyper["rho"], hyper["eps"])


def adadelta(p, g, v, q, lr, keep, gain, eps):
    v = v * keep + g * g * gain
    d = sqrt(q + eps) / sqrt(v + eps) * g
    q = q * keep + d * d * gain
    return p - lr * d, v, q


DOMAIN = {"lr": (0.0, inf), "rho": (0.0, 1.0000000000000002), "eps": (0.0, inf)}

ADADELTA = Rule("adadelta", ("v", "q"), DOMAIN, fading, adadelta, "arXiv:1212.5701, Algorithm 1")
