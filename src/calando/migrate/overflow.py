"""MindSpore's training step that watches for overflow, for PyTorch: what a script's own subclass of it relies on.

``torch.amp.GradScaler`` does the same with calls of its own; these keep a script's lines as they are. The scale is a
tensor of one number that is changed in place, as MindSpore's is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from .gradients import all_finite


class DynamicLossScaleUpdateCell:
    """``mindspore.nn.DynamicLossScaleUpdateCell``: a scale that falls after an overflow, and rises in time.

    Args:
        loss_scale_value: where the scale begins.
        scale_factor: what it is divided by after an update that overflowed, but not below 1, and multiplied by after
            ``scale_window`` updates that did not.
        scale_window: how many updates that is; the one that overflowed counts as the first, as there.
    """

    def __init__(self, loss_scale_value: float, scale_factor: float, scale_window: int) -> None:
        self.loss_scale_value, self.scale_factor, self.scale_window = loss_scale_value, scale_factor, scale_window
        self.cur_iter, self.last_overflow_iter = 1, 0

    def get_loss_scale(self) -> float:
        """Where the scale begins."""
        return self.loss_scale_value

    def __call__(self, loss_scale: torch.Tensor, overflow: Any) -> Any:
        """Change the scale in place; whether it overflowed, as it was given."""
        due = self.scale_window <= self.cur_iter - self.last_overflow_iter
        if overflow:
            loss_scale.copy_(torch.clamp(loss_scale / self.scale_factor, min=1.0))
        elif due:
            loss_scale.mul_(self.scale_factor)
        if overflow or due:
            self.last_overflow_iter = self.cur_iter
        self.cur_iter += 1
        return overflow


class FixedLossScaleUpdateCell:
    """``mindspore.nn.FixedLossScaleUpdateCell``: a scale that stays.

    Args:
        loss_scale_value: the scale.
    """

    def __init__(self, loss_scale_value: float) -> None:
        self.loss_scale_value = loss_scale_value

    def get_loss_scale(self) -> float:
        """The scale."""
        return self.loss_scale_value

    def __call__(self, loss_scale: torch.Tensor, overflow: Any) -> Any:
        """Whether it overflowed, as it was given."""
        return overflow


class TrainOneStepWithLossScaleCell(torch.nn.Module):
    """``mindspore.nn.TrainOneStepWithLossScaleCell`` as a base class: the names and methods that subclasses use.

    Args:
        network: computes the loss.
        optimizer: of PyTorch's.
        scale_sense: an update cell of this module, or a number that stays.

    Raises:
        TypeError: ``scale_sense`` is neither.
    """

    def __init__(self, network: Any, optimizer: torch.optim.Optimizer, scale_sense: Any) -> None:
        super().__init__()
        self.network, self.optimizer = network, optimizer
        cell = callable(getattr(scale_sense, "get_loss_scale", None))
        if not cell and not isinstance(scale_sense, (int, float, torch.Tensor)):
            raise TypeError(f"scale_sense is an update cell or a number, not {type(scale_sense).__name__}")
        self.loss_scaling_manager = scale_sense if cell else None
        self.scale_sense = torch.tensor(float(scale_sense.get_loss_scale() if cell else scale_sense))

    def set_sense_scale(self, sens: Any) -> None:
        """Another scale from now on."""
        self.scale_sense.fill_(float(sens))

    def start_overflow_check(self, pre_cond: Any, compute_input: Any) -> tuple[None, Any]:
        """Nothing has to be prepared: gradients are looked at themselves."""
        return None, compute_input

    def get_overflow_status(self, status: Any, compute_output: Iterable[torch.Tensor]) -> bool:
        """Whether a gradient holds infinity or not-a-number."""
        return not all_finite(compute_output)

    def process_loss_scale(self, overflow: Any) -> Any:
        """Let the update cell change the scale; whether it overflowed."""
        return overflow if self.loss_scaling_manager is None else self.loss_scaling_manager(self.scale_sense, overflow)
