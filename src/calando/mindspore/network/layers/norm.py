"""The length of a Tensor, as a layer: what LAMB and LARS of MindSpore's model zoo measure with."""

from typing import Any

import torch

from ..cell import Cell


class Norm(Cell):
    """√Σ x², over the whole Tensor or over axes.

    Args:
        axis: the axis, or several, over which the sum goes; (): over all.
        keep_dims: the axes stay, with length 1.
    """

    def __init__(self, axis: Any = (), keep_dims: bool = False) -> None:
        super().__init__()
        self.axis, self.keep_dims = axis, keep_dims

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        axes = None if self.axis == () else self.axis
        return torch.linalg.vector_norm(x, dim=axes, keepdim=self.keep_dims)
