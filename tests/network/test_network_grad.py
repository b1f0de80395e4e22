"""value_and_grad and grad: MindSpore's shapes for every combination, and what they mean."""

import itertools
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calando.mindspore.network import layers as nn
from calando.mindspore.network.cell import Cell
from calando.mindspore.network.grad import grad, value_and_grad
from calando.mindspore.network.parameter import Parameter, ParameterTuple
from calando.mindspore.network.tensor import Tensor


class Case:
    """The same functions of the same numbers in either framework."""

    def __init__(self, words):
        self.words = words
        self.w = words.Parameter(words.Tensor([2.0, 3.0]), name="w")
        self.b = words.Parameter(words.Tensor([1.0]), name="b")
        self.unused = words.Parameter(words.Tensor([1.0, 1.0]), name="unused")
        self.frozen = words.Parameter(words.Tensor([2.0, 3.0]), name="frozen", requires_grad=False)
        self.x, self.y = words.Tensor([1.0, 2.0]), words.Tensor([3.0, 4.0])

    def one(self, x, y):
        return ((self.w * x * y).sum() + self.b).sum()

    def vector(self, x, y):
        return self.w * x * y * self.frozen

    def two(self, x, y):
        return (self.w * x * y).sum() + self.b.sum(), (self.w * x).sum()

    def three(self, x, y):
        return (self.w * x * y).sum() + self.b.sum(), self.w * x, y

    def nested(self, x, y):
        return (x * y).sum(), (x.sum(), (self.w * y).sum())

    def listed(self, x, y):
        return [(x * y).sum(), (self.w * x).sum()]

    def constant(self, x, y):
        return y * 2

    def weights(self, which):
        return {
            "none": None,
            "one": self.w,
            "list of one": [self.w],
            "list": [self.w, self.b],
            "tuple": (self.unused, self.w, self.frozen),
            "ParameterTuple": self.words.ParameterTuple([self.w, self.unused]),
            "twice": [self.w, self.w],
            "empty": [],
        }[which]


OURS = SimpleNamespace(
    Tensor=Tensor,
    Parameter=Parameter,
    ParameterTuple=ParameterTuple,
    value_and_grad=value_and_grad,
    grad=grad,
)
FUNCTIONS = ["one", "vector", "two", "three", "nested", "listed", "constant"]
POSITIONS = [None, 0, 1, (0,), (1,), (0, 1), (1, 0)]
WEIGHTS = ["none", "one", "list of one", "list", "tuple", "ParameterTuple", "twice", "empty"]
SEVERAL = [
    "two",
    "three",
    "nested",
]  # has_aux with one output is refused by both; MindSpore also refuses a list


def told(value):
    """Nests and numbers, comparable between frameworks; a Tensor may not be a Parameter."""
    if isinstance(value, (tuple, list)):
        return type(value).__name__, [told(part) for part in value]
    assert type(value).__name__ == "Tensor"
    return value.shape, value.asnumpy().tolist()


# 1. The framework: all combinations.


@pytest.mark.parametrize("way", ["value_and_grad", "grad"])
@pytest.mark.parametrize(
    ("function", "has_aux"),
    [(function, has_aux) for function in FUNCTIONS for has_aux in (False, True) if not has_aux or function in SEVERAL],
)
def test_every_combination(mindspore, function, has_aux, way):
    ours, theirs = Case(OURS), Case(mindspore)
    compared = 0
    for position, weights in itertools.product(POSITIONS, WEIGHTS):
        if position is None and weights == "none":
            continue  # both refuse: nothing to differentiate by
        results = [
            getattr(case.words, way)(getattr(case, function), position, case.weights(weights), has_aux)(case.x, case.y)
            for case in (ours, theirs)
        ]
        assert told(results[0]) == told(results[1]), (position, weights)
        compared += 1
    assert compared == len(POSITIONS) * len(WEIGHTS) - 1


RECORDED = {
    "second": lambda m, x, y, w: m.grad(m.grad(lambda x: (x**3 * y).sum()))(x),
    "third": lambda m, x, y, w: m.grad(m.grad(m.grad(lambda x: (x**4).sum())))(x),
    "mixed": lambda m, x, y, w: m.grad(lambda x, y: m.grad(lambda y: (x * y * y).sum())(y))(x, y),
    "penalty": lambda m, x, y, w: m.value_and_grad(
        lambda x: (m.grad(lambda x: ((x * w) ** 2).sum())(x) ** 2).sum() + (x * y).sum(), 0, [w]
    )(x),
    "sens": lambda m, x, y, w: m.value_and_grad(lambda x, y: x * y + x, (0, 1), sens_param=True)(x, y, x),
    "sens by name": lambda m, x, y, w: m.grad(lambda x, y: x * y * w, 0, [w], sens_param=True)(x, y, sens=y),
    "sens of two": lambda m, x, y, w: m.grad(lambda x, y: (x * y, x + y), sens_param=True)(x, y, (y, x)),
}


