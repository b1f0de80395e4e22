"""First values by MindSpore's initializers: its arguments, the moments and bounds that the formulas give."""

import inspect
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calando.mindspore.common import initializer as room  # noqa: E402
from calando.mindspore.common.initializer import (  # noqa: E402
    Constant,
    HeNormal,
    HeUniform,
    Identity,
    Normal,
    One,
    Orthogonal,
    Sparse,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    XavierNormal,
    XavierUniform,
    Zero,
    initializer,
)

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import nn  # noqa: E402

SHAPE = (300, 200)  # fan_out 300, fan_in 200
LEAKY = math.sqrt(2 / (1 + 0.2**2))
# initializer → (mean, deviation, the bound that nothing passes)
KNOWN = [
    (Uniform(0.5), 0, 0.5 / math.sqrt(3), 0.5),
    (Uniform(-0.5), 0, 0.5 / math.sqrt(3), 0.5),
    (Normal(0.02), 0, 0.02, math.inf),
    (Normal(2.0, 5.0), 5, 2, math.inf),
    (TruncatedNormal(0.02), 0, 0.02, 2),
    (TruncatedNormal(100.0, 0.0, -3.0, 3.0), 0, 3 / math.sqrt(3), 3),  # so wide that it is uniform
    (HeUniform(), 0, math.sqrt(2 / 200), math.sqrt(6 / 200)),
    (HeUniform(0.2, mode="fan_out"), 0, LEAKY / math.sqrt(300), LEAKY * math.sqrt(3 / 300)),
    (HeNormal(nonlinearity="relu"), 0, math.sqrt(2 / 200), math.inf),
    (XavierUniform(), 0, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    (XavierNormal(gain=3), 0, 3 * math.sqrt(2 / 500), math.inf),
    (VarianceScaling(2.0, "fan_avg", "uniform"), 0, math.sqrt(2 / 250), math.sqrt(6 / 250)),
    (VarianceScaling(2.0, "fan_out", "untruncated_normal"), 0, math.sqrt(2 / 300), math.inf),
    (VarianceScaling(), 0, math.sqrt(1 / 200), 2 * math.sqrt(1 / 200) / 0.8796),
    ("xavier_uniform", 0, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    ("XavierUniform", 0, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    ("truncatedNormal", 0, 0.01, 2),
    ("uniform", 0, 0.07 / math.sqrt(3), 0.07),
    ("normal", 0, 0.01, math.inf),
    ("he_normal", 0, math.sqrt(2 / 200), math.inf),
]


@pytest.mark.parametrize("init, mean, deviation, bound", KNOWN, ids=[str(i) for i in range(len(KNOWN))])
def test_mean_deviation_and_bounds(init, mean, deviation, bound):
    torch.manual_seed(0)
    found = initializer(init, SHAPE, ms.float32).init_data().asnumpy()
    assert found.dtype == np.float32 and found.shape == SHAPE
    assert abs(found.mean() - mean) < 5 * deviation / math.sqrt(found.size)
    assert found.std() == pytest.approx(deviation, rel=0.015)
    assert np.abs(found).max() <= bound * (1 + 1e-6)


def test_exact_ones():
    assert (initializer(Zero(), (2, 3)).asnumpy() == 0).all() and (initializer(One(), (2, 3)).asnumpy() == 1).all()
    assert (initializer(Constant(0.25), [4]).asnumpy() == 0.25).all()
    assert (initializer("ones", [2]).asnumpy() == 1).all() and (initializer(3, [2]).asnumpy() == 3).all()
    assert np.array_equal(initializer(Identity(), (3, 4)).asnumpy(), np.eye(3, 4))
    q = initializer(Orthogonal(2.0), (6, 9)).asnumpy()
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(6), atol=1e-5)
    assert ((initializer(Sparse(0.25), (8, 5)).asnumpy() == 0).sum(0) == 2).all()
    assert initializer(Normal(), (2, 2), ms.float16).dtype == ms.float16


def test_in_layers_and_afterwards():
    torch.manual_seed(1)
    dense = nn.Dense(400, 300, weight_init=TruncatedNormal(0.02), bias_init=Constant(0.5))
    conv = nn.Conv2d(
        8, 64, 3, weight_init=HeNormal(mode="fan_out", nonlinearity="relu"), has_bias=True, bias_init=Zero()
    )
    embedding = nn.Embedding(500, 64, embedding_table=Normal(0.02))
    norm = nn.BatchNorm2d(4, gamma_init=Constant(0.1), beta_init=One())
    assert dense.weight.asnumpy().std() == pytest.approx(0.02, rel=0.02) and (dense.bias.asnumpy() == 0.5).all()
    assert conv.weight.asnumpy().std() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
    assert (conv.bias.asnumpy() == 0).all() and embedding.embedding_table.asnumpy().std() == pytest.approx(
        0.02, rel=0.02
    )
    assert (norm.gamma.asnumpy() == np.float32(0.1)).all() and (norm.beta.asnumpy() == 1).all()
    for _, cell in nn.SequentialCell([dense, conv]).cells_and_names():
        if isinstance(cell, (nn.Dense, nn.Conv2d)):
            address = cell.weight.data_ptr()
            cell.weight.set_data(initializer(XavierUniform(), cell.weight.shape, cell.weight.dtype))
            assert cell.weight.data_ptr() == address
    assert np.abs(dense.weight.asnumpy()).max() <= math.sqrt(6 / 700)
    assert ms.Parameter(initializer(Normal(0.02), [2, 3], ms.float32), name="w").name == "w"
    assert ms.Tensor(shape=(2, 3), dtype=ms.float32, init=One()).init_data().asnumpy().tolist() == [[1] * 3] * 2


def test_one_of_ones_own_as_mindspore_documents_it():
    class Counting(room.Initializer):
        def _initialize(self, arr):
            arr[:] = np.arange(arr.size).reshape(arr.shape)

    assert initializer(Counting(), (2, 3), ms.float16).asnumpy().tolist() == [[0, 1, 2], [3, 4, 5]]

    class Away(Normal):
        def _initialize(self, arr):
            super()._initialize(arr)
            arr[...] = 1 + np.abs(arr)

    for dtype in (ms.float16, ms.bfloat16, ms.float32, ms.float64):
        values = initializer(Away(0.5), (1000,), dtype)
        assert values.dtype == dtype and values.min() >= 1 and 1.3 < values.float().mean() < 1.5
    with pytest.raises(NotImplementedError, match="Bare has no _initialize"):
        initializer(type("Bare", (room.Initializer,), {})(), (2,))


def test_the_arguments_are_mindspores(mindspore):
    theirs = pytest.importorskip("mindspore.common.initializer")
    for name in room.__all__:
        ours, other = (inspect.signature(getattr(module, name)).parameters for module in (room, theirs))
        assert list(ours) == list(other), name
        assert [p.default for p in ours.values()][:1] == [p.default for p in other.values()][
            :1
        ] or name == "initializer"


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: initializer("xavier", (2, 2)), r"no initial values are called 'xavier' \(did you mean 'xavier"),
        (lambda: initializer(Normal, (2, 2)), r"given by an object: Normal\(\), not the class Normal"),
        (lambda: initializer([1], (2, 2)), r"must be a name, number, tensor or function, not \[1\]"),
        (lambda: VarianceScaling(mode="in"), "For 'VarianceScaling': 'mode' must be one of fan_in, fan_out, fan_avg"),
        (lambda: VarianceScaling(0.0), "For 'VarianceScaling': 'scale' must be above 0, but got 0"),
        (
            lambda: nn.Dense(2, 2, weight_init=np.ones(3)),
            r"initial values have shape \(3,\) and the parameter \(2, 2\)",
        ),
    ],
)
def test_refused_in_one_sentence(make, told):
    with pytest.raises((TypeError, ValueError), match=told):
        make()


