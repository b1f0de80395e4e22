"""What was measured in each epoch, kept."""

from typing import Any

from .callback import Callback, RunContext, loss_of


class History(Callback):
    """Keeps the loss after each epoch, and the metrics where ``Model.fit`` measured them.

    ``epoch["epoch"]`` lists the epochs, ``history["net_output"]`` the loss of the last step of each (a float;
    MindSpore keeps the Tensor), ``history[metric]`` the metrics.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: dict[str, list[int]] = {"epoch": []}

    def begin(self, run_context: RunContext) -> None:
        self.history, self.epoch = {}, {"epoch": []}

    def on_eval_begin(self, run_context: RunContext) -> None:
        """An evaluation on the way: what was kept stays."""

    def epoch_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        self.epoch["epoch"].append(told.get("cur_epoch_num", 1))
        self.history.setdefault("net_output", []).append(loss_of(told.net_outputs))
        for name, value in (told.get("eval_results") or {}).items():
            self.history.setdefault(name, []).append(value)

    def on_eval_epoch_end(self, run_context: RunContext) -> None:
        """Nothing: the metrics are kept at the end of the epoch."""
