"""The same operations as objects, as older scripts of MindSpore make them.

    from calando.mindspore.ops import operations as P
    self.cast = P.Cast()
    self.cast(global_step, ms.float32)

An object holds nothing but the options it was made with; calling it is calling the function of its name in
:mod:`operations`, :mod:`elementary` or :mod:`shaping`.
"""

from collections.abc import Callable
from typing import Any

from . import elementary, operations, shaping

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ACos": elementary.acos,
    "Abs": elementary.abs,
    "Add": operations.add,
    "AddN": operations.addn,
    "Asin": elementary.asin,
    "Assign": operations.assign,
    "AssignAdd": operations.assign_add,
    "AssignSub": operations.assign_sub,
    "Atan": elementary.atan,
    "Cast": operations.cast,
    "Ceil": elementary.ceil,
    "Cos": elementary.cos,
    "DType": operations.dtype,
    "Depend": operations.depend,
    "Div": operations.div,
    "Equal": operations.equal,
    "Exp": elementary.exp,
    "ExpandDims": shaping.expand_dims,
    "Expm1": elementary.expm1,
    "Fill": operations.fill,
    "Floor": elementary.floor,
    "FloorDiv": operations.floor_div,
    "FloorMod": operations.floor_mod,
    "Greater": operations.greater,
    "GreaterEqual": operations.greater_equal,
    "IsFinite": elementary.isfinite,
    "IsInf": elementary.isinf,
    "IsNan": elementary.isnan,
    "Less": operations.less,
    "LessEqual": operations.less_equal,
    "Log": elementary.log,
    "Log1p": elementary.log1p,
    "LogicalAnd": operations.logical_and,
    "LogicalNot": elementary.logical_not,
    "LogicalOr": operations.logical_or,
    "Maximum": operations.maximum,
    "Minimum": operations.minimum,
    "Mod": operations.fmod,
    "Mul": operations.mul,
    "Neg": elementary.neg,
    "NotEqual": operations.not_equal,
    "OnesLike": operations.ones_like,
    "Pow": operations.pow,
    "ReLU": elementary.relu,
    "Reciprocal": elementary.reciprocal,
    "Reshape": operations.reshape,
    "Round": elementary.round,
    "Rsqrt": elementary.rsqrt,
    "Select": operations.select,
    "Shape": operations.shape,
    "Sigmoid": elementary.sigmoid,
    "Sign": elementary.sign,
    "Sin": elementary.sin,
    "Sqrt": elementary.sqrt,
    "Square": elementary.square,
    "Sub": operations.sub,
    "Tan": elementary.tan,
    "Tanh": elementary.tanh,
    "Tile": shaping.tile,
    "Transpose": shaping.transpose,
    "ZerosLike": operations.zeros_like,
}


def _primitive(name: str, function: Callable[..., Any]) -> type:
    """A class of that name whose objects call a function; its docstring is the function's."""
    body = {"__call__": staticmethod(function), "__doc__": function.__doc__, "__module__": __name__}
    return type(name, (), body)


globals().update({name: _primitive(name, function) for name, function in FUNCTIONS.items()})


class MatMul:
    """The product of matrices, (…, m, n) and (…, n, k) → (…, m, k).

    Args:
        transpose_a, transpose_b: whether the last two axes of an operand are exchanged before.
    """

    def __init__(self, transpose_a: bool = False, transpose_b: bool = False) -> None:
        self.transpose_a, self.transpose_b = transpose_a, transpose_b

    def __call__(self, input: Any, other: Any) -> Any:
        return operations.matmul(input.mT if self.transpose_a else input, other.mT if self.transpose_b else other)


class RealDiv:
    """x / y; of whole numbers the quotient rounded towards 0, which is whole."""

    def __call__(self, x: Any, y: Any) -> Any:
        whole = not any(operations.tensor(operand).is_floating_point() for operand in (x, y))
        return operations.div(x, y, rounding_mode="trunc" if whole else None)


class Gather:
    """The slices at some places of an axis: ``Gather()(input, places, axis)``; ``batch_dims`` as in ``ops.gather``."""

    def __init__(self, batch_dims: int = 0) -> None:
        self.batch_dims = batch_dims

    def __call__(self, input_params: Any, input_indices: Any, axis: int) -> Any:
        return shaping.gather(input_params, input_indices, axis, self.batch_dims)


class ReduceMean:
    """The mean over one axis, several, or all (no axis).

    Args:
        keep_dims: whether the axes stay, with length 1.
    """

    def __init__(self, keep_dims: bool = False) -> None:
        self.keep_dims = keep_dims

    def __call__(self, x: Any, axis: Any = None) -> Any:
        return operations.mean(x, None if axis == () else axis, self.keep_dims)


class ReduceSum:
    """The sum over one axis, several, or all (no axis), in the type of x.

    Args:
        keep_dims: whether the axes stay, with length 1.
    """

    def __init__(self, keep_dims: bool = False) -> None:
        self.keep_dims = keep_dims

    def __call__(self, x: Any, axis: Any = None) -> Any:
        x = operations.tensor(x)
        return operations.sum(x, None if axis == () else axis, self.keep_dims, dtype=x.dtype)


__all__ = ["Gather", "MatMul", "RealDiv", "ReduceMean", "ReduceSum", *FUNCTIONS]
