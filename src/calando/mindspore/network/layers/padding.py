"""How much to add at the borders: MindSpore's three modes.

valid   nothing
same    so much that the output has ceil(input / stride) places; an odd remainder goes below and right
pad     what is said: one number, or (top, bottom, left, right)
"""

from typing import Any

import torch
from torch.nn.functional import pad

from .arguments import whole


def around(layer: object, mode: str, padding: Any) -> tuple[int, int, int, int]:
    """``padding`` as (top, bottom, left, right).

    Raises:
        ValueError: when it is neither one number nor four, or not zero while the mode is not 'pad'.
    """
    sides = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * 4
    if len(sides) != 4:
        raise ValueError(
            f"padding of {type(layer).__name__} must be one number or (top, bottom, left, right), not {padding!r}"
        )
    top, bottom, left, right = (whole(layer, "padding", side, 0) for side in sides)
    if mode != "pad" and any(sides):
        raise ValueError(f"padding of {type(layer).__name__} needs pad_mode='pad', not {mode!r}")
    return top, bottom, left, right


def pad_same(
    x: torch.Tensor, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], value: float
) -> torch.Tensor:
    """``x`` (…, height, width) with borders of ``value`` for the mode 'same'."""
    sides: list[int] = []
    for axis in (1, 0):  # torch's pad speaks of the last axis first
        length = x.shape[axis - 2]
        places = -(-length // stride[axis])
        total = max((places - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - length, 0)
        sides += [total // 2, total - total // 2]
    return pad(x, sides, value=value) if any(sides) else x
