"""Inverse time decay: one divided by a straight line.

    h(step) = start / (1 + rate · step / steps)

With ``staircase`` the quotient step / steps is rounded down. Equal bit for bit to MindSpore's
``nn.inverse_decay_lr``.
"""

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import at_least_zero, count, flag, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class InverseTime(Schedule):
    """Fall from ``start`` like 1 / step, for ever and ever more slowly.

    Args:
        start: value at step 0.
        rate: how much the divisor grows in ``steps`` steps, not negative.
        steps: the steps that ``rate`` speaks of, at least 1.
        staircase: let the divisor grow at once instead of a little at each step.

    Raises:
        ValueError, TypeError: start or rate is no finite number, rate is negative, or steps no whole number from 1 on.

    Example:
        >>> decay = InverseTime(start=1.0, rate=1.0, steps=2)
        >>> [round(decay(step), 3) for step in range(5)]
        [1.0, 0.667, 0.5, 0.4, 0.333]
    """

    start: float
    rate: float
    steps: int = 1
    staircase: bool = False

    def __post_init__(self) -> None:
        settle(self, start=number, rate=at_least_zero, steps=count, staircase=flag)

    def formula(self, step: Any, words: Words) -> Any:
        grown = self.rate * (step // self.steps) if self.staircase else self.rate * step / self.steps
        return self.start / (1 + grown)
