"""Many axes into one."""

import torch

from ..cell import Cell


class Flatten(Cell):
    """(batch, a, b, c) → (batch, a·b·c).

    Args:
        start_dim, end_dim: first and last of the axes that become one.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.flatten(x, self.start_dim, self.end_dim)
