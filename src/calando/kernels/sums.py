"""Sums over memory: of squares (for norms) and of the elements themselves (for centring).

    sums     one float64 per block of at most BLOCK elements
    total    the blocks added up

Element k of a block is added to lane k mod LANES, in float64; then the upper half of the lanes is added to the lower
half until one is left. So the result does not depend on the number of threads, and NumPy can say the same in a few
lines (the twin in the tests). Blocks are cut per tensor or per row, never by the chunks of the update.

Measured: a loop that adds DEPTH numbers to each lane before it comes to the next reads memory 1.6 times as fast as one
that adds one, and 1.4 times as fast again where it has memory AHEAD read meanwhile. (Norms of an update, ``measure``,
gain nothing by that: four streams, and more arithmetic.) Halves, and not one lane after another, because a row of 64
elements would take ten times longer to be folded than to be read.

``"bounded squares"`` and ``"bounded elements"`` are of the gradient clipped by its value (``calando.clipping``).
"""

import sys
from functools import cache
from inspect import getsource
from math import isfinite, sqrt
from textwrap import indent
from typing import Any

import numpy as np

from ..clipping import within
from ..stored import ITEMSIZE
from .compile import load
from .entry import IMPORTS, Entry, loop
from .pool import ranges, share, threads
from .source import CONVERSION, HALF, SPOKEN, STORED, number, read

BLOCK = 65_536
LANES, DEPTH = 32, 4
ROUND = LANES * DEPTH
AHEAD, LINE = 8192, 64  # bytes: how far ahead memory is asked for, and how much it hands out
TERMS = {"squares": "y * y", "elements": "y"}

SUMS = '''\
"""Sums of {kind}, {dtype}: written by calando from calando.kernels.sums."""

import numpy as np
{numba}, fetch
{half}{within}
'''
CHUNK = """\
    size = length[c]
    x = carray(pointer(address[c]), size, {stored})
    whole = size // {round} * {round}
    lane[:] = 0
    for k in range(0, whole, {round}):
        for line in range({lines}):
            fetch(address[c] + uint64({itemsize} * k + {ahead} + {line} * line))
        for j in range({lanes}):
            held = lane[j]
            for t in range({depth}):
                y = float64({inner})
                held += {term}
            lane[j] = held
    for k in range(whole, size, {lanes}):
        for j in range(min({lanes}, size - k)):
            y = float64({rest})
            lane[j] += {term}
{fold}
    out[c] = lane[0]
"""


FOLD = """\
half = {half}
while half:
    if size > half:
        for j in range(half):
            {lane}[j] += {lane}[j + half]
    half >>= 1"""


