"""Functions on Tensors under MindSpore's names: what the guide and ordinary scripts use.

A number may stand wherever a Tensor may; it does not change the type of a Tensor beside it, except that a
fraction makes integers float32. Results are Tensors, also of numbers alone: ``pow(2, 3)`` is a
Tensor of int64. The others of torch's functions work on Tensors as they are: ``torch.cumsum(x, 0)``.
"""

from collections.abc import Sequence
from typing import Any

import torch

from ...schedules import Schedule
from ..boxes import is_cell
from .dtype import as_dtype, name_of
from .tensor import Tensor, plain, read, write


def tensor(x: Any) -> Any:
    """``x`` if it is a tensor, else a Tensor of it."""
    return x if isinstance(x, torch.Tensor) else read(x).as_subclass(Tensor)


def _both(x: Any, other: Any) -> tuple[Any, Any]:
    """Two tensors; a number takes the type of the tensor beside it, if that can hold its kind."""
    if isinstance(x, torch.Tensor):
        return x, other if isinstance(other, torch.Tensor) else _beside(x, other)
    return (_beside(other, x), other) if isinstance(other, torch.Tensor) else (tensor(x), tensor(other))


def _beside(known: torch.Tensor, number: Any) -> torch.Tensor:
    value = read(number).as_subclass(Tensor)
    return value.to(known.dtype) if torch.can_cast(value.dtype, known.dtype) else value


# ---- writing


def assign(variable: Any, value: Any) -> Any:
    """Write ``value`` into ``variable``, whose memory stays, and return ``variable``.

    Args:
        variable: a Parameter or Tensor of any shape, or whatever has ``set_data``.
        value: number, array or Tensor of exactly that shape.

    Raises:
        ValueError: for another shape.
        TypeError: for fractions into integers; for a variable that cannot be written.
    """
    if hasattr(variable, "set_data"):
        variable.set_data(value)
    elif isinstance(variable, torch.Tensor):
        write(variable, value, "the tensor")
    elif isinstance(variable, Schedule) or is_cell(variable):
        way = "optimizer.set('learning_rate', …), as of any hyperparameter, puts another in its place"
        raise TypeError(f"assign writes into a Parameter or Tensor, not into a schedule, {variable!r}; {way}")
    else:
        raise TypeError(f"assign writes into a Parameter or Tensor, not into a {type(variable).__name__}: {variable!r}")
    return variable


def assign_add(variable: Any, value: Any) -> Any:
    """Write ``variable`` + ``value`` into ``variable``, whose memory stays, and return it.

    Raises:
        ValueError: for another shape, except that a number is added to every element.
        TypeError: for fractions into integers; for a variable that cannot be written.
    """
    return assign(variable, _changed("assign_add", variable, value, 1))


def assign_sub(variable: Any, value: Any) -> Any:
    """Write ``variable`` - ``value`` into ``variable``, whose memory stays, and return it; as :func:`assign_add`."""
    return assign(variable, _changed("assign_sub", variable, value, -1))


def _changed(caller: str, variable: Any, value: Any, sign: int) -> torch.Tensor:
    if not isinstance(variable, torch.Tensor):
        raise TypeError(f"{caller} writes into a Parameter or Tensor, not into a {type(variable).__name__}")
    first, second = _both(plain(variable), value)
    return torch.add(first, plain(second), alpha=sign)


# ---- the order of things, and what is known of a Tensor


def depend(value: Any, expr: Any) -> Any:
    """``value``: what stands in ``expr`` has been computed by then, here as everywhere in Python."""
    return value


def stop_gradient(value: Any) -> Any:
    """The same values, through which no gradient flows; members of a tuple or list one by one."""
    if isinstance(value, (tuple, list)):
        return type(value)(stop_gradient(each) for each in value)
    return plain(value).as_subclass(Tensor) if isinstance(value, torch.Tensor) else value


def dtype(x: torch.Tensor) -> torch.dtype:
    """The type of the elements."""
    return x.dtype


def shape(input_x: torch.Tensor) -> tuple[int, ...]:
    """The lengths of the axes."""
    return tuple(input_x.shape)


# ---- two operands, broadcast against each other


def add(input: Any, other: Any) -> torch.Tensor:
    """input + other."""
    return torch.add(*_both(input, other))


def sub(input: Any, other: Any) -> torch.Tensor:
    """input - other."""
    return torch.sub(*_both(input, other))


