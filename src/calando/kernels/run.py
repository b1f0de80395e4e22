"""Play one part: a kernel over its chunks, or array expressions over its members.

First everything is read that is needed (norms, means), then an update is handed back that only writes: a step of many
parts writes nothing before all of them are ready, and an update that was interrupted can be called again.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np

from ..arrays import Rows
from ..clipping import within
from ..plan import Part
from ..stored import ITEMSIZE
from . import compile, factored, measure, recorded, sums, watch
from .ahead import Job
from .centers import centers, kinds_of_centers, line_centers, loose_center
from .expression import play, rounded
from .memory import leaves, slots_of, weight_of
from .pool import ranges, share, threads
from .unvisited import unvisited

Trust = Callable[..., float]
Play = Callable[[], np.ndarray | None]


def run(
    part: Part,
    numbers: np.ndarray,
    index: np.ndarray,
    trusts: Sequence[Trust] = (),
    watched: bool = False,
    zeroing: bool = False,
) -> Play:
    """Get ready to update the present members of a part, parameters and slots, in place; nothing is changed yet.

    Args:
        numbers: float64 (rows, scalars of the decay and of the rule).
        index: int64 (members,), which row each member reads.
        trusts: for a rule that measures: norms → the last scalar, for each row.
        watched: whether to add up what ``watch`` says.
        zeroing: whether to leave zeros where the gradients were; for kernels only.

    Returns:
        The update. Called again after it was interrupted, it goes on where it stopped. It gives float64 (members, 4) if
        watched.
    """
    with np.errstate(all="ignore"):  # infinity and not-a-number pass through, as in a kernel
        if part.key.rule.measure is not None:
            numbers, index = weighed(part, numbers, index, trusts)
        if part.key.fused:
            play = fused(part, numbers, index, watched, zeroing)
        elif not watched and recorded.serves(part):
            play = records(part, numbers, index)
        else:
            play = loose(part, numbers, index, watched)
        others = unvisited(part, numbers, index)

    def update() -> np.ndarray | None:
        found = play()
        for average, rows, values in others:
            part.key.arrays.write_rows(average, rows, values)
        part.touched()
        return found

    return update


def whole_sums(part: Part, found: np.ndarray) -> np.ndarray:
    """Sums over whole parameters from those over the pieces that are here; the last column counts."""
    if not part.sharded:
        return found
    joined = [part.key.arrays.joined(part.params, np.sqrt(column)) ** 2 for column in found.T]
    joined[-1] = np.rint(joined[-1])
    return np.column_stack(joined)


def ready(part: Part, watched: bool = False, zeroing: bool = False) -> None:
    """Have the part's kernels compiled, so that a step cannot fail for them half-way."""
    if (watched, zeroing) in part.kernels:
        return
    made = [make(*arguments) for make, arguments in jobs(part, watched, zeroing)]
    part.kernels[watched, zeroing] = made[0] if part.key.fused else None


def jobs(part: Part, watched: bool = False, zeroing: bool = False) -> list[Job]:
    """What makes the kernels of a part."""
    key = part.key
    if not key.fused:
        return factored.jobs(key.rule, key.dtype, set(part.shapes)) if factored.serves(part) else []
    found: list[Job] = [((watch if watched else compile).kernel, (*written_for(part), zeroing))]
    if part.centers:
        found += [(sums.kernel, (kind, key.dtype)) for kind in kinds_of_centers(part)]
    if key.rule.measure is not None:
        found.append((measure.kernel, written_for(part)))
    return found


def norm_jobs(part: Part) -> list[Job]:
    """What makes the kernels for the norms of a part's gradients and weights."""
    if not part.key.fused:
        return []
    kinds = ("squares",) if part.key.decay.inner is None else ("squares", "bounded squares")
    return [(sums.kernel, (kind, part.key.dtype)) for kind in kinds]


def written_for(part: Part) -> tuple[Any, ...]:
    """What a kernel depends on."""
    return part.key.rule, part.key.decay, part.key.dtype, part.key.slot_dtype, part.key.way


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
    here = np.flatnonzero(part.present).tolist()
    for i, p, g, slots, own, center in opened(part, numbers, index, part.grads, here):
        cut = len(part.key.decay.scalar_names)
        q, h = part.key.decay.element(p, g, *own[:cut], center)
        values = part.key.rule.measure(q, h, *slots, *own[cut:])  # type: ignore[misc]
        found[i] = [sqrt(sums.square_sum(x)) for x in values]
    return found


