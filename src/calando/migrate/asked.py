"""Schedules of MindSpore's in scripts that went to PyTorch."""

from __future__ import annotations

from typing import Any


class Asked:
    """A ``LearningRateSchedule``, or another Cell of the step, as a function of the step.

    Args:
        cell: called with the number of updates made, an int32 Tensor of shape (), as MindSpore's optimizers call it.
    """

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    def __call__(self, step: int) -> float:
        import mindspore

        return float(self.cell(mindspore.Tensor(step, mindspore.int32)).asnumpy())

    def __repr__(self) -> str:
        return f"Asked({self.cell!r})"


def moves(optimizer: Any) -> bool:
    """Whether a group of one of ``calando.torch``'s optimizers has a schedule for its learning rate."""
    from ..schedules import Schedule

    return any(isinstance(hyper.timelines["lr"].latest, Schedule) for hyper in optimizer.engine.hypers)