def mul(input: Any, other: Any) -> torch.Tensor:
    """input · other."""
    return torch.mul(*_both(input, other))


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> torch.Tensor:
    """input / other; ``rounding_mode`` None, 'floor' or 'trunc'."""
    first, second = _both(input, other)
    return torch.div(first, second, rounding_mode=rounding_mode)


def floor_div(x: Any, y: Any) -> torch.Tensor:
    """x / y, rounded down."""
    return div(x, y, rounding_mode="floor")


def floor_mod(x: Any, y: Any) -> torch.Tensor:
    """What ``floor_div`` leaves of x; it has the sign of y."""
    return torch.remainder(*_both(x, y))


def remainder(input: Any, other: Any) -> torch.Tensor:
    """As :func:`floor_mod`."""
    return floor_mod(input, other)


def fmod(input: Any, other: Any) -> torch.Tensor:
    """What division rounded towards 0 leaves of the input; it has the sign of the input."""
    return torch.fmod(*_both(input, other))


def pow(input: Any, exponent: Any) -> torch.Tensor:
    """input to the power of exponent."""
    return torch.pow(*_both(input, exponent))


def maximum(input: Any, other: Any) -> torch.Tensor:
    """The larger of two, place by place."""
    return torch.maximum(*_both(input, other))


def minimum(input: Any, other: Any) -> torch.Tensor:
    """The smaller of two, place by place."""
    return torch.minimum(*_both(input, other))


def equal(input: Any, other: Any) -> torch.Tensor:
    """Whether two are equal, place by place (``torch.equal`` asks about the whole)."""
    return torch.eq(*_both(input, other))


def less(input: Any, other: Any) -> torch.Tensor:
    """Whether input < other, place by place."""
    return torch.lt(*_both(input, other))


def less_equal(input: Any, other: Any) -> torch.Tensor:
    """Whether input ≤ other, place by place."""
    return torch.le(*_both(input, other))


def greater(input: Any, other: Any) -> torch.Tensor:
    """Whether input > other, place by place."""
    return torch.gt(*_both(input, other))


def greater_equal(input: Any, other: Any) -> torch.Tensor:
    """Whether input ≥ other, place by place."""
    return torch.ge(*_both(input, other))


def logical_and(input: Any, other: Any) -> torch.Tensor:
    """Whether both hold, place by place."""
    return torch.logical_and(*_both(input, other))


def not_equal(input: Any, other: Any) -> torch.Tensor:
    """input ≠ other, place by place."""
    return torch.ne(*_both(input, other))


def logical_or(input: Any, other: Any) -> torch.Tensor:
    """Whether one holds, place by place."""
    return torch.logical_or(*_both(input, other))


eq, ne, lt, le, gt, ge = equal, not_equal, less, less_equal, greater, greater_equal


def where(condition: Any, input: Any, other: Any) -> torch.Tensor:
    """input where the condition holds, other elsewhere."""
    return torch.where(tensor(condition).bool(), *_both(input, other))


def select(condition: Any, input: Any, other: Any) -> torch.Tensor:
    """As :func:`where`."""
    return where(condition, input, other)


def matmul(input: Any, other: Any) -> torch.Tensor:
    """(…, m, n) and (…, n, k) → (…, m, k)."""
    return torch.matmul(input, other)


def addn(x: Sequence[Any]) -> torch.Tensor:
    """The sum of all Tensors in a tuple or list."""
    total, *others = x
    for other in others:
        total = add(total, other)
    return total


def cast(input: Any, dtype: Any) -> torch.Tensor:
    """The same values in another type."""
    return tensor(input).to(as_dtype(dtype))


# ---- many to one


def mean(x: Any, axis: Any = None, keep_dims: bool = False) -> torch.Tensor:
    """The mean over one axis, several, or all (None).

    Raises:
        TypeError: of whole numbers (MindSpore cuts the fraction off).
    """
    x = tensor(x)
    if not (x.is_floating_point() or x.is_complex()):
        raise TypeError(f"the mean of {name_of(x.dtype)} may be a fraction: cast first, as in ops.cast(x, ms.float32)")
    return torch.mean(x, dim=axis, keepdim=keep_dims)


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> torch.Tensor:
    """The sum over one axis, several, or all (None)."""
    meant = None if dtype is None else as_dtype(dtype)
    return torch.sum(tensor(input), dim=dim, keepdim=keepdim, dtype=meant)


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> torch.Tensor:
    """The place of the largest along one axis, or in all (None, without ``keepdim``): int64."""
    return torch.argmax(tensor(input), dim=dim, keepdim=keepdim and dim is not None)