@pytest.mark.parametrize("case", RECORDED)
def test_gradients_of_gradients_and_of_weighed_outputs(mindspore, case):
    ours, theirs = (RECORDED[case](one.words, one.x, one.y, one.w) for one in (Case(OURS), Case(mindspore)))
    assert told(ours) == told(theirs)


def test_a_gradient_that_failed_leaves_the_next_one_detached():
    def broken(x):
        raise LookupError("no")

    x = Tensor([1.0, 2.0])
    with pytest.raises(LookupError):
        grad(broken)(x)
    assert not grad(lambda x: (x**2).sum())(x).requires_grad


@pytest.mark.parametrize(
    ("sens", "sentence"),
    [
        ((), "sens_param needs the gradient of what <lambda> returns, as the last argument"),
        ((Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0])), r"sens has shape \(3,\), but the output \(2,\)"),
        ((Tensor([1.0, 2.0]), [1.0, 1.0]), "sens has 2 members, but <lambda> returned 1 Tensors"),
    ],
)
def test_a_sens_that_does_not_fit(sens, sentence):
    with pytest.raises(ValueError, match=sentence):
        grad(lambda *x: x[0] * 2, None if not sens else 0, [Case(OURS).w], sens_param=True)(*sens)


REFUSED = [  # grad_position, weights, has_aux
    (None, None, False),
    (0, None, True),
    (-1, None, False),
    ((0, 0), None, False),
    ([0], None, False),
]
ASK_MINDSPORE = """
import mindspore
one = lambda x, y: (x * y).sum()
for position, weights, has_aux in REFUSED:
    x, y = mindspore.Tensor([1.0, 2.0]), mindspore.Tensor([3.0, 4.0])
    try:
        mindspore.value_and_grad(one, position, weights, has_aux=has_aux)(x, y)
    except Exception as error:
        print("refused", type(error).__name__)
"""


def test_what_both_refuse(mindspore, tmp_path):
    case = Case(OURS)
    ours = []
    for position, weights, has_aux in REFUSED:
        with pytest.raises((ValueError, TypeError)) as error:
            value_and_grad(case.one, position, weights, has_aux=has_aux)(case.x, case.y)
        ours.append(error.type.__name__)
    # in a process of its own: after such an error MindSpore 2.10 no longer applies AdamWeightDecay
    code = f"REFUSED = {REFUSED!r}\n{ASK_MINDSPORE}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    told = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("refused ")]
    assert ours == told == ["ValueError"] * 4 + ["TypeError"]


def test_a_cell_of_layers(mindspore):
    import mindspore.nn as theirs

    rng = np.random.default_rng(0)
    x, first, second = (rng.standard_normal(s).astype("f4") for s in [(5, 3), (4, 3), (2, 4)])
    results = []
    for words, shelf in ((OURS, nn), (mindspore, theirs)):
        net = shelf.SequentialCell(
            shelf.Dense(3, 4, weight_init=words.Tensor(first), bias_init="ones", activation="relu"),
            shelf.Dense(4, 2, weight_init=words.Tensor(second), bias_init="zeros"),
        )
        value, gradients = words.value_and_grad(net, 0, net.trainable_params())(words.Tensor(x))
        results.append([value, gradients[0], *gradients[1]])
    for ours, original in zip(*results, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), original.asnumpy(), rtol=1e-5, atol=1e-6)


# 2. The mathematics.


@given(arrays("f8", (3, 4), elements=st.floats(-10, 10)), arrays("f8", (4,), elements=st.floats(-10, 10)))
def test_gradient_of_a_quadratic_form(a, x):
    m = a.T @ a
    value, gradient = value_and_grad(lambda x: x @ Tensor(m) @ x)(Tensor(x))
    np.testing.assert_allclose(value.asnumpy(), x @ m @ x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradient.asnumpy(), 2 * m @ x, rtol=1e-9, atol=1e-9)


@given(st.integers(1, 6))
def test_several_outputs_are_summed(count):
    x = Tensor([1.0, -2.0])
    gradient = grad(lambda x: tuple(k * x for k in range(count)))(x)
    assert gradient.tolist() == [sum(range(count))] * 2


# 3. The machine.


def test_nothing_is_left_behind():
    case = Case(OURS)
    (loss, seen), (by_x, by_w) = value_and_grad(lambda x, y: (case.one(x, y), x), 0, [case.w], has_aux=True)(
        case.x, case.y
    )
    for result in (loss, seen, by_x, *by_w):
        assert type(result) is Tensor and not result.requires_grad and result.grad_fn is None
    assert not case.x.requires_grad and case.w.grad is None
    assert seen.data_ptr() == case.x.data_ptr()


