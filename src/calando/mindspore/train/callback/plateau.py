"""A learning rate that falls when a figure no longer gets better."""

from typing import Any

from .callback import RunContext
from .lr_scheduler import rate_of
from .monitor import Monitor


class ReduceLROnPlateau(Monitor):
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
        super().__init__(monitor, patience, verbose, mode, min_delta)
        if not 0 < factor < 1:
            raise ValueError(f"{self.place}: 'factor' must lie in (0, 1), but got {factor!r}")
        self.refuse_negative("cooldown", cooldown)
        self.factor, self.cooldown, self.min_lr, self.cooldown_counter = factor, cooldown, min_lr, 0

    def on_train_begin(self, run_context: RunContext) -> None:
        rate_of(run_context.original_args().optimizer, "ReduceLROnPlateau")
        super().on_train_begin(run_context)
        self.cooldown_counter = 0

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        figure = self.figure(told)
        if figure is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(self.sign * figure, self.best):
            self.best, self.wait = self.sign * figure, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(told)

    def _reduce(self, told: Any) -> None:
        rate = rate_of(told.optimizer, "ReduceLROnPlateau")
        if rate > self.min_lr:
            reduced = max(rate * self.factor, self.min_lr)
            told.optimizer.set("learning_rate", reduced)
            if self.verbose:
                print(f"Epoch {told.cur_epoch_num:05d}: ReduceLROnPlateau reducing learning rate to {reduced:g}.")
        self.cooldown_counter, self.wait = self.cooldown, 0
