"""A file of ``calando.save`` in words of neither framework."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..events import Timeline, described
from ..schedules import Schedule
from ..snapshot import Snapshot
from . import names
from .entry import Entry
from .errors import CheckpointError
from .families import BY_NAME, FAMILIES
from .portable import Aged, Grouped, Portable, State, listed

NEUTRAL = {"max_norm": float(np.finfo(np.float64).max), "loss_scale": 1.0}  # numbers that do nothing


def run(path: Path) -> Portable:
    """A file of ``calando.save``.

    Raises:
        CheckpointError: it is none, or holds several models.
    """
    from .. import store

    meta, arrays = store.read_entries(path)
    if "job" in meta:
        told = "a checkpoint of calando train, which calando train --resume goes on from; it is in no form of others"
        raise CheckpointError(f"{path} is {told}")
    try:
        models, optimizers = meta["models"], meta["optimizers"]
        if set(models) - {""} or set(optimizers) - {""}:
            raise CheckpointError(f"{path} holds several models or optimizers; convert takes one of each")
        made = Portable("torch")
        if models:
            told = models[""]
            made.framework = told.get("framework") or "torch"
            made.weights = {name: arrays["model/" + told["same"].get(name, name)] for name in told["names"]}
            if told["types"]:
                raise CheckpointError(f"{path}: {listed(list(told['types']))}: of types that no other format has")
        if optimizers:
            slots = {n.removeprefix("optimizer/"): e for n, e in arrays.items() if n.startswith("optimizer/")}
            bare = {name: np.zeros(()) for name in slots}
            made.optimizer = from_snapshot(
                path, Snapshot.from_plain({**optimizers[""], "controllers": {}}, bare), slots, made
            )
            made.framework = optimizers[""].get("framework") or made.framework
        return made
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        if isinstance(problem, CheckpointError):
            raise
        raise CheckpointError(f"{path} was not stored by calando.save: {problem}") from None


def from_snapshot(path: Path, snapshot: Snapshot, arrays: Mapping[str, Entry], made: Portable) -> State:
    """An optimizer as calando stores it."""
    family = BY_NAME.get(snapshot.optimizer, snapshot.optimizer)
    own = [name for name in made.weights if names.split(name)[1] not in names.BUFFERS]
    kept = [param for group in snapshot.groups for param in group.params]
    known = all(param.name in made.weights for param in kept)
    if made.weights and not known and len(own) != len(kept):
        raise CheckpointError(
            f"{path}: the optimizer has {len(kept)} parameters and the network {len(own)}; which are which is not "
            "in the file. Build the optimizer with named_parameters(), or convert with --only network"
        )
    called = iter([p.name for p in kept] if known or not made.weights else own)
    groups, params = [], {}
    for number, group in enumerate(snapshot.groups):
        latest = {name: [[0, *rows[-1][1:]]] for name, rows in group.timelines.items()}
        lines = {name: Timeline.from_list(rows) for name, rows in latest.items() if plain(rows)}
        texts = {name: described(rows[-1][1]) for name, rows in latest.items() if name not in lines}
        texts |= {name: line.latest.describe() for name, line in lines.items() if isinstance(line.latest, Schedule)}
        values = {name: line.at(group.clock) for name, line in lines.items()}
        one = Grouped([], {n: x for n, x in values.items() if NEUTRAL.get(n) != x}, schedules=texts)
        for i, param in enumerate(group.params):
            name = next(called)
            one.params.append(name)
            slots = {slot: arrays[f"{number}/{i}/{slot}"] for slot in param.slots}
            words = FAMILIES[family].torch.memory if family in FAMILIES else ()
            params[name] = Aged(slots, dict(zip(words, param.memory, strict=False)), param.age)
        groups.append(one)
    return State(family, groups, params, max((group.clock for group in snapshot.groups), default=0))


def plain(rows: Any) -> bool:
    """Whether no code stands in a stored timeline."""
    return not any(isinstance(row[1], Mapping) and "code" in row[1] for row in rows)
