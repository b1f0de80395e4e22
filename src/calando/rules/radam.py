r"""RAdam: Adam that waits until its second moment can be trusted.

    ρ∞ = 2/(1 - β₂) - 1,   ρₜ = ρ∞ - 2 t β₂ᵗ/(1 - β₂ᵗ)
    m ← m + (1 - β₁)(g - m)
    v ← β₂ v + (1 - β₂) g²
    p ← p - a m / (b √v + c)

with a = lr/(1 - β₁ᵗ), b = 0, c = 1 while ρₜ ≤ 5, and from then on, with
r = √((ρₜ - 4)(ρₜ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρₜ)), a = lr r √(1 - β₂ᵗ)/(1 - β₁ᵗ), b = 1, c = ε.
t is the age of the parameter.

Source: Liu et al. 2020, arXiv:1908.03265, Algorithm 2, as torch.optim.RAdam 2.13 computes it.
"""

from collections.abc import Mapping
from math import sqrt as root
from typing import NamedTuple

from ..ops import sqrt
from ..rule import Rule
from .adam import DOMAIN


class Scalars(NamedTuple):
    a: float  # step size, corrections and rectification folded in
    b: float  # 1 when the second moment counts, else 0
    gain1: float  # 1 - β₁
    keep2: float  # β₂
    gain2: float  # 1 - β₂
    c: float  # ε when the second moment counts, else 1


def rectified(hyper: Mapping[str, float], age: int) -> Scalars:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    a, left = hyper["lr"] / (1 - beta1**age), 1 - beta2**age
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * age * beta2**age / left
    if length <= 5:
        return Scalars(a, 0.0, 1 - beta1, beta2, 1 - beta2, 1.0)
    rest = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return Scalars(a * root(left) * root(rest), 1.0, 1 - beta1, beta2, 1 - beta2, hyper["eps"])


def radam(p, g, m, v, a, b, gain1, keep2, gain2, c):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    return p - a * m / (sqrt(v) * b + c), m, v


RADAM = Rule("radam", ("m", "v"), DOMAIN, rectified, radam, "arXiv:1908.03265, Algorithm 2")
