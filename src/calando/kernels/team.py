"""PyTorch's own threads at our work: its OpenMP team, through the function that compilers call for a parallel region.

After every operation those threads stay awake for some milliseconds, ready for the next one. A step comes right after
such operations (the backward pass), and threads of ours would have to share the cores with them: measured on two
cores, ResNet-50's step of plain SGD then takes 10 ms instead of 7. So the same team is asked, and only at the size that
PyTorch gives it, as another size would end its threads and start others.

This is GNU's library, which PyTorch's wheels for Linux bring along (the process may have another one as well, or have
had one before: asked is the one that PyTorch calls). Elsewhere, and in a forked child, which has a team without
threads, ``pool`` has threads of its own.
"""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from .entry import Entry, Order

PARALLEL = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)  # function, its argument, threads, flags

forked = False


def forget() -> None:
    """The team's threads did not survive the fork."""
    global forked
    forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)


def size() -> int:
    """How many threads PyTorch uses; 0 where it is not loaded."""
    torch: Any = sys.modules.get("torch")
    return torch.get_num_threads() if hasattr(torch, "get_num_threads") else 0


def ready(workers: int) -> bool:
    """Whether there is a team of this size."""
    return not forked and workers == size() and openmp() is not None


@cache
def openmp() -> Any:
    """GNU's OpenMP library, the one that PyTorch uses; None where it uses another one."""
    for file in (Path(sys.modules["torch"].__file__ or "").parent / "lib").glob("libtorch_cpu.so"):
        found = ctypes.CDLL(str(file))  # which finds what this library depends on, and loads nothing
        if hasattr(found, "GOMP_parallel") and not hasattr(found, "__kmpc_fork_call"):  # LLVM's speaks both
            found.GOMP_parallel.argtypes = PARALLEL
            return found
    return None


def share(entry: Entry, order: Order, workers: int) -> None:
    """Carry out an order together with the team: all of it is done when this returns."""
    openmp().GOMP_parallel(entry.address, order.address, workers, 0)


def share_held(entry: Entry, order: Order, workers: int) -> None:
    """Likewise, with Python's lock held: no other Python runs meanwhile."""
    held()(entry.address, order.address, workers, 0)


@cache
def held() -> Any:
    """``GOMP_parallel``, called without letting go of Python's lock."""
    where = ctypes.cast(openmp().GOMP_parallel, ctypes.c_void_p).value or 0
    return ctypes.PYFUNCTYPE(None, *PARALLEL)(where)
