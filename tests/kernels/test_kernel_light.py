"""A first step does not import SciPy's linear algebra, and Numba's own is whole for whoever wants it."""

import subprocess
import sys

import pytest

pytest.importorskip("scipy")

PROGRAM = """
import sys
import numpy as np
from calando.kernels import compile
from calando.decay import L2
from calando.rules.sgd import SGD_MOMENTUM

compile.kernel(SGD_MOMENTUM, L2, "float32")
assert "scipy.linalg" not in sys.modules

import numba

@numba.njit
def algebra(a):
    return np.dot(a, a), np.cov(a), np.linalg.inv(a)

a = np.array([[2.0, 1.0], [0.5, 3.0]])
for found, wanted in zip(algebra(a), (a @ a, np.cov(a), np.linalg.inv(a))):
    assert np.allclose(found, wanted)
assert "scipy.linalg" in sys.modules
"""


def test_linear_algebra_comes_when_it_is_asked_for():
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
