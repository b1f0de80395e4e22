"""Norms that a rule needs before it can play: of each parameter, of its update, over all their elements.

The ``measure`` body of the rule is played once over memory without writing to it, and the squares of
what it gives are summed in float64, block by block in interleaved lanes as in ``sums``: so the result
depends neither on the chunks of the update nor on the number of threads.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from ..decay import Decay
from ..plan import Part
from ..rule import Rule
from .compile import kinds, load
from .entry import Entry, loop
from .pool import ranges, share, threads
from .source import header, inset, pieces, tables
from .sums import DEPTH, LANES, ROUND, cut, folding

CHUNK = """\
    size, line, mean = length[c], row[c], center[c]
{views}
{numbers}
    whole = size // {round} * {round}
{clear}
    for k in range(0, whole, {round}):
        for j in range({lanes}):
{take}
            for t in range({depth}):
                i = k + {lanes} * t + j
                now, slope = {front}
                {targets} = {measure}({arguments})
{gather}
{give}
    for k in range(whole, size, {lanes}):
        for j in range(min({lanes}, size - k)):
            i = k + j
            now, slope = {front}
            {targets} = {measure}({arguments})
{rest}
{fold}
{store}
"""


def source(
    rule: Rule,
    decay: Decay,
    dtype: str,
    slot_dtype: str | None = None,
    cache: bool = True,
    way: str | None = None,
) -> str:
    """The text of the measuring kernel's module for one rule, one decay and the dtypes and rounding of memory."""
    assert rule.measure is not None and rule.trust is not None
    body, idle = (rule.inner or rule).measure, int(rule.inner is not None)  # the average is not measured
    assert body is not None
    slot_dtype = slot_dtype or dtype
    words = pieces(rule, decay, dtype, slot_dtype, way)
    count = len(inspected(rule.trust)) - 1

    def each(depth: int, line: str) -> str:
        return inset(depth, [line.format(i=i) for i in range(count)])

    chunk = CHUNK.format(
        round=ROUND,
        lanes=LANES,
        depth=DEPTH,
        views=words["views"],
        numbers=inset(1, words["loads"][:-1]),  # there is no trust yet
        front=words["front"],
        measure=body.__name__,
        targets=", ".join(f"y{i}" for i in range(count)),
        arguments=", ".join(["now", "slope", *words["slots"][: len(rule.slots) - idle], *words["own"][: -1 - idle]]),
        clear=each(1, "lane{i}[:] = 0"),
        take=each(3, "sum{i} = lane{i}[j]"),
        gather=each(4, "sum{i} += float64(y{i}) * float64(y{i})"),
        give=each(3, "lane{i}[j] = sum{i}"),
        rest=each(3, "lane{i}[j] += float64(y{i}) * float64(y{i})"),
        fold="\n".join(folding(f"lane{i}", 1) for i in range(count)),
        store=each(1, "out[c, {i}] = lane{i}[0]"),
    )
    lanes = [f"lane{i} = np.empty({LANES}, np.float64)" for i in range(count)]
    given = {**tables(words["dtype"], False), "out": ("float64", 2)}
    return header(body, rule, decay, dtype, slot_dtype, way) + loop(given, chunk, lanes, cache)


def inspected(trust: Callable[..., float]) -> tuple[str, ...]:
    """The arguments of ``trust``: hyper, then one norm for each thing measured."""
    return trust.__code__.co_varnames[: trust.__code__.co_argcount]


@cache
def kernel(rule: Rule, decay: Decay, dtype: str, slot_dtype: str, way: str | None = None) -> Entry:
    """The compiled kernel, over tables as in ``compile`` and a last one ``out``, float64 (chunks, things measured)."""
    way = way if way == "kahan" else None
    text = partial(source, rule, decay, dtype, slot_dtype, way=way)
    return Entry(load(f"measure_{rule.name}_{decay.element.__name__}_{kinds(dtype, slot_dtype, way)}", text))


def norms(part: Part, numbers: np.ndarray, index: np.ndarray, center: np.ndarray) -> np.ndarray:
    """The norms of each member, float64 (members, n); 0 for those that are not present.

    Args:
        numbers: float64 (rows, scalars of the decay and of the rule).
        index: int64 (members,), which row each member reads.
        center: dtype (lines,), what centralization subtracts in each line of memory.
    """
    key = part.key
    here = np.flatnonzero(part.present[part.line_piece])
    piece, start, length = cut(part.line_size[here])
    line = here[piece]
    member = part.line_piece[line]
    address = part.within(member, part.line_first[line] + start)
    run = kernel(key.rule, key.decay, key.dtype, key.slot_dtype, key.way)
    out = np.zeros((len(line), len(inspected(key.rule.trust)) - 1))  # type: ignore[arg-type]
    share(
        run, (address, length, index[member], center[line], numbers.astype(key.number), out), ranges(length), threads()
    )
    columns = [np.bincount(member, weights=column, minlength=len(part.members)) for column in out.T]
    return np.sqrt(np.column_stack(columns))
