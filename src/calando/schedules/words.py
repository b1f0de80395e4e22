"""The words of a formula, once for one step and once for an array of steps.

A schedule writes its formula once, ``formula(step, words)``, and never asks which of the two it was
given:

    Numbers   step is an int ≥ 0;                            the result is a float
    Arrays    step is an int64 array of one axis, not empty;  the result is float64, or one float for all

``Numbers`` is plain ``math``, because a training loop asks for one step at a time and a call into
numpy costs as much as a whole formula. The two agree to a few units in the last place and not exactly:
numpy computes cos and power with vector instructions that round differently from the C library.
Everything else (+, -, *, /, //, %, comparisons) rounds alike in both and is written with operators.

A power that overflows is inf in both; plain Python would raise OverflowError.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Numbers:
    """One step at a time."""

    cos = math.cos
    root = math.sqrt
    minimum = min
    maximum = max

    @staticmethod
    def power(base: float, exponent: float) -> float:
        try:
            return base**exponent
        except OverflowError:
            return math.inf

    @staticmethod
    def rank(bounds: Sequence[int], step: int) -> int:
        """How many of the rising bounds are ≤ step."""
        return bisect_right(bounds, step)

    @staticmethod
    def where(condition: bool, yes: float, no: float) -> float:
        return yes if condition else no

    @staticmethod
    def largest(step: int) -> int:
        return step

    @staticmethod
    def pick(holder: Any, index: int) -> float:
        """The value at ``index`` of a schedule that holds ``values``."""
        return holder.values[index]

    @staticmethod
    def choose(values: Sequence[Any], index: int) -> Any:
        """The value at ``index`` of a short or private sequence of numbers."""
        return values[index]

    @staticmethod
    def each(call: Callable[[int], float], step: int) -> float:
        return call(step)

    @staticmethod
    def distinct(call: Callable[[Any], Any], index: int) -> float:
        """What ``call`` makes of ``index``; of several, it is given those that differ, all at once."""
        return call(index)

    @staticmethod
    def play(pieces: Sequence[Any], starts: Sequence[int], step: int) -> float:
        """The value of the piece in force, which counts from its own start."""
        i = bisect_right(starts, step) - 1
        return pieces[i].formula(step - starts[i], Numbers)


class Arrays:
    """Many steps at once."""

    cos = np.cos
    root = np.sqrt
    minimum = np.minimum
    maximum = np.maximum
    where = np.where

    @staticmethod
    def power(base: Any, exponent: Any) -> np.ndarray:
        """One of the two is an array."""
        if not isinstance(base, float) or base <= 0:
            return np.power(base, exponent)
        # A million results that underflow cost np.power 77 ms, others 4: so those are not asked for.
        size = exponent * math.log(base)
        out = np.where(size > 0, np.inf, 0.0)
        return np.power(base, exponent, out=out, where=np.abs(size) < 746)  # e^-746 is 0 and e^746 inf

    @staticmethod
    def rank(bounds: Sequence[int], step: np.ndarray) -> np.ndarray:
        return np.searchsorted(np.array(bounds, np.int64), step, side="right")

    @staticmethod
    def largest(step: np.ndarray) -> int:
        return int(step.max())

    @staticmethod
    def pick(holder: Any, index: np.ndarray) -> np.ndarray:
        return holder.array[index]

    @staticmethod
    def choose(values: Sequence[Any], index: np.ndarray) -> np.ndarray:
        return np.array(values)[index]

    @staticmethod
    def each(call: Callable[[int], float], step: np.ndarray) -> np.ndarray:
        return np.fromiter(map(call, step.tolist()), np.float64, step.size)

    @staticmethod
    def distinct(call: Callable[[Any], Any], index: np.ndarray) -> np.ndarray:
        if not index.size:
            return call(index)
        low, high = int(index.min()), int(index.max())
        if high - low < index.size:  # as a million steps in order have them; np.unique would sort
            return call(np.arange(low, high + 1))[index - low]
        found, place = np.unique(index, return_inverse=True)
        return call(found)[place]

    @staticmethod
    def play(pieces: Sequence[Any], starts: Sequence[int], step: np.ndarray) -> np.ndarray:
        # Each piece sees only its own steps: a list is never asked for a value past its end.
        which = Arrays.rank(starts, step) - 1
        out = np.empty(step.shape)
        for i, (piece, start) in enumerate(zip(pieces, starts, strict=True)):
            here = which == i
            if here.any():
                out[here] = piece.formula(step[here] - start, Arrays)
        return out


Words = type[Numbers] | type[Arrays]
