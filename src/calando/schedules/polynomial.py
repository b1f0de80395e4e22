"""Polynomial decay: a power of the share that is left.

    h(step) = (start - end)(1 - min(step, steps) / steps)^power + end

With ``cycle`` the period is stretched to the next multiple of steps instead of ending:

    h(step) = (start - end)(1 - step / period)^power + end,   period = steps · max(⌈step / steps⌉, 1)

Equal bit for bit to MindSpore's ``nn.polynomial_decay_lr``, where cycle is called
``update_decay_epoch``. torch's ``PolynomialLR`` is the case end = 0.
"""

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import count, flag, number, positive, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class Polynomial(Schedule):
    """Go from ``start`` at step 0 to ``end`` at ``steps``, then stay; with ``cycle``, jump up and fall again.

    Args:
        start: value at step 0.
        end: value at step ``steps``.
        steps: how many steps it takes, at least 1.
        power: 1 is a straight line; above 1 most of the way is made early, below 1 late. Positive.
        cycle: after each ``steps`` steps go on along a slower fall, ever smaller jumps, without end.

    Raises:
        ValueError, TypeError: start or end is no finite number, power not positive, or steps no whole number from 1 on.

    Example:
        >>> fall = Polynomial(start=1.0, end=0.0, steps=4, power=2.0)
        >>> [fall(step) for step in range(6)]
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
        >>> saw = Polynomial(start=1.0, end=0.0, steps=2, cycle=True)
        >>> [saw(step) for step in range(5)]
        [1.0, 0.5, 0.0, 0.25, 0.0]
    """

    start: float
    end: float
    steps: int
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self) -> None:
        settle(self, start=number, end=number, steps=count, power=positive, cycle=flag)

    def formula(self, step: Any, words: Words) -> Any:
        if self.cycle:
            period = self.steps * words.maximum(-(-step // self.steps), 1)
            gone = step / period
        else:
            gone = words.minimum(step, self.steps) / self.steps
        return (self.start - self.end) * words.power(1 - gone, self.power) + self.end

    @property
    def length(self) -> int | None:
        return None if self.cycle else self.steps

    @property
    def last(self) -> int | None:
        return None if self.cycle else self.steps
