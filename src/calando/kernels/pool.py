"""A small pool of threads that share the chunks of one kernel call.

Kernels release the GIL, so plain threads run them side by side. The pool is shared by all optimizers
and is made anew in a forked child, where the parent's threads do not exist. (Numba's own threading
layers were tried: one is unsafe under concurrent callers, the other aborts in a forked child.)
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

SMALL = 100_000  # elements: less work than this is not worth a second thread
PARTS_PER_THREAD = 8

_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


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


def helpers(count: int) -> ThreadPoolExecutor:
    """The pool, made at first use with ``count`` threads beside the caller's own."""
    global _pool
    with _pool_lock:
        if _pool is None or _pool._max_workers < count:
            _pool = ThreadPoolExecutor(count, thread_name_prefix="calando")
        return _pool


def share(work: Callable[[int, int], None], ranges: Sequence[tuple[int, int]], workers: int) -> None:
    """Call ``work(start, stop)`` once for every range, from up to ``workers`` threads.

    Whoever is free takes the next range, so a thread that the machine slows down does not hold up the
    others. Returns when all ranges are done; an exception of any of them is raised here.
    """
    waiting = iter(ranges)
    lock = threading.Lock()

    def take() -> None:
        while True:
            with lock:
                mine = next(waiting, None)
            if mine is None:
                return
            work(*mine)

    others = min(workers, len(ranges)) - 1
    futures = [helpers(others).submit(take) for _ in range(others)] if others > 0 else []
    try:
        take()
    finally:
        for future in futures:
            future.result()


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
