r"""NAdam: Adam with Nesterov's look ahead in the first moment.

    μₜ = β₁ (1 - ½ 0.96^(t ψ)),   Πₜ = μ₁ μ₂ … μₜ
    m ← m + (1 - β₁)(g - m)
    v ← β₂ v + (1 - β₂) g²
    p ← p - (lr (1 - μₜ)/(1 - Πₜ) g + lr μₜ₊₁/(1 - Πₜ μₜ₊₁) m) / (√v / √(1 - β₂ᵗ) + ε)

t is the age of the parameter, ψ the ``momentum_decay``. Π is remembered between steps, in float32 as
torch keeps it, because a scheduled β₁ makes it more than a function of t.

Source: Dozat 2016, "Incorporating Nesterov Momentum into Adam", as torch.optim.NAdam 2.13 computes it.
"""

from collections.abc import Mapping
from math import inf
from math import sqrt as root
from typing import NamedTuple

import numpy as np

from ..ops import sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    ag: float  # step size of the gradient
    am: float  # step size of the mean
    b: float  # second-moment correction
    gain1: float  # 1 - β₁
    keep2: float  # β₂
    gain2: float  # 1 - β₂
    eps: float


def momentum(hyper: Mapping[str, float], age: int) -> float:
    """μ at one age."""
    return hyper["beta1"] * (1 - 0.5 * 0.96 ** (age * hyper["momentum_decay"]))


def first(hyper: Mapping[str, float]) -> tuple[float]:
    return (1.0,)


def remember(hyper: Mapping[str, float], age: int, product: float) -> tuple[float]:
    return (float(np.float32(product) * np.float32(momentum(hyper, age))),)


def looking_ahead(hyper: Mapping[str, float], age: int, before: float) -> Scalars:
    lr, beta1, beta2 = hyper["lr"], hyper["beta1"], hyper["beta2"]
    (product,) = remember(hyper, age, before)
    mu, coming = momentum(hyper, age), momentum(hyper, age + 1)
    ag = lr * (1 - mu) / (1 - product)
    am = lr * coming / (1 - product * coming)
    b = 1 / root(1 - beta2**age)
    return Scalars(ag, am, b, 1 - beta1, beta2, 1 - beta2, hyper["eps"])


def nadam(p, g, m, v, ag, am, b, gain1, keep2, gain2, eps):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    return p - (g * ag + m * am) / (sqrt(v) * b + eps), m, v


DOMAIN = {
    "lr": (0.0, inf),
    "beta1": (0.0, 1.0),
    "beta2": (0.0, 1.0),
    "eps": (0.0, inf),
    "momentum_decay": (0.0, inf),
}

NADAM = Rule(
    "nadam", ("m", "v"), DOMAIN, looking_ahead, nadam, "Dozat 2016; torch.optim.NAdam 2.13",
    memory=("mu_product",), first=first, remember=remember,
)  # fmt: skip