def log_softmax(logits: Any, axis: int = -1) -> torch.Tensor:
    """log(exp(x) / Σ exp(x)) along one axis."""
    return torch.log_softmax(tensor(logits), axis)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> torch.Tensor:
    """The norm over one axis, two, or all (None).

    Args:
        ord: None: 2, of all elements; else of vectors (one axis: 2, 1, ``inf`` …) or of matrices (two axes, also when
            A has two and ``dim`` is None: 1 and ``inf`` by columns and rows, 2 the spectral norm, 'fro', 'nuc').
        dim, keepdim: the axes, and whether they stay, with length 1.
        dtype: what is computed in.
    """
    return torch.linalg.norm(tensor(A), ord, dim, keepdim, dtype=None if dtype is None else as_dtype(dtype))


def softmax(input: Any, axis: int = -1, *, dtype: Any = None) -> torch.Tensor:
    """exp(x) / Σ exp(x) along one axis."""
    return torch.softmax(tensor(input), axis, dtype=None if dtype is None else as_dtype(dtype))


# ---- shapes


def reshape(input: Any, shape: Any) -> torch.Tensor:
    """The same elements in another shape; one length may be -1."""
    return torch.reshape(tensor(input), tuple(shape))


def concat(tensors: Sequence[Any], axis: int = 0) -> torch.Tensor:
    """Tensors one behind the other along an axis."""
    return torch.cat(list(tensors), axis)


cat = concat


def stack(tensors: Sequence[Any], axis: int = 0) -> torch.Tensor:
    """Tensors of one shape beside each other along a new axis."""
    return torch.stack(list(tensors), axis)


def tuple_to_array(input_x: Sequence[Any]) -> torch.Tensor:
    """Numbers of one kind as a Tensor of one dimension: whole ones as int32, else float32."""
    made = tensor(list(input_x))
    return made if made.is_floating_point() else made.to(torch.int32)


def zeros(size: Any, dtype: Any = None) -> torch.Tensor:
    """A Tensor of zeros, of float32 unless said otherwise."""
    return torch.zeros(size, dtype=as_dtype(dtype or torch.float32)).as_subclass(Tensor)


def ones(shape: Any, dtype: Any = None) -> torch.Tensor:
    """A Tensor of ones, of float32 unless said otherwise."""
    return torch.ones(shape, dtype=as_dtype(dtype or torch.float32)).as_subclass(Tensor)


def fill(type: Any, shape: Any, value: Any) -> torch.Tensor:
    """A Tensor of one type and shape with one value everywhere."""
    value = value.item() if isinstance(value, torch.Tensor) else value
    return torch.full(tuple(shape), value, dtype=as_dtype(type)).as_subclass(Tensor)


def full(size: Any, fill_value: Any, *, dtype: Any = None) -> torch.Tensor:
    """A Tensor of one shape with one value everywhere; of the value's type unless said otherwise."""
    meant = read(fill_value).dtype if dtype is None else as_dtype(dtype)
    return fill(meant, size, fill_value)


def zeros_like(input: Any, *, dtype: Any = None) -> torch.Tensor:
    """Zeros in the shape, and type unless said otherwise, of a Tensor."""
    return torch.zeros_like(tensor(input), dtype=None if dtype is None else as_dtype(dtype))


def ones_like(input: Any, *, dtype: Any = None) -> torch.Tensor:
    """Ones in the shape, and type unless said otherwise, of a Tensor."""
    return torch.ones_like(tensor(input), dtype=None if dtype is None else as_dtype(dtype))


def randn(*size: Any, dtype: Any = None, seed: int | None = None) -> torch.Tensor:
    """Normal numbers of mean 0 and deviation 1, from torch's generator; ``seed`` begins one of its own."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.randn(*size, dtype=as_dtype(dtype or torch.float32), generator=generator).as_subclass(Tensor)


def standard_normal(shape: Any, seed: int | None = None) -> torch.Tensor:
    """As :func:`randn`, for a tuple."""
    return randn(tuple(shape), seed=seed)
