"""Many small PyTorch tensors at one glance: where parameters and the gradients they carry lie, and whether they fit.

Asking one by one in Python costs 0.6 µs for each parameter, far more than its update. Here one compiled call asks
libtorch about all of them (``libtorch``), in loops that each do one thing, so that the processor waits for many tensors
at once. It only ever says yes: whatever is not as it was (a missing gradient, another dtype, other strides, a parameter
with another tensor behind it) sends the step on the long way, which finds out what it is.

The gradients are held by handles of our own until the step is over, as other threads may let go of theirs meanwhile.
"""

import weakref
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..plan import ASKED_AT_ONCE, Part
from .asking import TABLES, Asking
from .compile import load
from .entry import EACH, IMPORTS, Entry, ranged
from .libtorch import NAMES, functions, handles, nobody

MANY = 32  # parameters: asking fewer costs less than loading the compiled call
OTHERS, UNFIT, FIT = range(3)  # another tensor is behind a parameter; something is not as it was; all is as it was

ASKING = '''\
"""Tensors at a glance: written by calando from calando.kernels.glance."""

{imports}
from calando.kernels.pointer import ask, fetch, tell, word

LOW, BYTE = uint64(0xFFFFFFFF), uint64(0xFF)
AHEAD, LINES = 8, 4  # so many tensors ahead is memory read, so many lines of each
compiled = njit(inline="always", error_model="numpy")


@compiled
def fetch_next(handles, i, behind):
    tensor = word(handles[min(i + AHEAD, behind - 1)])
    for line in range(LINES):
        fetch(tensor + uint64(64 * line))


@compiled
def answer(function, handle, slot):
    tell(function, handle, slot)
    return word(slot)


@compiled
def same(handle, slot, layout, device, dtype, rank, sizes, strides, kind, shape, axis):
    fits = answer(layout, handle, slot) & LOW == kind[0]
    fits &= answer(device, handle, slot) & LOW == kind[1]
    fits &= answer(dtype, handle, slot) & LOW == kind[2]
    axes = answer(rank, handle, slot)
    if axes != kind[3]:
        return False
    size, stride = answer(sizes, handle, slot), answer(strides, handle, slot)
    for k in range(int64(axes)):
        fits &= word(size + uint64(8 * k)) == shape[0, axis + k]
        fits &= word(stride + uint64(8 * k)) == shape[1, axis + k]
    return fits


@njit(error_model="numpy")
def looked(first, behind, slot, known, cells, impls, kinds, axis, shape, found, nobody, turn):
    {names} = known
    where, grad_where, given, kept = found
    fits = True
    for i in range(first, behind):
        fits &= word(cells[i]) == impls[i]
    if not fits:
        return {others}
    for i in range(first, behind):
        fetch_next(cells, i, behind)
        given[i] = ask(grad, impls[i])
        fits &= word(given[i]) != word(nobody[0])
    if not fits:
        return {unfit}
    for i in range(first, behind):
        at = answer(data, cells[i], slot)
        if at != where[i] or turn[0] <= i < turn[0] + {at_once}:
            fits &= same(cells[i], slot, layout, device, dtype, rank, sizes, strides, kinds[i], shape, axis[i])
        where[i] = at
    for i in range(first, behind):
        fetch_next(given, i, behind)
        fits &= same(given[i], slot, layout, device, dtype, rank, sizes, strides, kinds[i], shape, axis[i])
        fits &= (ask(negative, given[i]) | ask(conjugate, given[i])) & BYTE == 0
    if not fits:
        return {unfit}
    for i in range(first, behind):
        grad_where[i] = answer(data, given[i], slot)
    for i in range(first, behind):
        tell(assign, given[i], kept[i])
    return {fit}

{look}
{rest}
{touch}

@njit(void(uint64, uint64[::1]), error_model="numpy", cache={cache})
def ask_each(function, things):
    for thing in things:
        ask(function, thing)


@njit(void(uint64, uint64[::1], uint64[::1]), error_model="numpy", cache={cache})
def tell_each(function, things, others):
    for i in range(len(things)):
        tell(function, things[i], others[i])


kernel = look, rest, touch, ask_each, tell_each
'''
WORDS, TABLE, NUMBERS = ("uint64", 1), ("uint64", 2), ("int64", 1)
LOOK = {
    **dict.fromkeys(("known", "cells", "impls"), WORDS),
    "kinds": TABLE,
    "axis": NUMBERS,
    "shape": TABLE,
    "found": TABLE,
    "nobody": WORDS,
    "turn": NUMBERS,
}
LOOKED = f"""\
slot = uint64(spare[mine].ctypes.data)
verdict[mine] = looked(bounds[mine, 0], bounds[mine, 1], slot, {", ".join(LOOK)})"""
REST = {"data": WORDS, "handles": WORDS, "where": WORDS}
RESTING = f"""\
slot, fits = uint64(spare[mine].ctypes.data), True
{EACH}
    fetch_next(handles, c, bounds[mine, 1])
    fits &= answer(data[0], handles[c], slot) == where[c]
verdict[mine] = fits"""
TOUCH = {"bump": WORDS, "handles": WORDS}
TOUCHED = f"""\
{EACH}
    ask(bump[0], handles[c])"""


