"""Parameters of real MindSpore: written through a fresh ``asnumpy()`` view each step.

A fresh view waits for MindSpore's queued work and shares its memory; a kept view, or ``set_data``,
would not be safe (measured on 2.10: lost writes, and parameters detached from compiled code). Slots are
NumPy arrays of our own.
"""

from typing import Any

import numpy as np

from . import NoGradient, has_rows
from .numpy import addresses as addresses
from .numpy import arranged, laid_out

name = "mindspore"


def kind(x: Any) -> tuple[str, str]:
    return "cpu", str(x.dtype).lower()


def shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape)


def layout(x: Any) -> tuple:
    return tuple(x.shape), x.dtype


def writable(x: Any) -> bool:
    return True


def dense(x: Any, rows: bool) -> bool:
    return x.asnumpy().flags.c_contiguous


def hold(xs: list[Any]) -> list[np.ndarray]:
    return [x.asnumpy() for x in xs]


def zeros(x: Any, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
    return np.zeros(shape, x.asnumpy().dtype if dtype in (None, "bfloat16") else dtype)


def gradients(grads: list[Any], members: list[Any], sizes: list[int], part: Any) -> tuple[list, np.ndarray]:
    """The gradients as NumPy views in one piece of memory, and their addresses.

    Raises:
        NoGradient: one of them is None.
    """
    if any(g is None for g in grads):
        raise NoGradient
    views = [viewed(g, member) for g, member in zip(grads, members, strict=True)]
    views = [arranged(g, member, part.key.dtype) for g, member in zip(views, members, strict=True)]
    return laid_out(views, part)


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
    return addresses(slots)


def resting(slots: list[np.ndarray], where: np.ndarray) -> bool:
    return True  # an array keeps its memory as long as it lives


def adopted(slot: Any, p: Any, dtype: str) -> np.ndarray:
    """A slot that fits its parameter: itself, or a copy in this dtype."""
    return np.require(slot, p.asnumpy().dtype if dtype == "bfloat16" else dtype, ["C", "A", "W"])


def opened(x: Any) -> np.ndarray:
    """The array to compute with: a fresh view, or float32 for half precision."""
    view = numpy(x)
    return view.astype(np.float32) if view.dtype.itemsize == 2 else view


native = opened


def copied(x: Any) -> np.ndarray:
    return numpy(x).copy()


def write(x: Any, array: np.ndarray) -> None:
    numpy(x)[...] = array


def write_rows(x: Any, indices: np.ndarray, array: np.ndarray) -> None:
    numpy(x)[indices] = array


def touched(xs: list[Any]) -> None:
    """MindSpore keeps no version of a parameter."""
