"""Tensor, Parameter and dtypes: MindSpore's manners, torch's memory."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from calando.mindspore.network import dtype as mstype
from calando.mindspore.network.parameter import Parameter, ParameterTuple
from calando.mindspore.network.tensor import Tensor, write

DTYPES = ["float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool_"]


# 1. The machine: results, memory, copies.


def test_results_are_tensors_and_never_parameters():
    p = Parameter([1.0, 2.0], name="w")
    x = Tensor([3.0, 4.0])
    results = [
        p + 1,
        1 + p,
        p * x,
        x @ p,
        torch.exp(p),
        p[0],
        p.T.T if p.dim() == 2 else p.view(2, 1),
        p.data,
    ]
    results += [
        p.value(),
        p.detach(),
        x.reshape(2, 1),
        *torch.max(x.view(1, 2), 1),
        *x.split(1),
        torch.zeros_like(p),
    ]
    assert {type(result) for result in results} == {Tensor}


def test_results_stay_in_the_graph_of_autograd():
    p = Parameter([1.0, 2.0], name="w")
    (gradient,) = torch.autograd.grad((p * p).sum(), [p])
    assert gradient.tolist() == [2.0, 4.0]
    assert type((p * p).grad_fn).__name__ == "MulBackward0", "no node may be added for the class"


def test_a_torch_tensor_written_in_place_stays_one():
    mine = torch.ones(2)
    assert mine.add_(Tensor([1.0, 2.0])) is mine
    assert type(mine) is torch.Tensor
    assert type(Tensor([1.0]).as_subclass(torch.Tensor)) is torch.Tensor


def test_asnumpy_shares_memory_also_of_a_trained_parameter():
    p = Parameter([1.0, 2.0], name="w")
    array = p.asnumpy()
    p.set_data([5.0, 6.0])
    assert array.tolist() == [5.0, 6.0]
    assert Tensor(1.5).asnumpy().shape == ()


def test_asnumpy_of_bfloat16_is_a_float32_copy():
    array = Tensor([1.5, -2.0], mstype.bfloat16).asnumpy()
    assert array.dtype == np.float32 and array.tolist() == [1.5, -2.0]


def test_arrays_are_copied_and_tensors_are_not():
    array = np.ones(2, np.float32)
    x = Tensor(array)
    array[0] = 7
    assert x.tolist() == [1.0, 1.0]
    assert Tensor(x).data_ptr() == x.data_ptr()
    assert Tensor.from_numpy(array).data_ptr() == array.ctypes.data
    assert Tensor(array[::-1]).tolist() == [1.0, 7.0]
    frozen = np.ones(2)
    frozen.flags.writeable = False
    assert Tensor(frozen).tolist() == [1.0, 1.0]


def test_parameter_copies_its_first_value():
    x = Tensor([1.0, 2.0])
    p = Parameter(x, name="w")
    p.set_data([3.0, 4.0])
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "way",
    [
        lambda p, value: p.set_data(value),
        lambda p, value: setattr(p, "data", value),
        lambda p, value: p.assign_value(value),
    ],
    ids=["set_data", "data", "assign_value"],
)
def test_assigning_keeps_the_memory(way):
    p = Parameter([1.0, 2.0], name="w")
    address, seen, version = p.data_ptr(), p.data, p._version
    way(p, Tensor([3, 4]))
    assert p.data_ptr() == address
    assert seen.tolist() == [3.0, 4.0] == p.tolist()
    assert p.dtype == torch.float32 and p.requires_grad and p.is_leaf
    assert p._version > version, "autograd must learn of it"


def through_pickle(p):
    return pickle.loads(pickle.dumps(p))


def through_torch(p):
    file = io.BytesIO()
    torch.save(p, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("way", [copy.deepcopy, through_pickle, through_torch, Parameter.clone])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_copies_of_a_parameter_keep_all_but_the_memory(way, requires_grad):
    p = Parameter(np.array([1.0, 2.0]), name="fc.weight", requires_grad=requires_grad)
    q = way(p)
    assert type(q) is Parameter and q.name == "fc.weight" and q.requires_grad is requires_grad and q.is_leaf
    assert q.dtype == torch.float64 and q.tolist() == [1.0, 2.0]
    assert q.data_ptr() != p.data_ptr()
    q.name = "other"
    assert p.name == "fc.weight"


@pytest.mark.parametrize("way", [copy.deepcopy, through_pickle, through_torch, Tensor.copy])
def test_copies_of_a_tensor(way):
    x = Tensor([1, 2])
    y = way(x)
    assert type(y) is Tensor and y.tolist() == [1, 2] and y.data_ptr() != x.data_ptr()


def test_deepcopy_keeps_shared_parameters_shared():
    p = Parameter([1.0], name="w")
    first, second = copy.deepcopy([p, p])
    assert first is second


def test_clone_with_other_first_values():
    p = Parameter([1.0, 2.0], name="w")
    assert p.clone("zeros").tolist() == [0.0, 0.0]
    assert p.clone(0.5).tolist() == [0.5, 0.5]
    moments = ParameterTuple([p]).clone("moments", init="zeros")
    assert [m.name for m in moments] == ["moments.w"] and p.name == "w"
    assert isinstance(moments, tuple)


def test_requires_grad_may_be_set_at_any_time():
    p = Parameter([1.0], name="w")
    p.requires_grad = False
    assert not p.requires_grad
    p.requires_grad = True
    assert p.requires_grad


def test_an_integer_parameter_is_not_trained():
    step = Parameter(Tensor(1, mstype.int32), name="global_step")
    assert not step.requires_grad
    step += 1
    assert type(step) is Parameter and step.item() == 2 and step.dtype == torch.int32


def test_methods_of_mindspore():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.view((-1, 1)).shape == (4, 1)
    assert x.expand_dims(0).shape == (1, 2, 2)
    assert x.value() is x
    assert x.astype(np.float64).dtype == x.astype("float64").dtype == x.astype(mstype.float64).dtype == torch.float64
    assert f"{x.sum():.2f}" == "10.00"
    assert isinstance(x.shape, tuple)
    assert Tensor(shape=(2, 3), dtype=mstype.float64, init="ones").asnumpy().tolist() == [[1.0] * 3] * 2


# 2. The mathematics: what goes in comes out.


@given(
    arrays(
        st.sampled_from(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?"]),
        array_shapes(min_dims=0, min_side=0),
    )
)
def test_numpy_there_and_back(array):
    x = Tensor(array)
    np.testing.assert_array_equal(x.asnumpy(), array, strict=True)
    assert x.shape == array.shape
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(x)).asnumpy(), array, strict=True)


# 3. The frameworks: as MindSpore does it.

DATA = [
    1,
    1.5,
    True,
    [1, 2],
    [1.0, 2],
    (1, 2.5),
    [True, False],
    [[1, 2], [3, 4.5]],
    [np.float64(1.5)],
    [np.ones(2), np.zeros(2)],
    np.arange(3),
    np.arange(3.0),
    np.arange(3, dtype=np.int16),
    np.float32(3),
    np.float64(2.5),
    np.int32(3),
    np.array([True]),
]


@pytest.mark.parametrize("data", DATA, ids=repr)
def test_types_and_values_of_construction(mindspore, data):
    ours, theirs = Tensor(data), mindspore.Tensor(data)
    assert mstype.name_of(ours.dtype) == str(theirs.dtype)
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy(), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_names_of_types(mindspore, dtype):
    assert mstype.name_of(getattr(mstype, dtype)) == str(getattr(mindspore, dtype))
    ours, theirs = (
        Tensor([0, 2.5], getattr(mstype, dtype)),
        mindspore.Tensor([0, 2.5], getattr(mindspore, dtype)),
    )
    assert mstype.name_of(ours.dtype) == str(theirs.dtype)
    np.testing.assert_array_equal(ours.asnumpy().astype("f8"), theirs.asnumpy().astype("f8"))


@pytest.mark.parametrize(
    "data",
    [
        1.5,
        -1.5,
        1e-9,
        123456789.0,
        3,
        True,
        [1.0, 2.0],
        [-1.0, 1e10],
        [1, 2],
        [True, False],
        [[1.0, 2.0], [3.0, -4.0]],
        np.float16([1.1]),
        np.arange(6.0).reshape(1, 2, 3),
    ],
    ids=repr,
)
def test_printed_forms(mindspore, data):
    assert repr(Tensor(data)) == repr(mindspore.Tensor(data))
    assert str(Tensor(data)) == str(mindspore.Tensor(data))


def test_printed_form_of_a_parameter(mindspore):
    ours = Parameter(np.ones((2, 3), np.float32), name="w", requires_grad=False)
    theirs = mindspore.Parameter(mindspore.Tensor(np.ones((2, 3), np.float32)), name="w", requires_grad=False)
    assert repr(ours) == str(ours) == repr(theirs)


@pytest.mark.parametrize(
    "expression",
    [
        "i / 10",
        "i // 2",
        "0.1 * i",
        "i + 0.5",
        "i // 2.0",
        "i ** 0.5",
        "0.1 ** i",
        "i % 2",
        "-i",
        "x * i",
        "x > 1",
    ],
)
def test_arithmetic_has_mindspores_types(mindspore, expression):
    ours = eval(expression, {"i": Tensor(3, mstype.int32), "x": Tensor([1.0, 2.0])})
    theirs = eval(expression, {"i": mindspore.Tensor(3, mindspore.int32), "x": mindspore.Tensor([1.0, 2.0])})
    assert mstype.name_of(ours.dtype) == str(theirs.dtype).replace("mindspore.bool", "Bool")
    np.testing.assert_allclose(ours.asnumpy(), theirs.asnumpy(), rtol=1e-6)


# 4. One test per sentence.


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Tensor(), ValueError, "needs either data"),
        (lambda: Tensor([1.0], shape=(1,)), ValueError, "needs either data"),
        (lambda: Tensor(shape=(1,)), ValueError, "needs either data"),
        (lambda: Tensor("a"), TypeError, "not of str: 'a'"),
        (lambda: Tensor(["a"]), TypeError, r"holds numbers, and this is \['a'\]"),
        (lambda: Tensor(np.array(["a"])), TypeError, "holds numbers"),
        (lambda: Tensor([[1], [2, 3]]), ValueError, "inhomogeneous"),
        (lambda: Tensor(1.0, "flaot32"), TypeError, "not 'flaot32'"),
        (lambda: Tensor(1.0, "zeros"), TypeError, "not 'zeros'"),
        (lambda: Tensor(shape=(1,), init="zeroes"), ValueError, "no initial values are called 'zeroes'"),
        (lambda: Parameter(True), TypeError, "True and False cannot be trained"),
        (lambda: Parameter(1.0, name=5), TypeError, "must be a text that is not empty, not 5"),
        (lambda: Parameter(1.0, name=""), TypeError, "must be a text that is not empty"),
        (lambda: ParameterTuple([Tensor([1.0])]), TypeError, "member 0 is a Tensor"),
        (
            lambda: Parameter([1.0, 2.0], name="fc.bias").set_data([1.0, 2.0, 3.0]),
            ValueError,
            r"'fc.bias' has shape \(2,\) and cannot take a value of shape \(3,\)",
        ),
        (
            lambda: Parameter([1.0, 2.0], name="w").set_data(1.0),
            ValueError,
            r"cannot take a value of shape \(\)",
        ),
        (
            lambda: Parameter(Tensor(1, mstype.int32), name="step").set_data(2.5),
            TypeError,
            "'step' holds Int32 and would lose the kind of a Float32 value",
        ),
        (
            lambda: write(Tensor([True]), [2], "it"),
            TypeError,
            "it holds Bool and would lose the kind of a Int64",
        ),
    ],
)
def test_sentences(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_a_refused_value_changes_nothing():
    p = Parameter([1.0, 2.0], name="w")
    with pytest.raises(ValueError, match="cannot take"):
        p.data = [1.0]
    assert p.tolist() == [1.0, 2.0]
