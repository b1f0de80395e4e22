"""A training that ends when a figure no longer gets better."""

from typing import Any

from .callback import RunContext
from .monitor import Monitor


class EarlyStopping(Monitor):
    """Stops the training when a figure has not improved for some epochs.

    Args:
        monitor: "loss" (of the last step), "eval_loss", or the name of a metric, which ``Model.fit`` measures.
        min_delta: by how much a figure must be better.
        patience: epochs without improvement after which it stops; 0 and 1 mean the first one.
        verbose: whether to print a line.
        mode: whether smaller ("min") or larger ("max") is better; "auto" knows by the name.
        baseline: an improvement counts only where the figure is also better than this.
        restore_best_weights: whether the network gets back the parameters of its best epoch when it is stopped.

    As MindSpore documents it. Its 2.10 differs: it takes ``min_delta`` for the baseline and a figure of 0 for none,
    stops in the first epoch where ``patience`` is 0, and restores the optimizer's state too.

    Raises:
        TypeError, ValueError: an argument that cannot be used; before training: a figure that nobody measures.
    """

    def __init__(
        self,
        monitor: str = "eval_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: bool = False,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__(monitor, patience, verbose, mode, min_delta)
        if baseline is not None and (isinstance(baseline, bool) or not isinstance(baseline, (int, float))):
            raise TypeError(f"{self.place}: 'baseline' must be a number, but got {baseline!r}")
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        self.stopped_epoch = 0
        self._kept: list[tuple[Any, Any]] = []

    def on_train_begin(self, run_context: RunContext) -> None:
        super().on_train_begin(run_context)
        self.stopped_epoch, self._kept = 0, []

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        figure = self.figure(told)
        if figure is None:
            return
        self.wait += 1
        if self.better(self.sign * figure, self.best):
            self.best = self.sign * figure
            if self.restore_best_weights:
                self._kept = [(p, p.asnumpy().copy()) for p in told.network.get_parameters()]
            if self.baseline is None or self.better(self.sign * figure, self.sign * self.baseline):
                self.wait = 0
        if self.wait >= max(1, self.patience):
            self.stopped_epoch = told.cur_epoch_num
            run_context.request_stop()
            self._restore()

    def _restore(self) -> None:
        """Give the network the parameters of its best epoch."""
        for param, values in self._kept:
            param.set_data(type(param)(values))
        if self._kept and self.verbose:
            print("Restoring model weights from the end of the best epoch.")

    def on_train_end(self, run_context: RunContext) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch:05d}: early stopping")
