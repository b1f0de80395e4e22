r"""Adagrad: steps divided by the root of all squared gradients so far.

    s ← s + g²
    p ← p - lr/(1 + (t - 1) η) g / (√s + ε)      ``ADAGRAD``
    p ← p - lr g / √(s + ε)                      ``ADAGRAD_EPSILON_INSIDE``; ``ADAGRAD_STANDING`` leaves s as it is

t is the age of the parameter, η the ``lr_decay``; s starts at a value that the front end gives.

Sources: Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods", with torch.optim.Adagrad 2.13's lr_decay
and ε; mindspore.nn.Adagrad 2.10 adds a fixed ε = 1e-8 inside the root and says so nowhere.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    a: float  # step size
    eps: float


def slowing(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"] / (1 + (age - 1) * hyper["lr_decay"]), hyper["eps"])


def steady(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"], hyper["eps"])


def adagrad(p, g, s, a, eps):
    s = s + g * g
    return p - a * g / (sqrt(s) + eps), s


def adagrad_epsilon_inside(p, g, s, a, eps):
    s = s + g * g
    return p - a * g / sqrt(s + eps), s


def adagrad_standing(p, g, s, a, eps):
    return p - a * g / sqrt(s + eps), s


DOMAIN = {"lr": (0.0, inf), "lr_decay": (0.0, inf), "eps": (0.0, inf)}
STEADY_DOMAIN = {"lr": (0.0, inf), "eps": (0.0, inf)}

ADAGRAD = Rule("adagrad", ("s",), DOMAIN, slowing, adagrad, "Duchi et al. 2011; torch.optim.Adagrad 2.13")
ADAGRAD_EPSILON_INSIDE = Rule(
    "adagrad_epsilon_inside",
    ("s",),
    STEADY_DOMAIN,
    steady,
    adagrad_epsilon_inside,
    "mindspore.nn.Adagrad 2.10",
)
ADAGRAD_STANDING = Rule(
    "adagrad_standing", ("s",), STEADY_DOMAIN, steady, adagrad_standing, "mindspore.nn.Adagrad 2.10, docs"
)