def test_works_where_gradients_are_switched_off():
    with torch.no_grad():
        assert grad(lambda x: x * x)(Tensor([3.0])).tolist() == [6.0]


def test_inputs_may_be_parameters_views_or_plain_torch():
    for x in (
        Parameter([3.0], name="p"),
        Tensor([[3.0]])[0],
        torch.tensor([3.0]),
        torch.tensor([3.0], requires_grad=True),
    ):
        gradient = grad(lambda x: (x * x).asnumpy() is not None and x * x)(x)
        assert type(gradient) is Tensor and gradient.tolist() == [6.0]


def test_keyword_arguments_are_passed_on():
    assert grad(lambda x, power: x**power)(Tensor([2.0]), power=3).tolist() == [12.0]


def test_weights_are_those_of_the_moment_of_making_and_values_of_the_call():
    w = Parameter(2.0, name="w")
    slope = grad(lambda x: w * w * x, None, w)
    assert slope(Tensor(1.0)).item() == 4.0
    w.set_data(5.0)
    assert slope(Tensor(1.0)).item() == 10.0


def test_a_generator_of_weights_is_read_once_and_kept():
    net = nn.Dense(2, 1)
    slopes = grad(net, None, net.get_parameters())
    for _ in range(2):
        assert [g.shape for g in slopes(Tensor([[1.0, 2.0]]))] == [(1, 2), (1,)]


def test_a_parameter_frozen_later_gets_zeros():
    net = nn.Dense(1, 1, weight_init=2.0)
    slopes = grad(net, None, net.trainable_params())
    net.weight.requires_grad = False
    assert [g.tolist() for g in slopes(Tensor([[3.0]]))] == [[[0.0]], [1.0]]


def test_auxiliary_outputs_need_not_be_tensors():
    value, gradient = value_and_grad(lambda x: (x.sum(), {"seen": x, "note": "text"}), has_aux=True)(Tensor([1.0]))
    assert value[1]["note"] == "text" and not value[1]["seen"].requires_grad
    assert gradient.tolist() == [1.0]


# 4. One test per sentence.


def called(fn, *args, **words):
    return lambda: value_and_grad(fn, **words)(*args)


def loss(x):
    return (x * x).sum()


X = Tensor([1.0, 2.0])


@pytest.mark.parametrize(
    ("slip", "error", "sentence"),
    [
        (called(None), TypeError, "fn must be a function or a Cell, not a NoneType"),
        (called(loss, X, grad_position=None), ValueError, "nothing to differentiate by"),
        (called(loss, X, return_ids=True), ValueError, "return_ids is not available"),
        (called(loss, X, grad_position="0"), TypeError, "a whole number or a tuple of such, not '0'"),
        (called(loss, X, grad_position=()), TypeError, r"not \(\)"),
        (called(loss, X, grad_position=True), TypeError, "not True"),
        (called(loss, X, grad_position=-1), ValueError, "counts from 0 and cannot be -1"),
        (called(loss, X, grad_position=(0, 0)), ValueError, "names an argument twice"),
        (
            called(loss, X, grad_position=1),
            ValueError,
            "grad_position 1 is not among the 1 positional arguments of loss",
        ),
        (
            called(loss, 2.0),
            TypeError,
            "argument 0 of loss is differentiated by and must be a Tensor, not a float: 2.0",
        ),
        (called(loss, Tensor([1, 2])), TypeError, "must be of floating point, not torch.int64"),
        (
            called(loss, X, weights=nn.ReLU()),
            TypeError,
            r"not the ReLU that has them; say weights=net.trainable_params\(\)",
        ),
        (called(loss, X, weights="w"), TypeError, "a Parameter or a list of Parameters, not a str"),
        (called(loss, X, weights=3), TypeError, "not a int"),
        (called(loss, X, weights=[1.0]), TypeError, "member 0 is a float"),
        (called(loss, X, weights=[X]), TypeError, "member 0 is a Tensor that does not require gradients"),
        (called(loss, X, has_aux=True), ValueError, r"has_aux needs at least two outputs.*loss returned one"),
        (called(lambda x: x.sum().item(), X), TypeError, "returned no Tensor to differentiate but 3.0"),
        (called(lambda x: (1.0, x), X, has_aux=True), TypeError, "returned no Tensor to differentiate"),
        (called(lambda x: None, X), TypeError, "returned no Tensor to differentiate but None"),
    ],
)
def test_sentences(slip, error, sentence):
    with pytest.raises(error, match=sentence):
        slip()


def test_a_cell_is_named_by_its_class():
    class Silent(Cell):
        def construct(self, x):
            return None

    with pytest.raises(TypeError, match=r"^Silent returned no Tensor"):
        grad(Silent())(X)
