"""A learning rate that falls when a figure no longer gets better."""

import math
from typing import Any

from .callback import Callback, RunContext, loss_of
from .lr_scheduler import rate_of

MODES = ("auto", "min", "max")
SMALLER_IS_BETTER = ("loss", "eval_loss", "mae", "mse")


class ReduceLROnPlateau(Callback):
    """Multiplies the optimizer's learning rate by a factor when a figure has not improved for some epochs.

    Args:
        monitor: "loss" (of the last step), "eval_loss", or the name of a metric, which ``Model.fit`` measures.
        factor: in (0, 1).
        patience: epochs without improvement that are waited for; epochs without an evaluation do not count.
        verbose: whether to print a line.
        mode: whether smaller ("min") or larger ("max") is better; "auto" knows by the name.
        min_delta: by how much a figure must be better.
        cooldown: epochs after a change in which nothing is counted.
        min_lr: where the rate stays.

    The optimizer's rate must be one number.

    Raises:
        TypeError, ValueError: an argument that cannot be used; before training: a figure that nobody measures
            (MindSpore logs a warning each epoch), or a rate that is a list, a schedule, or differs among groups.
    """

    def __init__(
        self,
        monitor: str = "eval_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: bool = False,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
    ) -> None:
        place = "For 'ReduceLROnPlateau'"
        if not isinstance(monitor, str):
            raise TypeError(f"{place}: 'monitor' must be a name, but got {monitor!r}")
        if not 0 < factor < 1:
            raise ValueError(f"{place}: 'factor' must lie in (0, 1), but got {factor!r}")
        for name, value in (("patience", patience), ("cooldown", cooldown)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{place}: {name!r} must be an int from 0 on, but got {value!r}")
        if mode not in MODES:
            raise ValueError(f"{place}: 'mode' must be one of {', '.join(MODES)}, but got {mode!r}")
        self.monitor, self.factor, self.patience, self.verbose = monitor, factor, patience, verbose
        self.cooldown, self.min_lr, self.min_delta = cooldown, min_lr, abs(min_delta)
        self.sign = 1 if mode == "min" or (mode == "auto" and monitor in SMALLER_IS_BETTER) else -1
        self.best, self.wait, self.cooldown_counter = math.inf, 0, 0

    def on_train_begin(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        rate_of(told.optimizer, "ReduceLROnPlateau")
        if self.monitor != "loss" and told.get("valid_dataset") is None:
            raise ValueError(
                f"For 'ReduceLROnPlateau': nobody measures {self.monitor!r} in this training; use Model.fit with a "
                "valid_dataset, or monitor='loss'"
            )
        self.best, self.wait, self.cooldown_counter = math.inf, 0, 0

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        figure = self._figure(told)
        if figure is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.sign * figure < self.best - self.min_delta:
            self.best, self.wait = self.sign * figure, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(told)

    def _figure(self, told: Any) -> float | None:
        """The figure of this epoch; None where it had no evaluation."""
        if self.monitor == "loss":
            return loss_of(told.net_outputs)
        figures = told.get("eval_results")
        if figures is None:
            return None
        if self.monitor not in figures:
            known = ", ".join(["loss", *sorted(figures)])
            raise ValueError(f"For 'ReduceLROnPlateau': {self.monitor!r} is not measured; there are {known}")
        return float(figures[self.monitor])

    def _reduce(self, told: Any) -> None:
        rate = rate_of(told.optimizer, "ReduceLROnPlateau")
        if rate > self.min_lr:
            reduced = max(rate * self.factor, self.min_lr)
            told.optimizer.set("learning_rate", reduced)
            if self.verbose:
                print(f"Epoch {told.cur_epoch_num:05d}: ReduceLROnPlateau reducing learning rate to {reduced:g}.")
        self.cooldown_counter, self.wait = self.cooldown, 0
