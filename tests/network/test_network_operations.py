"""Functions on Tensors, and the same as objects, beside MindSpore's."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from calando.mindspore import ops
from calando.mindspore.network import dtype as mstype
from calando.mindspore.network import primitives
from calando.mindspore.network.parameter import Parameter
from calando.mindspore.network.tensor import Tensor

OURS = SimpleNamespace(Tensor=Tensor, Parameter=Parameter, ops=ops, P=primitives, **vars(mstype))

# x float32 (2,), m float32 (2, 3), i int32 (), k int64 (2,)
SAME = """
ops.pow(0.1, x) | ops.pow(x, 2) | ops.pow(2, 3) | ops.pow(0.1, i) | ops.pow(i, 0.5) | ops.pow(i, 2)
ops.pow(x, x) | ops.add(1, 2) | ops.add(i, 1.5) | ops.add(x, k) | ops.sub(i, 1) | ops.sub(1.0, x)
ops.mul(i, 2.0) | ops.mul(x, m[0, 0]) | ops.div(i, 2) | ops.div(x, 3) | ops.div(1, x)
ops.div(x, 0.75, rounding_mode="floor") | ops.div(-x, 0.75, rounding_mode="trunc") | ops.minimum(i, 5)
ops.minimum(3, 5) | ops.maximum(0.5, i) | ops.maximum(x, 1.5) | ops.minimum(x, k) | ops.equal(x, 1.0)
ops.cast(3, mst.float32) | ops.cast(2.5, mst.int32) | ops.cast(i, mst.float32) | ops.cast(x, mst.float64)
ops.exp(x) | ops.log(x) | ops.sqrt(x) | ops.sqrt(i) | ops.square(i) | ops.square(x) | ops.abs(-x)
ops.cos(x) | ops.sin(x) | ops.floor(1.7 * x) | ops.ceil(1.7 * x) | ops.relu(x - 1.5) | ops.sigmoid(x)
ops.tanh(x) | ops.matmul(x, m) | ops.matmul(m.T, x) | ops.clip_by_value(x, 1.5, 3)
ops.clip_by_value(x, T(1.5), None) | ops.clip_by_value(x, None, 1.5) | ops.clip_by_value((x, m), 2, 3)
ops.clip_by_global_norm((x, m), 1.0) | ops.clip_by_global_norm([x, m], 100.0) | ops.clip_by_global_norm([x])
ops.clip_by_norm([x, m], 1.0) | ops.clip_by_norm([x, m], 100.0) | ops.clip_by_norm(x, 1.0)
ops.clip_by_norm([x], 1.0, 1.0) | ops.mean(x) | ops.mean(m, 1) | ops.mean(m, (0, 1), True) | ops.sum(k)
ops.sum(m, 0) | ops.sum(m, 1, True) | ops.sum(x, dtype=mst.float64) | ops.argmax(x) | ops.argmax(m, 1)
ops.argmax(m, dim=0, keepdim=True) | ops.softmax(m) | ops.softmax(m, 0) | ops.softmax(m, axis=1)
ops.reshape(m, (3, 2)) | ops.reshape(m, (-1,)) | ops.concat((x, x)) | ops.concat([m, m], 1)
ops.stack([x, x]) | ops.stack((x, x), axis=1) | ops.zeros((2, 3)) | ops.zeros(2, mst.int32) | ops.ones(2)
ops.ones((1, 2), mst.float64) | ops.cat((x, x)) | ops.zeros_like(i) | ops.ones_like(m)
ops.zeros_like(x, dtype=mst.int64) | ops.ones_like(i, dtype=mst.float32) | P.Cast()(i, mst.float32)
P.Pow()(0.1, i) | P.Mul()(x, 2.0) | P.Add()(i, 1.5) | P.Sub()(x, 1.0) | P.Div()(i, 2) | P.Div()(x, 2.0)
ops.less(x, 1.5) | ops.less_equal(1.0, x) | ops.greater(x, k) | ops.greater_equal(i, 3) | ops.logical_and(x > 1, x > 0)
ops.logical_or(x > 1, x > 3) | ops.logical_not(x > 1) | ops.isfinite(x / 0.0) | ops.where(x > 1, x, 0.0)
ops.select(x > 1, x, -x) | ops.where(x > 1, x, k) | ops.norm(m)
ops.norm(m, 1, 1) | ops.norm(m, dim=0, keepdim=True) | ops.fill(mst.float32, (2, 3), 2)
ops.full((2, 1), 2, dtype=mst.float64) | ops.stop_gradient(x) | ops.depend(x, m) | ops.assign_add(w, x)
ops.assign_sub(w, x) | ops.assign(w, x) | P.AssignAdd()(w, x) | P.AssignSub()(w, x) | P.Depend()(x, i) | P.Abs()(-x)
P.Equal()(x, x) | P.Less()(x, i) | P.LessEqual()(x, 1.0) | P.Greater()(x, 1.0) | P.GreaterEqual()(x, 1.0)
P.LogicalAnd()(x > 1, x > 0) | P.LogicalOr()(x > 1, x > 0) | P.LogicalNot()(x > 1) | P.IsFinite()(x) | P.Log()(x)
P.MatMul()(m, m.T) | P.OnesLike()(m) | P.ZerosLike()(m) | P.ReLU()(m) | P.Reshape()(m, (3, 2)) | P.Sigmoid()(x)
P.Select()(x > 1, x, -x) | P.Sin()(x) | P.Sqrt()(x) | P.Square()(x) | P.Tanh()(x) | P.Fill()(mst.float32, (2,), 3)
P.ReduceMean()(m) | P.ReduceMean(keep_dims=True)(m, 1) | P.ReduceMean()(m, (0, 1)) | P.ReduceSum()(m, 0)
P.ReduceSum()(m) | P.ReduceSum(keep_dims=True)(m, (0, 1)) | P.ReduceMean()(m, ()) | P.Reciprocal()(x)
ops.transpose(m, (1, 0)) | ops.permute(m, (1, 0)) | ops.squeeze(m[:1]) | ops.squeeze(m[:1], 0) | ops.unsqueeze(m, 1)
ops.unsqueeze(x, -1) | ops.flatten(m) | ops.flatten(x) | ops.flatten(m, start_dim=0) | ops.tile(m, (2, 1))
ops.tile(x, (2,)) | ops.masked_fill(m, m > 1, 0.5) | ops.one_hot(k, 3) | ops.one_hot(k, 4, 1.0, 0.0)
ops.one_hot(T([[0, 2]], mst.int32), 3)
ops.cross_entropy(m, T([2, 0], mst.int32)) | ops.cross_entropy(m, T([2, 0], mst.int32), reduction="sum")
ops.cross_entropy(m, T([2, 0], mst.int32), T([1.0, 2.0, 3.0]), label_smoothing=0.25) | ops.mse_loss(m, m * 2)
ops.expand_dims(m, -1) | ops.gather(m, T([2, 0], mst.int32), 1) | ops.gather(m, T([[1, 0], [0, 0]], mst.int32), 0)
ops.gather(x, T([1, 0], mst.int32), -1) | ops.split(m, 2, 1) | ops.split(m, 1) | ops.split(m, [1, 2], axis=1)
ops.topk(m, 2) | ops.topk(m, 1, 0) | ops.topk(m, 2, largest=False) | ops.arange(4) | ops.arange(1, 4)
ops.arange(1.0, 2.0, 0.25) | ops.arange(5, 0, -2, dtype=mst.float32)
ops.linspace(0.0, 1.0, 5) | ops.gelu(m) | ops.gelu(m, "tanh")
ops.dropout(m, 0.5, False) | ops.nll_loss(m, T([2, 0], mst.int32)) | ops.l1_loss(m, m * 2)
ops.l1_loss(m, m * 2, "sum") | ops.nll_loss(m, T([2, 0], mst.int32), T([1.0, 2.0, 3.0]), reduction="sum")
ops.smooth_l1_loss(m, m * 2) | ops.smooth_l1_loss(m, m * 2, 0.5, "mean") | ops.mse_loss(m, m * 2, "none")
ops.tuple_to_array((1, 2, 3)) | ops.tuple_to_array((1.5, 2.0))
ops.neg(x) | ops.sign(m) | ops.reciprocal(x) | ops.rsqrt(x) | ops.isnan(x / 0.0) | ops.isinf(x / 0.0)
ops.not_equal(x, 1.0) | ops.addn([x, x]) | ops.addn((m, m, m)) | P.Neg()(x) | P.Sign()(m) | P.Rsqrt()(x)
P.AddN()([x, x]) | ops.addn([m])
ops.tan(x) | ops.asin(x / 2) | ops.acos(x / 2) | ops.atan(m) | ops.round(m) | ops.round(x * 2.25) | ops.trunc(m)
ops.expm1(x) | ops.log1p(x) | ops.expm1(T([1e-6])) | ops.log1p(T([1e-6])) | ops.floor_div(m, 0.75) | ops.floor_div(i, 2)
ops.floor_div(k, -2) | ops.floor_mod(m, 0.75) | ops.floor_mod(k, -2) | ops.floor_mod(i, 2) | ops.fmod(m, 0.75)
ops.fmod(m, -2.0) | ops.remainder(m, -2.0) | ops.eq(x, 1.0) | ops.ne(x, 1.0) | ops.lt(x, k) | ops.le(x, 1.0)
ops.gt(x, 1.0) | ops.ge(i, 3) | ops.clamp(x, 1.5, 3) | ops.clamp(m, max=1.0) | ops.clip(m, -1.0) | P.ACos()(x / 2)
P.Asin()(x / 2) | P.Atan()(m) | P.Tan()(x) | P.Round()(m) | P.Ceil()(m) | P.Expm1()(x) | P.Log1p()(x) | P.Mod()(m, 0.75)
P.Mod()(m, -2.0) | P.FloorMod()(m, -2.0) | P.FloorDiv()(m, 0.75) | P.FloorDiv()(i, 2) | P.NotEqual()(x, 1.0)
P.IsNan()(x / 0.0) | P.IsInf()(x / 0.0) | P.ExpandDims()(m, 0) | P.Tile()(m, (2, 1)) | P.Transpose()(m, (1, 0))
P.Gather()(m, T([2, 0], mst.int32), 1) | P.MatMul(transpose_b=True)(m, m) | P.MatMul(True)(m, m)
P.MatMul(True, True)(m, m[:, :2]) | P.RealDiv()(i, -2) | P.RealDiv()(i, 2.0)
ops.norm(m, 2) | ops.norm(m, 1) | ops.norm(m, float("inf")) | ops.norm(m, "fro") | ops.norm(m, "nuc") | ops.norm(x, 3)
ops.norm(m, 1, (0, 1)) | ops.norm(m, dtype=mst.float64) | ops.norm(T([[[1.0, 2.0]], [[3.0, 4.0]]]))
ops.argmax(m, keepdim=True) | ops.flatten(i) | ops.flatten(T([[[1, 2], [3, 4]]]), "F") | ops.flatten(m, order="F")
ops.one_hot(k, 3, 1, 0, 0) | ops.one_hot(k, 3, T(2.0), T(-1.0)) | ops.gather(m, T([-1, 0], mst.int32), 1)
ops.gather(m, T([[0, 2], [1, 1]], mst.int32), 1, 1) | P.Gather(batch_dims=1)(m, T([[2], [0]], mst.int32), 1)
P.ReduceSum()(T([1, 2], mst.int32)) | ops.transpose(m, dims=(1, 0)) | ops.remainder(input=m, other=0.75)
ops.nll_loss(m, T([2, 0], mst.int32), label_smoothing=0.25)
ops.nll_loss(m, T([2, 0], mst.int32), T([1.0, 2.0, 3.0]), 0, "mean", 0.25)
ops.nll_loss(m, T([2, 1], mst.int32), T([1.0, 2.0, 3.0]), 1, "none", 0.5)
ops.nll_loss(T([[[1.0, 2.0], [3.0, 0.5]]]), T([[1, 0]], mst.int32), reduction="sum", label_smoothing=0.1)
ops.relu(x - 1.5, False) | ops.round(m, decimals=0)
P.Minimum()(i, 2) | P.Maximum()(x, 1.5) | P.Exp()(x) | P.Cos()(x) | P.Floor()(x * 0.7) | P.Assign()(w, x)
"""
ROWS = [row.strip() for line in SAME.strip().splitlines() for row in line.split("|")]


def names(words):
    T, mst = words.Tensor, words
    return {
        "T": T,
        "mst": mst,
        "ops": words.ops,
        "P": words.P,
        "x": T([1.0, 2.0]),
        "m": T([[1.0, -2.0, 3.0], [0.5, 2.5, -1.0]]),
        "i": T(3, mst.int32),
        "k": T([1, 2]),
        "w": words.Parameter(T([0.0, 0.0]), name="w"),
    }


def each(value):
    return list(value) if isinstance(value, (tuple, list)) else [value]


# 1. The frameworks.


@pytest.mark.parametrize("row", ROWS)
def test_as_mindspore(mindspore, row):
    words = SimpleNamespace(**{name: getattr(mindspore, name) for name in ("Tensor", "Parameter", "ops")})
    words.P = mindspore.ops.operations
    for name in ("float32", "float64", "int32", "int64"):
        setattr(words, name, getattr(mindspore, name))
    ours, theirs = (eval(row, names(one)) for one in (OURS, words))
    assert isinstance(ours, (tuple, list)) == isinstance(theirs, (tuple, list))
    for mine, original in zip(each(ours), each(theirs), strict=True):
        assert isinstance(mine, Tensor)
        assert mine.shape == original.shape
        assert mstype.name_of(mine.dtype) == str(original.dtype).replace("mindspore.bool", "Bool").replace(
            "mindspore.", ""
        ).capitalize().replace("Uint", "UInt")
        np.testing.assert_allclose(mine.asnumpy(), original.asnumpy(), rtol=1e-5, atol=1e-6)


def test_objects_say_what_their_functions_say():
    assert primitives.Cast.__doc__ == ops.cast.__doc__ and primitives.Pow.__name__ == "Pow"
    assert {"Adam", "ApplyMomentum", "Cast", "MatMul"} <= set(vars(ops.operations)) & set(ops.__all__)


# 2. The mathematics.


@given(
    st.lists(st.lists(st.floats(-100, 100), min_size=1, max_size=4), min_size=1, max_size=4),
    st.floats(0.01, 50),
)
def test_clipping_by_global_norm_keeps_directions_and_bounds_the_norm(rows, most):
    x = [Tensor(np.array(row)) for row in rows]
    before = np.concatenate([each.asnumpy() for each in x])
    after = np.concatenate([each.asnumpy() for each in ops.clip_by_global_norm(x, most)])
    norm = np.linalg.norm(before)
    np.testing.assert_allclose(after, before * min(1.0, most / norm if norm else 1.0), rtol=1e-9, atol=1e-300)


# 3. The machine.


def test_assign_writes_into_the_same_memory_and_returns_the_parameter():
    w = Parameter(0.1, name="learning_rate")
    address = w.data_ptr()
    assert ops.assign(w, Tensor(0.01, mstype.float32)) is w
    assert w.data_ptr() == address and str(w.data.asnumpy()) == "0.01"
    assert ops.assign(w, 0.5).item() == 0.5
    x = Tensor([1.0, 2.0])
    assert ops.assign(x, [3.0, 4.0]) is x and x.tolist() == [3.0, 4.0]


def test_assign_asks_whatever_has_set_data():
    class Rate:
        def set_data(self, value):
            self.told = value

    rate = Rate()
    assert ops.assign(rate, 0.5) is rate and rate.told == 0.5


def test_clipping_leaves_its_arguments_alone():
    x = Tensor([3.0, 4.0])
    ops.clip_by_global_norm([x], 1.0), ops.clip_by_norm([x], 1.0), ops.clip_by_value([x], 0, 1)
    assert x.tolist() == [3.0, 4.0]


def test_gradients_flow_through_operations():
    w = Parameter([2.0, 3.0], name="w")
    y = ops.sum(ops.clip_by_value(ops.square(w), 0.0, 5.0))
    (gradient,) = torch.autograd.grad(y, [w])
    assert gradient.tolist() == [4.0, 0.0]


# 4. One test per sentence.


@pytest.mark.parametrize(
    ("slip", "error", "sentence"),
    [
        (
            lambda: ops.assign(Parameter([1.0], name="w"), 2.0),
            ValueError,
            r"'w' has shape \(1,\) and cannot take",
        ),
        (lambda: ops.assign(Tensor([1.0]), 2.0), ValueError, r"the tensor has shape \(1,\)"),
        (
            lambda: ops.assign(Parameter(1, name="n"), 0.5),
            TypeError,
            "'n' holds Int64 and would lose the kind",
        ),
        (lambda: ops.assign(3.0, 0.5), TypeError, "not into a float: 3.0"),
        (lambda: ops.cast(1, "flaot"), TypeError, "not 'flaot'"),
        (lambda: ops.clip_by_value(Tensor(1.0)), ValueError, "needs clip_value_min or clip_value_max"),
        (
            lambda: ops.clip_by_global_norm(Tensor([1.0])),
            TypeError,
            "takes a tuple or list of Tensors, not Tensor",
        ),
        (lambda: ops.clip_by_global_norm([]), TypeError, "takes a tuple or list of Tensors, not list"),
        (
            lambda: ops.clip_by_global_norm([Tensor([1.0])], 0.0),
            ValueError,
            r"clip_norm of .* above 0, not 0\.0",
        ),
        (lambda: ops.clip_by_global_norm([Tensor([1.0])], 1.0, 2.0), ValueError, r"use_norm .* must be None"),
        (
            lambda: ops.clip_by_norm([Tensor([1.0])], -1),
            ValueError,
            "max_norm of clip_by_norm must be above 0, not -1",
        ),
        (
            lambda: ops.clip_by_norm([Tensor([float("inf")])], 1.0, error_if_nonfinite=True),
            ValueError,
            "the norm of order 2.0 is inf",
        ),
    ],
)
def test_sentences(slip, error, sentence):
    with pytest.raises(error, match=sentence):
        slip()


def test_log_softmax_is_the_logarithm_of_softmax(mindspore):
    """MindSpore's is off by up to 3e-6."""
    x = np.random.default_rng(0).standard_normal((3, 4)).astype("f4")
    for axis in (-1, 0):
        found = ops.log_softmax(Tensor(x), axis).asnumpy()
        np.testing.assert_allclose(found, x - np.log(np.exp(x.astype("f8")).sum(axis, keepdims=True)), rtol=1e-6)
        np.testing.assert_allclose(found, mindspore.ops.log_softmax(mindspore.Tensor(x), axis).asnumpy(), atol=1e-5)


