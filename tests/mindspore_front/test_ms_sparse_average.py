"""ema= beside sparse gradients: the average follows every row in every step, as by hand; in both front ends."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import calando.mindspore as ms  # noqa: E402
from calando import torch as ct  # noqa: E402
from calando.mindspore import nn  # noqa: E402

STEPS = [[0, 3], [3], [], [1, 3, 3], "dense", [2]]
KEEP = [0.5, 0.9, 0.75, 0.0, 0.5, 0.9]


def pushed(step):
    return np.random.default_rng(step).standard_normal((len(STEPS[step]), 2)).astype("f4")


def by_hand(p_now, mean, step):
    return mean + (p_now - mean) * np.float32(1 - KEEP[step])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("make", [nn.LazyAdam, lambda p, **o: nn.Adam(p, use_lazy=True, **o), nn.Adam, nn.FTRL])
def test_mindspores_front_end(make, dtype):
    p = ms.Parameter(ms.Tensor(np.ones((4, 2), dtype)), name="table")
    q = ms.Parameter(np.ones(3, "f4"), name="dense")
    optimizer = make([p, q], learning_rate=0.1, ema=KEEP)
    means = [p.asnumpy().astype("f4"), q.asnumpy().copy()]
    for step, rows in enumerate(STEPS):
        if rows == "dense":
            g = ms.Tensor(np.ones((4, 2), dtype))
        else:
            g = ms.RowTensor(ms.Tensor(np.array(rows, "i4")), ms.Tensor(pushed(step).astype(dtype)), (4, 2))
        optimizer((g, ms.Tensor(np.ones(3, "f4"))))
        means = [by_hand(x.asnumpy().astype("f4"), e, step) for x, e in zip((p, q), means, strict=True)]
        for found, wanted in zip(optimizer.ema_parameters(), means, strict=True):
            exact = 1e-3 if dtype == "float16" else 2e-7  # the average follows p before it is rounded to half precision
            np.testing.assert_allclose(found.asnumpy(), wanted, rtol=exact, atol=exact)


@pytest.mark.parametrize("make", [ct.SparseAdam, ct.LazyAdam, ct.Adagrad, ct.SGD])
def test_torchs_front_end(make):
    p = torch.nn.Parameter(torch.ones(4, 2))
    optimizer = make([p], lr=0.1, ema=KEEP)
    mean = p.detach().numpy().copy()
    for step, rows in enumerate(STEPS):
        if rows == "dense":
            continue
        where, values = torch.tensor([rows], dtype=torch.int64), torch.from_numpy(pushed(step))
        p.grad = torch.sparse_coo_tensor(where, values, (4, 2), check_invariants=True).coalesce()
        optimizer.step()
        mean = by_hand(p.detach().numpy(), mean, len([s for s in STEPS[:step] if s != "dense"]))
        np.testing.assert_allclose(optimizer.ema_parameters()[0].numpy(), mean, rtol=2e-7, atol=2e-7)


def test_numpy_arrays_and_real_mindspore():
    """The same bits for all."""
    mindspore = pytest.importorskip("mindspore")
    paths = []
    for kind in ("numpy", "mindspore", "calando"):
        words = {"numpy": None, "mindspore": mindspore, "calando": ms}[kind]
        tensor = (lambda x: x) if words is None else words.Tensor
        start = np.ones((4, 2), "f4")
        p = start if words is None else words.Parameter(words.Tensor(start), name="table")
        optimizer = nn.LazyAdam([p], learning_rate=0.1, ema=KEEP)
        for step, rows in enumerate(STEPS[:2]):
            optimizer((Sparse(tensor(np.array(rows, "i4")), tensor(pushed(step))),) if kind != "calando" else (
                ms.RowTensor(ms.Tensor(np.array(rows, "i4")), ms.Tensor(pushed(step)), (4, 2)),))  # fmt: skip
        (mean,) = optimizer.ema_parameters()
        paths.append(np.array(mean if words is None else mean.asnumpy()))
    assert np.array_equal(paths[0], paths[1]) and np.array_equal(paths[0], paths[2])


class Sparse:
    """A sparse gradient, as MindSpore's RowTensor."""

    def __init__(self, indices, values):
        self.indices, self.values, self.dense_shape = indices, values, (4, 2)
