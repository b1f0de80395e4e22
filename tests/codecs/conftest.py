"""Makes ``drawn_entries`` importable; each test in a folder of its own, where MindSpore may leave a ``rank_0``."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
