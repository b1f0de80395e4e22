"""What a first step spares itself: SciPy's linear algebra, which is whole for whoever wants it, and old garbage."""

import gc
import subprocess
import sys

import pytest

from calando.kernels import compile, light

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


def test_old_garbage_waits_for_a_kernel_and_no_longer():
    before = gc.get_threshold()
    with light.uncollected():
        with light.uncollected():
            assert gc.get_threshold()[2] == light.NEVER
        assert gc.get_threshold()[2] == light.NEVER
    assert gc.get_threshold() == before
    try:
        with light.uncollected():
            gc.set_threshold(1234, 5, 6)  # as a training program may, while a kernel is made in the background
        assert gc.get_threshold() == (1234, 5, 6)
    finally:
        gc.set_threshold(*before)


def test_a_first_step_does_not_look_through_all_objects(monkeypatch):
    found = []
    monkeypatch.setattr(compile, "writable_folder", lambda: found.append(gc.get_threshold()[2]))
    compile.load("nothing", lambda cache: "kernel = None")
    assert found == [light.NEVER] and gc.get_threshold()[2] != light.NEVER
