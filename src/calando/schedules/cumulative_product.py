"""A product that grows by one factor at each step.

    h(0) = start,   h(step) = h(step - 1) · factor(step)

torch's ``MultiplicativeLR``: CumulativeProduct(lr, Function(lr_lambda)); for a factor that never changes,
``Exponential`` is the same. There is no closed form, so the products are kept as they are found, eight bytes
a step: a step after the last one asked for costs one multiplication, and any earlier one nothing.
"""

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..turn import Turn
from .base import Schedule, _operand
from .checks import number, settle
from .parts import schedule
from .words import Words

FINDING = Turn()  # one thread at a time lengthens a product


def multiplier(value: Any, where: str) -> Schedule:
    return schedule(_operand(value) or value, where)


@dataclass(frozen=True, repr=False)
class CumulativeProduct(Schedule):
    """Multiply ``start`` by ``factor(1)``, ``factor(2)`` … up to the step asked for.

    Args:
        start: value at step 0.
        factor: a schedule, or a number; its value at step 0 is not used.

    Raises:
        ValueError, TypeError: start is no finite number, or factor neither a number nor a schedule.

    Example:
        >>> from calando.schedules import Piecewise
        >>> fall = CumulativeProduct(1.0, Piecewise([0.5, 1.0], boundaries=[3]))
        >>> [fall(step) for step in range(5)]
        [1.0, 0.5, 0.25, 0.25, 0.25]
    """

    start: float
    factor: Schedule

    def __post_init__(self) -> None:
        settle(self, start=number, factor=multiplier)

    def formula(self, step: Any, words: Words) -> Any:
        found, largest = self.found, words.largest(step)
        if largest >= len(found):
            with FINDING.lock:
                for each in range(len(found), largest + 1):
                    found.append(found[-1] * self.factor(each))
        return words.choose(found, step)

    @cached_property
    def found(self) -> array:
        """The products up to the furthest step that was asked for."""
        return array("d", [self.start])

    @property
    def length(self) -> int | None:
        return self.factor.length

    @property
    def last(self) -> int | None:
        return self.factor.last if self.factor.ends else None

    @property
    def ends(self) -> bool:
        return self.factor.ends

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return (self.factor,)
