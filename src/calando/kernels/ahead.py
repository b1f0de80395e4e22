"""Kernels made ready in the background while the rest of a program is being built, so that the first step finds them.

One daemon thread for all optimizers, started by the first constructor that needs a kernel; it ends when nothing is left
to do. It holds ``compile.loading`` while it works on one kernel, and so

    a step that comes earlier    waits for that kernel, and makes those that are still missing itself
    a fork                       waits for that kernel: the child finds no lock held by a thread that it does not have
    the interpreter's exit       waits for that kernel: no compiler runs while its memory is taken away

``CALANDO_BACKGROUND=0`` switches it off: then the first step compiles.
"""

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from . import compile

Job = tuple[Callable[..., Any], tuple[Any, ...]]  # what makes a kernel, and its arguments

asked: set[Job] = set()  # whatever was asked for once is there, or will be
waiting: deque[Job] = deque()
worker: threading.Thread | None = None
idle = False
guard = threading.RLock()  # a signal's handler that builds an optimizer passes, as it runs in the thread that has it


def ahead(jobs: Iterable[Job]) -> None:
    """Have these kernels made in the background; returns at once."""
    global worker
    if idle or os.environ.get("CALANDO_BACKGROUND") == "0":
        return
    compile.guard_forks()
    with guard:
        new = [job for job in dict.fromkeys(jobs) if job not in asked]
        asked.update(new)
        waiting.extend(new)
        if new and worker is None:
            worker = threading.Thread(target=work, name="calando compiles", daemon=True)
            worker.start()


def work() -> None:
    """Make one kernel after another, until there are no more."""
    global worker
    while True:
        with compile.loading:
            with guard:
                if not waiting:
                    worker = None
                    return
                make, arguments = waiting.popleft()
            with suppress(Exception):  # the step meets the same problem, where somebody can be told
                make(*arguments)


@contextmanager
def nothing() -> Iterator[None]:
    """Within this block optimizers are only looked at: nothing is compiled for them."""
    global idle
    before, idle = idle, True
    try:
        yield
    finally:
        idle = before


def forget() -> None:
    """A forked child has no such thread; what was waiting is made by its first step."""
    global worker, guard
    worker, guard = None, threading.RLock()
    waiting.clear()


def close() -> None:
    """Let the present kernel be finished, and no other be begun."""
    waiting.clear()
    if worker is not None:
        compile.loading.acquire(timeout=30)


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
