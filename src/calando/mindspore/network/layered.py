"""Layers and losses as functions, under MindSpore's names."""

from typing import Any

import torch
from torch.nn.functional import gelu as torch_gelu

from .layers import Dropout
from .losses import CrossEntropyLoss, L1Loss, MSELoss, NLLLoss, SmoothL1Loss
from .tensor import read


def dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, seed: int | None = None) -> torch.Tensor:
    """Each element 0 with probability ``p``, the others divided by 1 - p; the input itself unless ``training``.

    Raises:
        ValueError: for a seed of its own; call ``mindspore.set_seed`` (torch draws from one generator).
    """
    if seed is not None:
        raise ValueError(f"dropout draws from the generator of set_seed() and takes no seed, but got {seed!r}")
    return Dropout(p=p).set_train(training)(input)


def gelu(input: torch.Tensor, approximate: str = "none") -> torch.Tensor:
    """x Φ(x), exactly or by ``'tanh'``; ``nn.GELU`` uses tanh by default."""
    return torch_gelu(input, approximate=approximate)


def cross_entropy(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """``nn.CrossEntropyLoss`` as a function."""
    return CrossEntropyLoss(weight, ignore_index, reduction, label_smoothing)(input, target)


def mse_loss(input: torch.Tensor, target: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """``nn.MSELoss`` as a function."""
    return MSELoss(reduction)(input, target)


def l1_loss(input: torch.Tensor, target: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """``nn.L1Loss`` as a function."""
    return L1Loss(reduction)(input, target)


def smooth_l1_loss(
    input: torch.Tensor, target: torch.Tensor, beta: float = 1.0, reduction: str = "none"
) -> torch.Tensor:
    """``nn.SmoothL1Loss`` as a function."""
    return SmoothL1Loss(beta, reduction)(input, target)


def nll_loss(
    inputs: torch.Tensor,
    target: torch.Tensor,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """``nn.NLLLoss`` as a function; a share ``label_smoothing`` of the target is spread over all classes."""
    loss = NLLLoss(weight, ignore_index, reduction)(inputs, target)
    if label_smoothing == 0:
        return loss
    counted, classes = target != ignore_index, inputs.shape[1]
    weights = torch.ones(classes) if weight is None else read(weight)
    even = -(inputs.movedim(1, -1) * weights).sum(-1) * counted
    if reduction != "none":
        even = even.sum()
    if reduction == "mean":
        even = even / (weights[torch.where(counted, target, 0).long()] * counted).sum()
    return (1 - label_smoothing) * loss + label_smoothing / classes * even
