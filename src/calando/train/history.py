"""What happened: one row per step and dialect, and how far two dialects lie apart."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .options import GROUPS

WHOLE = ("step", "epoch")
NUMBERS = (
    *WHOLE,
    "loss",
    "train_accuracy",
    "test_accuracy",
    *(f"lr_{group}" for group in GROUPS),
    *(f"weight_decay_{group}" for group in GROUPS),
)
COLUMNS = ("dialect", *NUMBERS)


class History:
    """The rows of one dialect.

    Args:
        rows: float64 (steps, len(NUMBERS)), from a checkpoint.

    ``train_accuracy`` is that of the step's batch; ``test_accuracy`` is nan but in an epoch's last step.
    Learning rates and weight decays are those that the step used.
    """

    def __init__(self, rows: np.ndarray | None = None) -> None:
        self.rows: list[list[float]] = [] if rows is None else rows.tolist()

    def add(self, step: int, epoch: int, loss: float, accuracy: float, values: Sequence[Mapping[str, Any]]) -> None:
        """One step; ``values`` are each group's hyperparameters, from ``optimizer.current()``."""
        rates = [group["lr"] for group in values]
        decays = [group["weight_decay"] for group in values]
        self.rows.append([step, epoch, loss, accuracy, np.nan, *rates, *decays])

    def tested(self, accuracy: float) -> None:
        """The test accuracy after the step that was added last."""
        self.rows[-1][NUMBERS.index("test_accuracy")] = accuracy

    def array(self) -> np.ndarray:
        """All rows, float64 (steps, len(NUMBERS))."""
        return np.array(self.rows, np.float64).reshape(-1, len(NUMBERS))

    def column(self, name: str) -> np.ndarray:
        """One column, float64 (steps,)."""
        return self.array()[:, NUMBERS.index(name)]

    def epochs(self) -> list[dict[str, float]]:
        """For each epoch: its number from 1, the mean loss and accuracy of its batches, the test accuracy."""
        number, loss, accuracy = (self.column(name) for name in ("epoch", "loss", "train_accuracy"))
        found = []
        for epoch in np.unique(number).astype(int):
            here = number == epoch
            found.append(
                {
                    "epoch": int(epoch),
                    "last_step": float(self.column("step")[here][-1]),
                    "loss": float(loss[here].mean()),
                    "train_accuracy": float(accuracy[here].mean()),
                    "test_accuracy": float(self.column("test_accuracy")[here][-1]),
                }
            )
        return found


class Table:
    """The file ``history.csv``: written anew from the histories, then a row at a time."""

    def __init__(self, path: Path, histories: Mapping[str, History]) -> None:
        self.histories = histories
        self.file: TextIO = path.open("w", newline="", encoding="utf-8")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(COLUMNS)
        for step in range(len(next(iter(histories.values())).rows)):
            self.write(step)
        self.file.flush()

    def write(self, step: int) -> None:
        """The rows of one step."""
        for dialect, history in self.histories.items():
            self.writer.writerow([dialect, *map(cell, NUMBERS, history.rows[step])])
        self.file.flush()

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def cell(name: str, value: float) -> str:
    """A number as text that reads back to the same number; nothing for nan."""
    if name in WHOLE:
        return str(int(value))
    return "" if value != value else repr(float(value))


@dataclass
class Difference:
    """How far two dialects lay apart at most, over all steps so far.

    Args:
        parameters: the largest |a - b| of any element of any parameter.
        relative: the largest |a - b| of a parameter over its own largest |a|.
        lr, weight_decay: the largest |a - b| of any group.
    """

    parameters: float = 0.0
    relative: float = 0.0
    lr: float = 0.0
    weight_decay: float = 0.0

    def add(
        self,
        values: Sequence[Mapping[str, np.ndarray]],
        groups: Sequence[Sequence[Mapping[str, Any]]],
    ) -> None:
        """One step: the parameters of both dialects after it, the groups' hyperparameters in it."""
        one, two = values
        for name in one.keys() & two.keys():
            a, b = one[name], two[name]
            with np.errstate(invalid="ignore"):  # inf - inf, when both diverge
                apart = float(np.abs(a - b).max())
            self.parameters = max(self.parameters, apart)
            if apart:
                self.relative = max(self.relative, apart / float(np.abs(a).max()))
        for a, b in zip(*groups, strict=True):
            self.lr = max(self.lr, abs(a["lr"] - b["lr"]))
            self.weight_decay = max(self.weight_decay, abs(a["weight_decay"] - b["weight_decay"]))

    def plain(self) -> dict[str, float]:
        """As JSON data."""
        return asdict(self)

    @classmethod
    def from_plain(cls, data: Mapping[str, float]) -> "Difference":
        return cls(**{field.name: data[field.name] for field in fields(cls)})
