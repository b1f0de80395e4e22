"""Each test in a folder of its own: the guide's blocks write files, and MindSpore may leave a ``rank_0``."""

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
