"""Loops for rules whose second moments are a row and a column (``rules.whole.factored``), on the CPU.

Three passes over one parameter, which leave what is new in arrays of its own:

    means    square(g) is averaged along rows and along columns: r, c and level
    units    u; the squares of p and u are summed by ``sums``
    moves    p and what else is kept beside it

Memory is read as matrices, and these are cut into tiles: many small matrices side by side, or rows of a large one.
Sums are float64. Along the rows of a large matrix the second half is added to the first until one number is left; all
else is added one after the other. So the result does not depend on the number of threads, and NumPy can say the same
(the twin in the tests).
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np

from .. import average
from ..plan import Part
from ..rule import Rule
from . import sums
from .compile import load
from .entry import IMPORTS, Entry, loop
from .pool import ranges, share, threads
from .source import inset, number

SMALL = 64  # elements: matrices up to this size are worked on side by side
TILE, BANDS = 8192, 64  # elements of a tile, about; and into how many tiles one matrix is cut, about, at most

HEADER = '''\
"""{title}: written by calando {version} from {where}."""

from math import sqrt

import numpy as np
{numba}

compiled = njit(inline="always", error_model="numpy")


@compiled
def at_least(x, low):
    return low if x < low else x
{bodies}
'''

MANY = """\
    first, count, height, width = tile[c, 0], tile[c, 1], sides[0], sides[1]
    at, at_r, at_c = first * height * width, first * height, first * width
    g_, r_, c_ = g[at:at + count * height * width], r[at_r:at_r + count * height], s[at_c:at_c + count * width]
"""
SMALL_MEANS = f"""\
{MANY}\
    new_r_, new_c_ = new_r[at_r:at_r + count * height], new_c[at_c:at_c + count * width]
    level_ = level[first:first + count]
    row[: count * height], column[: count * width], total[:count] = 0, 0, 0
    for i in range(height):
        for j in range(width):
            for k in range(count):
                y = float64({{square}}(g_[(k * height + i) * width + j], {{own}}))
                row[k * height + i] += y
                column[k * width + j] += y
    for i in range(count * height):
        new_r_[i] = {{row}}(r_[i], {{number}}(row[i] / width), {{own}})
    for j in range(count * width):
        new_c_[j] = {{column}}(c_[j], {{number}}(column[j] / height), {{own}})
    for i in range(height):
        for k in range(count):
            total[k] += new_r_[k * height + i]
    for k in range(count):
        level_[k] = {{number}}(total[k] / height)
"""
SMALL_UNITS = f"""\
{MANY}\
    u_, level_ = u[at:at + count * height * width], level[first:first + count]
    for i in range(height):
        for j in range(width):
            for k in range(count):
                e = (k * height + i) * width + j
                row[e], column[e], total[e] = r_[k * height + i], c_[k * width + j], level_[k]
    for i in range(count * height * width):
        u_[i] = {{unit}}(g_[i], row[i], column[i], total[i], {{own}})
"""
ROWS = """\
    matrix, start, count, height, width = tile[c, 0], tile[c, 1], tile[c, 2], sides[0], sides[1]
    first = matrix * height + start
"""
LARGE_MEANS = f"""\
{ROWS}\
    column[:] = 0
    for i in range(first, first + count):
        g_ = g[i * width:(i + uint64(1)) * width]
        for j in range(width):
            y = float64({{square}}(g_[j], {{own}}))
            column[j] += y
            row[j] = y
        size = width
        while size > uint64(1):
            half = (size + uint64(1)) // uint64(2)
            for j in range(size - half):
                row[j] += row[j + half]
            size = half
        new_r[i] = {{row}}(r[i], {{number}}(row[0] / width), {{own}})
    band[c] = column
"""
LARGE_UNITS = f"""\
{ROWS}\
    c_, mean = s[matrix * width:(matrix + uint64(1)) * width], level[matrix]
    for i in range(first, first + count):
        line, g_, u_ = r[i], g[i * width:(i + uint64(1)) * width], u[i * width:(i + uint64(1)) * width]
        for j in range(width):
            u_[j] = {{unit}}(g_[j], line, c_[j], mean, {{own}})
"""
MOVES = """\
    begin, end = tile[c, 0], tile[c, 0] + tile[c, 1]
{views}
    for i in range(end - begin):
        {targets} = {move}({sources}, {own}, pace, fade)
