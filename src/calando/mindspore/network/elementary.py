"""Functions of each element under MindSpore's names; a number may stand for a Tensor."""

from typing import Any

import torch

from .operations import tensor


def exp(input: Any) -> torch.Tensor:
    """e to the power of input."""
    return torch.exp(tensor(input))


def log(input: Any) -> torch.Tensor:
    """The natural logarithm."""
    return torch.log(tensor(input))


def expm1(input: Any) -> torch.Tensor:
    """exp(input) - 1, exact for small numbers."""
    return torch.expm1(tensor(input))


def log1p(input: Any) -> torch.Tensor:
    """log(1 + input), exact for small numbers."""
    return torch.log1p(tensor(input))


def sqrt(x: Any) -> torch.Tensor:
    """The square root."""
    return torch.sqrt(tensor(x))


def square(input: Any) -> torch.Tensor:
    """input · input."""
    return torch.square(tensor(input))


def abs(input: Any) -> torch.Tensor:
    """The value without its sign."""
    return torch.abs(tensor(input))


def cos(input: Any) -> torch.Tensor:
    """The cosine of radians."""
    return torch.cos(tensor(input))


def sin(input: Any) -> torch.Tensor:
    """The sine of radians."""
    return torch.sin(tensor(input))


def tan(input: Any) -> torch.Tensor:
    """The tangent of radians."""
    return torch.tan(tensor(input))


def asin(input: Any) -> torch.Tensor:
    """The angle, in radians, of that sine."""
    return torch.asin(tensor(input))


def acos(input: Any) -> torch.Tensor:
    """The angle, in radians, of that cosine."""
    return torch.acos(tensor(input))


def atan(input: Any) -> torch.Tensor:
    """The angle, in radians, of that tangent."""
    return torch.atan(tensor(input))


def floor(input: Any) -> torch.Tensor:
    """The next integer below, in the same type."""
    return torch.floor(tensor(input))


def ceil(input: Any) -> torch.Tensor:
    """The next integer above, in the same type."""
    return torch.ceil(tensor(input))


def round(input: Any, *, decimals: int = 0) -> torch.Tensor:
    """The nearest number of so many decimals, of two the even one, in the same type."""
    return torch.round(tensor(input), decimals=decimals) if decimals else torch.round(tensor(input))


def trunc(input: Any) -> torch.Tensor:
    """The integer next towards 0, in the same type."""
    return torch.trunc(tensor(input))


def logical_not(input: Any) -> torch.Tensor:
    """Whether it does not hold, place by place."""
    return torch.logical_not(tensor(input))


def isfinite(input: Any) -> torch.Tensor:
    """Whether a number is neither inf nor nan, place by place."""
    return torch.isfinite(tensor(input))


def relu(input: Any, inplace: bool = False) -> torch.Tensor:
    """max(input, 0); ``inplace`` writes it into the input too."""
    return torch.relu_(input) if inplace else torch.relu(tensor(input))


def sigmoid(input: Any) -> torch.Tensor:
    """1 / (1 + exp(-input))."""
    return torch.sigmoid(tensor(input))


def tanh(input: Any) -> torch.Tensor:
    """The hyperbolic tangent."""
    return torch.tanh(tensor(input))


def neg(input: Any) -> torch.Tensor:
    """-input."""
    return torch.neg(tensor(input))


def sign(input: Any) -> torch.Tensor:
    """-1, 0 or 1."""
    return torch.sign(tensor(input))


def reciprocal(input: Any) -> torch.Tensor:
    """1 / input."""
    return torch.reciprocal(tensor(input))


def rsqrt(input: Any) -> torch.Tensor:
    """1 / √input."""
    return torch.rsqrt(tensor(input))


def isnan(input: Any) -> torch.Tensor:
    """Whether it is no number, place by place."""
    return torch.isnan(tensor(input))


def isinf(input: Any) -> torch.Tensor:
    """Whether it is infinite, place by place."""
    return torch.isinf(tensor(input))
