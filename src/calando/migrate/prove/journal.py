"""What happens at every call of every optimizer in a run, and the file it is kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .formulas import kind

ENDED = "it ended with exit code"
MOST_BYTES = 400_000_000  # of gradients and weights that one run may keep


@dataclass
class Call:
    """One update.

    Args:
        names: what the parameters are called; empty where the framework has no names.
        lr, weight_decay: of each parameter.
        grads: of each parameter; None where it has none.
        weights: of each parameter after the update.
        powers: whether the optimizer divides by 1 − βᵗ, of which MindSpore keeps the power as float32.
    """

    names: list[str]
    lr: list[float]
    weight_decay: list[float]
    grads: list[np.ndarray | None] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    powers: bool = False


@dataclass
class Journal:
    """All updates of a run, by optimizer in the order of creation.

    Args:
        replay: another run's journal, whose gradients the optimizers of this run are fed.
        room: why calando's network room stood in for MindSpore; empty where it did not.
        kinds: the class of each optimizer.
    """

    replay: Journal | None = None
    optimizers: list[Any] = field(default_factory=list)
    calls: list[list[Call]] = field(default_factory=list)
    size: int = 0
    problem: str = ""
    room: str = ""
    kinds: list[str] = field(default_factory=list)

    def number(self, optimizer: Any) -> int:
        """The number of an optimizer; a new one for one that was not seen."""
        for number, known in enumerate(self.optimizers):
            if known is optimizer:
                return number
        self.optimizers.append(optimizer)
        self.calls.append([])
        self.kinds.append(kind(optimizer))
        return len(self.optimizers) - 1

    def fed(self, number: int, names: list[str], shapes: list[tuple[int, ...]]) -> list[np.ndarray | None] | None:
        """The gradients that an optimizer's coming update must use; None: its own.

        Raises:
            Parted: the run that is replayed had no such update, or other parameters.
        """
        if self.replay is None:
            return None
        source = self.replay.calls[number] if number < len(self.replay.calls) else []
        at = len(self.calls[number])
        if at >= len(source):
            raise Parted(f"optimizer {number} makes update {at + 1}; the source made {len(source)}")
        call = source[at]
        order = matched(call.names, names, len(call.grads))
        found = [call.grads[i] for i in order]
        for i, (shape, grad) in enumerate(zip(shapes, found, strict=False)):
            if grad is not None and tuple(grad.shape) != tuple(shape):
                name = names[i] if names else f"parameter {i}"
                told = f"optimizer {number}: {name} has shape {tuple(shape)}, in the source {tuple(grad.shape)}"
                raise Parted(f"{told}: the parameters are others, or in other groups")
        if len(found) != len(shapes):
            raise Parted(f"optimizer {number} has {len(shapes)} parameters, in the source {len(found)}")
        return found

    def add(self, number: int, call: Call) -> None:
        self.calls[number].append(call)
        self.size += sum(x.nbytes for x in (*call.weights, *(g for g in call.grads if g is not None)))
        if self.size > MOST_BYTES:
            raise Enough

    def save(self, path: Path) -> None:
        """Write the journal to a file."""
        arrays: dict[str, np.ndarray] = {}
        told = []
        for number, calls in enumerate(self.calls):
            rows = []
            for at, call in enumerate(calls):
                for mark, each in (("g", call.grads), ("w", call.weights)):
                    arrays.update({f"{mark}/{number}/{at}/{i}": x for i, x in enumerate(each) if x is not None})
                row = {"names": call.names, "lr": call.lr, "weight_decay": call.weight_decay, "powers": call.powers}
                rows.append({**row, "grads": len(call.grads), "weights": len(call.weights)})
            told.append(rows)
        held = {"calls": told, "problem": self.problem, "room": self.room, "kinds": self.kinds}
        meta = np.frombuffer(json.dumps(held).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez(file, meta=meta, **arrays)


class Parted(Exception):
    """Two runs do not do the same; the message says where."""


class Enough(BaseException):
    """The run has been recorded as far as it is kept; it need not go on."""


def matched(source: list[str], here: list[str], count: int) -> list[int]:
    """Where each parameter of this run stands in the source: by name where both have the same, else by order."""
    if source and here and sorted(source) == sorted(here) and len(set(source)) == len(source):
        return [source.index(name) for name in here]
    return list(range(count))


def load(path: Path) -> Journal:
    """The journal in a file."""
    with np.load(path) as held:
        meta = json.loads(held["meta"].tobytes())
        journal = Journal(problem=meta["problem"], room=meta["room"], kinds=meta["kinds"])
        for number, rows in enumerate(meta["calls"]):
            calls = []
            for at, row in enumerate(rows):
                grads = [held.get(f"g/{number}/{at}/{i}") for i in range(row["grads"])]
                weights = [held[f"w/{number}/{at}/{i}"] for i in range(row["weights"])]
                calls.append(Call(row["names"], row["lr"], row["weight_decay"], grads, weights, row["powers"]))
            journal.calls.append(calls)
    return journal
