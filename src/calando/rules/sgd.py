r"""Gradient descent, plain, with momentum, and with Nesterov's look ahead.

    plain      p ← p - lr g
    momentum   m ← μ m + (1 - τ) g,   p ← p - lr m
    Nesterov   m ← μ m + (1 - τ) g,   p ← p - lr (g + μ m)

μ is the momentum, τ the dampening. The first update of a parameter takes m ← g without dampening, in
torch.optim.SGD and in mindspore.nn.SGD alike. mindspore.nn.Momentum knows no dampening (``MOMENTUM``).

    ==============================  ==================================================
    rule                            used by
    ==============================  ==================================================
    ``SGD``                         torch.optim.SGD, mindspore.nn.SGD without momentum
    ``SGD_MOMENTUM``                torch.optim.SGD, mindspore.nn.SGD
    ``SGD_NESTEROV``                the same with ``nesterov=True``
    ``MOMENTUM``                    mindspore.nn.Momentum
    ``MOMENTUM_NESTEROV``           the same with ``use_nesterov=True``, as documented
    ==============================  ==================================================

Sources: Polyak 1964; Sutskever et al. 2013, "On the importance of initialization and momentum in deep
learning", with lr outside of m as in torch.optim 2.13 and mindspore.nn 2.10.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..rule import Rule


class PlainScalars(NamedTuple):
    lr: float


class Scalars(NamedTuple):
    lr: float
    keep: float  # μ
    gain: float  # 1 - τ, and 1 at the first update


def plain(hyper: Mapping[str, float], age: int) -> PlainScalars:
    return PlainScalars(hyper["lr"])


def damped(hyper: Mapping[str, float], age: int) -> Scalars:
    gain = 1.0 if age == 1 else 1 - hyper["dampening"]
    return Scalars(hyper["lr"], hyper["momentum"], gain)


def undamped(hyper: Mapping[str, float], age: int) -> Scalars:
    return Scalars(hyper["lr"], hyper["momentum"], 1.0)


def sgd(p, g, lr):
    return p - lr * g


def sgd_momentum(p, g, m, lr, keep, gain):
    m = m * keep + g * gain
    return p - lr * m, m


def sgd_nesterov(p, g, m, lr, keep, gain):
    m = m * keep + g * gain
    return p - lr * (g + m * keep), m


PLAIN_DOMAIN = {"lr": (0.0, inf)}
DOMAIN = {"lr": (0.0, inf), "momentum": (0.0, inf), "dampening": (-inf, inf)}
UNDAMPED_DOMAIN = {"lr": (0.0, inf), "momentum": (0.0, inf)}
MANNERS = "torch.optim.SGD 2.13, mindspore.nn.SGD 2.10"

SGD = Rule("sgd", (), PLAIN_DOMAIN, plain, sgd, MANNERS)
SGD_MOMENTUM = Rule("sgd_momentum", ("m",), DOMAIN, damped, sgd_momentum, MANNERS)
SGD_NESTEROV = Rule("sgd_nesterov", ("m",), DOMAIN, damped, sgd_nesterov, MANNERS)
MOMENTUM = Rule("momentum", ("m",), UNDAMPED_DOMAIN, undamped, sgd_momentum, "mindspore.nn.Momentum 2.10")
MOMENTUM_NESTEROV = Rule(
    "momentum_nesterov", ("m",), UNDAMPED_DOMAIN, undamped, sgd_nesterov, "mindspore.nn.Momentum 2.10, docs"
)
