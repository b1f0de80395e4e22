"""Cosine annealing with warm restarts: half a cosine again and again, each longer than the last.

    h(step) = end + (start - end)(1 + cos(π now / period)) / 2
    period  = steps · growth^turn,   now = step - steps · (1 + growth + … + growth^(turn - 1))

Source: Loshchilov & Hutter 2017, SGDR, arXiv:1608.03983, equation 5, with T_0 and T_mult for steps and
growth; torch's ``CosineAnnealingWarmRestarts``. With growth 1 it is ``Cosine(...).repeat()``.
"""

from dataclasses import dataclass
from functools import cached_property
from math import pi
from typing import Any

from .base import Schedule
from .checks import MOST_STEPS, count, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class WarmRestarts(Schedule):
    """Fall from ``start`` to ``end`` along half a cosine, jump back and fall again, for ever.

    Args:
        start: value at the beginning of each turn.
        end: what each turn falls to; the value itself is not seen, the next turn begins there.
        steps: how many steps the first turn takes, at least 1.
        growth: how much longer each turn is than the one before, a whole number from 1 on.

    Raises:
        ValueError, TypeError: start or end is no finite number, or steps or growth no whole number from 1 on.

    Example:
        >>> turns = WarmRestarts(start=1.0, end=0.0, steps=2, growth=2)
        >>> [round(turns(step), 3) for step in range(8)]
        [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0, 0.962]
    """

    start: float
    end: float
    steps: int
    growth: int = 2

    def __post_init__(self) -> None:
        settle(self, start=number, end=number, steps=count, growth=count)

    def formula(self, step: Any, words: Words) -> Any:
        if self.growth == 1:
            now, period = step % self.steps, self.steps
        else:
            now, period = self._turn(step, words)
        return self.end + (self.start - self.end) * (1 + words.cos(pi * now / period)) / 2

    def _turn(self, step: Any, words: Words) -> tuple[Any, Any]:
        """How far the turn in force has come, and how long it is."""
        turn: Any = words.rank(self.begins, step) - 1
        return step - words.choose(self.begins, turn), words.choose(self.periods, turn)

    @cached_property
    def periods(self) -> tuple[int, ...]:
        """The lengths of the turns that begin within the countable steps."""
        found = [self.steps]
        while sum(found) <= MOST_STEPS:
            found.append(found[-1] * self.growth)
        return tuple(min(period, MOST_STEPS) for period in found)

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """The first step of each turn."""
        return tuple(sum(self.periods[:turn]) for turn in range(len(self.periods)))
