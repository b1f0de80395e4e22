"""Numba, imported without what no kernel here uses, and without looking through all objects for garbage meanwhile.

Its arithmetic of arrays imports ``scipy.linalg`` only to see whether it can be: a sixth of a first step. Here
it is asked whether SciPy is installed, and whoever compiles linear algebra with Numba later has it imported then, as
ever.

Numba makes so many objects that Python would collect all of its garbage once or twice before the first step; beside
PyTorch there are a million objects to look at, and none of them is garbage: a third of a first step.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

WITH = "numba.np.arraymath"  # what imports it

NEVER = 1 << 30


@contextmanager
def uncollected() -> Iterator[None]:
    """Within this block only young garbage is collected, unless somebody else says otherwise."""
    before = gc.get_threshold()
    ours = (*before[:2], NEVER)
    gc.set_threshold(*ours)
    try:
        yield
    finally:
        if gc.get_threshold() == ours:
            gc.set_threshold(*before)


def numba() -> ModuleType:
    """The module, and what its kernels need."""
    import numba
    from numba.np import linalg

    check = getattr(linalg, "ensure_blas", None)
    if check is None or WITH in sys.modules or find_spec("scipy") is None:
        return numba
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = check
    arraymath.ensure_blas = check
    return numba
