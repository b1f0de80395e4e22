r"""Lion: the sign of a look-ahead mean, so every element moves by lr.

    p ← p - lr sign(β₁ m + (1 - β₁) g)
    m ← m + (1 - β₂)(g - m)

Decoupled decay stands in front, as in the paper.

Source: Chen et al. 2023, arXiv:2302.06675, Algorithm 2.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import sign
from ..rule import Rule


class Scalars(NamedTuple):
    lr: float
    keep1: float  # β₁
    gain1: float  # 1 - β₁
    gain2: float  # 1 - β₂


def scalars(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"], hyper["beta1"], 1 - hyper["beta1"], 1 - hyper["beta2"])


def lion(p, g, m, lr, keep1, gain1, gain2):
    return p - lr * sign(m * keep1 + g * gain1), m + (g - m) * gain2


DOMAIN = {"lr": (0.0, inf), "beta1": (0.0, 1.0), "beta2": (0.0, 1.0)}

LION = Rule("lion", ("m",), DOMAIN, scalars, lion, "arXiv:2302.06675, Algorithm 2")