def fused(part: Part, numbers: np.ndarray, index: np.ndarray, watched: bool, zeroing: bool) -> Play:
    """One kernel call for all chunks, shared by the threads; a chunk that is done has length 0."""
    key, workers = part.key, threads()
    member = part.piece if part.whole else part.piece[part.present[part.piece]]
    center = line_centers(part, numbers, index)[part.line] if part.centers else part.uncentered
    tables: tuple[Any, ...] = (part.address, part.length.copy(), index[part.piece], center)
    tables += (part.noise(part.piece, part.first),) if key.noisy else ()
    if part.sparse:
        tables, member = with_rows(part, numbers, index, tables)
        split = ranges(tables[1])
    elif part.whole:
        if part.threads != workers:
            part.threads, part.ranges = workers, ranges(part.length)
        split = part.ranges
    else:
        here = part.present[part.piece]
        tables = tuple(table[here] for table in tables)
        split = ranges(tables[1])
    more = (np.zeros((len(member), watch.SUMS)),) if watched else ()
    kernel = part.kernels[watched, zeroing]
    scalars = numbers.astype(key.number)

    def play() -> np.ndarray | None:
        # Backwards: a norm was taken forwards, so the last gradients are still near (measured: a twentieth of a step).
        share(kernel, (*tables, scalars, *more), split[::-1], workers)
        return np.column_stack([np.bincount(member, c, len(part.members)) for c in more[0].T]) if more else None

    return play


def with_rows(
    part: Part, numbers: np.ndarray, index: np.ndarray, tables: tuple[Any, ...]
) -> tuple[tuple[Any, ...], np.ndarray]:
    """The tables of the dense members, and one chunk for each row of the sparse ones; whose each chunk is."""
    dtype, sparse = part.key.dtype, part.rows_of()
    dense = part.present.copy()
    dense[list(sparse)] = False
    made, whose = [tuple(table[dense[part.piece]] for table in tables)], [part.piece[dense[part.piece]]]
    for i, rows in sparse.items():
        count, width = len(rows.starts), int(np.prod(part.shapes[i][len(rows.indices) :], dtype=np.int64))
        address = part.within(np.full(count, i), rows.starts)
        address[:, 1] = part.grad_where[i] + (np.arange(count) * width * ITEMSIZE[dtype]).astype(np.uint64)
        center = np.zeros(count, part.key.number)
        if part.centered[i] and width:
            where = [np.ascontiguousarray(address[:, column]) for column in (1, 0)]
            columns = [np.full(count, number) for number in numbers[index[i]][: len(part.key.decay.scalar_names)]]
            cut = sums.Cut(np.full(count, width), dtype)
            center = centers(part, where, cut, columns).astype(part.key.number)
        noise = (part.noise(np.full(count, i), rows.starts),) if part.key.noisy else ()
        made.append((address, np.full(count, width), np.full(count, index[i]), center, *noise))
        whose.append(np.full(count, i))
    return tuple(np.concatenate(columns) for columns in zip(*made, strict=True)), np.concatenate(whose)


def loose(part: Part, numbers: np.ndarray, index: np.ndarray, watched: bool) -> Play:
    """The same bodies as array expressions, member by member: computed, then written, then counted as done."""
    found = np.zeros((len(part.members), watch.SUMS)) if watched else None
    key, cut = part.key, len(part.key.decay.scalar_names)
    grads, here = part.grads, np.flatnonzero(part.present).tolist()
    done: set[int] = set()
    computed: dict[int, tuple[Any, ...]] = {}
    sparse, element = part.rows_of(), factored.element(key.rule) if factored.serves(part) else None

    def compute(i: int, p: Any, g: Any, slots: list[Any], own: list[Any], center: Any) -> None:
        if found is not None:
            before, slope = p + 0, key.decay.element(p, g, *own[:cut], center)[1]
        new = play(key.rule, key.decay, p, g, slots, own[:cut], own[cut:], center, element)
        if found is not None:
            odd = sums.square_sum(g - g != 0) if isinstance(g, np.ndarray) else float((g - g != 0).sum())
            found[i] = sums.square_sum(slope), sums.square_sum(new[0] - before), sums.square_sum(new[0]), odd
        computed[i] = new

    def write(i: int) -> None:
        for target, result in leaves(part, i, computed[i], sparse.get(i)):
            if i in sparse:
                key.arrays.write_rows(target, sparse[i].indices, result)
            else:
                key.arrays.write(target, result)
        done.add(i)
        del computed[i]

    def update() -> np.ndarray | None:
        for i in list(computed):  # it was interrupted while this was written
            if i not in done:
                write(i)
        with np.errstate(all="ignore"):
            for i, *given in opened(part, numbers, index, grads, here, done):
                compute(i, *given)
                write(i)
        return found

    return update