class Words(NamedTuple):
    """The compiled loops: look, compare places, tell of writing; and one function called for each of many."""

    look: Entry
    rest: Entry
    touch: Entry
    ask_each: Any
    tell_each: Any


@cache
def words() -> Words:
    """The compiled loops."""

    def text(cache: bool) -> str:
        codes = {"others": OTHERS, "unfit": UNFIT, "fit": FIT}
        loops = {"look": (LOOK, LOOKED), "rest": (REST, RESTING), "touch": (TOUCH, TOUCHED)}
        written = {name: ranged(name, {**own, **TABLES}, work, cache=cache) for name, (own, work) in loops.items()}
        named = ", ".join(NAMES)
        return ASKING.format(imports=IMPORTS, names=named, cache=cache, at_once=ASKED_AT_ONCE, **codes, **written)

    look, rest, touch, ask_each, tell_each = load("glance", text)
    return Words(Entry(look), Entry(rest), Entry(touch), ask_each, tell_each)


class Glance:
    """What is known of the parameters of one part, to be compared with what they are.

    Args:
        part: of PyTorch's tensors, as they are now.
        known: the addresses of libtorch's functions, in the order of ``NAMES``.
        cells: the handles of the parameters.
    """

    def __init__(self, part: Part, known: np.ndarray, cells: np.ndarray):
        count, tell_each = len(cells), words().tell_each
        self.calls = dict(zip(NAMES, known, strict=True))
        self.found = np.zeros((4, count), np.uint64)
        self.where, self.grad_where, _, self.kept = self.found
        self.nobody, self.turn, self.holding = np.array([nobody(known[0])], np.uint64), np.zeros(1, np.int64), False
        self.nobodies = self.nobody.repeat(count)
        impls = np.array([p._cdata for p in part.params], np.uint64)
        axis = np.cumsum([0, *[len(layout[0]) for layout in part.layouts]])[:-1]
        shape = np.array([[n for layout in part.layouts for n in layout[side]] for side in range(2)], np.uint64)
        kinds = np.zeros((count, 4), np.uint64)
        for column, name in enumerate(("layout", "device", "dtype", "rank")):
            answer = np.zeros(count, np.uint64)
            tell_each(self.calls[name], cells, places(answer))
            kinds[:, column] = answer
        tables = known, cells, impls, kinds, axis, shape, self.found, self.nobody, self.turn
        self.looking = Asking(words().look, tables, count)
        self.touched = Asking(words().touch, (np.array([self.calls["bump"]]), cells), count)
        tell_each(self.calls["new"], self.nobodies, places(self.kept))
        weakref.finalize(self, words().ask_each, self.calls["delete"], self.kept)

    def look(self) -> int:
        """Find parameters and gradients, and hold the gradients: ``OTHERS``, ``UNFIT`` or ``FIT``.

        In very large parts parameters whose memory has not moved are asked for the rest by turns, as in ``Part``.
        """
        self.release()
        self.holding = True
        answer = self.looking()
        self.turn += ASKED_AT_ONCE if self.turn + ASKED_AT_ONCE < len(self.where) else -self.turn
        if answer != FIT:
            self.where[:] = 0  # whoever moved is asked for the rest again
        return answer

    def release(self) -> None:
        """Let go of the gradients: here, as the last who lets go of a tensor may need Python's lock."""
        if self.holding:
            words().tell_each(self.calls["assign"], self.nobodies, self.kept)
            self.holding = False


def places(column: np.ndarray) -> np.ndarray:
    """Where each number of an array lies, uint64."""
    return np.uint64(column.ctypes.data) + np.arange(len(column), dtype=np.uint64) * np.uint64(column.itemsize)


def worth(part: Part) -> bool:
    """Whether a part is large enough, and such that libtorch can be asked about it."""
    plain = part.key.arrays.name == "torch" and part.key.fused and not part.sharded
    return plain and len(part.members) >= MANY and functions() is not None


def glance(part: Part) -> Glance | None:
    """What is known of a part; None where its parameters cannot be looked at together."""
    known, arrays = functions(), part.key.arrays
    if known is None or not worth(part) or any(p.is_inference() for p in part.params):
        return None
    cells = handles(part.params)
    as_arranged = all(arrays.layout(p) == layout for p, layout in zip(part.params, part.layouts, strict=True))
    return Glance(part, known, cells) if cells is not None and as_arranged else None


def seen(part: Part) -> bool:
    """Whether all parameters of a part and the gradients they carry fit, and were found; if not, ask one by one."""
    if part.glance is None:
        part.glance = glance(part) or False
    if not part.glance:
        return False
    answer = part.glance.look()
    if answer == OTHERS:
        part.glance = None
    if answer == FIT:
        part.see()
    return answer == FIT
