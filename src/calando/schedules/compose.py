"""Schedules made of schedules.

    a.then(b)        Then       a for its length, then b
    a + b            Sum        at each step
    a * b            Product    at each step; a number stands for a constant
    a.hold()         Hold       stay at the last value of what ends
    a.repeat(n)      Repeat     begin anew
    a.per_epoch(n)   PerEpoch   count epochs instead of steps
    a.skip(n)        Skip       begin n steps in

They print as the expressions in the left column. The methods are the way to make them; the classes
are here for ``isinstance`` and for reading stored schedules.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .base import Schedule, _operand
from .checks import count, count_or_none, rising_from_zero, settle, several, shown
from .constant import Constant
from .spelling import spelled
from .words import Words

MOST_NESTED = 100  # so that printing, comparing and storing never meet Python's recursion limit


def schedule(value: Any, where: str) -> Schedule:
    if not isinstance(value, Schedule):
        raise TypeError(f"{where} must be a Schedule, not {shown(value)}")
    if value.depth >= MOST_NESTED:
        raise ValueError(f"{where} is nested {value.depth} deep already, and {MOST_NESTED} is the most")
    return value


def schedules(value: Any, where: str) -> tuple[Schedule, ...]:
    return tuple(schedule(each, f"{where}[{i}]") for i, each in enumerate(several(value, where)))


def join(first: Schedule, following: Any, after: int | None) -> Then:
    """``first.then(following, after)``."""
    second = _operand(following)
    if second is None:
        raise TypeError(f"then: a Schedule or a number must follow, not {shown(following)}")
    if after is None:
        after = first.length
    if after is None:
        raise ValueError(
            f"then: {first.describe()} has no end, so say after how many steps to hand over: "
            f".then({second.describe()}, after=1000)"
        )
    return Then((first, second), (0, count(after, "then: after")))


@dataclass(frozen=True, repr=False)
class Then(Schedule):
    """Play the pieces in turn, each counting from its own start; past the end, do what the last one does.

    A Then among the pieces is laid open, and a piece that would never play is left out, so that two
    schedules that hand over alike are equal.

    Args:
        pieces: two or more schedules.
        starts: the first step of each piece, beginning with 0 and rising.

    Example:
        >>> rate = Constant(1.0, steps=2).then(Constant(2.0, steps=2)).then(3.0)
        >>> rate
        Constant(value=1.0, steps=2).then(Constant(value=2.0, steps=2)).then(Constant(value=3.0))
        >>> [rate(step) for step in range(6)]
        [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    """

    pieces: tuple[Schedule, ...]
    starts: tuple[int, ...]

    def __post_init__(self) -> None:
        settle(self, pieces=schedules, starts=rising_from_zero)
        if len(self.pieces) < 2 or len(self.pieces) != len(self.starts) or self.starts[0] != 0:
            raise ValueError(
                f"Then: needs two or more pieces and a start for each, the first 0, not "
                f"{len(self.pieces)} with the starts {self.starts!r}"
            )
        pieces, starts = _laid_open(self.pieces, self.starts)
        for piece, start, end in zip(pieces, starts, starts[1:], strict=False):
            if piece.ends and piece.length is not None and end - start > piece.length:
                raise ValueError(
                    f"then: {piece.describe()} ends after {piece.length} steps, so it cannot last "
                    f"{end - start}; give more values, or .hold() before .then"
                )
        object.__setattr__(self, "pieces", pieces)
        object.__setattr__(self, "starts", starts)

    def formula(self, step: Any, words: Words) -> Any:
        return words.play(self.pieces, self.starts, step)

    @property
    def length(self) -> int | None:
        length = self.pieces[-1].length
        return None if length is None else self.starts[-1] + length

    @property
    def last(self) -> int | None:
        last = self.pieces[-1].last
        return None if last is None else self.starts[-1] + last

    @property
    def ends(self) -> bool:
        return self.pieces[-1].ends

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return self.pieces

    def _spell(self, short: bool) -> str:
        text = self.pieces[0]._spell(short)
        told = self.pieces[0].length  # when the pieces written so far would hand over by themselves
        for piece, start in zip(self.pieces[1:], self.starts[1:], strict=True):
            after = "" if start == told else f", after={start}"
            text += f".then({piece._spell(short)}{after})"
            told = None if piece.length is None else start + piece.length
        return text


def _laid_open(pieces: tuple[Schedule, ...], starts: tuple[int, ...]) -> tuple[tuple[Schedule, ...], tuple[int, ...]]:
    """The pieces and starts without a Then among them and without what never plays."""
    flat: list[tuple[Schedule, int]] = []
    for piece, start in zip(pieces, starts, strict=True):
        while flat and flat[-1][1] >= start:
            flat.pop()
        if isinstance(piece, Then):
            flat += [(part, start + offset) for part, offset in zip(piece.pieces, piece.starts, strict=True)]
        else:
            flat.append((piece, start))
    return tuple(piece for piece, _ in flat), tuple(start for _, start in flat)


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


@dataclass(frozen=True, repr=False)
class Hold(Schedule):
    """Follow a schedule that ends, and stay at its last value from there on.

    Args:
        inner: a schedule that ends (``inner.ends``); any other stays or goes on by itself.
    """

    inner: Schedule

    def __post_init__(self) -> None:
        settle(self, inner=schedule)
        if not self.inner.ends:
            raise ValueError(f"Hold: {self.inner.describe()} does not end, so there is nothing to hold")

    def formula(self, step: Any, words: Words) -> Any:
        return self.inner.formula(words.minimum(step, self.last), words)

    @property
    def length(self) -> int | None:
        return self.inner.length

    @cached_property
    def last(self) -> int:
        return self.inner.last or 0  # never None: what ends has a last step

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return (self.inner,)

    def _spell(self, short: bool) -> str:
        return f"{self.inner._spell(short)}.hold()"


@dataclass(frozen=True, repr=False)
class Repeat(Schedule):
    """Begin ``inner`` anew every ``inner.length`` steps, for ever or ``times`` times; the last turn goes on.

    The value that ``inner`` reaches *at* its length is never seen between two turns, as in cosine
    annealing with warm restarts (SGDR, arXiv:1608.03983).

    Args:
        inner: a schedule with a length.
        times: turns in all, at least 1; None: for ever.

    Example:
        >>> from calando.schedules import Linear
        >>> saw = Linear(2.0, 0.0, steps=2).repeat(2)
        >>> [saw(step) for step in range(6)]
        [2.0, 1.0, 2.0, 1.0, 0.0, 0.0]
    """

    inner: Schedule
    times: int | None = None

    def __post_init__(self) -> None:
        settle(self, inner=schedule, times=count_or_none)
        if self.inner.length is None:
            raise ValueError(
                f"repeat: {self.inner.describe()} has no end, so there is nothing to begin anew; give it one "
                "with .then(..., after=steps), or Constant its steps"
            )

    def formula(self, step: Any, words: Words) -> Any:
        turn = step // self.period
        if self.times is not None:
            turn = words.minimum(turn, self.times - 1)
        return self.inner.formula(step - turn * self.period, words)

    @cached_property
    def period(self) -> int:
        """How many steps one turn takes."""
        return self.inner.length or 1  # never None: refused above

    @property
    def length(self) -> int | None:
        return None if self.times is None else self.period * self.times

    @property
    def last(self) -> int | None:
        if self.times is None or self.inner.last is None:
            return None
        return self.period * (self.times - 1) + self.inner.last

    @property
    def ends(self) -> bool:
        return self.times is not None and self.inner.ends

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return (self.inner,)

    def _spell(self, short: bool) -> str:
        return f"{self.inner._spell(short)}.repeat({'' if self.times is None else self.times})"


@dataclass(frozen=True, repr=False)
class PerEpoch(Schedule):
    """Let ``inner`` count whole epochs instead of steps; past the end, do what ``inner`` does.

    Args:
        inner: a schedule that counts epochs.
        steps_per_epoch: at least 1.
    """

    inner: Schedule
    steps_per_epoch: int

    def __post_init__(self) -> None:
        settle(self, inner=schedule, steps_per_epoch=count)

    def formula(self, step: Any, words: Words) -> Any:
        return self.inner.formula(step // self.steps_per_epoch, words)

    @property
    def length(self) -> int | None:
        return None if self.inner.length is None else self.inner.length * self.steps_per_epoch

    @property
    def last(self) -> int | None:
        return None if self.inner.last is None else (self.inner.last + 1) * self.steps_per_epoch - 1

    @property
    def ends(self) -> bool:
        return self.inner.ends

    @property
    def steady(self) -> bool:
        return self.inner.steady

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return (self.inner,)

    def _spell(self, short: bool) -> str:
        return f"{self.inner._spell(short)}.per_epoch({self.steps_per_epoch})"


@dataclass(frozen=True, repr=False)
class Skip(Schedule):
    """Begin ``inner`` at its step ``steps``; past the end, do what ``inner`` does.

    A Skip within a Skip is added to it.

    Args:
        inner: a schedule that has not ended by then.
        steps: how many of its first steps are left out, at least 1.
    """

    inner: Schedule
    steps: int

    def __post_init__(self) -> None:
        settle(self, inner=schedule, steps=count)
        if isinstance(self.inner, Skip):
            object.__setattr__(self, "steps", self.steps + self.inner.steps)
            object.__setattr__(self, "inner", self.inner.inner)
        if self.inner.ends and self.steps >= (self.inner.length or 0):
            raise ValueError(
                f"skip: {self.inner.describe()} ends after {self.inner.length} steps, so nothing is left "
                f"after {self.steps}"
            )

    def formula(self, step: Any, words: Words) -> Any:
        return self.inner.formula(step + self.steps, words)

    @property
    def length(self) -> int | None:
        length = self.inner.length
        return None if length is None or length <= self.steps else length - self.steps

    @property
    def last(self) -> int | None:
        return None if self.inner.last is None else max(0, self.inner.last - self.steps)

    @property
    def ends(self) -> bool:
        return self.inner.ends

    @property
    def steady(self) -> bool:
        return self.inner.steady or (not self.ends and self.last == 0)

    @property
    def parts(self) -> tuple[Schedule, ...]:
        return (self.inner,)

    def _spell(self, short: bool) -> str:
        return f"{self.inner._spell(short)}.skip({self.steps})"
