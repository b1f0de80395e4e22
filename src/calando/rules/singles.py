r"""float32 as MindSpore computes it, where that can be seen: what rules of its front end are for parameters of float32.

    powers of β    float32 numbers, each the one before times β: for β₂ = 0.9999 that makes a step of Adam 5·10⁻⁵
                   longer or shorter
    Adam           β is what float32(1 - β) leaves of 1
    Adam, AdaMax   m ← β₁ m + (1 - β₁) g keeps its digits where g is 0 and β₁ small, m + (1 - β₁)(g - m) does not
    Adagrad        the root is inverted, and then multiplied by

Source: mindspore.nn 2.10 on the CPU, by comparison.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..ops import absolute, maximum, sqrt
from ..rule import Rule
from .adagrad import ADAGRAD_EPSILON_INSIDE
from .adam import ADAM_EPSILON_HAT, ADAM_EPSILON_HAT_AHEAD, ADAM_UNCORRECTED, AMSGRAD_EPSILON_HAT
from .adam import AheadScalars as Scalars
from .adamax import ADAMAX_EPSILON_LAST

SOURCE = "mindspore.nn 2.10 on the CPU"


@lru_cache(16)
def powers(beta: float, count: int) -> np.ndarray:
    """β, β², …: each the one before times β, in float32."""
    return np.multiply.accumulate(np.full(count, beta, np.float32))


def power(beta: float, age: int) -> np.float32:
    """β to the power of ``age`` as MindSpore has it; 0 where 1 - βᵗ is 1 in float32."""
    return np.float32(0) if beta**age < 2**-26 else product(beta, age)


def product(beta: float, age: int) -> np.float32:
    """β to the power of ``age`` from 1 on, as MindSpore stores it."""
    return powers(beta, max(64, 1 << (age - 1).bit_length()))[age - 1]


def corrected(hyper: Mapping[str, float], age: int) -> Scalars:
    """Those of Adam with ε̂: lr √(1 - β₂ᵗ) / (1 - β₁ᵗ)."""
    one, lr = np.float32(1), np.float32(hyper["lr"])
    power1, power2 = power(hyper["beta1"], age), power(hyper["beta2"], age)
    return shares(hyper, float(lr * np.sqrt(one - power2) / (one - power1)))


def uncorrected(hyper: Mapping[str, float], age: int) -> Scalars:
    return shares(hyper, hyper["lr"])


def shares(hyper: Mapping[str, float], a: float) -> Scalars:
    """What is kept is what float32(1 - β) leaves."""
    gain1, gain2 = (float(np.float32(1 - hyper[name])) for name in ("beta1", "beta2"))
    return Scalars(a, 1 - gain1, gain1, 1 - gain2, gain2, hyper["eps"])


def adam(p, g, m, v, a, keep1, gain1, keep2, gain2, eps):
    m = m * keep1 + g * gain1
    v = v * keep2 + g * g * gain2
    return p - a * m / (sqrt(v) + eps), m, v


def adam_ahead(p, g, m, v, a, keep1, gain1, keep2, gain2, eps):
    m = m * keep1 + g * gain1
    v = v * keep2 + g * g * gain2
    return p - a * (m * keep1 + g * gain1) / (sqrt(v) + eps), m, v


def amsgrad(p, g, m, v, v_max, a, keep1, gain1, keep2, gain2, eps):
    m = m * keep1 + g * gain1
    v = v * keep2 + g * g * gain2
    v_max = maximum(v_max, v)
    return p - a * m / (sqrt(v_max) + eps), m, v, v_max


class LargestScalars(NamedTuple):
    a: float
    keep1: float  # β₁
    gain1: float
    keep2: float  # β₂
    eps: float


def largest(hyper: Mapping[str, float], age: int) -> LargestScalars:
    beta1 = hyper["beta1"]
    a = np.float32(hyper["lr"]) / (np.float32(1) - power(beta1, age))
    return LargestScalars(float(a), beta1, 1 - beta1, hyper["beta2"], hyper["eps"])


def adamax(p, g, m, u, a, keep1, gain1, keep2, eps):
    m = m * keep1 + g * gain1
    u = maximum(u * keep2, absolute(g))
    return p - a * (m / (u + eps)), m, u


class InverseScalars(NamedTuple):
    a: float  # step size
    eps: float
    one: float


def inverse(hyper: Mapping[str, float], age: int) -> InverseScalars:
    return InverseScalars(hyper["lr"], hyper["eps"], 1.0)


def adagrad(p, g, s, a, eps, one):
    s = s + g * g
    return p - a * g * (one / sqrt(s + eps)), s


def instead(rule: Rule, kind: str, element: Any, scalars: Any = None) -> Rule:
    """The rule for one dtype in the place of another."""
    name = f"{rule.name}_in_{kind}"
    return replace(rule, name=name, scalars=scalars or rule.scalars, element=element, source=SOURCE)


IN_SINGLE: dict[Rule, Rule] = {
    ADAGRAD_EPSILON_INSIDE: instead(ADAGRAD_EPSILON_INSIDE, "single", adagrad, inverse),
    ADAM_EPSILON_HAT: instead(ADAM_EPSILON_HAT, "single", adam, corrected),
    ADAM_EPSILON_HAT_AHEAD: instead(ADAM_EPSILON_HAT_AHEAD, "single", adam_ahead, corrected),
    AMSGRAD_EPSILON_HAT: instead(AMSGRAD_EPSILON_HAT, "single", amsgrad, corrected),
    ADAM_UNCORRECTED: instead(ADAM_UNCORRECTED, "single", adam, uncorrected),
    ADAMAX_EPSILON_LAST: instead(ADAMAX_EPSILON_LAST, "single", adamax, largest),
}
