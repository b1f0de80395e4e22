"""What a forked child says, and never a child that stays."""

import os
import select
import signal
import warnings
from collections.abc import Callable

SECONDS = 60


def told_by_child(work: Callable[[], object]) -> str:
    """The repr of what ``work`` returns or raises in a forked child, which is ended when it hangs."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of every fork beside threads
        child = os.fork()
    if child == 0:  # no exception may leave the child, or it would run the other tests
        try:
            try:
                told = work()
            except BaseException as problem:
                told = problem
            os.write(writing, repr(told).encode()[:4000])
        finally:
            os._exit(0)
    os.close(writing)
    try:
        spoken, *_ = select.select([reading], [], [], SECONDS)
        assert spoken, f"the child said nothing in {SECONDS} seconds"
        return os.read(reading, 4000).decode()
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
