"""Clipping of one Tensor by its norm, as a layer."""

from typing import Any

import torch

from ..cell import Cell
from ..operations import tensor


class ClipByNorm(Cell):
    """x · clip_norm / max(norm, clip_norm), for any shape, in float32 or finer.

    Args:
        axis: the axis, or several, over which a norm is taken; None: of the whole Tensor. (With one axis of several,
            MindSpore 2.10 divides by other numbers than these norms.)
    """

    def __init__(self, axis: Any = None) -> None:
        super().__init__()
        self.axis = axis

    def construct(self, x: torch.Tensor, clip_norm: Any) -> torch.Tensor:
        most, x = tensor(clip_norm), x.to(torch.promote_types(x.dtype, torch.float32))
        norm = torch.linalg.vector_norm(x, dim=self.axis, keepdim=self.axis is not None)
        return x * (most / torch.maximum(norm, most))
