"""A straight line from one value to another.

    h(step) = start + (end - start) step / steps     before steps
    h(step) = end                                    from steps on

With ``start = 0`` this is the warm-up of MindSpore (``nn.warmup_lr``, ``nn.WarmUpLR``) and, per step,
torch's ``LinearLR``. Associated as ``warmup_lr`` does, lr · step / steps, and equal to it bit for bit
up to the end; from ``steps`` on it is ``end`` itself, which lr · steps / steps misses by one unit in
the last place for some lr and steps. It never leaves the range from start to end.
"""

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import count, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class Linear(Schedule):
    """Go in equal steps from ``start`` at step 0 to ``end`` at ``steps``, then stay.

    Args:
        start: value at step 0.
        end: value from step ``steps`` on.
        steps: how many steps it takes, at least 1.

    Raises:
        ValueError, TypeError: start or end is no finite number, or steps no whole number from 1 on.

    Example:
        >>> rise = Linear(start=0.0, end=1.0, steps=4)
        >>> [rise(step) for step in range(6)]
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        settle(self, start=number, end=number, steps=count)

    def formula(self, step: Any, words: Words) -> Any:
        on_the_way = self.start + (self.end - self.start) * step / self.steps
        return words.where(step < self.steps, on_the_way, self.end)

    @property
    def length(self) -> int:
        return self.steps

    @property
    def last(self) -> int:
        return self.steps
