"""Fixtures: the kinds of parameters; each test in a folder of its own, where MindSpore may leave a ``rank_0``."""

import warnings

import pytest

from mindspore_front import kinds
from mindspore_front.checkpointed import SHAPES, fresh


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def kind_of(name, request):
    """The kind of that name; skips where its framework is missing."""
    if name == "numpy":
        return kinds.numpy_kind()
    if name == "mindspore":
        return kinds.mindspore_kind(request.getfixturevalue("mindspore"))
    request.getfixturevalue("torch")
    return kinds.torch_kind() if name == "torch" else kinds.calando_kind()


@pytest.fixture(params=["numpy", "calando", "mindspore"])
def kind(request):
    return kind_of(request.param, request)


@pytest.fixture(params=["numpy", "calando", "mindspore", "torch"])
def any_kind(request):
    return kind_of(request.param, request)


@pytest.fixture
def centralization(mindspore, monkeypatch):
    """MindSpore's CPU can centralize: its operator as documented."""
    from mindspore.nn.optim import optimizer

    class Centralization(mindspore.nn.Cell):
        def construct(self, x, axes):
            return x - mindspore.ops.ReduceMean(keep_dims=True)(x, axes)

    monkeypatch.setattr(optimizer, "op_gc", Centralization())


@pytest.fixture
def shapes():
    prefix = f"net{next(fresh)}"
    return {f"{prefix}.{name}": shape for name, shape in SHAPES.items()}


@pytest.fixture
def quiet():
    """MindSpore's own warnings while it saves and loads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield
