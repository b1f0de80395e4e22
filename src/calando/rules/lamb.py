r"""Lamb: Adam whose step has, in every layer, the length of the weights.

    m ← m + (1 - β₁)(g - m),   v ← β₂ v + (1 - β₂) g²
    r = m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),   v̂ = v / (1 - β₂ᵗ)
    u = r + λ p
    p ← p - lr φ u

    ==================  ==========================================  ======================
    rule                φ, over one whole parameter                 used by
    ==================  ==========================================  ======================
    ``LAMB``            ‖p‖ / ‖u‖                                   the paper, calando.torch
    ``LAMB_CLIPPED``    min(‖p‖ / ‖m̂ / √(v̂ + ε) + λ p‖, 10)         mindspore.nn.Lamb
    ==================  ==========================================  ======================

φ is 1 where one of the norms is 0. The decay λ is part of u, so these rules decay by themselves.

Sources: You et al. 2020, arXiv:1904.00962, Algorithm 2; mindspore.nn.Lamb 2.10, whose kernel places ε
within the root for the norm and bounds φ.
"""

from collections.abc import Mapping
from math import inf, isnan
from typing import NamedTuple

from ..ops import sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    lr: float
    grow1: float  # 1 / (1 - β₁ᵗ)
    grow2: float  # 1 / (1 - β₂ᵗ)
    gain1: float  # 1 - β₁
    keep2: float  # β₂
    gain2: float  # 1 - β₂
    eps: float
    decay: float  # λ


def corrected(hyper: Mapping[str, float], age: int) -> Scalars:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    grow1, grow2 = 1 / (1 - beta1**age), 1 / (1 - beta2**age)
    return Scalars(hyper["lr"], grow1, grow2, 1 - beta1, beta2, 1 - beta2, hyper["eps"], hyper["weight_decay"])


def lamb(p, g, m, v, lr, grow1, grow2, gain1, keep2, gain2, eps, decay, trust):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    u = m * grow1 / (sqrt(v * grow2) + eps) + p * decay
    return p - u * (lr * trust), m, v


def lamb_measured(p, g, m, v, lr, grow1, grow2, gain1, keep2, gain2, eps, decay):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    return p, m * grow1 / (sqrt(v * grow2) + eps) + p * decay


def lamb_measured_inside(p, g, m, v, lr, grow1, grow2, gain1, keep2, gain2, eps, decay):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    return p, m * grow1 / sqrt(v * grow2 + eps) + p * decay


def ratio(hyper: Mapping[str, float], weights: float, update: float) -> float:
    return weights / update if weights > 0 and update > 0 else 1.0


def bounded(hyper: Mapping[str, float], weights: float, update: float) -> float:
    found = ratio(hyper, weights, update)
    return found if isnan(found) else min(found, 10.0)


DOMAIN = {"lr": (0.0, inf), "beta1": (0.0, 1.0), "beta2": (0.0, 1.0), "eps": (0.0, inf), "weight_decay": (0.0, inf)}
SLOTS = ("m", "v")

LAMB = Rule("lamb", SLOTS, DOMAIN, corrected, lamb, "arXiv:1904.00962, Algorithm 2", measure=lamb_measured, trust=ratio)
LAMB_CLIPPED = Rule(
    "lamb_clipped",
    SLOTS,
    DOMAIN,
    corrected,
    lamb,
    "mindspore.nn.Lamb 2.10",
    measure=lamb_measured_inside,
    trust=bounded,
)
