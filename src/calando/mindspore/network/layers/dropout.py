"""Noise by leaving out."""

from typing import Any

import torch

from ..cell import Cell


class Dropout(Cell):
    """In training set each element to 0 with probability p and divide the others by 1 - p; else do nothing.

    Args:
        keep_prob: 1 - p, MindSpore's older word; used when ``p`` is None.
        p: the share left out, in [0, 1).
        dtype: accepted, as in MindSpore; the result has the type of the input.

    Draws from torch's generator.
    """

    def __init__(self, keep_prob: float = 0.5, p: float | None = None, dtype: Any = torch.float32) -> None:
        super().__init__()
        self.p = 1 - keep_prob if p is None else p
        if not 0 <= self.p < 1:
            raise ValueError(f"Dropout must leave out a share in [0, 1), not {self.p!r}")

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return torch.dropout(x, self.p, self.training)

    def extend_repr(self) -> str:
        return f"p={self.p}"
