"""Parameters of real MindSpore: written where ``data_ptr()`` says, asked anew in each step.

``data_ptr()`` waits for MindSpore's queued work, as a fresh ``asnumpy()`` view does, and gives the same address for a
twentieth of the time (an array costs 7 µs, most of it NumPy's reading of a format); where there is no ``data_ptr()``,
or the memory is not the host's, it is a fresh view. A kept address or view, or ``set_data``, would not be safe
(measured on 2.10: lost writes, and parameters detached from compiled code). Slots are NumPy arrays of our own.
"""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from . import NoGradient, has_rows
from .numpy import address, arranged, begun
from .numpy import addresses as array_addresses

name = "mindspore"
read_only = "is not in one piece of memory, so MindSpore lets nobody write it; make it so: p.set_data(p.contiguous())"


def kind(x: Any) -> tuple[str, str]:
    return "cpu", str(x.dtype).lower()


def shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape)


def layout(x: Any) -> tuple:
    return tuple(x.shape), x.dtype, contiguous(x)


def writable(x: Any) -> bool:
    return contiguous(x)


def contiguous(x: Any) -> bool:
    """Whether a tensor is one piece of memory; of another ``asnumpy()`` is a copy."""
    return bool(x.is_contiguous()) if hasattr(x, "is_contiguous") else True


def dense(x: Any, rows: bool) -> bool:
    return contiguous(x)


def tells(x: Any) -> bool:
    """Whether a tensor says where it lies in the memory of the host."""
    return hasattr(x, "data_ptr") and getattr(x, "device", "") == "CPU"


class Held(list):
    """Parameters, and their memory, which stays as long as this is kept."""

    memory: list[Any]


def hold(xs: list[Any]) -> list[Any]:
    if not all(map(tells, xs[:1])):
        return [x.asnumpy() for x in xs]
    found = Held(xs)
    found.memory = [x.untyped_storage() for x in xs]
    return found


def addresses(held: list[Any]) -> np.ndarray:
    if not isinstance(held, Held):
        return array_addresses(held)
    return np.fromiter((x.data_ptr() for x in held), np.uint64, len(held))


def slot(x: Any) -> np.ndarray:
    return numpy(x)


def zeros(x: Any, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
    return np.zeros(shape, x.asnumpy().dtype if dtype is None else lent(dtype))


@cache
def lent(dtype: str) -> Any:
    """A dtype of NumPy by its name: bfloat16 is one that MindSpore lends."""
    if dtype != "bfloat16":
        return np.dtype(dtype)
    words = import_module("mindspore")
    return words.Tensor(0.0, words.bfloat16).asnumpy().dtype


def gradients(grads: list[Any], members: list[Any], sizes: list[int], part: Any) -> tuple[list, np.ndarray]:
    """The gradients in one piece of memory each, as Tensors or NumPy views, and their addresses.

    Raises:
        NoGradient: one of them is None.
    """
    if any(g is None for g in grads):
        raise NoGradient
    if all(map(tells, grads[:1])):
        found = [
            g if fits(g, member.param) else view(g, member, part) for g, member in zip(grads, members, strict=True)
        ]
    else:
        found = [view(g, member, part) for g, member in zip(grads, members, strict=True)]
    return begun(found, part, where)


def fits(g: Any, param: Any) -> bool:
    """Whether a gradient is a Tensor that can be read where it lies."""
    return (
        hasattr(g, "data_ptr")
        and hasattr(g, "asnumpy")
        and g.shape == param.shape
        and g.dtype == param.dtype
        and g.is_contiguous()
    )


def where(g: Any) -> int:
    """Where a gradient begins."""
    return address(g) if isinstance(g, np.ndarray) else g.data_ptr()


def view(g: Any, member: Any, part: Any) -> np.ndarray:
    """One gradient, checked, as a NumPy array in one piece of memory."""
    return arranged(viewed(g, member), member, part.key.dtype)


def viewed(g: Any, member: Any) -> np.ndarray:
    """The memory of one gradient."""
    if isinstance(g, np.ndarray) or has_rows(g):
        return g
    if not hasattr(g, "asnumpy"):
        raise TypeError(f"the gradient of {member.place} must be a MindSpore Tensor, but got {type(g).__name__}")
    return g.asnumpy()


def numpy(x: Any) -> np.ndarray:
    return x if isinstance(x, np.ndarray) else x.asnumpy()


def check(grads: list[Any], members: list[Any]) -> None:
    """Every gradient is checked when it is arranged."""


def fill(x: np.ndarray, value: float) -> None:
    x[...] = value


def guard(xs: list[Any]) -> None:
    """There is no test of many parameters at once."""


def sharded(xs: list[Any]) -> bool:
    return False


def slot_addresses(slots: list[np.ndarray]) -> np.ndarray:
    return array_addresses(slots)


def resting(slots: list[np.ndarray], where: np.ndarray) -> bool:
    return True  # an array keeps its memory as long as it lives


def adopted(slot: Any, p: Any, dtype: str) -> np.ndarray:
    """A slot that fits its parameter: itself, or a copy in this dtype."""
    return np.require(slot, lent(dtype), ["C", "A", "W"])


def opened(x: Any) -> np.ndarray:
    """The array to compute with: a fresh view, or float32 for half precision."""
    view = numpy(x)
    return view.astype(np.float32) if view.dtype.itemsize == 2 else view


native = opened


def copied(x: Any) -> np.ndarray:
    return numpy(x).copy()


def write(x: Any, array: np.ndarray) -> None:
    numpy(x)[...] = array


def write_rows(x: Any, indices: tuple[np.ndarray, ...], array: np.ndarray) -> None:
    numpy(x)[indices] = array


def touched(xs: list[Any]) -> None:
    """MindSpore keeps no version of a parameter."""
