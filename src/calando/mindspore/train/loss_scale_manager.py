"""How a Model chooses the number its loss is multiplied by, so that small gradients survive in half precision."""

from typing import Any

from ..network.cell import Cell
from ..network.scaling import DynamicLossScaleUpdateCell, FixedLossScaleUpdateCell, refuse_growth, refuse_scale

MOST_BAD_STEPS = 1000


class LossScaleManager:
    """The base: ``get_loss_scale``, ``update_loss_scale(overflow)``, ``get_update_cell``."""

    def get_loss_scale(self) -> float:
        """The scale at present."""
        raise NotImplementedError(f"{type(self).__name__} must define get_loss_scale()")

    def update_loss_scale(self, overflow: bool) -> None:
        """Called after each step with whether gradients were not finite."""
        raise NotImplementedError(f"{type(self).__name__} must define update_loss_scale()")

    def get_update_cell(self) -> Cell | None:
        """What changes the scale inside the training step; None: the scale stays, no step is left out."""
        raise NotImplementedError(f"{type(self).__name__} must define get_update_cell()")

    def get_drop_overflow_update(self) -> bool:
        """Whether a step with overflow is left out."""
        return self.get_update_cell() is not None


class FixedLossScaleManager(LossScaleManager):
    """A scale that stays.

    Args:
        loss_scale: at least 1.
        drop_overflow_update: True: gradients are divided by the scale, and a step whose gradients are not finite
            is left out. False: they are not divided, so the optimizer must be given the same ``loss_scale``.

    Raises:
        TypeError, ValueError: no number, or a scale below 1.
    """

    def __init__(self, loss_scale: float = 128.0, drop_overflow_update: bool = True) -> None:
        refuse_scale("For 'FixedLossScaleManager'", "loss_scale", loss_scale)
        self._loss_scale = loss_scale
        self._drop_overflow_update = bool(drop_overflow_update)

    def get_loss_scale(self) -> float:
        return self._loss_scale

    def get_drop_overflow_update(self) -> bool:
        return self._drop_overflow_update

    def update_loss_scale(self, overflow: bool) -> None:
        """Nothing: the scale stays."""

    def get_update_cell(self) -> Cell | None:
        return FixedLossScaleUpdateCell(self._loss_scale) if self._drop_overflow_update else None


class DynamicLossScaleManager(LossScaleManager):
    """A scale that is divided at every overflow, and multiplied after a window of steps without one.

    Args:
        init_loss_scale: the first scale, at least 1; it never falls below 1.
        scale_factor: what it is divided and multiplied by, above 1.
        scale_window: steps without overflow after which it grows, at least 1.

    A step with overflow is left out: parameters, moments and the optimizer's clock stay.

    Raises:
        TypeError, ValueError: no number, or one out of range.
        RuntimeError: in ``update_loss_scale``: more than 1000 overflows in a row.
    """

    def __init__(self, init_loss_scale: float = 2**24, scale_factor: float = 2, scale_window: int = 2000) -> None:
        place = "For 'DynamicLossScaleManager'"
        refuse_scale(place, "init_loss_scale", init_loss_scale)
        refuse_growth(place, scale_factor, scale_window)
        self.loss_scale = init_loss_scale
        self.scale_factor, self.scale_window = scale_factor, scale_window
        self.cur_iter, self.last_overflow_iter = 1, 0
        self.bad_step, self.bad_step_max = 0, MOST_BAD_STEPS

    def get_loss_scale(self) -> float:
        return self.loss_scale

    def get_drop_overflow_update(self) -> bool:
        """True."""
        return True

    def update_loss_scale(self, overflow: bool) -> None:
        if overflow:
            self.loss_scale = max(self.loss_scale * (1 / self.scale_factor), 1)
            self.last_overflow_iter = self.cur_iter
            self.bad_step += 1
        else:
            if (self.cur_iter - self.last_overflow_iter) % self.scale_window == 0:
                self.loss_scale *= self.scale_factor
            self.bad_step = 0
        if self.bad_step > self.bad_step_max:
            raise RuntimeError(
                f"For 'DynamicLossScaleManager': the gradients were not finite in {self.bad_step} steps in a row; "
                "a smaller loss scale does not help: look for nan in the data or a learning rate that is too large"
            )
        self.cur_iter += 1

    def get_update_cell(self) -> Any:
        return DynamicLossScaleUpdateCell(self.loss_scale, self.scale_factor, self.scale_window)