LEAVES = [
    (
        "calando.mindspore.common.initializer",
        "Normall",
        r"did you mean 'Normal'\?.* Others are subclasses of Initializer",
    ),
    ("calando.mindspore.common.dtype", "float33", r"did you mean 'float32'\?"),
    ("calando.mindspore.log", "setLevel", "those of Python's logging.getLogger"),
    ("calando.mindspore.dataset", "vision", "Model takes any iterable of batches, a torch DataLoader"),
    ("calando.mindspore.dataset", "MnistDataset", "it has Dataset, GeneratorDataset, NumpySlicesDataset"),
    ("calando.mindspore.train.callback", "SummaryCollector", "Other callbacks are written as subclasses of Callback"),
    ("calando.mindspore.train", "BackupAndRestore", "Other callbacks and metrics are written as subclasses"),
    ("calando.mindspore.amp", "bar", "Networks here are computed in the types of their parameters"),
    ("calando.mindspore.common.api", "ms_function", "it is called jit now"),
]


@pytest.mark.parametrize("module, name, told", LEAVES, ids=[f"{m.split('.', 2)[2]}.{n}" for m, n, _ in LEAVES])
def test_what_a_module_lacks_is_told_at_the_import_too(module, name, told):
    with pytest.raises(ImportError, match=told):
        exec(f"from {module} import {name}")


def test_messages_go_through_logging(caplog):
    from calando.mindspore import log as logger

    with caplog.at_level("INFO", logger="calando.mindspore"):
        logger.info("lr %g", 0.5)
        assert logger.get_level() == "1"
    assert caplog.messages == ["lr 0.5"]
