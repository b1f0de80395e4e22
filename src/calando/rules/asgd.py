r"""ASGD: gradient descent with a fading step, and the running average of where it has been.

    p ← (1 - λ ηₜ) p - ηₜ g
    x ← x + μₜ (p - x)
    ηₜ₊₁ = lr / (1 + λ lr t)^α,   μₜ₊₁ = 1 / max(1, t - t₀);   η₁ = lr, μ₁ = 1

t is the age of the parameter. η and μ are remembered between steps, so a changed lr acts one step late,
in both frameworks.

Source: Polyak & Juditsky 1992; Bottou's sgd 2; torch.optim.ASGD 2.13, mindspore.nn.ASGD 2.10.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..rule import Rule


class Scalars(NamedTuple):
    eta: float  # step size
    keep: float  # 1 - λ η
    mu: float  # share of the new place in the average
    stay: float  # 1 - μ


def first(hyper: Mapping[str, float]) -> tuple[float, float]:
    return hyper["lr"], 1.0


def remember(hyper: Mapping[str, float], age: int, eta: float, mu: float) -> tuple[float, float]:
    lr = hyper["lr"]
    return lr / (1 + hyper["lambd"] * lr * age) ** hyper["alpha"], 1 / max(1.0, age - hyper["t0"])


def fading(hyper: Mapping[str, float], age: int, eta: float, mu: float) -> Scalars:
    return Scalars(eta, 1 - hyper["lambd"] * eta, mu, 1 - mu)


def asgd(p, g, x, eta, keep, mu, stay):
    p = p * keep - eta * g
    return p, x * stay + p * mu


DOMAIN = {"lr": (0.0, inf), "lambd": (-inf, inf), "alpha": (-inf, inf), "t0": (-inf, inf)}

ASGD = Rule(
    "asgd", ("x",), DOMAIN, fading, asgd, "Polyak & Juditsky 1992; torch.optim.ASGD 2.13",
    memory=("eta", "mu"), first=first, remember=remember,
)  # fmt: skip
