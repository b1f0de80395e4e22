"""One cycle: up to a peak, down again, and further down to the end, as cosines or straight lines.

    phase            from                to                     between
    rise             0                   rise · steps - 1       start → peak
    fall             rise · steps - 1    steps - 1              peak → end

    with three_phase
    rise             0                   rise · steps - 1       start → peak
    return           rise · steps - 1    2 rise · steps - 2     peak → start
    fall             2 rise · steps - 2  steps - 1              start → end

    h(step) = to + (from - to)(1 + cos(π share)) / 2,  or with linear,  from + (to - from) share

Source: Smith & Topin 2018, Super-convergence, arXiv:1708.07120, as in torch's ``OneCycleLR``: start =
max_lr / div_factor, peak = max_lr, end = start / final_div_factor, rise = pct_start. Its momentum is
OneCycle(max_momentum, base_momentum, max_momentum, ...). One difference: past its end this schedule stays,
where torch goes on along the curve for one step and then raises an error.
"""

from dataclasses import dataclass
from math import pi
from typing import Any

from .base import Schedule
from .checks import count, flag, number, settle
from .words import Words


def share(value: Any, where: str) -> float:
    clean = number(value, where)
    if not 0 <= clean <= 1:
        raise ValueError(f"{where} must lie between 0 and 1, not {clean!r}")
    return clean


@dataclass(frozen=True, repr=False)
class OneCycle(Schedule):
    """Rise from ``start`` to ``peak``, fall to ``end`` at the last of ``steps``, then stay.

    Args:
        start: value at step 0.
        peak: the highest value (or the lowest, for a momentum).
        end: value at step ``steps - 1`` and after.
        steps: how many steps it takes, at least 1.
        rise: share of the steps that go up, from 0 to 1. The phases end at steps that need not be whole.
        linear: straight lines instead of cosines.
        three_phase: fall to ``start`` as fast as it rose, then from there to ``end``.

    Raises:
        ValueError, TypeError: start, peak or end is no finite number, rise lies outside [0, 1], or steps is no
            whole number from 1 on.

    Example:
        >>> cycle = OneCycle(start=0.0, peak=1.0, end=0.5, steps=7, rise=3 / 7, linear=True)
        >>> [cycle(step) for step in range(8)]
        [0.0, 0.5, 1.0, 0.875, 0.75, 0.625, 0.5, 0.5]
    """

    start: float
    peak: float
    end: float
    steps: int
    rise: float = 0.3
    linear: bool = False
    three_phase: bool = False

    def __post_init__(self) -> None:
        settle(self, start=number, peak=number, end=number, steps=count, rise=share, linear=flag, three_phase=flag)

    def formula(self, step: Any, words: Words) -> Any:
        step = words.minimum(step, self.steps - 1)
        top, last = self.rise * self.steps - 1, self.steps - 1
        rising: Any = self._phase(step, 0.0, top, self.start, self.peak, words)
        if not self.three_phase:
            falling: Any = self._phase(step, top, last, self.peak, self.end, words)
            return words.where(step <= top, rising, falling)
        back = 2 * self.rise * self.steps - 2
        later: Any = self._phase(step, top, back, self.peak, self.start, words)
        falling = self._phase(step, back, last, self.start, self.end, words)
        later = words.where(step <= back, later, falling)
        return words.where(step <= top, rising, later)

    def _phase(self, step: Any, begin: float, end: float, low: float, high: float, words: Words) -> Any:
        """The way from ``low`` to ``high`` between two moments; at one moment, its end."""
        if begin == end:
            return high
        gone = (step - begin) / (end - begin)
        if self.linear:
            return (high - low) * gone + low
        return high + (low - high) / 2.0 * (words.cos(pi * gone) + 1)

    @property
    def length(self) -> int:
        return self.steps

    @property
    def last(self) -> int:
        return self.steps - 1
