"""What keeps Tensors in bounds, gradients above all: by value, by norm, by the norm of all together."""

from collections.abc import Sequence
from typing import Any

import torch

from .operations import maximum, minimum, tensor


def clip_by_value(x: Any, clip_value_min: Any = None, clip_value_max: Any = None) -> Any:
    """x between two bounds, numbers or Tensors; a tuple or list of Tensors is clipped one by one.

    Raises:
        ValueError: without any bound.
    """
    if clip_value_min is None and clip_value_max is None:
        raise ValueError("clip_by_value needs clip_value_min or clip_value_max")
    if isinstance(x, (tuple, list)):
        return type(x)(clip_by_value(each, clip_value_min, clip_value_max) for each in x)
    x = tensor(x)
    x = x if clip_value_min is None else maximum(x, clip_value_min)
    return x if clip_value_max is None else minimum(x, clip_value_max)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """As ``clip_by_value``."""
    return clip_by_value(input, min, max)


clip = clamp


def clip_by_global_norm(x: Sequence[Any], clip_norm: Any = 1.0, use_norm: Any = None) -> tuple[torch.Tensor, ...]:
    """Tensors scaled together so that the norm of all elements is at most ``clip_norm``.

    xᵢ · clip_norm / max(norm, clip_norm), norm = √Σ x²

    Args:
        x: a tuple or list of Tensors of any shapes; they stay as they are.
        clip_norm: above 0.
        use_norm: only None, as in MindSpore.

    Raises:
        TypeError: for a single Tensor.
        ValueError: for ``use_norm``, or a ``clip_norm`` that is not above 0.
    """
    if use_norm is not None:
        raise ValueError("use_norm of clip_by_global_norm must be None")
    norm = _norm("clip_by_global_norm", x, "clip_norm", clip_norm, 2.0)
    share = clip_norm / torch.clamp(norm, min=float(clip_norm))
    return tuple(each * share for each in x)


def clip_by_norm(x: Any, max_norm: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Tensors scaled together so that their norm is at most ``max_norm``, as by torch's ``clip_grad_norm_``.

    xᵢ · min(max_norm / (norm + 10⁻⁶), 1)

    Args:
        x: a Tensor, or a tuple or list of them; they stay as they are.
        max_norm: above 0.
        norm_type: 2, 1, ``inf`` …
        error_if_nonfinite: raise when the norm is inf or nan.
    """
    several = [x] if isinstance(x, torch.Tensor) else x
    norm = _norm("clip_by_norm", several, "max_norm", max_norm, norm_type)
    if error_if_nonfinite and not torch.isfinite(norm):
        raise ValueError(f"clip_by_norm: the norm of order {norm_type} is {norm.item()}")
    share = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    scaled = [each * share for each in several]
    return scaled[0] if isinstance(x, torch.Tensor) else type(x)(scaled)


def _norm(caller: str, x: Any, word: str, most: Any, order: float) -> torch.Tensor:
    if not isinstance(x, (tuple, list)) or not x:
        raise TypeError(f"{caller} takes a tuple or list of Tensors, not {type(x).__name__} {x!r}")
    if isinstance(most, (str, bytes, type(None), tuple, list)):
        raise TypeError(f"{word} of {caller} must be a number, not {most!r}")
    if not most > 0:
        raise ValueError(f"{word} of {caller} must be above 0, not {most!r}")
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(each, order) for each in x]), order)
