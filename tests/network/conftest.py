"""The original, imported once and quietly."""

import warnings

import pytest


@pytest.fixture(scope="session")
def mindspore():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about NumPy and about its own modules when imported
        return pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to compare with")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """MindSpore may write a folder rank_0 where it runs."""
    monkeypatch.chdir(tmp_path)
