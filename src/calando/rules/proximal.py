r"""Proximal Adagrad: an Adagrad step, then shrinking towards zero.

    s ← s + g²,   η = lr / √s
    x = p - η g
    p ← sign(x) max(|x| - η l1, 0) / (1 + η l2)

s starts at a value that the front end gives.

Source: Duchi & Singer 2009, "Efficient Learning using Forward-Backward Splitting", as
mindspore.nn.ProximalAdagrad 2.10 computes it.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import absolute, maximum, sign, sqrt
from ..rule import Rule


class Scalars(NamedTuple):
    lr: float
    l1: float
    l2: float
    zero: float
    one: float


def shrinking(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"], hyper["l1"], hyper["l2"], 0.0, 1.0)


def proximal_adagrad(p, g, s, lr, l1, l2, zero, one):
    s = s + g * g
    step = lr / sqrt(s)
    x = p - step * g
    return sign(x) * maximum(absolute(x) - step * l1, zero) / (one + step * l2), s


DOMAIN = {"lr": (0.0, inf), "l1": (0.0, inf), "l2": (0.0, inf)}

PROXIMAL_ADAGRAD = Rule(
    "proximal_adagrad", ("s",), DOMAIN, shrinking, proximal_adagrad, "Duchi & Singer 2009; mindspore.nn 2.10"
)
