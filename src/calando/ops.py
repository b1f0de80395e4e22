"""The words of rules: what an update may say besides ``+ - * /`` and comparisons.

Each word works on one number inside a kernel (where it is NumPy's, see ``kernels.compile``), on a
NumPy array and on the tensors of a framework, whose own methods do the work. So one body of
arithmetic serves every machine.
"""

import numpy as np

WORDS = ("absolute", "maximum", "minimum", "sign", "sqrt", "where")  # power has no kernel: it is not exact
HALVES = ("fma", "through_half")  # of float16 as MindSpore computes it (calando.rules.halves)
BITS = ("as_bits", "as_number", "whole")  # of bodies about numbers in few bits (calando.rounding, calando.eight)


def sqrt(x):
    """The square root, element by element."""
    return x.sqrt() if hasattr(x, "sqrt") else np.sqrt(x)


def absolute(x):
    """The distance from zero, element by element."""
    return x.abs() if hasattr(x, "abs") else np.absolute(x)


def power(x, y):
    """``x`` to the power of ``y``, element by element; on the CPU computed in float64 and rounded once.

    The C library's ``powf`` does the same, MindSpore's kernels with it; those of NumPy and torch for float32 are a last
    digit away at times, and the difference of two near powers (FTRL) has few others.
    """
    if hasattr(x, "pow"):
        return x.double().pow(y).to(x.dtype) if x.device.type == "cpu" else x.pow(y)
    return np.power(np.asarray(x, np.float64), y).astype(x.dtype)


def sign(x):
    """-1, 0 or 1, element by element; not-a-number stays."""
    return x.sign().where(x == x, x) if hasattr(x, "sign") else np.sign(x)


def maximum(x, y):
    """The larger of two, element by element; not-a-number wins."""
    return x.maximum(y) if hasattr(x, "maximum") else np.maximum(x, y)


def minimum(x, y):
    """The smaller of two, element by element; not-a-number wins."""
    return x.minimum(y) if hasattr(x, "minimum") else np.minimum(x, y)


def where(condition, x, y):
    """``x`` where the condition holds, else ``y``; the condition may be one for all elements."""
    if isinstance(condition, np.bool_):
        return x if condition else y
    return x.where(condition, y) if hasattr(x, "where") else np.where(condition, x, y)


def fma(x, y, z):
    """x y + z, rounded once: to float64 (where the product is exact), then to float32; of float64, twice."""
    if isinstance(x, np.ndarray | np.generic):
        return (np.multiply(x, y, dtype=np.float64) + z).astype(x.dtype)
    return (x.double() * y + z).to(x.dtype)


def through_half(x):
    """``x`` rounded to float16, in its own dtype."""
    return x.half().to(x.dtype) if hasattr(x, "half") else x.astype(np.float16).astype(x.dtype)


def as_bits(x):
    """The 32 bits of a float32, element by element."""
    return np.asarray(x, np.float32).view(np.uint32)


def as_number(bits):
    """The float32 with these 32 bits, element by element."""
    return np.asarray(bits, np.uint32).view(np.float32)


def whole(x):
    """A whole number modulo 2³² (uint32), element by element."""
    return np.asarray(x).astype(np.uint32)
