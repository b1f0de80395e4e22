"""What gradient centralization subtracts: the mean of each row of a gradient, after scaling and decay.

Rows are those of the first axis. Their sums are taken in one pass over the gradients, and over the weights where these
are part of what is centred and decay at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..clipping import within
from ..plan import Part
from ..stored import ITEMSIZE
from . import sums


@dataclass(frozen=True)
class Lines:
    """The rows of memory that are centred: the same in every step in which all take part.

    Args:
        here: which of all rows, int64 (rows,).
        member: whose they are, likewise.
        offset: where they begin, in bytes from the first element, uint64.
        cut: how they are summed.
    """

    here: np.ndarray
    member: np.ndarray
    offset: np.ndarray
    cut: sums.Cut


def kinds_of_centers(part: Part) -> tuple[str, ...]:
    """The sums that centralization takes: of gradients, and of weights where they are part of what is centred."""
    slope = "bounded elements" if part.key.decay.inner is not None else "elements"
    return (slope, "elements") if part.key.decay.centers_weights else (slope,)


def lines(part: Part) -> Lines:
    """The centred rows of those present; sparse gradients have rows of their own."""
    if not part.whole or part.sparse:
        return sought(part)
    part.lines = part.lines or sought(part)
    return part.lines


def sought(part: Part) -> Lines:
    """The same, found anew."""
    dense = part.present.copy()
    dense[list(part.rows_of())] = False
    here = np.flatnonzero((part.centered & dense)[part.line_piece])
    offset = (part.line_first[here] * ITEMSIZE[part.key.dtype]).astype(np.uint64)
    return Lines(here, part.line_piece[here], offset, sums.Cut(part.line_size[here], part.key.dtype))


def line_centers(part: Part, numbers: np.ndarray, index: np.ndarray) -> np.ndarray:
    """What centralization subtracts in each row of memory."""
    found, rows = np.zeros(len(part.line_piece), part.key.number), lines(part)
    if len(rows.here):
        where = [base[rows.member] + rows.offset for base in (part.grad_where, part.where)]
        table = numbers[:, : len(part.key.decay.scalar_names)].T
        found[rows.here] = centers(part, where, rows.cut, [column[index[rows.member]] for column in table])
    return found


def centers(part: Part, where: Sequence[np.ndarray], cut: sums.Cut, columns: Sequence[np.ndarray]) -> np.ndarray:
    """What is subtracted from rows of g and p that begin at these addresses, float64 (rows,).

    Args:
        columns: the scalars of the decay, each float64 (rows,).
    """
    key, count, given = part.key, np.maximum(cut.sizes, 1), front(part, columns)
    clips = columns[:2] if key.decay.inner is not None else []
    weighty = key.decay.centers_weights and (given.decay > 0).any()
    g, p = np.zeros((2, len(count)))
    for kind, mean, address in zip(kinds_of_centers(part)[: 1 + weighty], (g, p), where, strict=False):
        mean[:] = sums.sums(kind, address, cut, *(clips if kind.startswith("bounded") else [])) / count
    return key.decay.row_mean(g, p, given)


def front(part: Part, columns: Any) -> Any:
    """The scalars of the decay by name, each a number or a column of numbers."""
    names = part.key.decay.scalar_names
    return part.key.decay.record(*columns[: len(names)])


def loose_center(part: Part, p: Any, g: Any, own: list[Any], numbers: np.ndarray) -> Any:
    """What is subtracted from each row of a gradient."""
    decay = part.key.decay
    seen = within(g, *own[:2]) if decay.inner is not None else g
    weights = sums.row_means(p) if decay.centers_weights else 0.0
    return decay.row_mean(sums.row_means(seen), weights, front(part, numbers))
