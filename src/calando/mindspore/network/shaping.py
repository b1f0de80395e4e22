"""Functions that give Tensors another shape, or take parts of them, under MindSpore's names.

Shapes are torch's tuples of ints; results share the memory of what they come from where torch's do.
"""

from typing import Any

import torch

from .dtype import as_dtype
from .tensor import Tensor


def transpose(input: torch.Tensor, input_perm: tuple[int, ...]) -> torch.Tensor:
    """The axes in another order: axis i of the result is axis ``input_perm[i]``."""
    return input.permute(tuple(input_perm))


def permute(input: torch.Tensor, axis: tuple[int, ...]) -> torch.Tensor:
    """As ``transpose``."""
    return input.permute(tuple(axis))


def squeeze(input: torch.Tensor, axis: int | tuple[int, ...] | None = None) -> torch.Tensor:
    """Without its axes of length 1, or without these of them."""
    return torch.squeeze(input) if axis is None else torch.squeeze(input, axis)


def unsqueeze(input: torch.Tensor, dim: int) -> torch.Tensor:
    """With a new axis of length 1."""
    return torch.unsqueeze(input, dim)


def flatten(input: torch.Tensor, *, start_dim: int = 1, end_dim: int = -1) -> torch.Tensor:
    """The axes from ``start_dim`` to ``end_dim`` as one: by default (n, …) → (n, product of the rest)."""
    return input if input.ndim == start_dim == 1 else torch.flatten(input, start_dim, end_dim)


def tile(input: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """Repeated ``dims[i]`` times along axis i."""
    return torch.tile(input, tuple(dims))


def masked_fill(input_x: torch.Tensor, mask: torch.Tensor, value: float) -> torch.Tensor:
    """A copy with ``value`` wherever the mask is True."""
    return input_x.masked_fill(mask, value)


def one_hot(indices: torch.Tensor, depth: int, on_value: float = 1, off_value: float = 0) -> torch.Tensor:
    """A new last axis of length ``depth``, ``on_value`` at the index and ``off_value`` elsewhere; int64 by default."""
    hit = indices.unsqueeze(-1) == torch.arange(depth)
    kind = torch.int64 if isinstance(on_value, int) and isinstance(off_value, int) else torch.float32
    return torch.where(hit, on_value, off_value).to(kind).as_subclass(Tensor)


def expand_dims(input_x: torch.Tensor, axis: int) -> torch.Tensor:
    """As ``unsqueeze``."""
    return torch.unsqueeze(input_x, axis)


def gather(input_params: torch.Tensor, input_indices: torch.Tensor, axis: int) -> torch.Tensor:
    """The slices at these places of an axis, which becomes the axes of the indices.

    Raises:
        IndexError: for a place that is not there (MindSpore's CPU gives zeros).
    """
    places = input_indices.long().reshape(-1)
    axis = axis % input_params.ndim
    taken = torch.index_select(input_params, axis, places)
    return taken.reshape((*input_params.shape[:axis], *input_indices.shape, *input_params.shape[axis + 1 :]))


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
