"""Many small PyTorch tensors at one glance: where parameters and the gradients they carry lie, and whether they fit.

Asking one by one in Python costs 0.6 µs for each parameter, far more than its update. Here one compiled call asks
libtorch about all of them (``libtorch``), in loops that each do one thing, so that the processor waits for many tensors
at once. It only ever says yes: whatever is not as it was (a missing gradient, another dtype, other strides, a parameter
with another tensor behind it) sends the step on the long way, which finds out what it is.

The gradients are held by handles of our own until the step is over, as other threads may let go of theirs meanwhile.
"""

import weakref
from functools import cache
from typing import Any

import numpy as np

from ..plan import ASKED_AT_ONCE, Part
from .compile import load
from .libtorch import NAMES, functions, handles, nobody

MANY = 32  # parameters: asking fewer costs less than loading the compiled call
OTHERS, UNFIT, FIT = range(3)  # another tensor is behind a parameter; something is not as it was; all is as it was

GLANCE = '''\
"""Tensors at a glance: written by calando from calando.kernels.glance."""

from numba import int64, njit, uint64, void

from calando.kernels.pointer import ask, fetch, tell, word

LOW, BYTE = uint64(0xFFFFFFFF), uint64(0xFF)
AHEAD, LINES = 8, 4  # so many tensors ahead is memory read, so many lines of each
row, table = uint64[::1], uint64[:, ::1]
compiled = njit(inline="always", error_model="numpy")


@compiled
def fetch_next(handles, i):
    tensor = word(handles[min(i + AHEAD, len(handles) - 1)])
    for line in range(LINES):
        fetch(tensor + uint64(64 * line))


@compiled
def answer(function, handle, slot):
    tell(function, handle, slot)
    return word(slot)


@compiled
def same(handle, slot, layout, device, dtype, rank, sizes, strides, kind, shape, first):
    fits = answer(layout, handle, slot) & LOW == kind[0]
    fits &= answer(device, handle, slot) & LOW == kind[1]
    fits &= answer(dtype, handle, slot) & LOW == kind[2]
    axes = answer(rank, handle, slot)
    if axes != kind[3]:
        return False
    size, stride = answer(sizes, handle, slot), answer(strides, handle, slot)
    for k in range(int64(axes)):
        fits &= word(size + uint64(8 * k)) == shape[0, first + k]
        fits &= word(stride + uint64(8 * k)) == shape[1, first + k]
    return fits


@njit(
    int64(row, row, row, table, int64[::1], table, table, row, int64),
    error_model="numpy", cache={cache},
)
def look(known, cells, behind, kinds, first, shape, found, answers, turn):
    {names} = known
    where, grad_where, given, kept = found
    count, fits = len(cells), True
    slot, none = uint64(answers.ctypes.data), word(answers[1])
    for i in range(count):
        fits &= word(cells[i]) == behind[i]
    if not fits:
        return {others}
    for i in range(count):
        fetch_next(cells, i)
        given[i] = ask(grad, behind[i])
        fits &= word(given[i]) != none
    if not fits:
        return {unfit}
    for i in range(count):
        at = answer(data, cells[i], slot)
        if at != where[i] or turn <= i < turn + {at_once}:
            fits &= same(cells[i], slot, layout, device, dtype, rank, sizes, strides, kinds[i], shape, first[i])
        where[i] = at
    for i in range(count):
        fetch_next(given, i)
        fits &= same(given[i], slot, layout, device, dtype, rank, sizes, strides, kinds[i], shape, first[i])
        fits &= (ask(negative, given[i]) | ask(conjugate, given[i])) & BYTE == 0
    if not fits:
        where[:] = 0
        return {unfit}
    for i in range(count):
        grad_where[i] = answer(data, given[i], slot)
    for i in range(count):
        tell(assign, given[i], kept[i])
    return {fit}


@njit(void(uint64, row), error_model="numpy", cache={cache})
def ask_each(function, things):
    for thing in things:
        ask(function, thing)


@njit(void(uint64, row, row), error_model="numpy", cache={cache})
def tell_each(function, things, others):
    for i in range(len(things)):
        tell(function, things[i], others[i])


kernel = look, ask_each, tell_each
'''


@cache
def words() -> Any:
    """The compiled functions: look at all, ask each, tell each."""

    def text(cache: bool) -> str:
        codes = {"others": OTHERS, "unfit": UNFIT, "fit": FIT}
        return GLANCE.format(names=", ".join(NAMES), cache=cache, at_once=ASKED_AT_ONCE, **codes)

    return load("glance", text)


class Glance:
    """What is known of the parameters of one part, to be compared with what they are.

    Args:
        part: of PyTorch's tensors, as they are now.
        known: the addresses of libtorch's functions, in the order of ``NAMES``.
        cells: the handles of the parameters.
    """

    def __init__(self, part: Part, known: np.ndarray, cells: np.ndarray):
        count, self.cells, self.known = len(cells), cells, known
        self.turn = 0
        self.calls = dict(zip(NAMES, known, strict=True))
        self.behind = np.array([p._cdata for p in part.params], np.uint64)
        self.found = np.zeros((4, count), np.uint64)
        self.where, self.grad_where, _, self.kept = self.found
        self.answers = np.array([0, nobody(known[0])], np.uint64)
        self.nobodies = np.full(count, self.answers[1])
        self.first = np.cumsum([0, *[len(layout[0]) for layout in part.layouts]])[:-1]
        self.shape = np.array([[n for layout in part.layouts for n in layout[side]] for side in range(2)], np.uint64)
        self.kinds = np.zeros((count, 4), np.uint64)
        _, ask_each, tell_each = words()
        for column, name in enumerate(("layout", "device", "dtype", "rank")):
            answer = np.zeros(count, np.uint64)
            tell_each(self.calls[name], cells, places(answer))
            self.kinds[:, column] = answer
        tell_each(self.calls["new"], self.nobodies, places(self.kept))
        weakref.finalize(self, ask_each, self.calls["delete"], self.kept)

    def look(self) -> int:
        """Find parameters and gradients, and hold the gradients: ``OTHERS``, ``UNFIT`` or ``FIT``.

        In very large parts parameters whose memory has not moved are asked for the rest by turns, as in ``Part``.
        """
        look, tables, turn = words()[0], (self.kinds, self.first, self.shape), self.turn
        self.turn = turn + ASKED_AT_ONCE if turn + ASKED_AT_ONCE < len(self.cells) else 0
        return look(self.known, self.cells, self.behind, *tables, self.found, self.answers, turn)

    def release(self) -> None:
        """Let go of the gradients."""
        words()[2](self.calls["assign"], self.nobodies, self.kept)

    def touched(self) -> None:
        """Tell autograd that the parameters were written in place."""
        words()[1](self.calls["bump"], self.cells)


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
