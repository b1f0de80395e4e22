"""Two schedules at the same step: their sum, their product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Schedule
from .checks import settle
from .constant import Constant
from .parts import schedule
from .spelling import spelled
from .words import Words


@dataclass(frozen=True, repr=False)
class Pair(Schedule, stored=False):
    """Two schedules, asked at the same step."""

    left: Schedule
    right: Schedule

    def __post_init__(self) -> None:
        settle(self, left=schedule, right=schedule)

    def _reach(self, *spans: int | None) -> int | None:
        """How far the two go: to the first end, where there is one; else until both have come to rest."""
        ending = [span for part, span in zip(self.parts, spans, strict=True) if part.ends]
        if ending:
            return min(span for span in ending if span is not None)
        moving = [span for part, span in zip(self.parts, spans, strict=True) if not part.steady]
        reached = [span for span in moving if span is not None]
        return max(reached) if reached and len(reached) == len(moving) else None

    @property
    def length(self) -> int | None:
        return self._reach(self.left.length, self.right.length)

    @property
    def last(self) -> int | None:
        return self._reach(self.left.last, self.right.last)

    @property
    def ends(self) -> bool:
        return self.left.ends or self.right.ends

    @property
    def steady(self) -> bool:
        return self.left.steady and self.right.steady

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return self.left, self.right

    def _joined(self, sign: str, short: bool) -> str:
        """The two with a sign between; a plain constant is a number, but not both (that would be none)."""
        right = _number_or_spelled(self.right, short)
        both = _is_number(self.left) and _is_number(self.right)
        left = self.left._spell(short) if both else _number_or_spelled(self.left, short)
        return f"({left} {sign} {right})"


def _is_number(part: Schedule) -> bool:
    return type(part) is Constant and part.steps is None


def _number_or_spelled(part: Schedule, short: bool) -> str:
    if isinstance(part, Constant) and _is_number(part):
        return spelled(part.value, short)
    return part._spell(short)


@dataclass(frozen=True, repr=False)
class Sum(Pair):
    """Add two schedules at every step; past the end, the sum of what the two do.

    Raises:
        TypeError: one of them is no schedule.

    Example:
        >>> from calando.schedules import Linear
        >>> Linear(0.0, 1.0, steps=2) + 0.5
        (Linear(start=0.0, end=1.0, steps=2) + 0.5)
        >>> (Linear(0.0, 1.0, steps=2) + 0.5)(1)
        1.0
    """

    def formula(self, step: Any, words: Words) -> Any:
        return self.left.formula(step, words) + self.right.formula(step, words)

    def _spell(self, short: bool) -> str:
        return self._joined("+", short)


@dataclass(frozen=True, repr=False)
class Product(Pair):
    """Multiply two schedules at every step; past the end, the product of what the two do.

    Raises:
        TypeError: one of them is no schedule.

    Example:
        >>> from calando.schedules import Exponential, Linear
        >>> rate = Linear(0.0, 1.0, steps=2) * Exponential(8.0, rate=0.5)  # warm-up of a decay
        >>> [rate(step) for step in range(5)]
        [0.0, 2.0, 2.0, 1.0, 0.5]
    """

    def formula(self, step: Any, words: Words) -> Any:
        return self.left.formula(step, words) * self.right.formula(step, words)

    def _spell(self, short: bool) -> str:
        return self._joined("*", short)