"""


class Matrices(NamedTuple):
    """Memory as matrices, and its tiles.

    Args:
        many, height, width: how many matrices, of how many rows and columns.
        small: whether many of them are in one tile.
        tile: uint64 (tiles, 2): first matrix, matrices; or (tiles, 3): matrix, first row, rows.
        split: the tiles in ranges for the threads.
        piece: uint64 (pieces, 2): the same memory in pieces, first element and elements.
        pieces: these in ranges.
        cut: the whole, for sums.
    """

    many: int
    height: int
    width: int
    small: bool
    tile: np.ndarray
    split: list[tuple[int, int]]
    piece: np.ndarray
    pieces: list[tuple[int, int]]
    cut: sums.Cut

    @property
    def sides(self) -> np.ndarray:
        """Height and width, uint64 (2,)."""
        return np.array([self.height, self.width], np.uint64)


@lru_cache(4096)
def matrices(shape: tuple[int, ...], dtype: str, workers: int) -> Matrices:
    """What a parameter of this shape, which is not empty, is cut into for so many threads."""
    *many, height, width = shape
    count, small = prod(many), height * width <= SMALL
    if small:
        tile = pieces_of(count, TILE // (height * width))
    else:
        rows = pieces_of(height, max(TILE // width, -(-height // BANDS), 1))
        tile = np.column_stack([np.repeat(np.arange(count), len(rows)), np.tile(rows, (count, 1))])
    lengths = tile[:, -1] * (height * width if small else width)
    piece = pieces_of(prod(shape), TILE)
    whole = sums.Cut(np.array([prod(shape)]), dtype)
    tables = [x.astype(np.uint64) for x in (tile, piece)]
    return Matrices(count, height, width, small, tables[0], ranges(lengths), tables[1], ranges(piece[:, 1]), whole)


def pieces_of(size: int, most: int) -> np.ndarray:
    """A length in pieces: the first of each and how many, int64 (pieces, 2)."""
    first = np.arange(0, size, most)
    return np.column_stack([first, np.minimum(most, size - first)])


def jobs(rule: Rule, dtype: str, shapes: Iterable[tuple[int, ...]]) -> list[tuple[Any, tuple[Any, ...]]]:
    """What makes the loops for parameters of these shapes."""
    rule, dtype = rule.inner or rule, number(dtype)
    kinds = {prod(shape[-2:]) <= SMALL for shape in shapes}
    wanted = [(stage, small) for stage in ("means", "units") for small in kinds]
    found: list[tuple[Any, tuple[Any, ...]]] = [(kernel, (rule, dtype, *each)) for each in wanted]
    return [*found, (moving, (rule, dtype)), (sums.kernel, ("squares", dtype))] if found else []


@cache
def kernel(rule: Rule, dtype: str, stage: str, small: bool) -> Entry:
    """The loop over tiles for ``"means"`` or ``"units"`` of small or large matrices.

    Its tables: tile, sides, scalars, g, r, s (which is c), level, and new_r, new_c, band; or u.
    """
    size = "small" if small else "large"
    chunk = {
        "small": {"means": SMALL_MEANS, "units": SMALL_UNITS},
        "large": {"means": LARGE_MEANS, "units": LARGE_UNITS},
    }
    kinds = {"tile": ("uint64", 2), "sides": ("uint64", 1), "scalars": (dtype, 1)}
    kinds |= dict.fromkeys(("g", "r", "s", "level"), (dtype, 1))
    if stage == "means":
        kinds |= {"new_r": (dtype, 1), "new_c": (dtype, 1), "band": ("float64", 2)}
    else:
        kinds |= {"u": (dtype, 1)}
    kept = "float64" if stage == "means" else dtype
    length = TILE if small else "sides[1]"
    held = [f"{name} = np.empty({length}, {kept})" for name in ("row", "column", "total")[: 3 if small else 2]]
    bodies = ("square", "row", "column") if stage == "means" else ("unit",)
    return loaded(rule, dtype, f"{size}_{stage}", bodies, kinds, chunk[size][stage], held)


@cache
def moving(rule: Rule, dtype: str) -> Entry:
    """The loop that moves p by u.

    Its tables: tile, scalars (pace and fade at their end), u, then p and further slots as they were, then as they are.
    """
    names = ["p", *rule.slots[2:]]
    new = [f"new_{name}" for name in names]
    kinds = {"tile": ("uint64", 2), "scalars": (dtype, 1)} | dict.fromkeys(("u", *names, *new), (dtype, 1))
    chunk = MOVES.replace("{views}", inset(1, [f"{name}_ = {name}[begin:end]" for name in ("u", *names, *new)]))
    chunk = chunk.replace("{targets}", "".join(f"{name}_[i], " for name in new).strip())
    chunk = chunk.replace("{sources}", ", ".join(f"{name}_[i]" for name in ("p", "u", *names[1:])))
    return loaded(rule, dtype, "moves", ("move",), kinds, chunk, [])


def loaded(
    rule: Rule,
    dtype: str,
    title: str,
    bodies: Sequence[str],
    kinds: dict[str, tuple[str, int]],
    chunk: str,
    held: list[str],
) -> Entry:
    """The compiled loop over tiles in which these bodies are called."""
    from .. import __version__

    spoken = [getattr(rule.factored, name) for name in bodies]
    texts = list(dict.fromkeys(inspect.getsource(body) for body in spoken))
    own = [f"w{i}" for i in range(len(rule.scalar_names))]
    ends = ["pace", "fade"] if title == "moves" else []
    loads = [f"{name} = scalars[{i}]" for i, name in enumerate([*own, *ends])]
    words = {name: body.__name__ for name, body in zip(bodies, spoken, strict=True)}
    named = "_".join(dict.fromkeys(["factored", title, *words.values(), dtype]))  # rules with the same bodies share it

    def text(cache: bool) -> str:
        head = HEADER.format(
            title=named.replace("_", " "),
            version=__version__,
            where=" and ".join(dict.fromkeys(body.__module__ for body in spoken)),
            numba=IMPORTS,
            bodies="".join(f"\n\n@compiled\n{text}" for text in texts),
        )
        return head + loop(kinds, chunk.format(own=", ".join(own), number=dtype, **words), [*held, *loads], cache)

    return Entry(load(named, text))


def serves(part: Part) -> bool:
    """Whether these loops work on the members of a part: whole matrices on the CPU.

    Not float16: there the last digit of a float32 sum moves what is kept, and MindSpore's sums are float32.
    """
    key = part.key
    return key.rule.factored is not None and key.device == "cpu" and key.dtype != "float16" and not part.sharded


def element(rule: Rule) -> Callable[..., tuple[Any, ...]]:
    """What is played instead of the rule's own body."""
    return partial(step, rule) if rule.inner is None else average.element(rule.inner, partial(step, rule.inner))