def records(part: Part, numbers: np.ndarray, index: np.ndarray) -> Play:
    """As ``loose``, where what is only added and scaled is compiled, and computed while it is written."""
    key, cut = part.key, len(part.key.decay.scalar_names)
    grads, here = part.grads, np.flatnonzero(part.present).tolist()
    done: set[int] = set()
    begun: dict[int, recorded.Writing] = {}

    def finish(i: int) -> None:
        begun[i].go_on()
        done.add(i)
        del begun[i]

    def update() -> None:
        for i in list(begun):  # it was interrupted while this was written
            finish(i)
        with np.errstate(all="ignore"):
            for i, p, g, slots, own, center in opened(part, numbers, index, grads, here, done):
                q, h, *others = map(recorded.given, (p, g, *slots))
                new = play(key.rule, key.decay, q, h, others, own[:cut], own[cut:], center)
                begun[i] = recorded.Writing([p, *slots], new)
                finish(i)

    return update


def opened(
    part: Part,
    numbers: np.ndarray,
    index: np.ndarray,
    grads: Sequence[Any],
    here: Sequence[int],
    done: Container[int] = (),
) -> Iterator[tuple[int, Any, Any, list, list, Any]]:
    """For each present member that is not done: its place, p, g, slots, scalars and center, to compute with.

    Args:
        grads, here: of the present members, the gradients and the numbers.
    """
    key = part.key
    view = key.arrays.native if key.rule.whole else key.arrays.opened
    for i, g in zip(here, grads, strict=True):
        if i in done:
            continue
        member = part.members[i]
        slots = slots_of(part, member, view)
        p = weight_of(part, member, view)
        if isinstance(g, Rows):
            p, slots, g = p[g.indices], [slot[g.indices] for slot in slots], g.values
        g = view(g)
        own = rounded([*numbers[index[i]], 0.0], "float64" if key.dtype == "float64" else "float32")
        center = own.pop()
        if key.rule.whole and not isinstance(p, np.ndarray):  # torch takes plain numbers as they come
            own, center = numbers[index[i]].tolist(), 0.0
        if member.centered:
            center = sums.rounded_like(loose_center(part, p, g, own, numbers[index[i]]), p)
        yield i, p, g, slots, own, center


def lengths(part: Part, weights: bool = False, clips: np.ndarray | None = None) -> np.ndarray:
    """The 2-norm of each present member's gradient, float64 (present members,).

    Args:
        weights: of the member itself instead.
        clips: float64 (2, present members), scale and bound: of the gradient after clipping by value.
    """
    key, here, kind = part.key, part.present, "squares" if clips is None else "bounded squares"

    def things() -> list[Any]:
        return part.chosen(part.params) if weights else [g.values if isinstance(g, Rows) else g for g in part.grads]

    with np.errstate(all="ignore"):
        if key.fused:
            where = part.where if weights else part.grad_where
            found = sums.sums(kind, where[here], summed(part, weights), *(() if clips is None else clips))
        else:
            opened = [key.arrays.opened(x) for x in things()]
            if clips is not None:
                pairs = zip(*(rounded(column, key.number) for column in clips), strict=True)
                opened = [within(x, *pair) for x, pair in zip(opened, pairs, strict=True)]
            found = np.array([sums.square_sum(x) for x in opened])
        extreme = (found < SMALLEST) | ~np.isfinite(found) if key.dtype == "float64" and clips is None else found < 0
        roots = np.sqrt(found)
        for i in np.flatnonzero(extreme).tolist():
            roots[i] = sums.careful_norm(key.arrays.opened(things()[i]) if key.fused else opened[i])
    return key.arrays.joined(part.chosen(part.params), roots) if part.sharded else roots


def summed(part: Part, weights: bool) -> sums.Cut:
    """How the gradients of those present are summed, or their weights: kept as long as all take part."""
    if part.whole and (weights or not part.sparse):
        part.whole_cut = part.whole_cut or sums.Cut(part.sizes, part.key.dtype)
        return part.whole_cut
    sizes = part.sizes.copy()
    for i, rows in part.rows_of().items() if not weights else ():
        sizes[i] = int(np.prod(rows.values.shape, dtype=np.int64))
    return sums.Cut(sizes[part.present], part.key.dtype)


SMALLEST = 1e-280  # a sum of squares below this has lost digits
