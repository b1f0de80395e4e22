r"""Clipping: what stands between a gradient and the manner of decay, in the same pass over memory.

    max_norm          g ← g min(1, max_norm / (‖all gradients‖ + 1e-6))
    max_group_norm    g ← g min(1, max_group_norm / (‖gradients of the group‖ + 1e-6))
    clip_value        g ← min(max(g, -clip_value), clip_value), element by element

Norms are taken after the loss scale, in one reading pass for both: that of all gradients is of what the bounds of the
groups left of them. A number is clipped by its value after all that, and before decay and centring see it.

Sources: torch.nn.utils.clip_grad_norm_ and clip_grad_value_ 2.13; Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063,
Algorithm 1.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import hypot
from typing import Any

from .decay import UNBOUNDED, Decay
from .ops import where

Values = Mapping[int, Mapping[str, float]]
NORMS = ("max_norm", "max_group_norm")


def clip(bound: float, norm: float) -> float:
    """The factor that brings a norm down to its bound: min(1, bound / (norm + 1e-6)), as in torch."""
    if bound == UNBOUNDED:
        return 1.0
    factor = bound / (norm + 1e-6)
    return 1.0 if factor >= 1 else factor


def needs_norms(values: Values) -> bool:
    """Whether some group has a bound for a norm."""
    return any(v.get(name, UNBOUNDED) != UNBOUNDED for v in values.values() for name in NORMS)


def factors(values: Values, lengths: Sequence[tuple[int, float]]) -> dict[int, float]:
    """What the gradients of each group are multiplied by so that they keep their bounds.

    Args:
        values: the hyperparameters of each group.
        lengths: (group, norm) of every gradient.
    """
    own: dict[int, list[float]] = {group: [] for group in values}
    for group, length in lengths:
        own[group].append(length)
    first = {n: clip(v.get("max_group_norm", UNBOUNDED), hypot(*own[n])) for n, v in values.items()}
    norm = hypot(*(length * first[group] for group, length in lengths))
    return {n: first[n] * clip(v.get("max_norm", UNBOUNDED), norm) for n, v in values.items()}


def within(g, share, bound):
    h = g * share
    h = where(h <= bound, h, where(h != h, h, bound))
    return where(h >= -bound, h, where(h != h, h, -bound))


@cache
def bounded(decay: Decay) -> Decay:
    """The manner of decay, in front of which each number of the gradient is clipped by its value.

    Its first scalars are ``share`` (sign, factors of the norms, loss scale) and ``bound``; those of the manner follow,
    which finds a gradient that needs no more scaling. Norms that it measures are those of the clipped gradient.
    """
    names = ["share", "bound", *decay.scalar_names]
    record: Any = namedtuple("Bounded", names)  # type: ignore[misc]

    def scalars(hyper: Mapping[str, float], scale: float, *norms: float) -> Any:
        return record._make([scale, hyper["clip_value"], *decay.scalars(hyper, 1.0, *norms)])

    def element(p: Any, g: Any, share: Any, bound: Any, *rest: Any) -> Any:
        return decay.element(p, within(g, share, bound), *rest)

    def row_mean(g: Any, p: Any, scalars: Any) -> Any:
        return decay.row_mean(g, p, decay.record(*scalars[2:]))

    scalars.__annotations__["return"] = record
    element.__name__ = f"{decay.element.__name__}_bounded"
    return replace(
        decay, name=f"{decay.name}_bounded", scalars=scalars, element=element, row_mean=row_mean, inner=decay
    )
