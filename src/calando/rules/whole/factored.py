r"""Rules whose second moments are kept as a row and a column: bodies for one element, and how they are joined.

    r ← row(r, mean of square(g) along each row)         one number for each row
    c ← column(c, mean of square(g) along each column)   one number for each column
    u = unit(g, r, c, level),  level = mean(r)
    pace, fade = stride(rms(p), rms(u))                  rms(x) = √(mean of x²)
    p, … ← move(p, u, …, pace, fade)

``played`` joins them on arrays, for any device; ``kernels.factored`` does in compiled loops.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .words import mean, root_mean_square


class Factored(NamedTuple):
    """The bodies; each takes the scalars of the rule behind what is named here.

    Args:
        square: (g) → what is averaged.
        row: (r, mean) → r.
        column: (c, mean) → c.
        unit: (g, r, c, level) → u.
        stride: (rms(p), rms(u)) → pace and fade, numbers.
        move: (p, u, *further slots), and behind the scalars pace and fade → (p, *further slots).
    """

    square: Callable[..., Any]
    row: Callable[..., Any]
    column: Callable[..., Any]
    unit: Callable[..., Any]
    stride: Callable[..., tuple[float, float]]
    move: Callable[..., tuple[Any, ...]]


def played(bodies: Factored, p: Any, g: Any, r: Any, c: Any, more: Sequence[Any], own: Sequence[Any]) -> tuple:
    """The new p, r, c and further slots, as arrays; all as they were where p is empty.

    Args:
        p, g: (…, rows, columns).
        r, c: (…, rows, 1) and (…, 1, columns).
        more: further slots, of the shape of p.
        own: the scalars.
    """
    if 0 in p.shape:
        return p, r, c, *more
    square = bodies.square(g, *own)
    r = bodies.row(r, mean(square, -1), *own)
    c = bodies.column(c, mean(square, -2), *own)
    u = bodies.unit(g, r, c, mean(r, -2), *own)
    p, *more = bodies.move(p, u, *more, *own, *bodies.stride(root_mean_square(p), root_mean_square(u), *own))
    return p, r, c, *more
