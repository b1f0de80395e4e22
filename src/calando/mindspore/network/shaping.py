"""Functions that give Tensors another shape, or take parts of them, under MindSpore's names.

Shapes are torch's tuples of ints; results share the memory of what they come from where torch's do.
"""

from typing import Any

import torch

from .dtype import as_dtype
from .tensor import Tensor, read


def transpose(input: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """The axes in another order: axis i of the result is axis ``dims[i]``."""
    return input.permute(tuple(dims))


def permute(input: torch.Tensor, axis: tuple[int, ...]) -> torch.Tensor:
    """As ``transpose``."""
    return input.permute(tuple(axis))


def squeeze(input: torch.Tensor, axis: int | tuple[int, ...] | None = None) -> torch.Tensor:
    """Without its axes of length 1, or without these of them."""
    return torch.squeeze(input) if axis is None else torch.squeeze(input, axis)


def unsqueeze(input: torch.Tensor, dim: int) -> torch.Tensor:
    """With a new axis of length 1."""
    return torch.unsqueeze(input, dim)


def flatten(input: torch.Tensor, order: str = "C", *, start_dim: int = 1, end_dim: int = -1) -> torch.Tensor:
    """The axes from ``start_dim`` to ``end_dim`` as one: by default (n, …) → (n, product of the rest).

    Args:
        order: 'C', or 'F': the axes are taken in the reverse order.

    Raises:
        ValueError: for another order.
    """
    if order not in ("C", "F"):
        raise ValueError(f"order of flatten must be 'C' or 'F', not {order!r}")
    if input.ndim < 2:
        return input.reshape(-1)
    return torch.flatten(input.permute(*range(input.ndim)[::-1]) if order == "F" else input, start_dim, end_dim)


def tile(input: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """Repeated ``dims[i]`` times along axis i."""
    return torch.tile(input, tuple(dims))


def masked_fill(input_x: torch.Tensor, mask: torch.Tensor, value: float) -> torch.Tensor:
    """A copy with ``value`` wherever the mask is True."""
    return input_x.masked_fill(mask, value)


def one_hot(indices: torch.Tensor, depth: int, on_value: Any = 1, off_value: Any = 0, axis: int = -1) -> torch.Tensor:
    """A new axis of length ``depth``, the last by default: ``on_value`` at the index and ``off_value`` elsewhere.

    Of int64 for two ints, else of the type of the values.
    """
    hit = (indices.unsqueeze(-1) == torch.arange(depth)).movedim(-1, axis)
    on, off = read(on_value), read(off_value)
    return torch.where(hit, on, off).to(torch.promote_types(on.dtype, off.dtype)).as_subclass(Tensor)


def expand_dims(input_x: torch.Tensor, axis: int) -> torch.Tensor:
    """As ``unsqueeze``."""
    return torch.unsqueeze(input_x, axis)


def gather(input_params: torch.Tensor, input_indices: Any, axis: int, batch_dims: int = 0) -> torch.Tensor:
    """The slices at these places of an axis, which becomes the axes of the indices.

    Args:
        input_indices: integers; those below 0 count from the end.
        batch_dims: so many first axes are common to both, and each part of them is gathered for itself.

    Raises:
        IndexError: for a place that is not there (MindSpore's CPU ends the process, or gives zeros).
        ValueError: for ``batch_dims`` beyond the axis.
    """
    axis, places = axis % input_params.ndim, read(input_indices).long()
    if batch_dims:
        batch_dims = batch_dims % max(places.ndim, 1)
        if batch_dims > axis:
            raise ValueError(f"batch_dims of gather must not be beyond axis {axis}, but got {batch_dims}")
        parts = zip(input_params, places, strict=True)
        return torch.stack([gather(part, own, axis - 1, batch_dims - 1) for part, own in parts])
    length = input_params.shape[axis]
    if wrong := places[(places < -length) | (places >= length)].tolist():
        raise IndexError(f"gather: there is no place {wrong[0]} on axis {axis}, which has {length}")
    taken = torch.index_select(input_params, axis, places.reshape(-1) % max(length, 1))
    return taken.reshape((*input_params.shape[:axis], *places.shape, *input_params.shape[axis + 1 :]))


def split(tensor: torch.Tensor, split_size_or_sections: Any, axis: int = 0) -> tuple[torch.Tensor, ...]:
    """Parts of an axis: each of that length (the last may be shorter), or of the lengths in a list."""
    return tuple(torch.split(tensor, split_size_or_sections, axis))


def topk(input: torch.Tensor, k: int, dim: int | None = None, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (or smallest) values along an axis, the last by default, and their places as int32."""
    values, places = torch.topk(input, k, -1 if dim is None else dim, largest, sorted)
    return values, places.to(torch.int32)


def arange(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None) -> torch.Tensor:
    """start, start + step, … below ``end``; ``arange(n)`` is 0 … n - 1."""
    start, end = (0, start) if end is None else (start, end)
    return torch.arange(start, end, step, dtype=None if dtype is None else as_dtype(dtype)).as_subclass(Tensor)


def linspace(start: float, end: float, steps: int) -> torch.Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included; float32."""
    return torch.linspace(start, end, steps).as_subclass(Tensor)
