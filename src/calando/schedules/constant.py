"""A constant: the same number at every step.

h(step) = value
"""

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import count_or_none, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    """Stay at ``value`` for ever.

    Args:
        value: the number.
        steps: how long it lasts before ``then`` hands over; None: it does not end by itself.

    Raises:
        ValueError, TypeError: value is no finite number, or steps no whole number from 1 on.

    Example:
        >>> import numpy as np
        >>> Constant(0.1)(1000)
        0.1
        >>> Constant(0.1, steps=2).then(0.01)(np.arange(4)).tolist()
        [0.1, 0.1, 0.01, 0.01]
    """

    value: float
    steps: int | None = None

    def __post_init__(self) -> None:
        settle(self, value=number, steps=count_or_none)

    def formula(self, step: Any, words: Words) -> Any:
        return self.value

    @property
    def length(self) -> int | None:
        return self.steps

    @property
    def last(self) -> int | None:
        return None if self.steps is None else self.steps - 1

    @property
    def steady(self) -> bool:
        return self.steps is None

    def describe(self) -> str:
        """The number alone, unless it has a length."""
        return f"{self.value:g}" if self.steps is None else super().describe()
