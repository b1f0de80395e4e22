"""The slow, obvious twin of ``calando.kernels.factored``: plain NumPy, sums in the documented order."""

from collections.abc import Callable
from functools import partial
from math import prod, sqrt
from typing import Any

import numpy as np

from calando import average
from calando.rule import Rule
from lanes import lanes_sum

SMALL, TILE, BANDS = 64, 8192, 64  # as documented there


def played(rule: Rule) -> Callable[..., Any]:
    """What a rule plays, its own body where its second moments are no row and column."""
    if rule.factored is None:
        return rule.element
    inner = rule.inner or rule
    body = partial(joined, inner)
    return body if rule.inner is None else average.element(inner, body)


def joined(rule: Rule, p: np.ndarray, g: np.ndarray, *rest: Any) -> tuple[np.ndarray, ...]:
    """The new p and slots of a rule whose second moments are a row and a column."""
    if p.size == 0:
        return p, *rest[: len(rule.slots)]
    kind, bodies = p.dtype.type, rule.factored
    (r, c, *more), own = rest[: len(rule.slots)], rest[len(rule.slots) :]
    *many, height, width = p.shape
    matrix, small = (prod(many), height, width), height * width <= SMALL
    with np.errstate(all="ignore"):
        square = bodies.square(g, *own).reshape(matrix).astype(np.float64)
        rows = in_turn(square, 2) if small else in_halves(square)
        columns = in_turn(square, 1) if small else in_bands(square)
        new_r = bodies.row(r.reshape(matrix[:2]), (rows / width).astype(kind), *own)
        new_c = bodies.column(c.reshape(matrix[::2]), (columns / height).astype(kind), *own)
        wide = new_r.astype(np.float64)
        level = ((in_turn(wide, 1) if small else in_halves(wide)) / height).astype(kind)
        apart = g.reshape(matrix), new_r[:, :, None], new_c[:, None, :], level[:, None, None]
        u = bodies.unit(*apart, *own).reshape(p.shape)
        sizes = [sqrt(lanes_sum(x.astype(np.float64) ** 2) / x.size) for x in (p, u)]
        pace = map(kind, bodies.stride(*sizes, *map(float, own)))
        p, *more = bodies.move(p, u, *more, *own, *pace)
    return p, new_r.reshape(r.shape), new_c.reshape(c.shape), *more


def in_turn(x: np.ndarray, axis: int) -> np.ndarray:
    """The sum along an axis, one number after the other."""
    found = np.zeros_like(x.take(0, axis))
    for i in range(x.shape[axis]):
        found = found + x.take(i, axis)
    return found


def in_halves(x: np.ndarray) -> np.ndarray:
    """The sum along the last axis: the second half, the shorter one, is added to the first until one is left."""
    x = x.copy()
    while x.shape[-1] > 1:
        half = (x.shape[-1] + 1) // 2
        x[..., : x.shape[-1] - half] += x[..., half:]
        x = x[..., :half]
    return x[..., 0]


def in_bands(x: np.ndarray) -> np.ndarray:
    """The sum along the middle axis: band after band, and in each band row after row."""
    height, width = x.shape[1:]
    most = max(TILE // width, -(-height // BANDS), 1)
    sums = [in_turn(x[:, first : first + most], 1) for first in range(0, height, most)]
    return in_turn(np.stack(sums, axis=1), 1)
