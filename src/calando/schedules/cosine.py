"""Cosine annealing: half a cosine from one value to another.

    h(step) = end + (start - end)(1 + cos(π min(step, steps) / steps)) / 2

Source: Loshchilov & Hutter 2017, SGDR, arXiv:1608.03983, equation 5, one cycle. With warm restarts:
``Cosine(...).repeat()``. Equal bit for bit to MindSpore's ``nn.cosine_decay_lr``; the end is exact, the
start is end + (start - end), as there. torch's ``CosineAnnealingLR`` is the same up to ``T_max`` and
rises again after it.
"""

from dataclasses import dataclass
from math import pi
from typing import Any

from .base import Schedule
from .checks import count, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class Cosine(Schedule):
    """Fall (or rise) from ``start`` at step 0 to ``end`` at ``steps``, then stay.

    Args:
        start: value at step 0.
        end: value from step ``steps`` on.
        steps: how many steps it takes, at least 1.

    Raises:
        ValueError, TypeError: start or end is no finite number, or steps no whole number from 1 on.

    Example:
        >>> fall = Cosine(start=1.0, end=0.0, steps=4)
        >>> [round(fall(step), 3) for step in range(6)]
        [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        settle(self, start=number, end=number, steps=count)

    def formula(self, step: Any, words: Words) -> Any:
        angle = pi * words.minimum(step, self.steps) / self.steps
        return self.end + 0.5 * (self.start - self.end) * (1 + words.cos(angle))

    @property
    def length(self) -> int:
        return self.steps

    @property
    def last(self) -> int:
        return self.steps
