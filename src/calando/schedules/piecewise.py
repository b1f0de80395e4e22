"""Piecewise constant: a staircase with steps of one's own.

    h(step) = values[i]   where i of the boundaries are ≤ step

MindSpore's ``nn.piecewise_constant_lr(milestone, rates)`` is Piecewise(rates, milestone[:-1]), cut off
at the last milestone; torch's ``MultiStepLR`` is the case of values falling by one factor.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .base import Schedule
from .checks import numbers, rising, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class Piecewise(Schedule):
    """Hold one value until a boundary, the next from that step on, and the last for ever.

    Args:
        values: one or more finite numbers.
        boundaries: the first step of each value but the first; rising, at least 1, one fewer than values.

    Raises:
        ValueError, TypeError: a value is no finite number, or the boundaries do not rise or are not one fewer.

    Example:
        >>> stairs = Piecewise(values=(1.0, 0.1, 0.01), boundaries=(2, 3))
        >>> [stairs(step) for step in range(5)]
        [1.0, 1.0, 0.1, 0.01, 0.01]
    """

    values: tuple[float, ...]
    boundaries: tuple[int, ...]

    def __post_init__(self) -> None:
        settle(self, values=numbers, boundaries=rising)
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"Piecewise: values must be one more than boundaries, not {len(self.values)} values "
                f"for {len(self.boundaries)} boundaries"
            )

    def formula(self, step: Any, words: Words) -> Any:
        index: Any = words.rank(self.boundaries, step)
        return words.pick(self, index)

    @cached_property
    def array(self) -> np.ndarray:
        """The values as float64, made at the first call with an array."""
        return np.array(self.values)
