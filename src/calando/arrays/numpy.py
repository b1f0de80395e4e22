"""NumPy arrays as parameters: updated in place."""

from typing import Any

import numpy as np

from . import NoGradient

name = "numpy"


def kind(x: np.ndarray) -> tuple[str, str]:
    return "cpu", x.dtype.name if x.dtype.isnative else f"{x.dtype.name} in foreign byte order"


def shape(x: np.ndarray) -> tuple[int, ...]:
    return x.shape


def layout(x: np.ndarray) -> tuple:
    return x.shape, x.strides, x.dtype


def writable(x: np.ndarray) -> bool:
    return x.flags.writeable


def dense(x: np.ndarray, rows: bool) -> bool:
    return x.flags.c_contiguous and x.flags.aligned


def hold(xs: list[np.ndarray]) -> list[np.ndarray]:
    return xs


def addresses(held: list[np.ndarray]) -> list[int]:
    return [x.__array_interface__["data"][0] for x in held]


def zeros(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape, x.dtype)


def gradients(grads: list[Any], members: list[Any], sizes: list[int], part: Any) -> tuple[list, np.ndarray]:
    """The gradients as their parameters lie in memory (copied where they do not), and their addresses.

    Raises:
        NoGradient: one of them is None.
    """
    if any(g is None for g in grads):
        raise NoGradient
    grads = [arranged(g, member, part.key.dtype) for g, member in zip(grads, members, strict=True)]
    return grads, np.array(addresses(grads), np.uint64)


def arranged(g: Any, member: Any, dtype: str) -> np.ndarray:
    """One gradient, checked, in one piece of memory."""
    if not isinstance(g, np.ndarray):
        raise TypeError(f"the gradient of {member.place} must be a NumPy array, but got {type(g).__name__}")
    if g.shape != tuple(member.param.shape):
        raise ValueError(f"the gradient of {member.place} has shape {g.shape}, not {tuple(member.param.shape)}")
    if g.dtype != dtype:  # byte order included
        raise TypeError(f"the gradient of {member.place} is of dtype {g.dtype}; the parameter is {dtype}")
    return g if g.flags.carray or (g.flags.c_contiguous and g.flags.aligned) else np.require(g, requirements=["C", "A"])


def numpy(x: np.ndarray) -> np.ndarray:
    return x


def check(grads: list[Any], members: list[Any]) -> None:
    """Every gradient is checked when it is arranged."""


def slot_addresses(slots: list[np.ndarray]) -> list[int]:
    return addresses(slots)


def adopted(slot: Any, p: np.ndarray) -> np.ndarray:
    """A slot that fits its parameter: itself, or a copy in the parameter's dtype and layout."""
    return np.require(slot, p.dtype, ["C", "A", "W"])


def opened(x: np.ndarray) -> np.ndarray:
    """The array to compute with: itself, or float32 for half precision."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


native = opened


def write(x: np.ndarray, array: np.ndarray) -> None:
    x[...] = array


def touched(xs: list[np.ndarray]) -> None:
    """NumPy keeps no version of an array."""
