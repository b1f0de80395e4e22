r"""Adan: Nesterov's momentum for Adam, by means of the differences between gradients.

    d = g - g' ,  0 at the first update                      g' is the gradient before
    m ← β₁ m + (1 - β₁) g,   n ← β₂ n + (1 - β₂) d
    v ← β₃ v + (1 - β₃) (g + β₂ d)²
    u = (m / (1 - β₁ᵗ) + β₂ n / (1 - β₂ᵗ)) / (√v / √(1 - β₃ᵗ) + ε)

    ``ADAN``            p ← (p - lr u) / (1 + lr λ)
    ``ADAN_DECOUPLED``  p ← p - lr u                     (decoupled decay in front; the authors' no_prox)

The betas are keep factors, as in the authors' code; the paper's β are 1 - these.

Source: Xie et al. 2022, arXiv:2208.06677, Algorithm 1, and the authors' implementation.
"""

from collections.abc import Mapping
from math import inf
from math import sqrt as root
from typing import NamedTuple

from ..ops import sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    a: float  # lr / (1 - β₁ᵗ)
    b: float  # lr β₂ / (1 - β₂ᵗ)
    c: float  # 1 / √(1 - β₃ᵗ)
    keep1: float
    gain1: float
    keep2: float
    gain2: float
    keep3: float
    gain3: float
    before: float  # 0 at the first update, when there is no gradient before, else 1
    eps: float
    shrink: float  # 1 / (1 + lr λ)


def corrected(hyper: Mapping[str, float], age: int, shrink: float) -> Scalars:
    beta1, beta2, beta3, lr = hyper["beta1"], hyper["beta2"], hyper["beta3"], hyper["lr"]
    a, b, c = lr / (1 - beta1**age), lr * beta2 / (1 - beta2**age), 1 / root(1 - beta3**age)
    keeps = beta1, 1 - beta1, beta2, 1 - beta2, beta3, 1 - beta3
    return Scalars(a, b, c, *keeps, float(age > 1), hyper["eps"], shrink)


def proximal(hyper: Mapping[str, float], age: int) -> Scalars:
    return corrected(hyper, age, 1 / (1 + hyper["lr"] * hyper["weight_decay"]))


def decoupled(hyper: Mapping[str, float], age: int) -> Scalars:
    return corrected(hyper, age, 1.0)


def adan(p, g, m, n, v, h, a, b, c, keep1, gain1, keep2, gain2, keep3, gain3, before, eps, shrink):
    d = (g - h) * before
    m = m * keep1 + g * gain1
    n = n * keep2 + d * gain2
    u = g + d * keep2
    v = v * keep3 + u * u * gain3
    return (p - (m * a + n * b) / (sqrt(v) * c + eps)) * shrink, m, n, v, g


BETAS = {"beta1": (0.0, 1.0), "beta2": (0.0, 1.0), "beta3": (0.0, 1.0)}
DOMAIN = {"lr": (0.0, inf), **BETAS, "eps": (0.0, inf), "weight_decay": (0.0, inf)}
PAPER = "arXiv:2208.06677, Algorithm 1"
SLOTS = ("m", "n", "v", "h")

ADAN = Rule("adan", SLOTS, DOMAIN, proximal, adan, PAPER)
ADAN_DECOUPLED = Rule("adan_decoupled", SLOTS, DOMAIN, decoupled, adan, PAPER)
