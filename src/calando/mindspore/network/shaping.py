"""Functions that give Tensors another shape, and losses as functions, under MindSpore's names.

Shapes are torch's tuples of ints; results share the memory of what they come from where torch's do.
"""

from typing import Any

import torch

from .losses import CrossEntropyLoss, MSELoss
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


def cross_entropy(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """``nn.CrossEntropyLoss`` as a function."""
    return CrossEntropyLoss(weight, ignore_index, reduction, label_smoothing)(input, target)


def mse_loss(input: torch.Tensor, target: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """``nn.MSELoss`` as a function."""
    return MSELoss(reduction)(input, target)
