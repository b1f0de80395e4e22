"""Training steps with a loss scale that gives way to overflow.

scale · loss ─► gradients / scale ─► finite? ─yes─► optimizer(gradients)
                                         └─no──► nothing moves, the optimizer's clock neither
"""

from math import inf
from typing import Any

import numpy as np
import torch

from ...hyper import is_number
from .cell import Cell
from .composite import HyperMap
from .parameter import Parameter
from .tensor import Tensor
from .wrap import TrainOneStepCell

_LEAST = np.float32(1)


class DynamicLossScaleUpdateCell(Cell):
    """A loss scale that shrinks at every overflow and grows after a window of steps without one.

    Args:
        loss_scale_value: the first scale.
        scale_factor: what it is divided and multiplied by, above 1.
        scale_window: steps without overflow after which it grows, at least 1.

    The scale never falls below 1. Where growing would leave float32 it stays (MindSpore's becomes inf and
    never comes back). Parameters, int32 of shape (): ``current_iterator_step``, from 1, and
    ``last_overflow_iterator_step``, the step of the last change.

    Raises:
        ValueError: a number out of range.
    """

    def __init__(self, loss_scale_value: float, scale_factor: float, scale_window: int) -> None:
        super().__init__()
        refuse_scale(_place(self), "loss_scale_value", loss_scale_value)
        refuse_growth(_place(self), scale_factor, scale_window)
        self.loss_scale_value = loss_scale_value
        self.scale_factor = scale_factor
        self.scale_window = scale_window
        self.cur_iter = Parameter(Tensor(1, torch.int32), name="current_iterator_step")
        self.last_overflow_iter = Parameter(Tensor(0, torch.int32), name="last_overflow_iterator_step")

    def get_loss_scale(self) -> float:
        """The first scale."""
        return self.loss_scale_value

    def construct(self, loss_scale: Parameter, overflow: Any) -> Any:
        """Change ``loss_scale`` (a Parameter) after a step; return ``overflow``."""
        scale, factor = np.float32(loss_scale.item()), np.float32(self.scale_factor)
        now, last = int(self.cur_iter.item()), int(self.last_overflow_iter.item())
        due = now - last >= self.scale_window
        if bool(overflow):
            scale = max(scale * (_LEAST / factor), _LEAST)
        elif due:
            with np.errstate(over="ignore"):
                grown = scale * factor
            scale = grown if np.isfinite(grown) else scale
        if bool(overflow) or due:
            self.last_overflow_iter.set_data(Tensor(now, torch.int32))
        loss_scale.set_data(torch.full_like(loss_scale, float(scale)))
        self.cur_iter.set_data(Tensor(now + 1, torch.int32))
        return overflow


class FixedLossScaleUpdateCell(Cell):
    """A loss scale that stays; steps with overflow are left out all the same.

    Args:
        loss_scale_value: the scale, at least 1.

    Raises:
        TypeError, ValueError: no number, or out of range.
    """

    def __init__(self, loss_scale_value: float) -> None:
        super().__init__()
        refuse_scale(_place(self), "loss_scale_value", loss_scale_value)
        self.loss_scale_value = loss_scale_value

    def get_loss_scale(self) -> float:
        """The scale."""
        return self.loss_scale_value

    def construct(self, _: Any, overflow: Any) -> Any:
        return overflow


