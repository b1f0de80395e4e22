"""Losses: the numbers of MindSpore and of mathematics."""

import math

import numpy as np
import pytest

from calando.mindspore.network import losses as nn
from calando.mindspore.network.tensor import Tensor

LOSSES = [
    "CrossEntropyLoss()",
    "CrossEntropyLoss(weight=T([0.5, 1.0, 2.0]))",
    "CrossEntropyLoss(ignore_index=1)",
    "CrossEntropyLoss(reduction='sum')",
    "CrossEntropyLoss(reduction='none')",
    "CrossEntropyLoss(weight=T([0.5, 1.0, 2.0]), label_smoothing=0.1)",
]


@pytest.mark.parametrize("row", LOSSES)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5)])
def test_cross_entropy(mindspore, row, shape):
    rng = np.random.default_rng(5)
    logits, labels = (
        rng.standard_normal(shape).astype("f4"),
        rng.integers(0, 3, (shape[0], *shape[2:])).astype("i4"),
    )
    values = [
        eval(f"nn.{row}", {"nn": shelf, "T": words})(words(logits), words(labels)).asnumpy()
        for shelf, words in ((nn, Tensor), (mindspore.nn, mindspore.Tensor))
    ]
    assert values[0].shape == values[1].shape
    np.testing.assert_allclose(*values, rtol=1e-5, atol=1e-6)


def test_cross_entropy_of_probabilities(mindspore):
    rng = np.random.default_rng(6)
    logits, labels = rng.standard_normal((4, 3)).astype("f4"), rng.dirichlet([1, 1, 1], 4).astype("f4")
    values = [
        shelf.CrossEntropyLoss()(words(logits), words(labels)).asnumpy()
        for shelf, words in ((nn, Tensor), (mindspore.nn, mindspore.Tensor))
    ]
    np.testing.assert_allclose(*values, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mean_squared_error(mindspore, reduction):
    rng = np.random.default_rng(7)
    logits, labels = rng.standard_normal((2, 4, 3)).astype("f4")
    values = [
        shelf.MSELoss(reduction)(words(logits), words(labels)).asnumpy()
        for shelf, words in ((nn, Tensor), (mindspore.nn, mindspore.Tensor))
    ]
    np.testing.assert_allclose(*values, rtol=1e-6)


def test_cross_entropy_of_equal_logits_is_log_of_the_number_of_classes():
    for dtype in ("int8", "int32", "int64", "uint8"):
        value = nn.CrossEntropyLoss()(Tensor(np.zeros((4, 7))), Tensor([0, 3, 6, 1], dtype))
        assert value.item() == pytest.approx(math.log(7))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("sparse", [True, False])
def test_the_older_cross_entropy(mindspore, reduction, sparse):
    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((4, 3)).astype("f4"), rng.integers(0, 3, 4).astype("i4")
    labels = labels if sparse else np.eye(3, dtype="f4")[labels]
    ours = nn.SoftmaxCrossEntropyWithLogits(sparse, reduction)(Tensor(logits), Tensor(labels))
    theirs = mindspore.nn.SoftmaxCrossEntropyWithLogits(sparse, reduction)(
        mindspore.Tensor(logits), mindspore.Tensor(labels)
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours.asnumpy(), theirs.asnumpy(), rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mean_absolute_error(mindspore, reduction):
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((4, 3)).astype("f4"), rng.standard_normal((4, 3)).astype("f4")
    for name in ("L1Loss", "MAELoss"):
        ours = getattr(nn, name)(reduction)(Tensor(a), Tensor(b)).asnumpy()
        theirs = getattr(mindspore.nn, name)(reduction)(mindspore.Tensor(a), mindspore.Tensor(b)).asnumpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_binary_cross_entropy(mindspore, reduction):
    rng = np.random.default_rng(2)
    x, label = rng.standard_normal((4, 3)).astype("f4"), rng.random((4, 3)).astype("f4")
    weight, more = rng.random((4, 3)).astype("f4"), np.array([0.5, 1.0, 2.0], "f4")
    p, T = (1 / (1 + np.exp(-x))).astype("f4"), mindspore.Tensor
    ours = nn.BCELoss(Tensor(weight), reduction)(Tensor(p), Tensor(label)).asnumpy()
    theirs = mindspore.nn.BCELoss(T(weight), reduction)(T(p), T(label)).asnumpy()
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
    ours = nn.BCEWithLogitsLoss(reduction, Tensor(weight), Tensor(more))(Tensor(x), Tensor(label)).asnumpy()
    theirs = mindspore.nn.BCEWithLogitsLoss(reduction, T(weight), T(more))(T(x), T(label)).asnumpy()
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
