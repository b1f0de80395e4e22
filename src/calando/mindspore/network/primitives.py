"""The same operations as objects, as older scripts of MindSpore make them.

    from calando.mindspore.ops import operations as P
    self.cast = P.Cast()
    self.cast(global_step, ms.float32)

An object holds nothing; calling it is calling the function of :mod:`operations` or :mod:`elementary`.
"""

from typing import Any

from . import elementary, operations


class Abs:
    """The value without its sign."""

    __call__ = staticmethod(elementary.abs)


class Add:
    """x + y."""

    __call__ = staticmethod(operations.add)


class AddN:
    """The sum of all Tensors in a tuple or list."""

    __call__ = staticmethod(operations.addn)


class Assign:
    """Write a value into a Parameter."""

    __call__ = staticmethod(operations.assign)


class AssignAdd:
    """Add a value to a Parameter, in place."""

    __call__ = staticmethod(operations.assign_add)


class AssignSub:
    """Take a value from a Parameter, in place."""

    __call__ = staticmethod(operations.assign_sub)


class Cast:
    """The same values in another type."""

    __call__ = staticmethod(operations.cast)


class Cos:
    """The cosine."""

    __call__ = staticmethod(elementary.cos)


class DType:
    """The type of the elements."""

    __call__ = staticmethod(operations.dtype)


class Depend:
    """The first of two."""

    __call__ = staticmethod(operations.depend)


class Div:
    """x / y."""

    __call__ = staticmethod(operations.div)


class Equal:
    """Whether two are equal."""

    __call__ = staticmethod(operations.equal)


class Exp:
    """e to the power of x."""

    __call__ = staticmethod(elementary.exp)


class Fill:
    """One value everywhere."""

    __call__ = staticmethod(operations.fill)


class Floor:
    """The next integer below."""

    __call__ = staticmethod(elementary.floor)


class Greater:
    """x > y."""

    __call__ = staticmethod(operations.greater)


class GreaterEqual:
    """x ≥ y."""

    __call__ = staticmethod(operations.greater_equal)


class IsFinite:
    """Whether a number is neither inf nor nan."""

    __call__ = staticmethod(elementary.isfinite)


class Less:
    """x < y."""

    __call__ = staticmethod(operations.less)


class LessEqual:
    """x ≤ y."""

    __call__ = staticmethod(operations.less_equal)


class Log:
    """The natural logarithm."""

    __call__ = staticmethod(elementary.log)


class LogicalAnd:
    """Whether both hold."""

    __call__ = staticmethod(operations.logical_and)


class LogicalNot:
    """Whether it does not hold."""

    __call__ = staticmethod(elementary.logical_not)


class LogicalOr:
    """Whether one holds."""

    __call__ = staticmethod(operations.logical_or)


class MatMul:
    """The product of matrices."""

    __call__ = staticmethod(operations.matmul)


class Maximum:
    """The larger of two."""

    __call__ = staticmethod(operations.maximum)


class Minimum:
    """The smaller of two."""

    __call__ = staticmethod(operations.minimum)


class Mul:
    """x · y."""

    __call__ = staticmethod(operations.mul)


class Neg:
    """-x."""

    __call__ = staticmethod(elementary.neg)


class OnesLike:
    """Ones in the shape of a Tensor."""

    __call__ = staticmethod(operations.ones_like)


class Pow:
    """x to the power of y."""

    __call__ = staticmethod(operations.pow)


class RealDiv:
    """x / y."""

    __call__ = staticmethod(operations.div)


class ReLU:
    """max(x, 0)."""

    __call__ = staticmethod(elementary.relu)


class Reciprocal:
    """1 / x."""

    __call__ = staticmethod(elementary.reciprocal)


class ReduceMean:
    """The mean over one axis, several, or all (no axis).

    Args:
        keep_dims: whether the axes stay, with length 1.
    """

    reduce: Any = staticmethod(operations.mean)

    def __init__(self, keep_dims: bool = False) -> None:
        self.keep_dims = keep_dims

    def __call__(self, x: Any, axis: Any = None) -> Any:
        return self.reduce(x, None if axis == () else axis, self.keep_dims)


class ReduceSum(ReduceMean):
    """The sum over one axis, several, or all (no axis); ``keep_dims`` as in ReduceMean."""

    reduce = staticmethod(operations.sum)


class Reshape:
    """The same elements in another shape."""

    __call__ = staticmethod(operations.reshape)


class Rsqrt:
    """1 / √x."""

    __call__ = staticmethod(elementary.rsqrt)


class Select:
    """One or the other, place by place."""

    __call__ = staticmethod(operations.select)


class Shape:
    """The lengths of the axes."""

    __call__ = staticmethod(operations.shape)


class Sigmoid:
    """1 / (1 + exp(-x))."""

    __call__ = staticmethod(elementary.sigmoid)


class Sign:
    """-1, 0 or 1."""

    __call__ = staticmethod(elementary.sign)


class Sin:
    """The sine."""

    __call__ = staticmethod(elementary.sin)


class Sqrt:
    """The square root."""

    __call__ = staticmethod(elementary.sqrt)


class Square:
    """x · x."""

    __call__ = staticmethod(elementary.square)


class Sub:
    """x - y."""

    __call__ = staticmethod(operations.sub)


class Tanh:
    """The hyperbolic tangent."""

    __call__ = staticmethod(elementary.tanh)


class ZerosLike:
    """Zeros in the shape of a Tensor."""

    __call__ = staticmethod(operations.zeros_like)
