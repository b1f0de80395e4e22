"""What one sees of a run on the terminal: a bar while it trains, a line per epoch, a table at the end."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


class Bar:
    """A bar over all steps, below it loss, accuracy and each group's lr; above it a line per epoch.

    Args:
        console: where to; on what is no terminal only the lines per epoch are printed.
        total: steps of the run.
        done: steps that were made before.
        epochs: epochs of the run.
        columns: what a row of the history holds.
        groups: what the groups are called.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        done: int,
        epochs: int,
        columns: Sequence[str],
        groups: Sequence[str],
    ) -> None:
        self.console, self.epochs, self.columns, self.groups = console, epochs, columns, groups
        self.bar = Progress(
            TextColumn("[bold]{task.fields[place]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(compact=True),
            console=console,
            expand=True,
        )
        self.task = self.bar.add_task("", total=total, completed=done, place=f"epoch 1/{epochs}")
        self.text = Text()
        self.live = Live(Group(self.bar, self.text), console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> "Bar":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def step(self, step: int, rows: Mapping[str, list[float]]) -> None:
        """One step was made; ``rows`` holds the newest row of each dialect."""
        row = dict(zip(self.columns, next(iter(rows.values())), strict=True))
        self.bar.update(self.task, completed=step, place=f"epoch {row['epoch']:.0f}/{self.epochs}")
        text = (
            f"loss {row['loss']:.3f}  accuracy {row['train_accuracy']:6.1%}  lr"  # 79 columns with the guide's groups
        )
        for group in self.groups:
            text += f" {group} {row[f'lr_{group}']:.4f}"
        self.text.plain = text

    def epoch(self, epoch: int, histories: Mapping[str, Any]) -> None:
        """One epoch is done; two dialects stand side by side, as in ``loss 0.31 | 0.31``."""
        told = [history.epochs()[-1] for history in histories.values()]
        row = dict(zip(self.columns, next(iter(histories.values())).rows[-1], strict=True))
        loss, accuracy, test = (
            " | ".join(format(each[key], shape) for each in told)
            for key, shape in (("loss", ".3f"), ("train_accuracy", "6.1%"), ("test_accuracy", "7.2%"))
        )
        rates = "  ".join(f"{group} {row[f'lr_{group}']:.4f}" for group in self.groups)
        self.console.print(
            f"epoch {epoch:>{len(str(self.epochs))}}/{self.epochs}  loss {loss}  accuracy {accuracy}  "
            f"test {test}   lr  {rates}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


class Silence:
    """Looks on and says nothing."""

    def __enter__(self) -> "Silence":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def step(self, step: int, rows: Mapping[str, list[float]]) -> None:
        pass

    def epoch(self, epoch: int, histories: Mapping[str, Any]) -> None:
        pass


def summary(
    console: Console,
    heading: str,
    groups: Mapping[str, tuple[str, str]],
    results: Sequence[tuple[str, str]],
    notes: Sequence[str],
) -> None:
    """One screen at the end.

    Args:
        heading: one line.
        groups: group → (lr, weight decay), as schedules in short.
        results: pairs of a word and what there is to say.
        notes: sentences below.
    """
    console.print()
    console.print(Text(heading, style="bold"), soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("group", "learning rate", "weight decay"):
        table.add_column(name, overflow="fold")
    for group, (lr, decay) in groups.items():
        table.add_row(group, Text(lr), Text(decay))
    console.print(table)
    width = max(len(word) for word, _ in results)
    for word, told in results:
        console.print(Text(f"  {word:<{width}}   {told}"), soft_wrap=True)
    for note in notes:
        console.print(Text(f"  {note}", style="dim"))
