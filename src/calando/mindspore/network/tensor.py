"""Tensor: a torch tensor that speaks MindSpore.

It is a subclass of ``torch.Tensor``: autograd, views, devices and ``data_ptr()`` are torch's own, and
everything of torch works on it. Results of operations are Tensors again.

The last is done by turning the class of a *fresh* result instead of wrapping it: ``as_subclass`` would put
one more node into the autograd graph for every operation (measured: +2.9 µs per addition against +1.9 µs).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch._C import _disabled_torch_function_impl as _undisturbed

from .dtype import as_dtype, is_finer, name_of
from .initializer import fill

_Plain, _Size, _leave = torch.Tensor, torch.Size, torch.Tensor.as_subclass


class Tensor(torch.Tensor):
    """An array with MindSpore's manners.

    Args:
        input_data: number, nested list or tuple, NumPy array or scalar, torch tensor, Tensor. Numbers and
            arrays are copied; another tensor lends its memory, without gradient history, as in MindSpore.
        dtype: ``ms.float32`` and the like. By itself a Python float becomes float32, an int int64, and an
            array keeps its type, so float64 stays float64.
        shape, init: instead of ``input_data``: a shape and its first values (a name, number or function, see
            ``initializer.fill``); ``Tensor(shape=(2, 3), dtype=ms.float32, init='normal')``.

    Raises:
        TypeError: for data that is no number.
        ValueError: for rows of unequal length, or a shape together with data.

    Differs from MindSpore: ``shape`` is torch's tuple (``torch.Size``); ``size``, ``transpose`` and other
    methods that exist in both frameworks are torch's: ``std`` and ``var`` divide by n - 1 (there by n), ``max`` and
    ``min`` along an axis give the values and their places (there the values); a tensor without dimensions does not
    promote others (float32 + float64 scalar tensor stays float32); the mean of integers is refused.

    Example:
        >>> Tensor([1, 2], as_dtype("float32"))
        Tensor(shape=[2], dtype=Float32, value= [ 1.00000000e+00,  2.00000000e+00])
    """

    def __new__(cls, input_data: Any = None, dtype: Any = None, shape: Any = None, init: Any = None) -> "Tensor":
        if (shape is None) != (init is None) or (shape is None) == (input_data is None):
            raise ValueError(
                "Tensor needs either data, as in Tensor([1.0, 2.0]), or a shape and its first values, as in "
                "Tensor(shape=(2, 3), dtype=ms.float32, init='zeros')"
            )
        meant = None if dtype is None else as_dtype(dtype)
        if shape is not None:
            data = fill(torch.empty(shape, dtype=meant or torch.float32), init)
        else:
            data = read(input_data, meant)
        return data.as_subclass(cls)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = _undisturbed(func, types, args, kwargs or {})
        kind = type(result)
        if kind is _Plain:
            # not ours to change: a torch tensor written in place, and what was asked to be one
            if not (args and result is args[0]) and func is not _leave:
                result.__class__ = Tensor
        elif kind is not _Size and isinstance(result, (tuple, list)):
            for part in result:
                if type(part) is _Plain:
                    part.__class__ = Tensor
        return result

    def asnumpy(self) -> np.ndarray:
        """The values as a NumPy array of the same shape: the same memory on CPU, else a copy.

        NumPy has no bfloat16: such values are copied to float32 (MindSpore borrows a type of ml_dtypes).
        """
        values = plain(self)
        return (values.float() if values.dtype == torch.bfloat16 else values).cpu().numpy()

    def astype(self, dtype: Any) -> "Tensor":
        """The same values in another type (``ms.float32``, ``np.float32`` or ``'float32'``)."""
        return self.to(as_dtype(dtype))  # type: ignore[return-value]

    def value(self) -> "Tensor":
        """The tensor itself, as in MindSpore."""
        return self

    def init_data(self, *where: Any) -> "Tensor":
        """The tensor itself: first values are there at once (in MindSpore after this call)."""
        return self

    def copy(self) -> "Tensor":
        """A Tensor with the same values in memory of its own."""
        return torch.clone(self)  # type: ignore[return-value]

    def expand_dims(self, axis: int) -> "Tensor":
        """A view with one more axis of length 1: (2, 3) with ``axis=0`` becomes (1, 2, 3)."""
        return self.unsqueeze(axis)  # type: ignore[return-value]

    @staticmethod
    def from_numpy(array: np.ndarray) -> "Tensor":
        """A Tensor on the memory of ``array``."""
        return torch.from_numpy(array).as_subclass(Tensor)

    def assign_value(self, value: Any) -> "Tensor":
        """Write ``value`` into this memory and return the same object; see :func:`write`."""
        write(self, value, "the tensor")
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tensor":
        if id(self) not in memo:
            memo[id(self)] = rebuild(type(self), plain(self).clone(), self.requires_grad, vars(self))
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return rebuild, (type(self), plain(self), self.requires_grad, vars(self))

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        values = self.asnumpy()
        if values.ndim == 0:
            shown = f"{values.item():g}" if values.dtype.kind == "f" else str(values)
        else:
            digits = 4 if self.dtype == torch.float16 else 8
            shown = np.array2string(
                values, separator=", ", formatter={"float_kind": lambda number: f"{number: .{digits}e}"}
            )
        apart = "\n" if values.ndim > 1 else " "
        return f"Tensor(shape={list(self.shape)}, dtype={name_of(self.dtype)}, value={apart}{shown})"

    def __str__(self) -> str:
        return str(self.asnumpy())

    def __float__(self) -> float:
        return float(plain(self))  # also of a Parameter: torch would warn that no gradient flows through a number

    def __int__(self) -> int:
        return int(plain(self))

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec and self.dim() == 0 else str(self), spec)


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory as a torch tensor, without gradient history; its operations cost what torch's cost."""
    return _undisturbed(_Plain.detach, (), (tensor,), {})


