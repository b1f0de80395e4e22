"""Threads that share the chunks of one kernel call: PyTorch's where it has some (``team``), else a small pool.

Kernels release the GIL, so plain threads run them side by side. The pool is shared by all optimizers
and is made anew in a forked child, where the parent's threads do not exist. (Numba's own threading
layers were tried: one is unsafe under concurrent callers, the other aborts in a forked child.)
"""

import os
from _thread import start_new_thread
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from queue import Empty, SimpleQueue
from time import sleep

import numpy as np

from . import team
from .entry import Entry, Order

SMALL = 100_000  # elements: less work than this is not worth a second thread
PARTS_PER_THREAD = 8

_pool: "Helpers | None" = None


class Helpers:
    """Threads that wait for work.

    All they do with the caller's thread goes through queues written in C, and they are started without a word back:
    a caller that is interrupted (Ctrl-C) leaves no lock behind, as it may in ``ThreadPoolExecutor``.
    """

    def __init__(self) -> None:
        self.count = 0
        self.tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def grow(self, count: int) -> None:
        """Have at least so many threads."""
        while self.count < count:
            start_new_thread(self.serve, ())
            self.count += 1

    def serve(self) -> None:
        """What each of them does, as long as the process lives."""
        while True:
            self.tasks.get()()


def threads() -> int:
    """How many threads a step may use: the first of these that says a number.

    ``CALANDO_NUM_THREADS``, ``torch.get_num_threads()`` where PyTorch is loaded, ``OMP_NUM_THREADS``, the cores.
    """
    told = number("CALANDO_NUM_THREADS") or team.size() or number("OMP_NUM_THREADS")
    if told:
        return told
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def number(name: str) -> int:
    """The positive number that a variable of the environment says, else 0."""
    told = os.environ.get(name, "")
    return int(told) if told.isdecimal() else 0


def forget() -> None:
    """Drop the pool without waiting for it: its threads did not survive the fork."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)


def helpers(count: int) -> Helpers:
    """The pool, made at first use with ``count`` threads beside the caller's own.

    Without a lock, which an interruption might leave held: two callers at once may start one too many, and it waits.
    """
    global _pool
    found = _pool = _pool or Helpers()
    found.grow(count)
    return found


def share(entry: Entry, tables: Sequence[np.ndarray], ranges: Sequence[tuple[int, int]], workers: int) -> None:
    """Have a compiled loop work on every range of these tables once, from up to ``workers`` threads.

    Returns when all ranges are done. However often the caller is interrupted while it waits (Ctrl-C), nobody is at work
    any more when that is raised.

    Raises:
        MemoryError: the loop could not have the memory it needs, and some ranges are not done.
    """
    order = Order(tables, ranges)
    others = min(workers, len(ranges)) - 1
    if others < 1:
        entry(order)
    elif team.ready(workers):
        team.share(entry, order, workers)
    else:
        helped(entry, order, others)
    order.check()


def helped(entry: Entry, order: Order, others: int) -> None:
    """Carry out an order together with so many threads of our own."""
    inside, awake = list[int](), SimpleQueue[None]()

    def help_out() -> None:
        inside.append(1)  # before a range is taken: who closes the order sees either the range or us
        entry(order)
        inside.pop()
        awake.put(None)

    try:
        for _ in range(others):
            helpers(others).tasks.put(help_out)
        entry(order)
        while inside:
            with suppress(Empty):
                awake.get(timeout=0.01)
    except BaseException:
        leave(order, inside)
        raise


def leave(order: Order, inside: list[int]) -> None:
    """Let nobody take another range, and wait for those at work, whatever comes meanwhile."""
    while True:
        try:
            order.close()
            while inside:
                sleep(1e-4)
            return
        except BaseException:  # another Ctrl-C; memory is still being written, and the first one will be raised
            continue


def ranges(length: np.ndarray) -> list[tuple[int, int]]:
    """Split chunks of these lengths into ranges of about equal work; small work stays in one."""
    if not len(length):
        return []
    ends = np.cumsum(length)
    if ends[-1] < SMALL or threads() == 1:
        return [(0, len(length))]
    marks = np.linspace(0, ends[-1], threads() * PARTS_PER_THREAD + 1)[1:-1]
    bounds = np.unique(np.concatenate([[0], np.searchsorted(ends, marks) + 1, [len(length)]])).tolist()
    return list(pairwise(bounds))
