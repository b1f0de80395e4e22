"""How a compiled loop is called: as a C function of one address, so that any thread may run it without Python's lock.

At that address lies an order (uint64 words):

    taken     how many ranges have been taken
    ranges    how many there are
    done      how many have been worked on to their end
    bounds    where the ranges lie: int64 (ranges, 2), first chunk and the one behind the last
    tables    of each: where it lies, its rows and its columns

Whoever is called with it takes one range after another until none is left, so a thread that the machine slows down
does not hold up the others. No Ctrl-C arrives in there. What is raised (it has no memory for its lanes) is printed by
Numba and goes no further, which is why those that are done are counted.
"""

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from ctypes import addressof
from textwrap import indent
from typing import Any

import numpy as np

Tables = Mapping[str, tuple[str, int]]  # name → what Numba calls its numbers, and how many axes it has

DONE, WORDS = 2, 4  # which of them counts what is done; how many are before those of the tables

LOOP = """
@cfunc(void(uint64), error_model="numpy", cache={cache})
def {name}(order):
    told = carray(pointer(order), {words}, uint64)
    bounds = carray(pointer(told[3]), (int64(told[1]), 2), int64)
{tables}
    while True:
        mine = counted(order)
        if mine >= told[1]:
            return
{work}
        counted(order + uint64({done}))
"""
EACH = "for c in range(bounds[mine, 0], bounds[mine, 1]):"
NAMES = "from numba import carray, cfunc, float32, float64, int64, njit, uint8, uint16, uint32, uint64, void\n"
IMPORTS = NAMES + "\nfrom calando.kernels.pointer import counted, pointer"


def loop(tables: Tables, chunk: str, held: Iterable[str] = (), cache: bool = True) -> str:
    """The text of a compiled loop over chunks, ``kernel``.

    Args:
        tables: in the order in which ``Order`` is given them.
        chunk: what is done with chunk ``c``, at the depth of a function's body.
        held: lines before the loop.
        cache: whether Numba keeps what it makes of it.
    """
    return ranged("kernel", tables, f"{EACH}\n{chunk}", held, cache)


def ranged(name: str, tables: Tables, work: str, held: Iterable[str] = (), cache: bool = True) -> str:
    """The text of a compiled loop over ranges.

    Args:
        name: of the function.
        tables, held, cache: as in ``loop``.
        work: what is done with range ``mine``, from ``bounds[mine, 0]`` to ``bounds[mine, 1]``.
    """
    opened = [view(name, WORDS + 3 * i, *kind) for i, (name, kind) in enumerate(tables.items())]
    return LOOP.format(
        name=name,
        words=WORDS + 3 * len(tables),
        done=DONE * 8,
        tables=indent("\n".join([*opened, *held]), " " * 4),
        work=indent(work, " " * 8),
        cache=cache,
    )


def view(name: str, at: int, dtype: str, axes: int) -> str:
    """The line that finds a table."""
    shape = f"int64(told[{at + 1}])" if axes == 1 else f"(int64(told[{at + 1}]), int64(told[{at + 2}]))"
    return f"{name} = carray(pointer(told[{at}]), {shape}, {dtype})"


within: Any = (ctypes.c_char * 0).from_buffer  # of an array in one piece of memory: its address in a third of the time


class Order:
    """What one call works on: ranges of chunks that wait for whoever is free, and the tables that say what to do.

    Args:
        tables: arrays in one piece of memory each, of one or two axes.
        ranges: each is worked on once.
    """

    def __init__(self, tables: Sequence[np.ndarray], ranges: Sequence[tuple[int, int]]):
        bounds = np.array(ranges, np.int64)
        words = [0, len(ranges), 0, addressof(within(bounds))]
        for table in tables:
            words += addressof(within(table)), len(table), table.shape[-1]
        self.held, self.words = (tables, bounds), np.array(words, np.uint64)
        self.address = addressof(within(self.words))

    def again(self) -> None:
        """Let every range be worked on once more."""
        self.words[0] = self.words[DONE] = 0

    def close(self) -> None:
        """Let nobody take another range."""
        self.words[0] = self.words[1]

    def check(self) -> None:
        """Raise MemoryError where a range that was taken was not worked on to its end."""
        done, count = int(self.words[DONE]), int(self.words[1])
        if done < count:
            raise MemoryError(f"a compiled loop did {done} of {count} ranges, as it could not have memory for its sums")


class Entry:
    """A compiled loop.

    Args:
        made: as Numba made it; it stays as long as this is kept.
    """

    def __init__(self, made: Any):
        self.made, self.address = made, made.address
        self.call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(made.address)  # releases Python's lock
        self.call_held = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(made.address)  # does not

    def __call__(self, order: Order) -> None:
        """Work on one range after another, until none is left."""
        self.call(order.address)
