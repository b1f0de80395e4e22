"""A bar on the terminal while a Model trains."""

import sys
from types import TracebackType
from typing import Any

from .callback import Callback, RunContext, loss_of


class ProgressBar(Callback):
    """A bar over all steps with epoch, loss and learning rate; gone when training ends.

    Args:
        console: a ``rich`` Console; what else is printed meanwhile appears above the bar.
    """

    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("[bold]{task.fields[place]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            expand=True,
        )
        self.task = self.bar.add_task("", total=None, place="", told="")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def on_train_begin(self, run_context: RunContext) -> None:
        self.bar.start()

    def on_train_epoch_begin(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        self.bar.update(self.task, place=f"epoch {told.cur_epoch_num}/{told.last_epoch_num}")

    def on_train_step_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        size = told.train_batches.size
        total = None if size is None else size * told.epoch_num
        text = f"loss {loss_of(told.net_outputs):.4g}"
        if told.optimizer is not None:
            rates = dict.fromkeys(f"{group['lr']:.3g}" for group in told.optimizer.current())
            text += f"  lr {' '.join(rates)}"
        self.bar.update(self.task, completed=told.cur_step_num, total=total, told=text)

    def on_train_end(self, run_context: RunContext) -> None:
        self.bar.stop()

    def _quiet(self, run_context: RunContext) -> None:
        """In evaluation the bar stands still."""

    on_eval_begin = on_eval_epoch_begin = on_eval_step_begin = _quiet
    on_eval_step_end = on_eval_epoch_end = on_eval_end = _quiet


def bar_for(terminal: Any = None) -> list[Callback]:
    """A bar, where there is a terminal (standard output) and ``rich`` is installed; else nothing."""
    stream = terminal or sys.stdout
    if not stream.isatty():
        return []
    try:
        from rich.console import Console
    except ImportError:
        return []
    console = Console(file=stream)
    return [ProgressBar(console)] if console.is_terminal and not console.is_dumb_terminal else []
