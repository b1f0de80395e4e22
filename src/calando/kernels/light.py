"""Numba, imported without what no kernel here uses.

Its arithmetic of arrays imports ``scipy.linalg`` only to see whether it can be: a sixth of a first step. Here
it is asked whether SciPy is installed, and whoever compiles linear algebra with Numba later has it imported then, as
ever.
"""

import sys
from importlib.util import find_spec
from types import ModuleType

WITH = "numba.np.arraymath"  # what imports it


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
