"""Play one part: a kernel over its chunks, or array expressions over its members."""

from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np

from ..arrays import Rows
from ..plan import ITEMSIZE, Part
from . import compile, measure, sums, watch
from .expression import play, rounded
from .pool import ranges, share, threads

Trust = Callable[..., float]


def run(
    part: Part, numbers: np.ndarray, index: np.ndarray, trusts: Sequence[Trust] = (), watched: bool = False
) -> np.ndarray | None:
    """Update the present members of a part, parameters and slots, in place.

    Args:
        numbers: float64 (rows, scalars of the decay and of the rule).
        index: int64 (members,), which row each member reads.
        trusts: for a rule that measures: norms → the last scalar, for each row.
        watched: whether to add up what ``watch`` says.

    Returns:
        float64 (members, 4) if watched.
    """
    found = None
    with np.errstate(all="ignore"):  # infinity and not-a-number pass through, as in a kernel
        if part.key.rule.measure is not None:
            numbers, index = weighed(part, numbers, index, trusts)
        play_part = run_fused if part.key.fused else run_loose
        found = play_part(part, numbers, index, watched)
    part.key.arrays.touched(part.chosen(part.params))
    return whole_sums(part, found) if part.sharded and found is not None else found


def whole_sums(part: Part, found: np.ndarray) -> np.ndarray:
    """Sums over whole parameters from those over the pieces that are here; the last column counts."""
    joined = [part.key.arrays.joined(part.params, np.sqrt(column)) ** 2 for column in found.T]
    joined[-1] = np.rint(joined[-1])
    return np.column_stack(joined)


def ready(part: Part, watched: bool = False) -> None:
    """Have the part's kernel compiled, so that a step cannot fail for it half-way."""
    if part.key.fused:
        (watch if watched else compile).kernel(part.key.rule, part.key.decay, part.key.dtype, part.key.slot_dtype)
        if part.centered.any():
            sums.kernel("elements", part.key.dtype)
        if part.key.rule.measure is not None:
            measure.kernel(part.key.rule, part.key.decay, part.key.dtype, part.key.slot_dtype)


def weighed(
    part: Part, numbers: np.ndarray, index: np.ndarray, trusts: Sequence[Trust]
) -> tuple[np.ndarray, np.ndarray]:
    """The table of scalars with one row for each member, its trust in the last column."""
    if part.key.fused:
        norms = measure.norms(part, numbers, index, line_centers(part, numbers, index))
    else:
        norms = loose_norms(part, numbers, index)
    if part.sharded:
        norms = np.column_stack([part.key.arrays.joined(part.params, column) for column in norms.T])
    rows = index.tolist()
    trust = [trusts[row](*norm) for row, norm in zip(rows, norms.tolist(), strict=True)]
    return np.column_stack([numbers[index], trust]), np.arange(len(rows))


