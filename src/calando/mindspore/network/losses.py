"""Losses as layers."""

from typing import Any

import torch
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)

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


class NLLLoss(Cell):
    """-logits[label], for logarithms of probabilities (batch, classes) or (batch, classes, …) and labels (batch, …).

    Args:
        weight: one per class, of shape (classes,), or None.
        ignore_index: labels of this value do not count.
        reduction: 'mean' (weighted), 'sum' or 'none'.

    Labels are integers of any width.
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__()
        self.weight = None if weight is None else read(weight)
        self.ignore_index = ignore_index
        self.reduction = choice(self, "reduction", reduction, _REDUCTIONS)

    def construct(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        index, reduction = self.ignore_index, self.reduction
        return nll_loss(logits, labels.long(), self.weight, ignore_index=index, reduction=reduction)


class SoftmaxCrossEntropyWithLogits(Cell):
    """-Σ label · log softmax(logits), for (batch, classes): MindSpore's older CrossEntropyLoss.

    Args:
        sparse: whether labels are integers (batch,); else probabilities (batch, classes). Where these do not sum to 1
            the gradient is that of the formula (MindSpore's is that for 1).
        reduction: 'none' (one loss per example), 'mean' or 'sum'.

    Raises:
        ValueError: for labels of another shape.
    """

    def __init__(self, sparse: bool = False, reduction: str = "none") -> None:
        super().__init__()
        self.sparse = bool(sparse)
        self.reduction = choice(self, "reduction", reduction, _REDUCTIONS)

    def construct(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        wanted = logits.shape[:1] if self.sparse else logits.shape
        if logits.dim() != 2 or labels.shape != wanted:
            raise ValueError(
                f"SoftmaxCrossEntropyWithLogits(sparse={self.sparse}) takes logits (batch, classes) and labels "
                f"{'(batch,)' if self.sparse else '(batch, classes)'}, not {tuple(logits.shape)} and "
                f"{tuple(labels.shape)}"
            )
        labels = labels.long() if self.sparse else labels
        return cross_entropy(logits, labels, reduction=self.reduction)


class _Differences(Cell):
    """What the losses of two Tensors of one shape have in common."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = choice(self, "reduction", reduction, _REDUCTIONS)

    def construct(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if logits.shape != labels.shape:
            raise ValueError(
                f"{type(self).__name__} compares two Tensors of one shape, not {tuple(logits.shape)} and "
                f"{tuple(labels.shape)}"
            )
        return self.measure(logits, labels)

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of two Tensors of one shape."""
        raise NotImplementedError(f"{type(self).__name__} has no measure()")


class L1Loss(_Differences):
    """|logits - labels|, for two Tensors of one shape.

    Args:
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: for two shapes; a broadcast here is nearly always a slip (MindSpore only warns).
    """

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return l1_loss(logits, labels, reduction=self.reduction)


class MAELoss(L1Loss):
    """``L1Loss`` by its older name, as MindSpore's pages on optimizers call it."""


class MSELoss(_Differences):
    """(logits - labels)², for two Tensors of one shape.

    Args:
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: for two shapes; a broadcast here is nearly always a slip (MindSpore does it in silence).
    """

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return mse_loss(logits, labels, reduction=self.reduction)


class SmoothL1Loss(_Differences):
    """(logits - labels)² / (2 beta) where they differ by less than beta, else |logits - labels| - beta / 2.

    Args:
        beta: above 0.
        reduction: 'none' (the default, unlike torch), 'mean' or 'sum'.

    Raises:
        ValueError: for two shapes; for a beta that is not above 0.
    """

    def __init__(self, beta: float = 1.0, reduction: str = "none") -> None:
        super().__init__(reduction)
        if not beta > 0:
            raise ValueError(f"beta of SmoothL1Loss must be above 0, not {beta!r}")
        self.beta = beta

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return smooth_l1_loss(logits, labels, reduction=self.reduction, beta=self.beta)


class BCELoss(_Differences):
    """-label log p - (1 - label) log(1 - p), for probabilities and labels of one shape.

    Args:
        weight: of each element, of a shape that fits, or None.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: for two shapes.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else read(weight)

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy(logits, labels, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Differences):
    """:class:`BCELoss` of 1 / (1 + exp(-logits)), without its loss of digits.

    Args:
        reduction: 'mean', 'sum' or 'none'.
        weight: of each element, of a shape that fits, or None.
        pos_weight: of the labels' term, of a shape that fits, or None.

    Raises:
        ValueError: for two shapes.
    """

    def __init__(self, reduction: str = "mean", weight: Any = None, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else read(weight)
        self.pos_weight = None if pos_weight is None else read(pos_weight)

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy_with_logits(
            logits, labels, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