def test_one_value_everywhere():
    """MindSpore 2.10's ``full((2,), 1.5)`` is [1, 1], of int64."""
    assert ops.full((2,), 1.5).dtype == mstype.float32
    np.testing.assert_array_equal(ops.full((2,), 1.5).asnumpy(), [1.5, 1.5])


def test_what_is_known_of_a_tensor():
    x = Tensor(np.ones((2, 3), "f2"))
    assert ops.dtype(x) == primitives.DType()(x) == mstype.float16
    assert ops.shape(x) == primitives.Shape()(x) == (2, 3)


def test_no_gradient_flows_through_what_is_stopped():
    from calando.mindspore.network.grad import value_and_grad

    value, gradient = value_and_grad(lambda x: (x * ops.stop_gradient(x) + ops.stop_gradient((x,))[0]).sum())(
        Tensor([2.0, 3.0])
    )
    assert float(value) == 18.0
    np.testing.assert_array_equal(gradient.asnumpy(), [2.0, 3.0])


def test_adding_in_place_keeps_the_memory_and_refuses_another_shape():
    w = Parameter(Tensor([1.0, 2.0]), name="w")
    view = w.asnumpy()
    assert ops.assign_add(w, 1) is w and ops.assign_sub(w, Tensor([0.5, 0.5])) is w
    np.testing.assert_array_equal(view, [1.5, 2.5])
    with pytest.raises(ValueError, match=r"'w' has shape \(2,\) and cannot take a value of shape \(3, 2\)"):
        ops.assign_add(w, Tensor(np.ones((3, 2), "f4")))
    with pytest.raises(TypeError, match="assign_add writes into a Parameter or Tensor, not into a list"):
        ops.assign_add([1.0], 1.0)
    np.testing.assert_array_equal(view, [1.5, 2.5])
