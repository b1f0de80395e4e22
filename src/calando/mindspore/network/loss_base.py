"""The base class of losses of one's own, as MindSpore documents it."""

from typing import Any

import torch

from .cell import Cell
from .layers.arguments import choice


class LossBase(Cell):
    """A loss whose ``construct`` ends in ``get_loss``.

    Args:
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: another reduction.

    Example:
        >>> from calando.mindspore import Tensor
        >>> class Distance(LossBase):
        ...     def construct(self, logits, labels):
        ...         return self.get_loss((logits - labels).abs())
        >>> Distance("sum")(Tensor([1.0, 2.0]), Tensor([0.0, 4.0])).item()
        3.0
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = choice(self, "reduction", reduction, ("mean", "sum", "none"))

    def get_axis(self, x: torch.Tensor) -> tuple[int, ...]:
        """All axes of ``x``."""
        return tuple(range(x.ndim))

    def get_loss(self, x: torch.Tensor, weights: Any = 1.0) -> torch.Tensor:
        """``x`` times ``weights``, in float32 or finer, reduced, in the type of ``x``.

        Args:
            x: losses of any shape.
            weights: a number, or a Tensor that can be spread over ``x``.
        """
        values = x.to(torch.promote_types(x.dtype, torch.float32)) * weights
        reduced = {"mean": values.mean, "sum": values.sum, "none": lambda: values}[self.reduction]()
        return reduced.to(x.dtype)
