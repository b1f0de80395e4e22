"""A small pool of threads that share the chunks of one kernel call.

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
    """How many threads a step may use: ``CALANDO_NUM_THREADS``, else ``OMP_NUM_THREADS``, else the cores."""
    for name in ("CALANDO_NUM_THREADS", "OMP_NUM_THREADS"):
        told = os.environ.get(name, "")
        if told.isdecimal() and int(told) > 0:
            return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def share(work: Callable[[int, int], None], ranges: Sequence[tuple[int, int]], workers: int) -> None:
    """Call ``work(start, stop)`` once for every range, from up to ``workers`` threads.

    Whoever is free takes the next range, so a thread that the machine slows down does not hold up the
    others. Returns when all ranges are done; an exception of any of them is raised here. Whatever is raised, and
    however often the caller is interrupted while it waits (Ctrl-C), nobody is at work any more then.
    """
    waiting, inside, awake = deque(ranges), list[int](), SimpleQueue[None]()
    problems: list[BaseException] = []

    def take() -> None:
        while waiting:
            try:
                mine = waiting.popleft()
            except IndexError:  # somebody was faster
                return
            work(*mine)

    def help_out() -> None:
        inside.append(1)  # before a range is taken: who empties `waiting` sees either the range or us
        try:
            take()
        except BaseException as raised:
            waiting.clear()
            problems.append(raised)
        inside.pop()
        awake.put(None)

    others = min(workers, len(ranges)) - 1
    try:
        for _ in range(others):
            helpers(others).tasks.put(help_out)
        take()
        while inside:
            with suppress(Empty):
                awake.get(timeout=0.01)
    except BaseException:
        leave(waiting, inside)
        raise
    if problems:
        raise problems[0]


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
