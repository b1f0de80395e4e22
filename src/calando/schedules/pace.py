"""A schedule at another pace: held, repeated, per epoch, begun later."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .base import Schedule
from .checks import count, count_or_none, settle
from .parts import schedule
from .words import Words


@dataclass(frozen=True, repr=False)
class Hold(Schedule):
    """Follow a schedule that ends, and stay at its last value from there on.

    Args:
        inner: a schedule that ends (``inner.ends``); any other stays or goes on by itself.

    Raises:
        ValueError, TypeError: inner is no schedule, or one that does not end.
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

    Raises:
        ValueError, TypeError: inner is no schedule with a length, or times no whole number from 1 on.

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

    Raises:
        ValueError, TypeError: inner is no schedule, or steps_per_epoch no whole number from 1 on.
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

    Raises:
        ValueError, TypeError: inner is no schedule or ends before, or steps is no whole number from 1 on.
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
