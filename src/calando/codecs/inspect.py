"""A checkpoint on one screen: ``calando inspect FILE``."""

import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from . import mindspore_ckpt, mindspore_safetensors
from .convert import CALANDO, CKPT, SAFE, ZIP, kind_of, read
from .entry import Entry
from .errors import CheckpointError, naming
from .families import FAMILIES
from .portable import Portable, State, Told

KINDS = {
    CKPT: "a .ckpt of MindSpore",
    SAFE: "safetensors",
    SAFE + "-ms": "safetensors of MindSpore",
    ZIP: "a file of torch.save",
    CALANDO: "a run that calando stored",
}
PLAIN: dict[str, Any] = {
    CKPT: mindspore_ckpt,
    SAFE + "-ms": mindspore_safetensors,
}  # files of entries, whosever they are
ROWS = 24  # tensors on one screen
PIECE = 1 << 22  # elements looked at at once


def inspected(path: str | os.PathLike[str], rows: int | None = ROWS) -> list[str]:
    """What a checkpoint holds, line by line: names, types, shapes, norms, hyperparameters, clocks, non-finite numbers.

    Args:
        rows: how many tensors are listed; None: all.

    Raises:
        OSError: there is no such file.
        CheckpointError: it cannot be read.
    """
    with naming(Path(path)):
        return screen(Path(path), rows)


def screen(place: Path, rows: int | None) -> list[str]:
    """The lines."""
    told, kind = Told(), kind_of(place)
    whose = "network"
    try:
        found = read(place, told)
    except CheckpointError as problem:
        if kind not in PLAIN:
            raise
        told.lost, whose = [str(problem).removeprefix(f"{place} ")], "entries"
        entries = PLAIN[kind].read(place)
        found = Portable("mindspore", {name: entry for name, entry in entries.items() if isinstance(entry, Entry)})
    lines = [f"{place}: {KINDS[kind]}, {place.stat().st_size:,} bytes"]
    lines += network(found, rows, whose) if found.weights else []
    lines += optimizer(found.optimizer) if found.optimizer is not None else []
    beside = [f"{name} = {short(value)}" for name, value in found.beside.items()]
    lines += [f"beside: {', '.join(beside)}"] if beside else []
    return [*lines, *(f"note: {sentence}" for sentence in (*told.lost, *told.given))]


def network(found: Portable, rows: int | None, whose: str) -> list[str]:
    """The parameters and buffers; those with numbers that are not finite come first."""
    seen = {name: measured(entry) for name, entry in found.weights.items()}
    order = sorted(seen, key=lambda name: seen[name][1] == 0)
    count = sum(prod(entry.shape) for entry in found.weights.values())
    wrong = sum(n for _, n in seen.values())
    said = f"{wrong:,} numbers are not finite" if wrong else "all finite"
    lines = [f"{whose}: {len(seen)} tensors, {count:,} numbers, {said}"]
    listed = order if rows is None else order[:rows]
    width = max(map(len, listed), default=0)
    for name in listed:
        entry, (norm, bad) = found.weights[name], seen[name]
        lines.append(f"  {name:<{width}}  {entry.dtype.lower():<8} {entry.shape!s:<18} norm {norm:.6g}{warning(bad)}")
    if len(listed) < len(order):
        lines.append(f"  … and {len(order) - len(listed)} more; --all shows them")
    return lines


def optimizer(state: State) -> list[str]:
    """Groups, clocks and slots."""
    known = FAMILIES.get(state.family)
    name = f"{known.torch.name} (MindSpore: {known.mindspore.name})" if known else state.family
    clock = "the file does not count steps" if state.clock is None else f"step {state.clock}"
    lines = [f"optimizer: {name}, {clock}"]
    for number, group in enumerate(state.groups):
        texts = {**{n: f"{value:.9g}" for n, value in group.numbers.items()}, **group.schedules}
        texts |= {n: str(value) for n, value in group.choices.items()}
        count = f"{len(group.params)} parameter{'s' * (len(group.params) != 1)}"
        lines.append(f"  group {number}: {count}" + "".join(f", {n} = {text}" for n, text in texts.items()))
    ages = sorted({p.age for p in state.params.values() if p.age is not None})
    if ages:
        lines.append(f"  updates of each parameter: {ages[0]}" + (f" to {ages[-1]}" if len(ages) > 1 else ""))
    for slot in dict.fromkeys(slot for p in state.params.values() for slot in p.slots):
        rows = {n: measured(p.slots[slot]) for n, p in state.params.items() if slot in p.slots}
        norm = float(np.hypot.reduce([norm for norm, _ in rows.values()]))
        bad = next((n for n, (_, count) in rows.items() if count), None)
        told = f", not finite in {bad!r}" if bad else ""
        lines.append(f"  slot {slot}: {len(rows)} tensors, norm {norm:.6g}{told}")
    return lines


def measured(entry: Entry) -> tuple[float, int]:
    """The norm of all finite numbers, and how many are not finite; a piece at a time."""
    flat, total, bad = entry.data.reshape(-1), 0.0, 0
    for first in range(0, len(flat), PIECE):
        values = Entry(entry.dtype, flat[first : first + PIECE]).values()
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            bad += int(values.size - np.count_nonzero(finite))
            values = values[finite]
        total += float(np.square(values.astype(np.float64)).sum())
    return total**0.5, bad


def warning(bad: int) -> str:
    return f"   {bad:,} NOT FINITE" if bad else ""


def short(value: object) -> str:
    """A value beside the tensors."""
    text = f"a tensor {tuple(value.shape)}" if hasattr(value, "shape") else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
