"""Play one part: a kernel over its chunks, or array expressions over its members."""

from typing import Any

import numpy as np

from ..plan import Part
from . import compile, sums
from .expression import play, rounded
from .pool import ranges, share, threads


def run(part: Part, numbers: np.ndarray, index: np.ndarray) -> None:
    """Update the present members of a part, parameters and slots, in place.

    Args:
        numbers: float64 (rows, scalars of the decay and of the rule).
        index: int64 (members,), which row each member reads.
    """
    with np.errstate(all="ignore"):  # infinity and not-a-number pass through, as in a kernel
        if part.key.fused:
            run_fused(part, numbers, index)
        else:
            run_loose(part, numbers, index)
    part.key.arrays.touched(part.chosen(part.params))


def ready(part: Part) -> None:
    """Have the part's kernel compiled, so that a step cannot fail for it half-way."""
    if part.key.fused:
        compile.kernel(part.key.rule, part.key.decay, part.key.dtype)
        if part.centered.any():
            sums.kernel("elements", part.key.dtype)


def run_fused(part: Part, numbers: np.ndarray, index: np.ndarray) -> None:
    """One kernel call for all chunks, shared by the threads."""
    key = part.key
    center = centers(part, numbers, index) if part.centered.any() else part.uncentered
    tables = (part.address, part.length, index[part.piece], center)
    if part.whole:
        split = part.ranges = part.ranges or ranges(part.length)
    else:
        here = part.present[part.piece]
        tables = tuple(table[here] for table in tables)
        split = ranges(tables[1])
    kernel = compile.kernel(key.rule, key.decay, key.dtype)
    scalars = numbers.astype(key.dtype)
    # Backwards: a norm was taken forwards, so the last gradients are still near (measured: a twentieth of the step).
    share(lambda start, stop: kernel(*tables, scalars, start, stop), split[::-1], threads())


def centers(part: Part, numbers: np.ndarray, index: np.ndarray) -> np.ndarray:
    """What centralization subtracts in each chunk: the mean of its row after scaling and decay."""
    dtype, line = part.key.dtype, part.line_piece
    here = np.flatnonzero((part.centered & part.present)[line])
    line, size, offset = line[here], part.line_size[here], part.line_offset[here]
    bases = part.grad_where, np.array(part.where, np.uint64)
    g, p = (sums.sums("elements", dtype, base[line] + offset, size) / np.maximum(size, 1) for base in bases)
    found = np.zeros(len(part.line_piece))
    found[here] = part.key.decay.row_mean(g, p, front(part, numbers[index[line]].T))
    return found[part.line].astype(dtype)


def front(part: Part, columns: Any) -> Any:
    """The scalars of the decay by name, each a number or a column of numbers."""
    names = part.key.decay.scalar_names
    return part.key.decay.record(*columns[: len(names)])


def run_loose(part: Part, numbers: np.ndarray, index: np.ndarray) -> None:
    """The same bodies as array expressions, member by member."""
    key = part.key
    arrays, names = key.arrays, key.rule.slots
    cut = len(key.decay.scalar_names)
    for i, g in zip(np.flatnonzero(part.present).tolist(), part.grads, strict=True):
        member = part.members[i]
        slots = [arrays.opened(member.slots[name]) for name in names]
        p, g = arrays.opened(member.param), arrays.opened(g)
        own = rounded([*numbers[index[i]], 0.0], "float64" if key.dtype == "float64" else "float32")
        center = own.pop()
        if member.centered:
            by_row = (sums.row_means(g), sums.row_means(p))
            center = sums.rounded_like(key.decay.row_mean(*by_row, front(part, numbers[index[i]])), p)
        new = play(key.rule, key.decay, p, g, slots, own[:cut], own[cut:], center)
        for target, result in zip([member.param, *(member.slots[n] for n in names)], new, strict=True):
            arrays.write(target, result)


def lengths(part: Part) -> np.ndarray:
    """The 2-norm of each present member's gradient, float64 (present members,)."""
    with np.errstate(all="ignore"):
        if part.key.fused:
            here = part.present
            found = sums.sums("squares", part.key.dtype, part.grad_where[here], part.sizes[here])
        else:
            found = np.array([sums.square_sum(part.key.arrays.opened(g)) for g in part.grads])
        extreme = (found < SMALLEST) | ~np.isfinite(found) if part.key.dtype == "float64" else np.zeros(0, bool)
        roots = np.sqrt(found)
        for i in np.flatnonzero(extreme).tolist():
            roots[i] = sums.careful_norm(part.key.arrays.opened(part.grads[i]))
    return roots


SMALLEST = 1e-280  # a sum of squares below this has lost digits
