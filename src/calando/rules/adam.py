r"""Adam and its kin: steps scaled by running means of g and g².

    m ← m + (1 - β₁)(g - m)
    v ← β₂ v + (1 - β₂) g²
    p ← p - a n / (b √w + ε)

where n is m (or, with Nesterov's look ahead, β₁ m + (1 - β₁) g) and w is v (or, in AMSGrad, the
largest v so far). The variants share these bodies and differ in the scalars:

    ============================  ========================  ===============  ============================
    rule                          a                         b                used by
    ============================  ========================  ===============  ============================
    ``ADAM``, ``AMSGRAD``         lr / (1 - β₁ᵗ)            1 / √(1 - β₂ᵗ)   torch.optim.Adam, AdamW
    ``…_EPSILON_HAT``             lr √(1 - β₂ᵗ)/(1 - β₁ᵗ)   1                mindspore.nn.Adam
    ``ADAM_UNCORRECTED``          lr                        1                mindspore.nn.AdamWeightDecay
    ============================  ========================  ===============  ============================

t is the age of the parameter. A scheduled β enters the powers with its value in force, as in torch.

Sources: Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1, and for ε̂ the formula just before section
2.1; Reddi, Kale & Kumar 2018, OpenReview ryQu7f-RZ, Algorithm 2; the uncorrected form as in BERT,
arXiv:1810.04805; the look ahead as mindspore.nn.Adam 2.10 computes it (use_nesterov).
"""

from collections.abc import Mapping
from math import inf
from math import sqrt as root
from typing import NamedTuple

from ..ops import maximum, sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    a: float  # step size, first-moment correction folded in
    b: float  # second-moment correction
    gain1: float  # 1 - β₁
    keep2: float  # β₂
    gain2: float  # 1 - β₂
    eps: float


class AheadScalars(NamedTuple):
    a: float
    keep1: float  # β₁
    gain1: float
    keep2: float
    gain2: float
    eps: float


def corrected(hyper: Mapping[str, float], age: int) -> Scalars:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    a = hyper["lr"] / (1 - beta1**age)
    b = 1 / root(1 - beta2**age)
    return Scalars(a, b, 1 - beta1, beta2, 1 - beta2, hyper["eps"])


def epsilon_hat(hyper: Mapping[str, float], age: int) -> Scalars:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    a = hyper["lr"] * root(1 - beta2**age) / (1 - beta1**age)
    return Scalars(a, 1.0, 1 - beta1, beta2, 1 - beta2, hyper["eps"])


def epsilon_hat_ahead(hyper: Mapping[str, float], age: int) -> AheadScalars:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    a = hyper["lr"] * root(1 - beta2**age) / (1 - beta1**age)
    return AheadScalars(a, beta1, 1 - beta1, beta2, 1 - beta2, hyper["eps"])


def uncorrected(hyper: Mapping[str, float], age: int) -> Scalars:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    return Scalars(hyper["lr"], 1.0, 1 - beta1, beta2, 1 - beta2, hyper["eps"])


def adam(p, g, m, v, a, b, gain1, keep2, gain2, eps):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    return p - a * m / (sqrt(v) * b + eps), m, v


def adam_ahead(p, g, m, v, a, keep1, gain1, keep2, gain2, eps):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    return p - a * (m * keep1 + g * gain1) / (sqrt(v) + eps), m, v


def amsgrad(p, g, m, v, v_max, a, b, gain1, keep2, gain2, eps):
    m = m + (g - m) * gain1
    v = v * keep2 + g * g * gain2
    v_max = maximum(v_max, v)
    return p - a * m / (sqrt(v_max) * b + eps), m, v, v_max


DOMAIN = {"lr": (0.0, inf), "beta1": (0.0, 1.0), "beta2": (0.0, 1.0), "eps": (0.0, inf)}
PAPER = "arXiv:1412.6980, Algorithm 1"
HAT = "arXiv:1412.6980, before section 2.1"
AMS = "OpenReview ryQu7f-RZ, Algorithm 2"

ADAM = Rule("adam", ("m", "v"), DOMAIN, corrected, adam, PAPER)
AMSGRAD = Rule("amsgrad", ("m", "v", "v_max"), DOMAIN, corrected, amsgrad, AMS)
ADAM_EPSILON_HAT = Rule("adam_epsilon_hat", ("m", "v"), DOMAIN, epsilon_hat, adam, HAT)
ADAM_EPSILON_HAT_AHEAD = Rule(
    "adam_epsilon_hat_ahead", ("m", "v"), DOMAIN, epsilon_hat_ahead, adam_ahead, "mindspore.nn.Adam 2.10"
)
AMSGRAD_EPSILON_HAT = Rule("amsgrad_epsilon_hat", ("m", "v", "v_max"), DOMAIN, epsilon_hat, amsgrad, AMS)
ADAM_UNCORRECTED = Rule("adam_uncorrected", ("m", "v"), DOMAIN, uncorrected, adam, "arXiv:1810.04805")
