r"""A line search for the strong Wolfe conditions, φ(t) being the loss at x + t d:

    φ(t) ≤ φ(0) + c₁ t φ'(0)     and     |φ'(t)| ≤ -c₂ φ'(0),     c₁ = 1e-4, c₂ = 0.9

first by lengthening until they hold or are enclosed, then by narrowing; each time to the minimum of the
cubic through two points' values and slopes.

Source: Nocedal & Wright, Numerical Optimization, 2nd edition 2006, algorithms 3.5 and 3.6, interpolation
equation 3.59. Safeguards of the interpolation and the order of all decisions as in torch.optim.LBFGS 2.13.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

DECREASE, CURVATURE = 1e-4, 0.9  # c₁ and c₂
NARROW = 1e-9  # a search ends where no parameter differs by more; a constant in torch, whatever tolerance_change is


class Point(NamedTuple):
    """A point on the line of a search: its length, the loss, the gradient, and the slope g·d."""

    length: Any
    loss: float
    gradient: Any
    slope: Any


def strong_wolfe(look: Callable[[Any], Point], start: Point, length: Any, reach: Any, most: int) -> Point:
    """A point with the strong Wolfe conditions, or the best one found: lengthen until one is enclosed.

    Args:
        look: evaluates at a length.
        start: the point of length 0; its slope is below 0.
        length: the first length to try.
        reach: the largest element of the direction.
        most: evaluations after the first one.
    """
    before, point = start, look(length)
    for count in range(most):
        high = too_high(point, start) or (count > 1 and point.loss >= before.loss)
        if not high and level(point, start):
            return point
        if high or point.slope >= 0:
            return narrowed(look, start, [before, point], reach, most - count)
        bounds = point.length + 0.01 * (point.length - before.length), point.length * 10
        before, point = point, look(lowest(before, point, bounds))
    return start if start.loss <= point.loss else point


def narrowed(look: Callable[[Any], Point], start: Point, ends: list[Point], reach: Any, most: int) -> Point:
    """A point with the strong Wolfe conditions between two that enclose one, or the best one found."""
    low, high = ranked(ends)
    crowded = False
    for _ in range(most):
        if abs(ends[1].length - ends[0].length) * reach < NARROW:
            break
        length, crowded = spaced(lowest(ends[0], ends[1]), ends, crowded)
        point = look(length)
        if too_high(point, start) or point.loss >= ends[low].loss:
            ends[high] = point
            low, high = ranked(ends)
            continue
        enough = level(point, start)
        if not enough and point.slope * (ends[high].length - ends[low].length) >= 0:
            ends[high] = ends[low]
        ends[low] = point
        if enough:
            break
    return ends[low]


def ranked(ends: list[Point]) -> tuple[int, int]:
    """Which of two points has the lower loss, and which the higher."""
    return (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)


def too_high(point: Point, start: Point) -> bool:
    """Whether the loss has not decreased enough for this length: the first Wolfe condition is missed."""
    return bool(point.loss > start.loss + DECREASE * point.length * start.slope)


def level(point: Point, start: Point) -> bool:
    """Whether the slope has become small enough: the second Wolfe condition, in its strong form, holds."""
    return bool(abs(point.slope) <= -CURVATURE * start.slope)


def spaced(length: Any, ends: list[Point], crowded: bool) -> tuple[Any, bool]:
    """A length not too near the ends for the second time, a tenth of the interval from it; whether it was near now."""
    left, right = min(end.length for end in ends), max(end.length for end in ends)
    margin = 0.1 * (right - left)
    if not min(right - length, length - left) < margin:
        return length, False
    if not crowded and left < length < right:
        return length, True
    return (right - margin if abs(length - right) < abs(length - left) else left + margin), False


def lowest(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points' losses and slopes is lowest, within bounds (None: between them).

    The middle of the bounds where the cubic has no minimum.
    """
    left, right = (a, b) if a.length <= b.length else (b, a)
    low, high = bounds or (left.length, right.length)
    if left.length == right.length:
        return (low + high) / 2.0
    with np.errstate(all="ignore"):
        d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.length - right.length)
        square = d1**2 - left.slope * right.slope
        if not square >= 0:
            return (low + high) / 2.0
        d2 = square**0.5
        part = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
        return min(max(right.length - (right.length - left.length) * part, low), high)