def folding(lane: str, depth: int) -> str:
    """The lines that add up the lanes; those beyond ``size`` are zeros and stay out."""
    return indent(FOLD.format(lane=lane, half=LANES // 2), " " * 4 * depth)


@cache
def kernel(kind: str, dtype: str) -> Entry:
    """The compiled kernel for one kind of sum and one dtype, over the tables address, length, scale, bound and out.

    ``scale`` and ``bound`` have one number for each piece where the kind is bounded, else none.
    """
    bounded, term = kind.startswith("bounded"), TERMS[kind.removeprefix("bounded ")]
    wrap = "within({}, scale[c], bound[c])" if bounded else "{}"

    def text(cache: bool) -> str:
        head = SUMS.format(
            kind=kind,
            dtype=dtype,
            numba=IMPORTS,
            half=CONVERSION if dtype in HALF else "",
            within=CLIPPED.format(where=SPOKEN["where"], within=getsource(within)) if bounded else "",
        )
        chunk = CHUNK.format(
            stored=STORED[dtype],
            inner=wrap.format(read(f"x[k + {LANES} * t + j]", dtype)),
            rest=wrap.format(read("x[k + j]", dtype)),
            round=ROUND,
            itemsize=ITEMSIZE[dtype],
            lines=ROUND * ITEMSIZE[dtype] // LINE,
            line=LINE,
            ahead=AHEAD,
            lanes=LANES,
            depth=DEPTH,
            term=term,
            fold=folding("lane", 1),
        )
        tables = {"address": ("uint64", 1), "length": ("int64", 1), "scale": (number(dtype), 1)}
        tables |= {"bound": (number(dtype), 1), "out": ("float64", 1)}
        return head + loop(tables, chunk, [f"lane = np.empty({LANES}, np.float64)"], cache)

    return Entry(load(f"{kind.replace(' ', '_')}_{dtype}", text))


CLIPPED = """
compiled = njit(inline="always", error_model="numpy")


@compiled
{where}

@compiled
{within}
"""
NOTHING = np.zeros(0)


def cut(sizes: np.ndarray, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut pieces of memory into blocks: (which piece, first element, elements) of each, int64 (blocks,)."""
    counts = -(-sizes // block)
    piece = np.repeat(np.arange(len(sizes)), counts)
    first = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = first * block
    return piece, start, np.minimum(block, sizes[piece] - start)


class Cut:
    """Pieces of memory cut into blocks, for sums over them.

    Args:
        sizes: int64 (pieces,), in elements.
        dtype: ``"float32"``, ``"float64"``, ``"bfloat16"`` or ``"float16"``.
    """

    def __init__(self, sizes: np.ndarray, dtype: str):
        self.sizes, self.dtype = sizes, dtype
        self.piece, start, self.length = cut(sizes)
        self.offset = (start * ITEMSIZE[dtype]).astype(np.uint64)
        self.threads, self.split = 0, list[tuple[int, int]]()

    def ranges(self) -> list[tuple[int, int]]:
        """The blocks in ranges for as many threads as there are now."""
        if self.threads != threads():
            self.threads, self.split = threads(), ranges(self.length)
        return self.split


def sums(
    kind: str, address: np.ndarray, cut: Cut, scale: np.ndarray = NOTHING, bound: np.ndarray = NOTHING
) -> np.ndarray:
    """The sum over each piece of memory, float64 (pieces,).

    Args:
        kind: ``"squares"`` or ``"elements"``, or ``"bounded squares"`` or ``"bounded elements"``.
        address: uint64 (pieces,), in bytes.
        cut: the pieces.
        scale, bound: float64 (pieces,), what clipping by value needs, for a bounded kind.
    """
    piece, length = cut.piece, cut.length
    clips = [x.astype(number(cut.dtype))[piece if len(x) else []] for x in (scale, bound)]
    where = address[piece] + cut.offset
    out = np.zeros(len(piece))
    run = kernel(kind, cut.dtype)
    share(run, (where, length, *clips, out), cut.ranges(), threads())
    return np.bincount(piece, weights=out, minlength=len(cut.sizes))


def square_sum(x: Any) -> float:
    """The sum of the squares of an array or tensor without a kernel, in float64; the layout does not matter."""
    wide = x.double() if hasattr(x, "double") else np.ascontiguousarray(x, np.float64)
    return float((wide * wide).sum())


def careful_norm(x: Any) -> float:
    """The 2-norm of an array or tensor whose squares are too large or too small for float64."""
    if 0 in x.shape:
        return 0.0
    largest = float(abs(x).max())
    if largest == 0 or not isfinite(largest):
        return largest
    return min(largest * sqrt(square_sum(x / largest)), sys.float_info.max)


def row_means(x: Any) -> Any:
    """The mean of each row (first axis) in float64, with the other axes kept at length 1."""
    shape = (-1, *[1] * (x.ndim - 1))
    if not isinstance(x, np.ndarray):
        return x.double().reshape(x.shape[0], -1).mean(1).reshape(shape)
    whole = np.ascontiguousarray(x)
    size = whole[:1].size
    first = np.arange(len(whole), dtype=np.uint64) * np.uint64(size * whole.itemsize)
    address = np.uint64(whole.__array_interface__["data"][0]) + first
    found = sums("elements", address, Cut(np.full(len(whole), size), whole.dtype.name))
    return (found / max(size, 1)).reshape(shape)


def rounded_like(mean: Any, p: Any) -> Any:
    """A mean in the dtype that ``p`` is computed in."""
    return mean.astype(p.dtype) if isinstance(mean, np.ndarray) else mean.to(p.dtype)
