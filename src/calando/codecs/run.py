"""A file of ``calando.save``, or of ``calando train``, in words of neither framework."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..events import Timeline, described
from ..schedules import Schedule
from ..snapshot import Kept, Snapshot
from . import names, tree
from .crossing import translated
from .entry import Entry
from .errors import CheckpointError
from .families import BY_NAME, FAMILIES
from .portable import Aged, Grouped, Portable, State, Told, listed

NEUTRAL = {"max_norm": float(np.finfo(np.float64).max), "loss_scale": 1.0}  # numbers that do nothing


def run(path: Path, told: Told, aim: str | None = None) -> Portable:
    """A file of ``calando.save`` or ``calando train``.

    Args:
        aim: whose words are wanted, where a training in both dialects has both; None: torch's.

    Raises:
        CheckpointError: it is none, or holds several models.
    """
    from .. import store

    meta, arrays = store.read_entries(path)
    try:
        if "job" in meta:
            return trained(path, meta, arrays, told, aim)
        models, optimizers = meta["models"], meta["optimizers"]
        if set(models) - {""} or set(optimizers) - {""}:
            raise CheckpointError(f"{path} holds several models or optimizers; convert takes one of each")
        made = Portable("torch")
        if models:
            model = models[""]
            made.framework = model.get("framework") or "torch"
            made.weights = {name: arrays["model/" + model["same"].get(name, name)] for name in model["names"]}
            if model["types"]:
                raise CheckpointError(f"{path}: {listed(list(model['types']))}: of types that no other format has")
        if optimizers:
            made.optimizer = from_plain(path, {**optimizers[""], "controllers": {}}, arrays, made)
            made.framework = optimizers[""].get("framework") or made.framework
        made.beside = beside(meta, arrays)
        if aim and (kept := only_here(meta)):
            told.given.append(kept)
        return made
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        if isinstance(problem, CheckpointError):
            raise
        raise CheckpointError(f"{path} was not stored by calando.save: {problem}") from None


def beside(meta: Mapping[str, Any], arrays: Mapping[str, Entry]) -> dict[str, Any]:
    """What was stored as ``extra``."""
    extra = tree.gathered(meta["extra"], arrays)
    named = isinstance(extra, dict) and all(isinstance(name, str) for name in extra)
    return extra if named else {} if extra is None else {"extra": extra}


def only_here(meta: Mapping[str, Any]) -> str:
    """What no other format has, in a sentence; "" where the file has nothing like it."""
    controllers = [name for state in meta["optimizers"].values() for name in state.get("controllers") or ()]
    modules = [name for model in meta["models"].values() for name in model.get("beside") or ()]
    parts = ["the random state"] if meta["random"] else []
    parts += [f"the controllers {listed(controllers)}"] if controllers else []
    parts += [f"what modules store beside tensors ({listed(modules)})"] if modules else []
    return f"only calando.resume puts back {', '.join(parts)}" if parts else ""


def trained(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, Entry], told: Told, aim: str | None) -> Portable:
    """One dialect of a checkpoint of ``calando train``; the network's names are torch's in both."""
    dialects = list(meta["optimizers"])
    chosen = aim if aim in dialects else max(dialects)
    told.given += [
        f"this is its training in the {chosen} dialect; the file has the one in {other}'s too"
        for other in dialects
        if other != chosen
    ]
    made = Portable("torch", below(arrays, f"{chosen}/network/"))
    if chosen == "mindspore":
        translated(made, chosen, None, Told())
    made.optimizer = from_plain(path, meta["optimizers"][chosen], below(arrays, f"{chosen}/"), made)
    told.given.append(
        f"calando train wrote it after epoch {meta['epoch']} of {meta['options']['epochs']}; history.csv beside it has "
        "the losses, and calando train --resume goes on"
    )
    return made


def below(arrays: Mapping[str, Entry], prefix: str) -> dict[str, Entry]:
    """The entries below a prefix, without it."""
    return {name.removeprefix(prefix): e for name, e in arrays.items() if name.startswith(prefix)}


def from_plain(path: Path, plain: Mapping[str, Any], arrays: Mapping[str, Entry], made: Portable) -> State:
    """A stored snapshot; its slots are the entries below ``optimizer/``."""
    slots = below(arrays, "optimizer/")
    return from_snapshot(path, Snapshot.from_plain(plain, {name: np.zeros(()) for name in slots}), slots, made)


def from_snapshot(path: Path, snapshot: Snapshot, arrays: Mapping[str, Entry], made: Portable) -> State:
    """An optimizer as calando stores it."""
    family = BY_NAME.get(snapshot.optimizer.rpartition(".")[2], snapshot.optimizer)
    kept = [param for group in snapshot.groups for param in group.params]
    called = names_of(path, kept, made.weights)
    coming = iter(called)
    groups, params = [], {}
    for number, group in enumerate(snapshot.groups):
        latest = {name: [[0, *rows[-1][1:]]] for name, rows in group.timelines.items()}
        lines = {name: Timeline.from_list(rows) for name, rows in latest.items() if plain(rows)}
        texts = {name: described(rows[-1][1]) for name, rows in latest.items() if name not in lines}
        texts |= {name: line.latest.describe() for name, line in lines.items() if isinstance(line.latest, Schedule)}
        values = {name: line.at(group.clock) for name, line in lines.items()}
        one = Grouped([], {n: x for n, x in values.items() if NEUTRAL.get(n) != x}, schedules=texts)
        for i, param in enumerate(group.params):
            name = next(coming)
            one.params.append(name)
            slots = {slot: arrays[f"{number}/{i}/{slot}"] for slot in param.slots}
            words = FAMILIES[family].torch.memory if family in FAMILIES else ()
            params[name] = Aged(slots, dict(zip(words, param.memory, strict=False)), param.age)
        groups.append(one)
    clock = max((group.clock for group in snapshot.groups), default=0)
    in_order = bool(made.weights) and called != [param.name for param in kept]
    return State(family, groups, params, clock, in_order=in_order)


def names_of(path: Path, kept: Sequence[Kept], weights: Mapping[str, Entry]) -> list[str]:
    """What the parameters of an optimizer are called: their names, else the network's in its order, else numbers.

    Raises:
        CheckpointError: the network has another number of parameters, or other shapes.
    """
    called = [param.name for param in kept]
    unique = len(set(called)) == len(called)  # without names, each group counts its own parameters
    if unique and (not weights or all(name in weights for name in called)):
        return called
    if not weights:
        return list(map(str, range(len(kept))))
    own = [name for name in weights if names.split(name)[1] not in names.BUFFERS]
    way = "which are which is not in the file. Build the optimizer with named_parameters(), or convert with "
    if len(own) != len(kept):
        counts = f"the optimizer has {len(kept)} parameters and the network {len(own)}"
        raise CheckpointError(f"{path}: {counts}; {way}--only network")
    for i, (name, param) in enumerate(zip(own, kept, strict=True)):
        there = tuple(weights[name].shape)
        if tuple(param.shape) not in (there, (*there, 2)):  # complex numbers are pairs
            shapes = f"the optimizer's parameter {i} is {tuple(param.shape)}, but {name!r} of the network is {there}"
            raise CheckpointError(f"{path}: {shapes}; {way}--only network")
    return own


def plain(rows: Any) -> bool:
    """Whether no code stands in a stored timeline."""
    return not any(isinstance(row[1], Mapping) and "code" in row[1] for row in rows)
