"""What a run was asked for, as plain data, and the schedules of each group that it means.

The four groups are the guide's: convolutions, BatchNorm, dense weights, and the rest.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..schedules import Schedule, ScheduleEnd
from ..schedules.text import parse

DIALECTS = ("torch", "mindspore")
GROUPS = ("conv", "bn", "dense", "other")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")

# The convolutions' highest rate, BatchNorm's constant, the dense weights' first, and the rest's constant.
RATES = {
    "sgd": (0.1, 0.05, 0.05, 0.05),
    "momentum": (0.05, 0.005, 0.02, 0.01),
    "adam": (0.01, 0.002, 0.01, 0.002),
    "adamw": (0.01, 0.002, 0.01, 0.002),
}
DECAYS = {"conv": "1e-4", "bn": "0", "dense": "1e-5", "other": "0"}
ADDRESSED = re.compile(r"\s*(\w+)\s*=(?!=)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Options:
    """One run, as the command line says it.

    Args:
        dialect: ``"torch"``, ``"mindspore"`` or ``"both"``.
        optimizer: one of ``OPTIMIZERS``.
        epochs: passes over the training images, at least 1.
        lr, weight_decay: schedules as text, each for all groups or for one (``"conv=…"``).
        batch_size: images per step, in [1, 256]; the last batch of an epoch may be smaller.
        max_norm: bound for the norm of all gradients together; None: no bound.
        seed: of the first parameters, of the order of the images and of their small shifts.
        threads: of torch and of the optimizers' kernels.
    """

    dialect: str
    optimizer: str
    epochs: int
    lr: tuple[str, ...]
    weight_decay: tuple[str, ...]
    batch_size: int
    max_norm: float | None
    seed: int
    threads: int

    @property
    def dialects(self) -> tuple[str, ...]:
        return DIALECTS if self.dialect == "both" else (self.dialect,)

    def steps(self, images: int) -> tuple[int, int]:
        """Steps of one epoch, and of the whole run."""
        epoch = -(-images // self.batch_size)
        return epoch, epoch * self.epochs

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Options":
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**plain)


def refuse_conflicts(kept: Options, asked: Mapping[str, Any], run: str) -> None:
    """Raise ValueError if the command line asks for something else than a run was started with."""
    for name, value in asked.items():
        was = getattr(kept, name)
        if value != was:
            flag = f"--{name.replace('_', '-')}"
            told = "its default" if was in ((), None) else flagged(flag, was)
            raise ValueError(
                f"{flagged(flag, value)} conflicts with the run {run!r}, which was started with {told}; "
                f"leave {flag} out to continue it, or start a new run without --resume"
            )


def flagged(flag: str, value: Any) -> str:
    """An option as it is typed."""
    values = value if isinstance(value, tuple) else (value,)
    return " ".join(f'{flag} "{v}"' if " " in str(v) else f"{flag} {v}" for v in values)


@dataclass(frozen=True)
class Plan:
    """The hyperparameters of a run that change with time: group → schedule."""

    lr: Mapping[str, Schedule]
    weight_decay: Mapping[str, Schedule]


def plan(options: Options, images: int) -> Plan:
    """The schedules of all groups, looked at over the whole run before its first step.

    Raises:
        ValueError: a text that is no schedule, an unknown group, a group addressed twice, a value outside
            [0, inf) at any step; the sentence names the option, the group and the step.
        ScheduleEnd: a list shorter than the run.
    """
    epoch, total = options.steps(images)
    names = {"epoch": epoch, "epochs": options.epochs, "total": total}
    conv, bn, dense, other = RATES[options.optimizer]
    rates = {
        "conv": f"linear(0, {conv}, total // 6).then(cosine({conv}, 0, total - total // 6))",
        "bn": f"{bn}",
        "dense": f"cosine({dense}, 0, total)",
        "other": f"{other}",
    }
    return Plan(
        read("--lr", options.lr, rates, names),
        read("--weight-decay", options.weight_decay, DECAYS, names),
    )


def read(flag: str, texts: Iterable[str], defaults: Mapping[str, str], names: Mapping[str, int]) -> dict[str, Schedule]:
    """Group → schedule: what addresses the group, else what addresses all groups, else the default."""
    given: dict[str | None, str] = {}
    for text in texts:
        found = ADDRESSED.match(text)
        group, schedule = found.groups() if found else (None, text)
        if found and group not in GROUPS:
            raise ValueError(f"{flag}: no group {group!r}; the groups are {', '.join(GROUPS)}")
        if group in given:
            raise ValueError(f"{flag}: {'group ' + repr(group) if group else 'all groups'} given twice")
        given[group] = schedule
    made = {}
    for group in GROUPS:
        text = given.get(group, given.get(None, defaults[group]))
        try:
            made[group] = parse(text, names)
            check(made[group], names["total"])
        except ScheduleEnd as problem:
            raise ScheduleEnd(f"{flag}, group {group!r}: {problem}") from None
        except ValueError as problem:
            raise ValueError(f"{flag}, group {group!r}: {problem}") from None
    return made


def check(schedule: Schedule, total: int) -> None:
    """Raise if a schedule leaves [0, inf) or ends before step ``total``."""
    values = schedule(np.arange(total))
    wrong = np.flatnonzero(~((values >= 0) & (values < np.inf)))
    if len(wrong):
        step = int(wrong[0])
        where = f"step {step}: {schedule.describe()}"
        raise ValueError(f"must lie in [0, inf), but got {float(values[step])!r} ({where})")
