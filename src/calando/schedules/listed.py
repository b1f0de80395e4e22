"""One value per step, written out.

    h(step) = values[step]

This is the learning rate as a list of MindSpore's ``nn`` optimizers. Two things differ there: a list
that is too short stops the run with "Gather ... out of range", and NaN inside a list is accepted.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .base import Schedule, ScheduleEnd
from .checks import numbers, settle
from .spelling import MOST_VALUES, spelled
from .words import Words


@dataclass(frozen=True, repr=False)
class Listed(Schedule):
    """Go through ``values`` one per step and raise ScheduleEnd past the last; ``hold()`` stays there instead.

    Args:
        values: finite numbers; any ordered iterable, array or tensor of one axis.

    Raises:
        ValueError, TypeError: there is no value, or one that is no finite number.
        ScheduleEnd: when asked for a step past the last value.

    Example:
        >>> rates = Listed([0.1, 0.05, 0.01])
        >>> [rates(step) for step in range(3)]
        [0.1, 0.05, 0.01]
        >>> rates(3)
        Traceback (most recent call last):
        calando.schedules.base.ScheduleEnd: the list ends after 3 values, so there is no value for step 3; \
give a longer list, or .hold() to stay at the last
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        settle(self, values=numbers)

    def formula(self, step: Any, words: Words) -> Any:
        largest = words.largest(step)
        if largest >= len(self.values):
            raise ScheduleEnd(
                f"the list ends after {len(self.values)} value{'s' * (len(self.values) > 1)}, so there is no "
                f"value for step {largest}; give a longer list, or .hold() to stay at the last"
            )
        return words.pick(self, step)

    @cached_property
    def array(self) -> np.ndarray:
        """The values as float64, made at the first call with an array."""
        return np.array(self.values)

    @property
    def length(self) -> int:
        return len(self.values)

    @property
    def last(self) -> int:
        return len(self.values) - 1

    @property
    def ends(self) -> bool:
        return True

    def _spell(self, short: bool) -> str:
        if not short or len(self.values) <= MOST_VALUES:
            return super()._spell(short)
        first, last = spelled(self.values[0], short), spelled(self.values[-1], short)
        return f"Listed({len(self.values)} values, {first} … {last})"

    def __deepcopy__(self, memo: dict[int, Any]) -> "Listed":
        return self  # frozen numbers only; and torch copies a whole state_dict when it loads one