def step(rule: Rule, p: Any, g: Any, *rest: Any) -> tuple[Any, ...]:
    """What ``rule.element`` gives, in arrays or tensors of their own.

    Args:
        p, g: arrays or tensors on the CPU of one shape, (…, rows, columns), float32 or float64.
        rest: the slots, then the scalars.
    """
    if 0 in p.shape:
        return rule.element(p, g, *rest)
    slots, own = rest[: len(rule.slots)], np.array(rest[len(rule.slots) :], plain(p).dtype)
    cut = matrices(tuple(p.shape), dtype := own.dtype.name, threads())
    old = [plain(x).reshape(-1) for x in (p, g, *slots)]
    new = [x.new_empty(x.shape) if hasattr(x, "new_empty") else np.empty(x.shape, x.dtype) for x in (p, *slots)]
    new_p, new_r, new_c, *more = [plain(x).reshape(-1) for x in new]
    level = means(rule, cut, own, old[1], old[2], old[3], new_r, new_c)
    units = kernel(rule, dtype, "units", cut.small)
    share(units, (cut.tile, cut.sides, own, old[1], new_r, new_c, level, new_p), cut.split, threads())
    sizes = [root_mean_square(x, cut.cut) for x in (old[0], new_p)]
    own = np.append(own, np.array(rule.factored.stride(*sizes, *own.tolist()), own.dtype))
    share(moving(rule, dtype), (cut.piece, own, new_p, old[0], *old[4:], new_p, *more), cut.pieces, threads())
    return tuple(new)


def means(
    rule: Rule, cut: Matrices, own: np.ndarray, g: np.ndarray, r: np.ndarray, c: np.ndarray, new_r: Any, new_c: Any
) -> np.ndarray:
    """Fill in the new r and c; their level, (matrices,)."""
    level = np.empty(cut.many, own.dtype)
    band = np.empty((1 if cut.small else len(cut.tile), cut.width))
    run = kernel(rule, own.dtype.name, "means", cut.small)
    share(run, (cut.tile, cut.sides, own, g, r, c, level, new_r, new_c, band), cut.split, threads())
    if not cut.small:
        bands = band.reshape(cut.many, -1, cut.width)
        mean = (added(bands) / cut.height).astype(own.dtype)
        with np.errstate(all="ignore"):
            new_c[:] = rule.factored.column(c.reshape(mean.shape), mean, *own).reshape(-1)
        rows = new_r.reshape(cut.many, cut.height).astype(np.float64)
        level[:] = halved(rows) / cut.height
    return level


def added(bands: np.ndarray) -> np.ndarray:
    """The sum along the middle one of three axes, one after the other."""
    found = bands[:, 0].copy()
    for i in range(1, bands.shape[1]):
        found += bands[:, i]
    return found


def halved(rows: np.ndarray) -> np.ndarray:
    """The sum of each row: the second half is added to the first until one number is left."""
    while rows.shape[1] > 1:
        half = (rows.shape[1] + 1) // 2
        more = rows[:, half:]
        rows = np.concatenate([rows[:, : more.shape[1]] + more, rows[:, more.shape[1] : half]], axis=1)
    return rows[:, 0]


def root_mean_square(x: np.ndarray, cut: sums.Cut) -> float:
    """The root of the mean of the squares of all elements."""
    where = np.array([x.__array_interface__["data"][0]], np.uint64)
    return sqrt(sums.sums("squares", where, cut)[0] / len(x))


def plain(x: Any) -> np.ndarray:
    """An array or a tensor as an array in one piece of memory: the same memory, where it is in one piece."""
    return np.ascontiguousarray(x.numpy(force=True) if hasattr(x, "clamp") else x)
