"""Inverse square root decay: what follows the warm-up of a Transformer.

    h(step) = start · √(steps / (steps + step))

Source: Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762, equation 3 after its warm-up;
``warmup_inverse_square_root`` and ``noam`` put the warm-up before it.
"""

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import count, number, settle
from .words import Words


@dataclass(frozen=True, repr=False)
class InverseSquareRoot(Schedule):
    """Fall from ``start`` like 1 / √step, for ever and ever more slowly: to a half after 3 · steps.

    Args:
        start: value at step 0.
        steps: how long the warm-up before it was; the larger, the slower it falls. At least 1.

    Raises:
        ValueError, TypeError: start is no finite number, or steps no whole number from 1 on.

    Example:
        >>> decay = InverseSquareRoot(start=1.0, steps=4)
        >>> [round(decay(step), 3) for step in (0, 5, 12, 60)]
        [1.0, 0.667, 0.5, 0.25]
    """

    start: float
    steps: int

    def __post_init__(self) -> None:
        settle(self, start=number, steps=count)

    def formula(self, step: Any, words: Words) -> Any:
        return self.start * words.root(self.steps / (self.steps + step))
