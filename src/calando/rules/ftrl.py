r"""FTRL-Proximal: follow the regularized leader; with l1 it keeps weights at exactly zero.

    a' = a + g²
    z ← z + g - (a'^κ - a^κ)/lr p
    p ← (sign(z) l1 - z) / (a'^κ/lr + 2 l2)   where |z| > l1, else 0
    a ← a'

κ is minus MindSpore's ``lr_power``, ½ by default: then the power is a square root (``FTRL``); any
other κ has no kernel, because powers are not the same to the last bit everywhere (``FTRL_POWER``).
a starts at a value that the front end gives. A weight whose z is still 0 becomes 0 at its first update:
that is the formula, not a fault.

Source: McMahan et al. 2013, "Ad Click Prediction", Algorithm 1, as mindspore.nn.FTRL 2.10 documents it (its CPU
kernel takes l1 where the formula says sign(z) l1).
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import absolute, power, sign, sqrt, where
from ..rule import Rule


class Scalars(NamedTuple):
    rate: float  # 1 / lr
    l1: float
    twice_l2: float
    zero: float


class PowerScalars(NamedTuple):
    rate: float
    l1: float
    twice_l2: float
    zero: float
    kappa: float


def leading(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(1 / hyper["lr"], hyper["l1"], 2 * hyper["l2"], 0.0)


def leading_power(hyper: Mapping[str, float], age: int) -> PowerScalars:
    return PowerScalars(*leading(hyper, age), -hyper["lr_power"])


def ftrl(p, g, a, z, rate, l1, twice_l2, zero):
    before, a = sqrt(a), a + g * g
    now = sqrt(a)
    z = z + g - (now - before) * rate * p
    return where(absolute(z) > l1, (sign(z) * l1 - z) / (now * rate + twice_l2), zero), a, z


def ftrl_power(p, g, a, z, rate, l1, twice_l2, zero, kappa):
    before, a = power(a, kappa), a + g * g
    now = power(a, kappa)
    z = z + g - (now - before) * rate * p
    return where(absolute(z) > l1, (sign(z) * l1 - z) / (now * rate + twice_l2), zero), a, z


DOMAIN = {"lr": (5e-324, inf), "l1": (0.0, inf), "l2": (0.0, inf)}
PAPER = "McMahan et al. 2013, Algorithm 1; mindspore.nn.FTRL 2.10, docs"

FTRL = Rule("ftrl", ("a", "z"), DOMAIN, leading, ftrl, PAPER)
FTRL_POWER = Rule(
    "ftrl_power",
    ("a", "z"),
    {**DOMAIN, "lr_power": (-inf, 5e-324)},
    leading_power,
    ftrl_power,
    PAPER,
    kernel=False,
)
