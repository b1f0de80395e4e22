r"""What happens to p and g in front of every rule: sign, loss scale, clipping, weight decay, centring.

    l2           g ← scale g + λ p - center      (where λ is 0 the term is left out, not 0 p)
    decoupled    g ← scale g - center,   p ← (1 - lr λ) p
    inside       g ← scale g - center      (for rules that decay by themselves)

    scale   ±1 (minus to maximize) times the clip factor, divided by the loss scale
    λ       the weight decay
    center  the mean of the row (gradient centralization), else 0; one number per chunk of memory

Written once and fused into the kernel of every rule, so it costs no pass over memory.

Sources: l2 as in torch.optim and mindspore.nn (which scales after adding the decay term, with
λ times the loss scale: the same number); decoupled: Loshchilov & Hutter 2019, arXiv:1711.05101,
Algorithm 2; centralization: Yong et al. 2020, arXiv:2004.01461, equation 1.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from .ops import where
from .rule import Domain, fields_of

DOMAIN: Domain = {
    "weight_decay": (0.0, inf),
    "loss_scale": (5e-324, inf),
    "max_norm": (5e-324, inf),
    "max_group_norm": (5e-324, inf),
    "clip_value": (5e-324, inf),
}
UNBOUNDED = sys.float_info.max  # the bound that never clips
BOUNDS = ("max_norm", "max_group_norm", "clip_value")


@dataclass(frozen=True)
class Decay:
    """One manner of weight decay: a body fused in front of a rule, and its scalars.

    Args:
        name: ``"l2"``, ``"decoupled"``, …
        scalars: (hyper, scale) → a NamedTuple of floats; if measured, (hyper, scale, norm of p, norm of g).
        element: (p, g, *scalars, center) → (p, g).
        row_mean: (mean of g, mean of p, scalars) → the center of one row.
        source: paper or framework.
        measured: whether the scalars depend on the 2-norms of each parameter and of its gradient.
        domain: the hyperparameters that it reads besides lr and weight_decay → [low, high).
        inner: the manner that this one plays after clipping by value (``calando.clipping``).
    """

    name: str
    scalars: Callable[..., tuple[float, ...]]
    element: Callable[..., Any]
    row_mean: Callable[..., Any]
    source: str
    measured: bool = False
    domain: Domain = field(default_factory=dict)
    inner: "Decay | None" = None

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def plain(self) -> "Decay":
        """The manner without clipping by value."""
        return self.inner or self

    @property
    def centers_weights(self) -> bool:
        """Whether the weights are part of what is centred."""
        return self.plain.row_mean is not gradient_mean

    @property
    def record(self) -> Any:
        """The NamedTuple of its scalars."""
        return self.scalars.__annotations__["return"]

    @property
    def scalar_names(self) -> tuple[str, ...]:
        """The names of the scalars, in the order of the element's arguments."""
        return fields_of(self.scalars)


class Added(NamedTuple):
    scale: float  # sign, clip factor and loss scale
    decay: float  # λ
    zero: float  # 0: without decay an infinite weight adds this, and not 0 times infinity


class Kept(NamedTuple):
    scale: float  # sign, clip factor and loss scale
    keep: float  # 1 - lr λ


class Scaled(NamedTuple):
    scale: float  # sign, clip factor and loss scale


def added(hyper: Mapping[str, float], scale: float) -> Added:
    return Added(scale, hyper["weight_decay"], 0.0)


def kept(hyper: Mapping[str, float], scale: float) -> Kept:
    return Kept(scale, 1 - hyper["lr"] * hyper["weight_decay"])


def scaled(hyper: Mapping[str, float], scale: float) -> Scaled:
    return Scaled(scale)


def l2(p, g, scale, decay, zero, center):
    return p, g * scale + where(decay > zero, p * decay, zero) - center


def decoupled(p, g, scale, keep, center):
    return p * keep, g * scale - center


def inside(p, g, scale, center):
    return p, g * scale - center


def l2_mean(g, p, scalars):
    return g * scalars.scale + where(scalars.decay > scalars.zero, p * scalars.decay, scalars.zero)


def gradient_mean(g, p, scalars):
    return g * scalars.scale


L2 = Decay("l2", added, l2, l2_mean, "torch.optim 2.13, mindspore.nn 2.10")
DECOUPLED = Decay("decoupled", kept, decoupled, gradient_mean, "arXiv:1711.05101, Algorithm 2")
INSIDE = Decay("inside", scaled, inside, gradient_mean, "left to the rule")
APART = (DECOUPLED, INSIDE)  # whose gradient has no part of p in it

DECAYS = {decay.name: decay for decay in (L2, DECOUPLED, INSIDE)}
