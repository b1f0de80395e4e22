"""Callbacks that follow one figure: a loss or a metric."""

import math
from typing import Any

from .callback import Callback, RunContext, loss_of

MODES = ("auto", "min", "max")
SMALLER_IS_BETTER = ("loss", "eval_loss", "mae", "mse")


class Monitor(Callback):
    """The base of what waits for a figure to get better.

    Args:
        monitor: "loss" (of the last step), "eval_loss", or the name of a metric, which ``Model.fit`` measures.
        patience: epochs without improvement that are waited for; epochs without an evaluation do not count.
        mode: whether smaller ("min") or larger ("max") is better; "auto" knows by the name.
        min_delta: by how much a figure must be better.

    Attributes:
        best: the best figure so far, with its sign turned where larger is better.
        wait: epochs since then.

    Raises:
        TypeError, ValueError: an argument that cannot be used; before training: a figure that nobody measures
            (MindSpore logs a warning each epoch).
    """

    def __init__(self, monitor: str, patience: int, verbose: bool, mode: str, min_delta: float) -> None:
        self.place = f"For '{type(self).__name__}'"
        if not isinstance(monitor, str):
            raise TypeError(f"{self.place}: 'monitor' must be a name, but got {monitor!r}")
        self.refuse_negative("patience", patience)
        if mode not in MODES:
            raise ValueError(f"{self.place}: 'mode' must be one of {', '.join(MODES)}, but got {mode!r}")
        if isinstance(min_delta, bool) or not isinstance(min_delta, (int, float)):
            raise TypeError(f"{self.place}: 'min_delta' must be a number, but got {min_delta!r}")
        self.monitor, self.patience, self.verbose, self.min_delta = monitor, patience, verbose, abs(min_delta)
        self.sign = 1 if mode == "min" or (mode == "auto" and monitor in SMALLER_IS_BETTER) else -1
        self.best, self.wait = math.inf, 0

    def refuse_negative(self, name: str, value: Any) -> None:
        """Raise ValueError for what counts no epochs."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{self.place}: {name!r} must be an int from 0 on, but got {value!r}")

    def on_train_begin(self, run_context: RunContext) -> None:
        if self.monitor != "loss" and run_context.original_args().get("valid_dataset") is None:
            raise ValueError(
                f"{self.place}: nobody measures {self.monitor!r} in this training; use Model.fit with a "
                "valid_dataset, or monitor='loss'"
            )
        self.best, self.wait = math.inf, 0

    def figure(self, told: Any) -> float | None:
        """The figure of this epoch; None where it had no evaluation."""
        if self.monitor == "loss":
            return loss_of(told.net_outputs)
        figures = told.get("eval_results")
        if figures is None:
            return None
        if self.monitor not in figures:
            known = ", ".join(["loss", *sorted(figures)])
            raise ValueError(f"{self.place}: {self.monitor!r} is not measured; there are {known}")
        return float(figures[self.monitor])

    def better(self, figure: float, than: float) -> bool:
        """Whether a figure, its sign turned where larger is better, is better by ``min_delta``."""
        return figure < than - self.min_delta
