"""What every test relies on: the twins can be imported, and hypothesis finds the same cases every time.

Kernels stay in the user's own cache folder (or ``CALANDO_CACHE_DIR``): their names hold a hash of their
text, so an old one is never met, and only the first run of all compiles.
"""

import gc
import os
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

gc.set_threshold(20_000, 20, 20)  # searched after every 700 things, large scripts and networks take a tenth longer
os.environ.setdefault("CALANDO_BACKGROUND", "0")  # most optimizers here make no step; what it does has its own tests
sys.path.insert(0, str(Path(__file__).parent))
collect_ignore_glob = ["ecosystem/programs/*", "mindspore_front/zoo/*", "references/*"]  # programs and data

settings.register_profile(
    "calando",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", parent=settings.get_profile("calando"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calando"))


def pytest_collection_finish(session):
    """A test file may have loaded a profile of its own; the one named here holds when tests run.

    All that was imported and collected stays to the end, so the garbage collector need not search it again and again.
    """
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calando"))
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")


@pytest.fixture(scope="session")
def mindspore():
    """The original, imported once and quietly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about NumPy and about its own modules when imported
        return pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to compare with")


@pytest.fixture
def run():
    """Run Python code in a process of its own, with these additions to the environment; its output."""
    import subprocess

    def run(code: str, **environment: str) -> str:
        path = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
