"""Sparse gradients in MindSpore's manners: RowTensor, on every kind of parameter."""

import numpy as np
import pytest

import calando.mindspore as ms
from calando.mindspore import nn

ROWED = [("LazyAdam", {}), ("LazyAdam", {"use_nesterov": True}), ("Adam", {"use_lazy": True}), ("FTRL", {"l1": 0.01}),
         ("ProximalAdagrad", {"l1": 0.01})]  # fmt: skip
START = np.random.default_rng(0).standard_normal((6, 3)).astype("f4")
VALUES = np.random.default_rng(1).standard_normal((2, 3)).astype("f4")
SHAPE = (6, 3)


def real(name):
    mindspore = pytest.importorskip("mindspore")
    param = mindspore.Parameter(mindspore.Tensor(START.copy()), name=name)
    gradient = mindspore.RowTensor(mindspore.Tensor([4, 1], mindspore.int32), mindspore.Tensor(VALUES), SHAPE)
    return param, gradient, param.asnumpy


def ours(name):
    param = ms.Parameter(START.copy(), name=name)
    return param, ms.RowTensor([4, 1], VALUES, SHAPE), lambda: param.asnumpy()


def plain(name):
    param = START.copy()
    return param, ms.RowTensor([4, 1], VALUES, SHAPE), lambda: param


KINDS = pytest.mark.parametrize("kind", [real, ours, plain], ids=lambda kind: kind.__name__)


def dense():
    whole = np.zeros(SHAPE, "f4")
    whole[[4, 1]] = VALUES
    return whole


@KINDS
@pytest.mark.parametrize("name, options", ROWED, ids=str)
def test_only_the_rows_move_and_move_as_in_a_dense_step(kind, name, options):
    param, gradient, read = kind(f"sparse_{name}_{len(options)}")
    optimizer = getattr(nn, name)([param], learning_rate=0.1, **options)
    other = START.copy()
    beside = getattr(nn, name)([other], learning_rate=0.1, **options)
    for _ in range(3):
        optimizer((gradient,)), beside((dense(),))
    np.testing.assert_array_equal(read()[[1, 4]], other[[1, 4]])
    np.testing.assert_array_equal(read()[[0, 2, 3, 5]], START[[0, 2, 3, 5]])


@KINDS
@pytest.mark.parametrize("name", ["Adam", "AdamOffload"])
def test_adam_takes_zeros_elsewhere(kind, name):
    param, gradient, read = kind(f"whole_{name}")
    optimizer, other = getattr(nn, name)([param], learning_rate=0.1), START.copy()
    beside = getattr(nn, name)([other], learning_rate=0.1)
    for _ in range(3):
        optimizer((gradient,)), beside((dense(),))
    np.testing.assert_array_equal(read(), other)


@KINDS
def test_others_refuse(kind):
    param, gradient, read = kind("refused")
    optimizer = nn.Momentum([param], learning_rate=0.1, momentum=0.9)
    with pytest.raises(RuntimeError, match=r"For 'Momentum': the gradient of parameter .* is sparse, which this"):
        optimizer((gradient,))
    np.testing.assert_array_equal(read(), START)


def test_lazyadam_is_as_mindspore_documents_it():
    # mindspore.nn.LazyAdam: for the rows of the gradient, Adam with one clock for all
    param, gradient, read = ours("documented")
    optimizer = nn.LazyAdam([param], learning_rate=0.1)
    x, m, v = START[[4, 1]].astype(float), 0.0, 0.0
    for t in range(1, 4):
        optimizer((gradient,))
        m, v = 0.9 * m + 0.1 * VALUES, 0.999 * v + 0.001 * VALUES.astype(float) ** 2
        x = x - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(read()[[4, 1]], x, rtol=2e-5)
