"""Layers and first values: the numbers of MindSpore and of mathematics."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from calando.mindspore.network import dtype as mstype
from calando.mindspore.network import layers, losses
from calando.mindspore.network.grad import value_and_grad
from calando.mindspore.network.initializer import initializer
from calando.mindspore.network.seed import set_seed
from calando.mindspore.network.tensor import Tensor

nn = SimpleNamespace(**{name: getattr(layers, name) for name in layers.__all__})
nn.CrossEntropyLoss = losses.CrossEntropyLoss

# what is made in either framework, and the shape it is called with
ROWS = [
    ("Conv2d(3, 4, 3)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, has_bias=True)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 2)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, stride=2)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, (3, 5), stride=(2, 3), dilation=(2, 1))", (2, 3, 9, 11)),
    ("Conv2d(3, 4, 1, stride=3)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, dilation=2)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, pad_mode='valid', has_bias=True)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, (2, 3), stride=2, pad_mode='valid')", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, pad_mode='pad')", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, pad_mode='pad', padding=1)", (2, 3, 7, 8)),
    ("Conv2d(3, 4, 3, pad_mode='pad', padding=(0, 1, 2, 3))", (2, 3, 7, 8)),
    ("Conv2d(4, 6, 3, group=2, has_bias=True)", (2, 4, 7, 8)),
    ("Conv2d(4, 4, 3, pad_mode='pad', padding=2, stride=2, group=4)", (2, 4, 7, 8)),
    ("Dense(4, 3)", (5, 4)),
    ("Dense(4, 3, has_bias=False)", (5, 4)),
    ("Dense(4, 3, activation='relu')", (5, 4)),
    ("Dense(4, 3, activation=nn.ReLU())", (2, 5, 4)),
    ("Dense(4, 3)", (4,)),
    ("BatchNorm2d(3)", (2, 3, 4, 5)),
    ("BatchNorm2d(3).set_train()", (2, 3, 4, 5)),
    ("BatchNorm2d(3, eps=0.1, momentum=0.3, affine=False).set_train()", (2, 3, 4, 5)),
    ("BatchNorm2d(3, gamma_init='zeros', beta_init='ones', moving_var_init='ones')", (2, 3, 4, 5)),
    ("BatchNorm2d(3, use_batch_statistics=True)", (2, 3, 4, 5)),
    ("BatchNorm2d(3, use_batch_statistics=False).set_train()", (2, 3, 4, 5)),
    ("BatchNorm1d(3)", (4, 3)),
    ("BatchNorm1d(3).set_train()", (4, 3)),
    ("BatchNorm1d(3, momentum=0.5).set_train()", (4, 3, 5)),
    ("LayerNorm((4,))", (2, 3, 4)),
    ("LayerNorm([3, 4], begin_norm_axis=1, begin_params_axis=1, epsilon=0.1)", (2, 3, 4)),
    ("Identity()", (2, 3)),
    ("MaxPool2d()", (2, 3, 5, 6)),
    ("MaxPool2d(2, 2)", (2, 3, 5, 6)),
    ("MaxPool2d((2, 3), (1, 2))", (2, 3, 5, 6)),
    ("MaxPool2d(3, 2, pad_mode='same')", (2, 3, 5, 6)),
    ("MaxPool2d(2, 1, pad_mode='same')", (2, 3, 5, 6)),
    ("MaxPool2d(3, 2, pad_mode='pad', padding=1)", (2, 3, 5, 6)),
    ("MaxPool2d(2, 2, pad_mode='pad', padding=(1, 0), dilation=2, ceil_mode=True)", (2, 3, 6, 7)),
    ("MaxPool2d(2, 2)", (3, 5, 6)),
    ("AvgPool2d()", (2, 3, 5, 6)),
    ("AvgPool2d(2, 2)", (2, 3, 5, 6)),
    ("AvgPool2d((2, 3), (1, 2))", (2, 3, 5, 6)),
    ("AvgPool2d(3, 2, pad_mode='same')", (2, 3, 5, 6)),
    ("AvgPool2d(2, 1, pad_mode='same')", (2, 3, 5, 6)),
    ("AvgPool2d(3, 2, pad_mode='pad', padding=1)", (2, 3, 5, 6)),
    ("AvgPool2d(3, 2, pad_mode='pad', padding=1, count_include_pad=False)", (2, 3, 5, 6)),
    ("AvgPool2d(3, 2, pad_mode='pad', padding=(1, 0), ceil_mode=True)", (2, 3, 6, 7)),
    ("AvgPool2d(3, 2, pad_mode='pad', divisor_override=5)", (2, 3, 6, 7)),
    ("AvgPool2d(2, 2)", (3, 5, 6)),
    ("GroupNorm(2, 6)", (2, 6, 4, 5)),
    ("GroupNorm(1, 6, eps=0.1, affine=False)", (2, 6, 4, 5)),
    ("LogSoftmax()", (2, 3)),
    ("LogSoftmax(axis=0)", (2, 3)),
    ("AdaptiveMaxPool2d((5, 5))", (2, 3, 8, 8)),
    ("AdaptiveMaxPool2d(3)", (2, 3, 8, 7)),
    ("AdaptiveMaxPool2d((3, None))", (2, 3, 8, 7)),
    ("AdaptiveMaxPool2d((5, 5))", (1, 2, 3, 3)),
    ("ReLU()", (2, 3)),
    ("GELU()", (2, 3)),
    ("LeakyReLU()", (2, 3)),
    ("LeakyReLU(0.01)", (2, 3)),
    ("GELU(approximate=False)", (2, 3)),
    ("Sigmoid()", (2, 3)),
    ("Tanh()", (2, 3)),
    ("Softmax()", (2, 3)),
    ("Softmax(axis=0)", (2, 3)),
    ("Flatten()", (2, 3, 4)),
    ("Flatten(0, 1)", (2, 3, 4)),
    ("Dropout(p=0.5)", (2, 3)),
    ("Dropout(keep_prob=0.25)", (2, 3)),
    (
        "SequentialCell(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dense(50, 2))",
        (3, 1, 5, 5),
    ),
]


def same_parameters(net, rng):
    """Give parameters, in their order, numbers that depend on the generator alone."""
    for p in net.get_parameters():
        values = rng.standard_normal(p.shape).astype("f4")
        yield p, abs(values) + 0.5 if "var" in p.name else values


# 1. The framework: the same numbers from the same parameters.


@pytest.mark.parametrize(("row", "shape"), ROWS)
def test_forward_and_moving_statistics(mindspore, row, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype("f4")
    ours, theirs = eval(f"nn.{row}", {"nn": nn}), eval(f"nn.{row}", {"nn": mindspore.nn})
    for p, values in same_parameters(ours, np.random.default_rng(2)):
        p.set_data(values)
    for p, values in same_parameters(theirs, np.random.default_rng(2)):
        p.set_data(mindspore.Tensor(values))
    mine, original = ours(Tensor(x)), theirs(mindspore.Tensor(x))
    assert type(mine) is Tensor and mine.shape == original.shape
    # MindSpore's tanh on CPU is a polynomial, off by up to 1e-5
    np.testing.assert_allclose(mine.asnumpy(), original.asnumpy(), rtol=1e-5, atol=1e-5)
    for p, q in zip(ours.get_parameters(), theirs.get_parameters(), strict=True):
        assert (p.name, p.shape, p.requires_grad) == (q.name, q.shape, q.requires_grad)
        np.testing.assert_allclose(p.asnumpy(), q.asnumpy(), rtol=1e-5, atol=1e-6)


def test_batch_norm_over_three_steps_and_then_in_evaluation(mindspore):
    """The moving variance takes the unbiased variance, in both."""
    ours, theirs = nn.BatchNorm2d(3).set_train(), mindspore.nn.BatchNorm2d(3).set_train()
    rng = np.random.default_rng(0)
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = (2 * rng.standard_normal((2, 3, 2, 2)) + 1).astype("f4")
        mine, original = ours(Tensor(x)), theirs(mindspore.Tensor(x))
        np.testing.assert_allclose(mine.asnumpy(), original.asnumpy(), rtol=1e-5, atol=1e-5)
        mean = 0.9 * mean + 0.1 * x.mean((0, 2, 3))
        variance = 0.9 * variance + 0.1 * x.var((0, 2, 3), ddof=1)
    for net in (ours, theirs):
        np.testing.assert_allclose(net.moving_mean.asnumpy(), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(net.moving_variance.asnumpy(), variance, rtol=1e-5)
    ours.set_train(False), theirs.set_train(False)
    np.testing.assert_allclose(ours(Tensor(x)).asnumpy(), theirs(mindspore.Tensor(x)).asnumpy(), rtol=1e-5, atol=1e-5)


def test_gradients_of_the_guides_layers(mindspore):
    x = np.random.default_rng(3).standard_normal((4, 3, 8, 8)).astype("f4")
    labels = np.array([0, 1, 2, 1], "i4")

    def gradients(nn, words, value_and_grad):
        net = nn.SequentialCell(
            nn.Conv2d(3, 5, 3, pad_mode="pad", padding=1),
            nn.BatchNorm2d(5),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.AdaptiveMaxPool2d((2, 2)),
            nn.Flatten(),
            nn.Dense(20, 3),
        ).set_train()
        for p, values in same_parameters(net, np.random.default_rng(4)):
            p.set_data(words(values))
        loss = nn.CrossEntropyLoss()
        value, gradients = value_and_grad(lambda x, y: loss(net(x), y), None, net.trainable_params())(
            words(x), words(labels)
        )
        return [value.asnumpy(), *(gradient.asnumpy() for gradient in gradients)]

    mine = gradients(nn, Tensor, value_and_grad)
    original = gradients(mindspore.nn, mindspore.Tensor, mindspore.value_and_grad)
    for a, b in zip(mine, original, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)  # sums of float32 in another order


# 2. The mathematics.


@pytest.mark.parametrize("make", [lambda: nn.Dense(75, 400), lambda: nn.Conv2d(3, 400, 5, has_bias=True)])
def test_first_values_are_uniform_up_to_one_over_root_fan_in(make):
    """Of n values uniform in ±b: standard deviation b/√3, the largest above b(1 - 20/n) but for e⁻²⁰."""
    set_seed(0)
    net, bound = make(), 1 / math.sqrt(75)
    for p in (net.weight, net.bias):
        values = p.asnumpy().ravel()
        assert bound * (1 - 20 / values.size) < abs(values).max() <= bound
        assert abs(values.mean()) < 5 * bound / math.sqrt(3 * values.size)
        assert abs(values.std() / (bound / math.sqrt(3)) - 1) < 5 / math.sqrt(values.size)


def test_mindspore_has_these_bounds_too(mindspore):
    net, bound = mindspore.nn.Dense(75, 400), 1 / math.sqrt(75)
    for p in (net.weight, net.bias):
        values = abs(p.asnumpy())
        assert bound * (1 - 20 / values.size) < values.max() <= bound * (1 + 1e-6)


def test_one_seed_one_network():
    def weights():
        set_seed(3)
        return [p.tolist() for p in nn.SequentialCell(nn.Conv2d(1, 2, 3), nn.Dense(2, 2)).get_parameters()]

    assert weights() == weights()


@pytest.mark.parametrize(
    ("name", "spread", "most"),
    [
        ("uniform", 0.07 / math.sqrt(3), 0.07),
        ("normal", 0.01, math.inf),
        ("truncatedNormal", 0.01, 2.0),  # the cut is at ±2, not at 2σ, in both
        ("he_uniform", math.sqrt(2 / 300), math.sqrt(6 / 300)),
        ("HeNormal", math.sqrt(2 / 300), math.inf),
        ("xavier_uniform", math.sqrt(2 / 700), math.sqrt(6 / 700)),
        ("xavier_normal", math.sqrt(2 / 700), math.inf),
    ],
)
def test_named_first_values(mindspore, name, spread, most):
    set_seed(1)
    ours = initializer(name, (400, 300)).numpy()
    from mindspore.common.initializer import initializer as original

    for values in (ours, original(name, [400, 300], mindspore.float32).init_data().asnumpy()):
        assert abs(values.std() / spread - 1) < 0.02
        assert abs(values.mean()) < 0.02 * spread
        assert abs(values).max() <= most * (1 + 1e-6)


def test_first_values_by_number_tensor_and_function():
    assert initializer(0.5, (2,)).tolist() == [0.5, 0.5]
    assert initializer(np.array([1.0, 2.0]), (2,), "float64").dtype == torch.float64
    layer = nn.Dense(2, 2, weight_init=torch.nn.init.eye_, bias_init=Tensor([1.0, 2.0]))
    assert layer(Tensor([[3.0, 4.0]])).tolist() == [[4.0, 6.0]]


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_same_has_ceil_of_length_over_stride_places(length, kernel, stride, dilation):
    x = Tensor(np.ones((1, 1, length, length), "f4"))
    places = -(-length // stride)
    assert nn.Conv2d(1, 1, kernel, stride, dilation=dilation)(x).shape == (1, 1, places, places)
    pooled = nn.MaxPool2d(kernel, stride, pad_mode="same")(x)
    assert pooled.shape == (1, 1, places, places) and (pooled == 1).all(), "no border may win"


def test_batch_norm_makes_mean_0_and_variance_1():
    x = np.random.default_rng(8).standard_normal((16, 2, 5, 5)) * 3 + 7
    y = nn.BatchNorm2d(2, eps=1e-12, dtype=mstype.float64).set_train()(Tensor(x)).asnumpy()
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-9)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-9)


def test_dropout_keeps_the_mean_and_leaves_out_its_share():
    set_seed(0)
    y = nn.Dropout(p=0.25).set_train()(Tensor(np.ones(40_000, "f4"))).asnumpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.01  # 4.6 standard deviations


def test_pooled_values_come_from_the_places_returned():
    x = np.random.default_rng(9).permutation(36).reshape(1, 1, 6, 6).astype("f4")
    for layer in (nn.MaxPool2d(2, 2, pad_mode="pad", return_indices=True), nn.AdaptiveMaxPool2d(3, True)):
        values, places = layer(Tensor(x))
        assert x.ravel()[places.asnumpy()].tolist() == values.tolist()


# 3. The machine.


def test_layers_take_plain_torch_tensors():
    assert nn.Dense(2, 1)(torch.ones(3, 2)).shape == (3, 1)


def test_types_of_parameters():
    assert nn.Dense(2, 1, dtype=mstype.float64)(Tensor(np.ones((3, 2)))).dtype == torch.float64
    assert nn.Conv2d(1, 1, 1, dtype="float16").weight.dtype == torch.float16


def test_embedding(mindspore):
    """Rows of the table; the same rows get the gradients."""
    ids = np.array([[0, 3, 3], [1, 0, 2]], "i4")
    table = np.random.default_rng(0).standard_normal((5, 2)).astype("f4")

    def run(words, kit, value_and_grad):
        layer = kit.Embedding(5, 2, embedding_table=words(table.copy()))
        _, grads = value_and_grad(lambda x: (layer(x) ** 2).sum(), None, [*layer.trainable_params()])(words(ids))
        return layer(words(ids)).asnumpy(), grads[0].asnumpy(), [p.name for p in layer.get_parameters()]

    ours = run(Tensor, nn, value_and_grad)
    theirs = run(mindspore.Tensor, mindspore.nn, mindspore.value_and_grad)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6)
    assert ours[2] == theirs[2] == ["embedding_table"]
    assert nn.Embedding(5, 2, padding_idx=1).embedding_table[1].abs().sum() == 0


@pytest.mark.parametrize(("axis", "most"), [(None, 1.0), (None, 100.0), ((0, 1), 0.5)])
def test_clipping_by_the_norm_of_one_tensor(mindspore, axis, most):
    x = np.random.default_rng(3).standard_normal((4, 3)).astype("f4")
    ours = nn.ClipByNorm(axis)(Tensor(x), Tensor(np.float32(most))).asnumpy()
    theirs = mindspore.nn.ClipByNorm(axis)(mindspore.Tensor(x), mindspore.Tensor(np.float32(most))).asnumpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    ours = nn.ClipByNorm(1)(Tensor(x), most).asnumpy()
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(ours, x * most / np.maximum(lengths, most), rtol=1e-5)
