"""Hyperparameters held in tensors, as torch allows: whoever fills such a tensor is heard.

What is in force is written back into the same tensor, as torch's schedulers do, unless several groups share it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch


def boxed(value: Any) -> bool:
    """Whether a hyperparameter is, or holds, a tensor."""
    if isinstance(value, (tuple, list)):
        return any(isinstance(x, torch.Tensor) for x in value)
    return isinstance(value, torch.Tensor)


def unboxed(place: str, name: str, value: Any) -> Any:
    """The numbers in a hyperparameter's tensors; anything else as it is.

    Raises:
        ValueError: a tensor of more than one element.
    """
    if isinstance(value, (tuple, list)) and boxed(value):
        return tuple(unboxed(place, name, x) for x in value)
    if not isinstance(value, torch.Tensor):
        return value
    if value.numel() != 1:
        many = f"a tensor of shape {tuple(value.shape)}; for one value per step give a list"
        raise ValueError(f"{place}: {name!r} as a tensor must have one element, but got {many}")
    return value.item()


def refilled(place: str, name: str, old: Any, new: Any, others: Iterable[Mapping[str, Any]]) -> Any:
    """What stands in a group for ``new``: the tensor that stood there, filled; a copy where others hold it too."""
    if isinstance(old, (tuple, list)) and isinstance(new, tuple):
        return tuple(refilled(place, name, x, y, others) for x, y in zip(old, new, strict=True))
    if not isinstance(old, torch.Tensor) or new is None:
        return new
    if old.item() == new:
        return old
    held = [x for group in others for x in listed(group.get(name))]
    return torch.full_like(old, new) if any(x is old for x in held) else fill(old, new)


def fill(tensor: torch.Tensor, value: float) -> torch.Tensor:
    """The tensor itself, filled; its history, if it has one, does not matter."""
    tensor.detach().fill_(value)
    return tensor


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]
