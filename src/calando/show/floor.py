"""How near a step comes to the speed of memory, on this machine, now.

The *floor* is the time that the bytes of a step would take at the speed of an in-place add, ``x += y``, with
the same threads and over as much memory. Step and add take turns, so that other work on the machine slows
both; what counts is the median of the ratios within a turn.
"""

import ctypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from types import SimpleNamespace

import numpy as np

from ..arrays import adapter
from ..engine import Engine
from ..groups import Group
from ..hyper import Hyper
from ..kernels.entry import DONE, Entry
from ..kernels.pool import share, threads

ROUNDS, LEAST = 25, 7
BLOCK = 1 << 20  # elements that a thread adds at once
PATIENCE = 10.0  # seconds; at least LEAST rounds are made
WIDTH = 4096


@dataclass(frozen=True)
class Measured:
    """What was found.

    Args:
        elements: of the one parameter.
        moved: bytes that a step must move.
        step, add: seconds of every round, float64 (rounds,).
        added: bytes that the add moves.
    """

    elements: int
    moved: int
    step: np.ndarray
    add: np.ndarray
    added: int

    @property
    def bandwidth(self) -> float:
        """Bytes per second of the add."""
        return self.added / float(np.median(self.add))

    @property
    def floor(self) -> float:
        """Seconds that the step's bytes would take."""
        return self.moved / self.bandwidth

    @property
    def ratios(self) -> np.ndarray:
        """The step over its floor, in each round."""
        return self.step / (self.add * (self.moved / self.added))


def measured(group: Group, hyper: Hyper, per_parameter: float, elements: int, held: float) -> Measured:
    """Play a group on one float32 matrix of about ``elements`` and take turns with the add.

    Args:
        group, hyper: what is played, and the numbers; their parameters are not touched.
        per_parameter: bytes that a step moves for each.
        held: bytes for each parameter of all arrays that a step touches.
    """
    shape = (max(1, elements // WIDTH), WIDTH)
    random = np.random.default_rng(0)
    arrays, like = adapter(group.params[0]), group.params[0]
    p, g = (arrays.zeros(like, shape) for _ in range(2))
    arrays.write(p, random.standard_normal(shape, np.float32))
    arrays.write(g, random.standard_normal(shape, np.float32) * np.float32(0.01))
    engine = Engine([replace(group, params=(p,), names=("p",))], [hyper])
    size = shape[0] * shape[1]
    add, added = adding(int(held * size) // 8)
    step, times = rounds(lambda: engine.step([[g]]), add)
    return Measured(size, int(per_parameter * size), step, times, added)


def adding(elements: int) -> tuple[Callable[[], None], int]:
    """The in-place add over two arrays, by the threads and the means of a step; and the bytes that it moves.

    NumPy adds: what Numba makes of the loop takes a sixth longer, and would be no floor.
    """
    x, y = np.zeros(elements, np.float32), np.ones(elements, np.float32)
    blocks = range(0, elements, BLOCK)
    waiting: deque[int] = deque()

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def work(order: int) -> None:
        while True:
            try:
                start = waiting.popleft()
            except IndexError:  # somebody was faster
                ctypes.c_uint64.from_address(order + 8 * DONE).value = len(blocks)
                return
            np.add(x[start : start + BLOCK], y[start : start + BLOCK], out=x[start : start + BLOCK])

    entry = Entry(SimpleNamespace(address=ctypes.cast(work, ctypes.c_void_p).value, work=work))

    def add() -> None:
        waiting.extend(blocks)
        share(entry, (), [(c, c + 1) for c in range(len(blocks))], threads())

    return add, 3 * x.nbytes


def rounds(step: Callable[[], object], add: Callable[[], object]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of both in every round, float64 (rounds,) each; one or the other is first in turn."""
    step(), add(), step(), add()
    table: list[tuple[float, float]] = []
    end = perf_counter() + PATIENCE
    while len(table) < LEAST or (len(table) < ROUNDS and perf_counter() < end):
        first, second = (step, add) if len(table) % 2 == 0 else (add, step)
        one, other = seconds(first), seconds(second)
        table.append((one, other) if first is step else (other, one))
    found = np.array(table)
    return found[:, 0], found[:, 1]


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    work()
    return perf_counter() - start