def rebuild(cls: type, data: torch.Tensor, requires_grad: bool, state: dict[str, Any]) -> Any:
    """A Tensor or Parameter on the memory of ``data``, a leaf; what copies and pickles are made by."""
    new: torch.Tensor = _Plain._make_subclass(cls, data, requires_grad)
    vars(new).update(state)
    return new


def read(data: Any, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A torch tensor of what a user may hand over; a tensor of that type lends its memory."""
    if isinstance(data, torch.Tensor):
        return plain(data).to(dtype or data.dtype)
    if isinstance(data, (list, tuple)) and any(isinstance(row, torch.Tensor) for row in data):
        return torch.stack([read(row, dtype) for row in data])
    if not isinstance(data, (bool, int, float, complex, list, tuple, np.ndarray, np.generic)):
        raise TypeError(
            f"a Tensor is made of a number, list, tuple, NumPy array or tensor, not of {type(data).__name__}: {data!r}"
        )
    array = np.array(data, order="C")
    if array.dtype.kind not in "biufc":
        raise TypeError(f"a Tensor holds numbers, and this is {data!r}")
    values = torch.from_numpy(array)
    if dtype is None and not isinstance(data, (np.ndarray, np.generic)):
        dtype = _PYTHON.get(array.dtype.kind)  # lists and numbers; arrays keep their type
    return values if dtype is None else values.to(dtype)


_PYTHON = {"i": torch.int64, "f": torch.float32}


def write(target: torch.Tensor, value: Any, name: str) -> None:
    """Write ``value`` into the memory of ``target``, which stays where it is.

    Args:
        target: any shape; may require gradients, the writing is not recorded.
        value: number, list, array or tensor of exactly that shape. Numbers may lose precision (float64 into
            float32) but not their kind (0.5 into an int32).
        name: how the error calls the target.

    Raises:
        ValueError: for another shape; nothing is broadcast.
        TypeError: for a kind of number the target cannot hold.
    """
    source = value if isinstance(value, torch.Tensor) else read(value)
    if tuple(source.shape) != tuple(target.shape):
        raise ValueError(
            f"{name} has shape {tuple(target.shape)} and cannot take a value of shape {tuple(source.shape)}"
        )
    if is_finer(source.dtype, target.dtype):
        raise TypeError(
            f"{name} holds {name_of(target.dtype)} and would lose the kind of a {name_of(source.dtype)} "
            f"value; cast it first"
        )
    with torch.no_grad():
        target.copy_(source)
