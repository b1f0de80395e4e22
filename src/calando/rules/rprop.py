r"""Rprop: every element has a step size of its own, which grows while the gradient keeps its sign.

    f = η⁺ where g h > 0,  η⁻ where g h < 0,  else 1
    s ← min(max(f s, low), high)
    h ← g, but 0 where g h < 0
    p ← p - sign(h) s

sign is 0 for what is not a number, so such an element stays, in both frameworks.
h is the gradient before; s starts at lr, which is read at the first update of a parameter and never
again, in both frameworks.

Source: Riedmiller & Braun 1993, in the variant without weight backtracking; torch.optim.Rprop 2.13,
mindspore.nn.Rprop 2.10.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from ..ops import maximum, minimum, where
from ..rule import Rule


class Scalars(NamedTuple):
    start: float  # lr at the first update, then 0
    keep: float  # 0 at the first update, then 1
    up: float  # η⁺
    down: float  # η⁻
    low: float
    high: float
    zero: float
    one: float


def own_steps(hyper: Mapping[str, float], age: int) -> Scalars:
    start, keep = (hyper["lr"], 0.0) if age == 1 else (0.0, 1.0)
    return Scalars(start, keep, hyper["eta_plus"], hyper["eta_minus"], hyper["step_min"], hyper["step_max"], 0.0, 1.0)


def rprop(p, g, h, s, start, keep, up, down, low, high, zero, one):
    x = g * h
    s = minimum(maximum((s * keep + start) * where(x > zero, up, where(x < zero, down, one)), low), high)
    h = where(x < zero, zero, g)
    return p - where(h > zero, s, where(h < zero, -s, zero)), h, s


DOMAIN = {
    "lr": (0.0, inf),
    "eta_minus": (5e-324, 1.0),
    "eta_plus": (1.0000000000000002, inf),
    "step_min": (0.0, inf),
    "step_max": (0.0, inf),
}

RPROP = Rule("rprop", ("h", "s"), DOMAIN, own_steps, rprop, "Riedmiller & Braun 1993; torch.optim.Rprop 2.13")