class TrainOneStepWithLossScaleCell(TrainOneStepCell):
    """One training step with a loss scale; a step with overflow moves nothing, the optimizer's clock neither.

    Args:
        network: gives the loss.
        optimizer: of calando.mindspore.nn, its own ``loss_scale`` left at 1: gradients arrive unscaled.
        scale_sense: a :class:`DynamicLossScaleUpdateCell` or :class:`FixedLossScaleUpdateCell`, or a Tensor of
            shape () or (1,) with a scale that stays.

    Returns ``(loss, overflow, scale)``: the loss without the scale, a bool Tensor, and the scale after the step.
    ``scale_sense`` is a Parameter; ``set_sense_scale`` changes it.

    Raises:
        TypeError, ValueError: for another ``scale_sense``, and as :class:`TrainOneStepCell`.
    """

    def __init__(self, network: Cell, optimizer: Any, scale_sense: Any) -> None:
        super().__init__(network, optimizer, sens=None)
        self.hyper_map = HyperMap()
        self.loss_scaling_manager = None
        if isinstance(scale_sense, Cell) and hasattr(scale_sense, "get_loss_scale"):
            self.loss_scaling_manager = scale_sense
            scale_sense = Tensor(float(scale_sense.get_loss_scale()), torch.float32)
        elif not isinstance(scale_sense, torch.Tensor):
            raise TypeError(
                f"{_place(self)}: 'scale_sense' must be a Cell with get_loss_scale() or a Tensor, but got "
                f"{type(scale_sense).__name__}"
            )
        self.scale_sense = Parameter(_scalar(self, scale_sense), name="scale_sense", requires_grad=False)

    def construct(self, *inputs: Any) -> tuple[Any, Any, Any]:
        scale = self.scale_sense.value()
        loss, grads = self.loss_and_gradients(*inputs, sens=scale.reshape(()))
        grads = self.grad_reducer(tuple(grad * (1 / scale).to(grad.dtype) for grad in grads))
        overflow = self.get_overflow_status(None, grads)
        if not self.process_loss_scale(overflow):
            self.optimizer(grads)
        return loss, overflow, self.scale_sense.value().copy()

    def set_sense_scale(self, sens: Any) -> None:
        """Set the scale to a Tensor of shape () or (1,).

        Raises:
            TypeError, ValueError: it is none.
        """
        if not isinstance(sens, torch.Tensor):
            raise TypeError(f"{_place(self)}: 'sens' must be a Tensor, but got {type(sens).__name__}")
        self.scale_sense.set_data(_scalar(self, sens).reshape(self.scale_sense.shape))

    def start_overflow_check(self, pre_cond: Any, compute_input: Any) -> tuple[None, Any]:
        """For subclasses written for MindSpore: nothing is to be started; ``(None, compute_input)``."""
        return None, compute_input

    def get_overflow_status(self, status: Any, compute_output: Any) -> Tensor:
        """Whether any of these Tensors holds inf or nan: bool, of shape ()."""
        finite = all(bool(torch.isfinite(each).all()) for each in compute_output)
        return Tensor(not finite)

    def process_loss_scale(self, overflow: Any) -> Any:
        """Let the scale follow; return ``overflow``: whether the optimizer is to be left out."""
        if self.loss_scaling_manager is not None:
            return self.loss_scaling_manager(self.scale_sense, overflow)
        return overflow


def _scalar(owner: Any, scale: torch.Tensor) -> torch.Tensor:
    if tuple(scale.shape) not in ((), (1,)):
        raise ValueError(f"{_place(owner)}: a scale has shape () or (1,), but got {tuple(scale.shape)}")
    return scale.to(torch.float32)


def refuse_scale(place: str, name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless it is a finite number from 1 on."""
    if isinstance(value, bool) or not is_number(value):
        raise TypeError(f"{place}: {name!r} must be a number, but got {value!r}")
    if not 1 <= value < inf:
        raise ValueError(f"{place}: {name!r} must be at least 1, but got {value!r}")


def refuse_growth(place: str, factor: Any, window: Any) -> None:
    """Raise TypeError or ValueError for a factor or a window by which no scale can grow."""
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise ValueError(f"{place}: 'scale_window' must be an int from 1 on, but got {window!r}")
    if is_number(factor) and not factor > 1:
        raise ValueError(f"{place}: 'scale_factor' must be above 1, but got {factor!r}")
    refuse_scale(place, "scale_factor", factor)


def _place(owner: Any) -> str:
    return f"For '{type(owner).__name__}'"
