"""The same operations as objects, as older scripts of MindSpore make them.

    from calando.mindspore.ops import operations as P
    self.cast = P.Cast()
    self.cast(global_step, ms.float32)

An object holds nothing; calling it is calling the function of :mod:`operations`.
"""

from . import operations


class Add:
    """x + y."""

    __call__ = staticmethod(operations.add)


class Assign:
    """Write a value into a Parameter."""

    __call__ = staticmethod(operations.assign)


class Cast:
    """The same values in another type."""

    __call__ = staticmethod(operations.cast)


class Cos:
    """The cosine."""

    __call__ = staticmethod(operations.cos)


class Div:
    """x / y."""

    __call__ = staticmethod(operations.div)


class Exp:
    """e to the power of x."""

    __call__ = staticmethod(operations.exp)


class Floor:
    """The next integer below."""

    __call__ = staticmethod(operations.floor)


class Maximum:
    """The larger of two."""

    __call__ = staticmethod(operations.maximum)


class Minimum:
    """The smaller of two."""

    __call__ = staticmethod(operations.minimum)


class Mul:
    """x · y."""

    __call__ = staticmethod(operations.mul)


class Pow:
    """x to the power of y."""

    __call__ = staticmethod(operations.pow)


class Sub:
    """x - y."""

    __call__ = staticmethod(operations.sub)
