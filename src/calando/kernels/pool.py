"""Threads that share the chunks of one kernel call: PyTorch's where it has some (``team``), else a small pool.

Kernels release the GIL, so plain threads run them side by side. The pool is shared by all optimizers
and is made anew in a forked child, where the parent's threads do not exist. (Numba's own threading
layers were tried: one is unsafe under concurrent callers, the other aborts in a forked child.)
"""

import os
import threading
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from queue import Empty, SimpleQueue
from time import sleep

import numpy as np

from . import team

SMALL = 100_000  # elements: less work than this is not worth a second thread
PARTS_PER_THREAD = 8

_pool: "Helpers | None" = None
_pool_lock = threading.Lock()


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
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)


def helpers(count: int) -> Helpers:
    """The pool, made at first use with ``count`` threads beside the caller's own."""
    global _pool
    with _pool_lock:
        _pool = _pool or Helpers()
        _pool.grow(count)
        return _pool


class Work:
    """Ranges that wait for whoever is free, so that a thread that the machine slows down does not hold up the others.

    Args:
        work: called as ``work(start, stop)``.
        ranges: each is worked on once.
    """

    def __init__(self, work: Callable[[int, int], None], ranges: Sequence[tuple[int, int]]):
        self.work, self.waiting = work, deque(ranges)
        self.problems: list[BaseException] = []

    def take(self) -> None:
        """Work on one range after another, until none is left."""
        while self.waiting:
            try:
                mine = self.waiting.popleft()
            except IndexError:  # somebody was faster
                return
            self.work(*mine)

    def help_out(self) -> None:
        """The same in another thread than the caller's, which is told of what goes wrong."""
        try:
            self.take()
        except BaseException as raised:
            self.waiting.clear()
            self.problems.append(raised)


def share(work: Callable[[int, int], None], ranges: Sequence[tuple[int, int]], workers: int) -> None:
    """Call ``work(start, stop)`` once for every range, from up to ``workers`` threads.

    Returns when all ranges are done; an exception of any of them is raised here. Whatever is raised, and however often
    the caller is interrupted while it waits (Ctrl-C), nobody is at work any more then.
    """
    shared = Work(work, ranges)
    others = min(workers, len(ranges)) - 1
    if others < 1:
        shared.take()
    elif team.ready(workers):
        team.share(shared, workers)
    else:
        helped(shared, others)
    if shared.problems:
        raise shared.problems[0]


def helped(shared: Work, others: int) -> None:
    """Do the work together with so many threads of our own."""
    inside, awake = list[int](), SimpleQueue[None]()

    def help_out() -> None:
        inside.append(1)  # before a range is taken: who empties `waiting` sees either the range or us
        shared.help_out()
        inside.pop()
        awake.put(None)

    try:
        for _ in range(others):
            helpers(others).tasks.put(help_out)
        shared.take()
        while inside:
            with suppress(Empty):
                awake.get(timeout=0.01)
    except BaseException:
        leave(shared.waiting, inside)
        raise


def leave(waiting: deque[tuple[int, int]], inside: list[int]) -> None:
    """Let nobody take another range, and wait for those at work, whatever comes meanwhile."""
    while True:
        try:
            waiting.clear()
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
