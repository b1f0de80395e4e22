"""The job needs the extra ``train``."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def extra():
    for module in ("torch", "sklearn", "matplotlib", "rich"):
        pytest.importorskip(module, reason=f"calando train needs {module}, which is not installed")
