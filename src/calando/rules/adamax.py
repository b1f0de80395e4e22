r"""Adamax: Adam with the largest gradient, fading, in the place of the root mean square.

    m ← m + (1 - β₁)(g - m)
    u ← max(β₂ u, |g| + ε),   p ← p - lr/(1 - β₁ᵗ) m / u          ``ADAMAX``
    u ← max(β₂ u, |g|),       p ← p - lr/(1 - β₁ᵗ) m / (u + ε)    ``ADAMAX_EPSILON_LAST``

t is the age of the parameter.

Sources: Kingma & Ba 2015, arXiv:1412.6980, Algorithm 2, which has no ε; torch.optim.Adamax 2.13 puts it
into the maximum, mindspore.nn.AdaMax 2.10 into the denominator.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..ops import absolute, maximum
from ..rule import Rule
from .adam import DOMAIN


class Scalars(NamedTuple):
    a: float  # step size, first-moment correction folded in
    gain1: float  # 1 - β₁
    keep2: float  # β₂
    eps: float


def corrected(hyper: Mapping[str, float], age: int) -> Scalars:
    a = hyper["lr"] / (1 - hyper["beta1"] ** age)
    return Scalars(a, 1 - hyper["beta1"], hyper["beta2"], hyper["eps"])


def adamax(p, g, m, u, a, gain1, keep2, eps):
    m = m + (g - m) * gain1
    u = maximum(u * keep2, absolute(g) + eps)
    return p - a * m / u, m, u


def adamax_epsilon_last(p, g, m, u, a, gain1, keep2, eps):
    m = m + (g - m) * gain1
    u = maximum(u * keep2, absolute(g))
    return p - a * m / (u + eps), m, u


PAPER = "arXiv:1412.6980, Algorithm 2"

ADAMAX = Rule("adamax", ("m", "u"), DOMAIN, corrected, adamax, f"{PAPER}; torch.optim.Adamax 2.13")
ADAMAX_EPSILON_LAST = Rule(
    "adamax_epsilon_last", ("m", "u"), DOMAIN, corrected, adamax_epsilon_last, f"{PAPER}; mindspore.nn 2.10"
)
