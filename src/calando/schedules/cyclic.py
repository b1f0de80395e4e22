"""Triangles: up and down in straight lines, for ever, at one height or ever lower.

    h(step) = start + (end - start) · triangle · rate^step
    h(step) = start + (end - start) · triangle · rate^cycle       with staircase

where the triangle rises from 0 to 1 in ``up`` steps and falls back in ``down``.

Source: Smith 2017, Cyclical learning rates, arXiv:1506.01186. torch's ``CyclicLR``: ``triangular`` is rate
1, ``triangular2`` is rate 0.5 with staircase, ``exp_range`` is rate gamma. Its momentum, which moves the
other way, is Cyclic(max_momentum, base_momentum, ...). Written as torch writes it, rounding included.
"""

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import at_least_zero, flag, positive, settle
from .checks import number as real
from .words import Words


def positive_or_none(value: Any, where: str) -> float | None:
    return None if value is None else positive(value, where)


@dataclass(frozen=True, repr=False)
class Cyclic(Schedule):
    """Go from ``start`` to ``end`` and back in straight lines, again and again.

    Args:
        start: value at the feet of the triangles.
        end: value at the top of the first triangle.
        up: steps from a foot to the top, positive.
        down: steps from the top to the next foot; None: as many as up.
        rate: the heights are multiplied by it at each step, not negative.
        staircase: multiply the heights once per triangle instead of at each step.

    Raises:
        ValueError, TypeError: start or end is no finite number, up or down not positive, or rate negative.

    Example:
        >>> saw = Cyclic(start=0.0, end=1.0, up=2, rate=0.5, staircase=True)
        >>> [saw(step) for step in range(9)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25, 0.0]
    """

    start: float
    end: float
    up: float
    down: float | None = None
    rate: float = 1.0
    staircase: bool = False

    def __post_init__(self) -> None:
        settle(self, start=real, end=real, up=positive, down=positive_or_none, rate=at_least_zero, staircase=flag)

    def formula(self, step: Any, words: Words) -> Any:
        total = self.up + (self.up if self.down is None else self.down)
        top = self.up / total
        cycle = (1 + step / total) // 1
        share = 1.0 + step / total - cycle
        height = (self.end - self.start) * words.where(share <= top, share / top, (share - 1) / (top - 1))
        if self.rate != 1:
            height = height * words.power(self.rate, cycle - 1 if self.staircase else step)
        return self.start + height
