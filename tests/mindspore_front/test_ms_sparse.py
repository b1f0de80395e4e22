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


# Live: MindSpore makes sparse gradients in GRAPH_MODE only, from an EmbeddingLookup.

PICKED = np.random.default_rng(2).standard_normal((4, 3, 3)).astype("f4")
LIVE = [
    ("LazyAdam", {}),
    ("LazyAdam", {"use_nesterov": True, "loss_scale": 4.0}),
    ("LazyAdam", {"weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"weight_decay": 0.1, "loss_scale": 8.0, "use_nesterov": True}),
    ("Adam", {"use_lazy": True}),
    ("Adam", {"use_lazy": True, "weight_decay": 0.1}),
    ("FTRL", {"l2": 0.1}),
]


@pytest.fixture
def looked_up():
    """A function: class, options and rows → MindSpore's table after each of four steps."""
    mindspore = pytest.importorskip("mindspore")

    class Net(mindspore.nn.Cell):
        def __init__(self):
            super().__init__()
            first = mindspore.Tensor(START.copy())
            self.rows = mindspore.nn.EmbeddingLookup(*SHAPE, param_init=first, target="CPU", sparse=True)

        def construct(self, indices, weights):
            return (self.rows(indices) * weights).sum()

    def played(name, options, indices):
        net = Net()
        optimizer = getattr(mindspore.nn, name)(net.trainable_params(), learning_rate=0.1, **options)
        step = mindspore.nn.TrainOneStepCell(net, optimizer)
        for values in PICKED:
            step(mindspore.Tensor(indices, mindspore.int32), mindspore.Tensor(values[: len(indices)]))
            yield net.rows.embedding_table.asnumpy().copy()

    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    yield played
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)


def ours_after(name, options, indices):
    """calando's table after each of the same steps."""
    param = ms.Parameter(START.copy(), name="table")
    optimizer = getattr(nn, name)([param], learning_rate=0.1, **options)
    for values in PICKED:
        optimizer((ms.RowTensor(indices, values[: len(indices)], SHAPE),))
        yield param.asnumpy().copy()


@pytest.mark.parametrize("name, options", LIVE, ids=str)
def test_rows_move_as_in_mindspore(looked_up, name, options):
    for theirs, mine in zip(looked_up(name, options, [4, 1]), ours_after(name, options, [4, 1]), strict=True):
        assert np.abs(mine - theirs).max() <= 1e-5 * np.abs(theirs).max()
        np.testing.assert_array_equal(mine[[0, 2, 3, 5]], START[[0, 2, 3, 5]])


def test_a_row_that_comes_twice_is_summed(looked_up):
    """docs/mindspore_quirks.md: MindSpore's CPU kernel takes the two one after the other."""
    *_, mine = ours_after("FTRL", {}, [4, 1, 4])
    *_, theirs = looked_up("FTRL", {}, [4, 1, 4])
    dense = START.copy()
    optimizer = nn.FTRL([dense], learning_rate=0.1)
    for values in PICKED:
        whole = np.zeros(SHAPE, "f4")
        np.add.at(whole, [4, 1, 4], values)
        optimizer((whole,))
    np.testing.assert_array_equal(mine[[1, 4]], dense[[1, 4]])
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-5)
    assert np.abs(mine[4] - theirs[4]).max() > 0.1


@KINDS
@pytest.mark.parametrize("grouped", [False, True])
def test_adam_decays_the_rows_of_a_sparse_gradient_only(kind, grouped):
    """As a parameter without decay whose gradient has it in these rows; of a dense gradient, later, everywhere."""
    param, gradient, read = kind(f"decayed_{grouped}")
    given = [{"params": [param], "weight_decay": 0.1}] if grouped else [param]
    optimizer = nn.Adam(given, learning_rate=0.1, weight_decay=0.1, loss_scale=4.0)
    other = START.copy()
    beside = nn.Adam([other], learning_rate=0.1, loss_scale=4.0)
    for _ in range(3):
        whole = dense()
        whole[[4, 1]] += other[[4, 1]] * np.float32(0.4)
        optimizer((gradient,)), beside((whole,))
        np.testing.assert_allclose(read(), other, rtol=1e-6)
    np.testing.assert_array_equal(read()[[0, 2, 3, 5]], START[[0, 2, 3, 5]])
    full = type(gradient.values)(dense())
    if kind is plain:
        full = dense()
    optimizer((full,)), beside((dense() + other * np.float32(0.4),))
    np.testing.assert_allclose(read(), other, rtol=1e-6)
    optimizer.weight_decay = 0.0
    optimizer((gradient,)), beside((dense(),))
    np.testing.assert_allclose(read(), other, rtol=1e-6)


def test_rows_that_are_not_there_are_told_before_anything_decays():
    param, _, read = ours("out_of_range")
    optimizer = nn.Adam([param], learning_rate=0.1, weight_decay=0.1)
    with pytest.raises(
        ValueError, match=r"For 'Adam': the gradient of parameter 'out_of_range' of group 0 has rows that"
    ):
        optimizer((ms.RowTensor([9], VALUES[:1], SHAPE),))
    np.testing.assert_array_equal(read(), START)
