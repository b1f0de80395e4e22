"""Losses as layers."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy, mse_loss

from .cell import Cell
from .layers.arguments import choice
from .tensor import read

_REDUCTIONS = ("mean", "sum", "none")


class CrossEntropyLoss(Cell):
    """-log softmax(logits)[label], for (batch, classes) or (batch, classes, …) and labels (batch, …).

    Args:
        weight: one per class, of shape (classes,), or None.
        ignore_index: labels of this value do not count.
        reduction: 'mean' (weighted), 'sum' or 'none'.
        label_smoothing: share of the target spread over all classes, in [0, 1].

    Labels are integers of any width (MindSpore wants int32, torch int64), or probabilities of the shape of
    the logits.
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing of CrossEntropyLoss must lie in [0, 1], not {label_smoothing!r}")
        self.weight = None if weight is None else read(weight)
        self.ignore_index = ignore_index
        self.reduction = choice(self, "reduction", reduction, _REDUCTIONS)
        self.label_smoothing = label_smoothing

    def construct(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if not labels.is_floating_point() and labels.dtype != torch.int64:
            labels = labels.long()
        return cross_entropy(
            logits,
            labels,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(Cell):
    """(logits - labels)², for two Tensors of one shape.

    Args:
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: for two shapes; a broadcast here is nearly always a slip (MindSpore does it in silence).
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = choice(self, "reduction", reduction, _REDUCTIONS)

    def construct(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if logits.shape != labels.shape:
            raise ValueError(
                f"MSELoss compares two Tensors of one shape, not {tuple(logits.shape)} and {tuple(labels.shape)}"
            )
        return mse_loss(logits, labels, reduction=self.reduction)