def loose_norms(part: Part, numbers: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The norms that a rule needs, member by member, float64 (members, n)."""
    found = np.zeros((len(part.members), len(measure.inspected(part.key.rule.trust)) - 1))  # type: ignore[arg-type]
    for i, p, g, slots, own, center in loose(part, numbers, index):
        cut = len(part.key.decay.scalar_names)
        q, h = part.key.decay.element(p, g, *own[:cut], center)
        values = part.key.rule.measure(q, h, *slots, *own[cut:])  # type: ignore[misc]
        found[i] = [sqrt(sums.square_sum(x)) for x in values]
    return found


def run_fused(part: Part, numbers: np.ndarray, index: np.ndarray, watched: bool) -> np.ndarray | None:
    """One kernel call for all chunks, shared by the threads."""
    key = part.key
    member = part.piece if part.whole else part.piece[part.present[part.piece]]
    center = line_centers(part, numbers, index)[part.line] if part.centered.any() else part.uncentered
    tables = (part.address, part.length, index[part.piece], center)
    if part.sparse:
        tables, member = with_rows(part, numbers, index, tables)
        split = ranges(tables[1])
    elif part.whole:
        split = part.ranges = part.ranges or ranges(part.length)
    else:
        here = part.present[part.piece]
        tables = tuple(table[here] for table in tables)
        split = ranges(tables[1])
    scalars = numbers.astype(key.number)
    if watched:
        out, watching = (
            np.zeros((len(member), watch.SUMS)),
            watch.kernel(key.rule, key.decay, key.dtype, key.slot_dtype),
        )
        share(lambda start, stop: watching(*tables, scalars, start, stop, out), split[::-1], threads())
        return np.column_stack([np.bincount(member, column, len(part.members)) for column in out.T])
    kernel = compile.kernel(key.rule, key.decay, key.dtype, key.slot_dtype)
    # Backwards: a norm was taken forwards, so the last gradients are still near (measured: a twentieth of the step).
    share(lambda start, stop: kernel(*tables, scalars, start, stop), split[::-1], threads())
    return None


def with_rows(
    part: Part, numbers: np.ndarray, index: np.ndarray, tables: tuple[Any, ...]
) -> tuple[tuple[Any, ...], np.ndarray]:
    """The tables of the dense members, and one chunk for each row of the sparse ones; whose each chunk is."""
    dtype, sparse = part.key.dtype, part.rows_of()
    dense = part.present.copy()
    dense[list(sparse)] = False
    made, whose = [tuple(table[dense[part.piece]] for table in tables)], [part.piece[dense[part.piece]]]
    for i, rows in sparse.items():
        count, width = len(rows.indices), int(np.prod(part.shapes[i][1:], dtype=np.int64))
        address = part.within(np.full(count, i), rows.indices * width)
        address[:, 1] = part.grad_where[i] + (np.arange(count) * width * ITEMSIZE[dtype]).astype(np.uint64)
        center = np.zeros(count, part.key.number)
        if part.centered[i] and width:
            sizes = np.full(count, width)
            p, g = (sums.sums("elements", dtype, np.ascontiguousarray(address[:, k]), sizes) / width for k in (0, 1))
            center = part.key.decay.row_mean(g, p, front(part, numbers[index[i]])).astype(part.key.number)
        made.append((address, np.full(count, width), np.full(count, index[i]), center))
        whose.append(np.full(count, i))
    return tuple(np.concatenate(columns) for columns in zip(*made, strict=True)), np.concatenate(whose)


def line_centers(part: Part, numbers: np.ndarray, index: np.ndarray) -> np.ndarray:
    """What centralization subtracts in each row of memory: its mean after scaling and decay."""
    dtype, line = part.key.dtype, part.line_piece
    found = np.zeros(len(line))
    dense = part.present.copy()
    dense[list(part.rows_of())] = False
    here = np.flatnonzero((part.centered & dense)[line])
    if len(here):
        line, size = line[here], part.line_size[here]
        offset = (part.line_first[here] * ITEMSIZE[dtype]).astype(np.uint64)
        bases = part.grad_where, np.array(part.where, np.uint64)
        g, p = (sums.sums("elements", dtype, base[line] + offset, size) / np.maximum(size, 1) for base in bases)
        found[here] = part.key.decay.row_mean(g, p, front(part, numbers[index[line]].T))
    return found.astype(part.key.number)


def front(part: Part, columns: Any) -> Any:
    """The scalars of the decay by name, each a number or a column of numbers."""
    names = part.key.decay.scalar_names
    return part.key.decay.record(*columns[: len(names)])


def run_loose(part: Part, numbers: np.ndarray, index: np.ndarray, watched: bool) -> np.ndarray | None:
    """The same bodies as array expressions, member by member."""
    found = np.zeros((len(part.members), watch.SUMS)) if watched else None
    key = part.key
    cut = len(key.decay.scalar_names)
    sparse = part.rows_of()
    for i, p, g, slots, own, center in loose(part, numbers, index):
        member = part.members[i]
        if found is not None:
            before, slope = p + 0, key.decay.element(p, g, *own[:cut], center)[1]
        new = play(key.rule, key.decay, p, g, slots, own[:cut], own[cut:], center)
        if found is not None:
            odd = sums.square_sum(g - g != 0) if isinstance(g, np.ndarray) else float((g - g != 0).sum())
            found[i] = sums.square_sum(slope), sums.square_sum(new[0] - before), sums.square_sum(new[0]), odd
        for target, result in zip([member.param, *(member.slots[n] for n in key.rule.slots)], new, strict=True):
            if i in sparse:
                key.arrays.write_rows(target, sparse[i].indices, result)
            else:
                key.arrays.write(target, result)
    return found


def loose(part: Part, numbers: np.ndarray, index: np.ndarray) -> Iterator[tuple[int, Any, Any, list, list, Any]]:
    """For each present member: its place, p, g, slots, scalars and center, as expressions read them."""
    key = part.key
    opened = key.arrays.native if key.rule.whole else key.arrays.opened
    for i, g in zip(np.flatnonzero(part.present).tolist(), part.grads, strict=True):
        member = part.members[i]
        slots = [opened(member.slots[name]) for name in key.rule.slots]
        p = opened(member.param)
        if isinstance(g, Rows):
            p, slots, g = p[g.indices], [slot[g.indices] for slot in slots], g.values
        g = opened(g)
        own = rounded([*numbers[index[i]], 0.0], "float64" if key.dtype == "float64" else "float32")
        center = own.pop()
        if key.rule.whole and not isinstance(p, np.ndarray):  # torch takes plain numbers as they come
            own, center = numbers[index[i]].tolist(), 0.0
        if member.centered:
            by_row = (sums.row_means(g), sums.row_means(p))
            center = sums.rounded_like(key.decay.row_mean(*by_row, front(part, numbers[index[i]])), p)
        yield i, p, g, slots, own, center


def lengths(part: Part, weights: bool = False) -> np.ndarray:
    """The 2-norm of each present member's gradient (or of the member itself), float64 (present members,)."""
    key, here = part.key, part.present
    things = part.chosen(part.params) if weights else [g.values if isinstance(g, Rows) else g for g in part.grads]
    with np.errstate(all="ignore"):
        if key.fused:
            where = np.array(part.where, np.uint64) if weights else part.grad_where
            sizes = part.sizes.copy()
            for i, rows in part.rows_of().items() if not weights else ():
                sizes[i] = len(rows.indices) * int(np.prod(part.shapes[i][1:], dtype=np.int64))
            found = sums.sums("squares", key.dtype, where[here], sizes[here])
        else:
            found = np.array([sums.square_sum(key.arrays.opened(x)) for x in things])
        extreme = (found < SMALLEST) | ~np.isfinite(found) if key.dtype == "float64" else np.zeros(0, bool)
        roots = np.sqrt(found)
        for i in np.flatnonzero(extreme).tolist():
            roots[i] = sums.careful_norm(key.arrays.opened(things[i]))
    return key.arrays.joined(part.chosen(part.params), roots) if part.sharded else roots


SMALLEST = 1e-280  # a sum of squares below this has lost digits
