"""One schedule after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Schedule, _operand
from .checks import count, rising_from_zero, settle, shown
from .parts import schedules
from .words import Words


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

    Raises:
        ValueError, TypeError: fewer than two schedules, starts that do not fit, or a piece that ends too early.

    Example:
        >>> from calando.schedules import Constant
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
