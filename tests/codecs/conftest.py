"""Makes ``drawn_entries`` importable; each test in a folder of its own, where MindSpore may leave a ``rank_0``."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore_glob = [] if find_spec("torch") else ["test_convert_*.py"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
