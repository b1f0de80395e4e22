"""NumPy arrays as parameters: updated in place."""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import NoGradient, Rows, has_rows, refuse_sparse

name = "numpy"
read_only = "may only be read; give a writable array"


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


def addresses(held: list[np.ndarray]) -> np.ndarray:
    return np.fromiter(map(address, held), np.uint64, len(held))


def slot(x: np.ndarray) -> np.ndarray:
    return x


def guard(xs: list[Any]) -> None:
    """There is no test of many arrays at once."""


def zeros(x: np.ndarray, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
    return np.zeros(shape, dtype or x.dtype)


def gradients(grads: list[Any], members: list[Any], sizes: list[int], part: Any) -> tuple[list, np.ndarray]:
    """The gradients as their parameters lie in memory (copied where they do not), and their addresses.

    Raises:
        NoGradient: one of them is None.
    """
    if any(g is None for g in grads):
        raise NoGradient
    grads = [arranged(g, member, part.key.dtype) for g, member in zip(grads, members, strict=True)]
    return begun(grads, part, address)


def begun(grads: list[Any], part: Any, where: Callable[[Any], int]) -> tuple[list, np.ndarray]:
    """Gradients and where they begin; the part is told whether there are Rows among them."""
    part.sparse = any(isinstance(g, Rows) for g in grads)
    dense = (g.values if isinstance(g, Rows) else g for g in grads)
    return grads, np.fromiter(map(where, dense), np.uint64, len(grads))


def address(x: np.ndarray) -> int:
    """Where an array begins."""
    return x.__array_interface__["data"][0]


def arranged(g: Any, member: Any, dtype: str) -> np.ndarray:
    """One gradient, checked, in one piece of memory."""
    if has_rows(g):
        return rows(g, member, dtype)
    if not isinstance(g, np.ndarray):
        raise TypeError(f"the gradient of {member.place} must be a NumPy array, but got {type(g).__name__}")
    if g.shape != tuple(member.param.shape):
        raise ValueError(f"the gradient of {member.place} has shape {g.shape}, not {tuple(member.param.shape)}")
    if g.dtype != dtype:  # byte order included
        raise TypeError(f"the gradient of {member.place} is of dtype {g.dtype}; the parameter is {dtype}")
    return g if g.flags.carray or (g.flags.c_contiguous and g.flags.aligned) else np.require(g, requirements=["C", "A"])


def rows(g: Any, member: Any, dtype: str) -> Any:
    """A sparse gradient (indices, values) as Rows, or dense where the rule needs it whole."""
    if member.sparse == "refuse":
        refuse_sparse(member)
    shape = tuple(member.param.shape)
    indices, values = (np.asarray(x.asnumpy() if hasattr(x, "asnumpy") else x) for x in (g.indices, g.values))
    if not shape or indices.ndim != 1 or values.shape != (len(indices), *shape[1:]):
        found = f"indices {indices.shape} and values {values.shape}"
        raise ValueError(f"the gradient of {member.place} has {found}, which are no rows of {shape}")
    if len(indices) and not 0 <= indices.min() <= indices.max() < shape[0]:
        raise ValueError(
            f"the gradient of {member.place} has rows {indices.min()} to {indices.max()}; there are {shape[0]}"
        )
    if values.dtype != dtype:
        raise TypeError(f"the gradient of {member.place} is of dtype {values.dtype}; the parameter is {dtype}")
    unique, inverse = np.unique(indices, return_inverse=True)
    summed = np.zeros((len(unique), *shape[1:]), dtype)
    np.add.at(summed, inverse, values)
    if member.sparse == "rows":
        unique = unique.astype(np.int64)
        return Rows((unique,), summed, unique * int(np.prod(shape[1:], dtype=np.int64)))
    whole = np.zeros(shape, dtype)
    whole[unique] = summed
    return whole


def numpy(x: np.ndarray) -> np.ndarray:
    return x


def check(grads: list[Any], members: list[Any]) -> None:
    """Every gradient is checked when it is arranged."""


def fill(x: np.ndarray, value: float) -> None:
    x[...] = value


def sharded(xs: list[Any]) -> bool:
    return False


def slot_addresses(slots: list[np.ndarray]) -> np.ndarray:
    return addresses(slots)


def resting(slots: list[np.ndarray], where: np.ndarray) -> bool:
    return True  # an array keeps its memory as long as it lives


def adopted(slot: Any, p: np.ndarray, dtype: str) -> np.ndarray:
    """A slot that fits its parameter: itself, or a copy in this dtype and the plain layout."""
    return np.require(slot, dtype, ["C", "A", "W"])


def opened(x: np.ndarray) -> np.ndarray:
    """The array to compute with: itself, or float32 for half precision."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


native = opened


def copied(x: np.ndarray) -> np.ndarray:
    return x.copy()


def write(x: np.ndarray, array: np.ndarray) -> None:
    x[...] = array


def write_rows(x: np.ndarray, indices: tuple[np.ndarray, ...], array: np.ndarray) -> None:
    x[indices] = array


def touched(xs: list[np.ndarray]) -> None:
    """NumPy keeps no version of an array."""
