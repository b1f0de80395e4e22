"""Store a run and go on with it: parameters, buffers, slots, clocks, schedules, events, controllers, random state.

    calando.save("run/last.calando", model=net, optimizer=optimizer)             one file
    calando.save("run/", model=net, optimizer=optimizer, keep_last=3)            run/step-000000100.calando …
    resumed = calando.resume("run/", model=net, optimizer=optimizer)             the newest that is whole

A file is calando's own (``calando.store``): arrays and plain data under checksums, no code. All of it is read and
compared with model and optimizer before the first number is written into them.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, random_state, rotation, store
from .arrays import adapter
from .codecs import tensors, tree
from .codecs.behind import WRITER
from .codecs.entry import Entry
from .codecs.errors import CheckpointError, naming, shown
from .control import Controls, check
from .snapshot import Snapshot, SnapshotMismatch, live

RUN = 1  # the version of how a run is told
FEW = 3  # names in a sentence
STAGED: dict[str, np.ndarray] = {}  # the copies of the last ``async_save``: new memory costs more than the copying
OWN = {"params", "param_names", "step"}  # keys of a group that are stored otherwise
FRONTS = ("calando.control", "calando.torch.state")  # whose snapshot() copies what ``live`` shares; others know more
EXTRA_STATE = "_extra_state"  # torch's name for what a module stores beside tensors


class CheckpointWarning(UserWarning):
    """A checkpoint was passed over, or part of it; the sentence says which and why."""


@dataclass(frozen=True)
class Saved:
    """A file that ``save`` writes or has written.

    Attributes:
        path: the file.
        step: updates so far.
    """

    path: Path
    step: int

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def wait(self) -> None:
        """Wait until it is written, where ``async_save`` was asked for; raise what kept it from being written."""
        WRITER.wait()


@dataclass(frozen=True)
class Resumed:
    """What ``resume`` found.

    Attributes:
        path: the file.
        step: updates so far.
        extra: what was given to ``save`` under this name; None where nothing was.
        metric: the same.
    """

    path: Path
    step: int
    extra: Any = None
    metric: float | None = None


def save(
    path: str | os.PathLike[str],
    model: Any = None,
    optimizer: Any = None,
    extra: Any = None,
    *,
    step: int | None = None,
    metric: float | None = None,
    keep_last: int | None = None,
    keep_best: str | None = None,
    async_save: bool = False,
) -> Saved:
    """Store a run, so that it goes on in another process as if it had not stopped.

    Args:
        path: a file; or a folder (it exists, ends in "/", or ``keep_last`` is given), in which the file is called by
            the number of updates, ``step-000000100.calando``.
        model: a torch module, a Cell (calando's or real MindSpore's), a dictionary of tensors by name, or several of
            them by name, ``{"generator": …, "critic": …}``. Its parameters and buffers are stored.
        optimizer: of ``calando.torch`` or ``calando.mindspore``, or several by name.
        extra: anything else: None, numbers, texts, lists, tuples, dictionaries, sets, arrays, tensors, schedules,
            nested as you like. The position in the data, a generator's state.
        step: updates so far; None: the largest clock of the optimizer.
        metric: how good the model is, for ``keep_best``.
        keep_last: how many files stay in the folder; older ones are removed once the new one is written.
        keep_best: "min" or "max": the file with the best metric stays too.
        async_save: copy everything now and write behind the training's back; ``wait()`` of the result, the next
            ``save`` and ``resume`` wait for it, and raise what kept it from being written. The memory of the copies is
            kept for the next time, until a ``save`` without it.

    Returns:
        Where it lies.

    Raises:
        TypeError, ValueError: something that cannot be stored; no file was touched.
        OSError: no permission, no space; the files that were there are whole.

    What is code (a function of the step) is stored as its description, and taken from the optimizer that goes on.
    """
    folder = as_folder(path, keep_last, keep_best, metric)
    models, optimizers = by_name("model", model), by_name("optimizer", optimizer)
    if not models and not optimizers and extra is None:
        raise ValueError("For 'save': there is nothing to store; give model, optimizer or extra")
    arrays: dict[str, Entry] = {}
    meta: dict[str, Any] = {"run": RUN, "made_with": __version__, "metric": metric}
    meta["optimizers"] = {key: told_optimizer(key, one, arrays) for key, one in optimizers.items()}
    meta["models"] = {key: told_model(key, one, arrays) for key, one in models.items()}
    meta["step"] = counted(step, optimizers)
    meta["random"] = tree.planted("random", random_state.taken(), arrays)
    meta["extra"] = tree.planted("extra", extra, arrays)
    place = rotation.place(folder, meta["step"]) if folder else Path(path)
    WRITER.wait()
    if folder:
        folder.mkdir(parents=True, exist_ok=True)

    def written() -> None:
        store.write(place, meta, arrays)
        if folder and keep_last:
            rotation.prune(folder, keep_last, keep_best)

    if async_save:
        copy_all(arrays)
        WRITER.start(written)
    else:
        STAGED.clear()
        written()
    return Saved(place, meta["step"])


def resume(
    path: str | os.PathLike[str], model: Any = None, optimizer: Any = None, *, best: str | None = None
) -> Resumed:
    """Go on where a run was stored: everything is written into the model and optimizer that are given.

    Args:
        path: a file, or a folder: then the newest file in it that is whole; a warning names the damaged ones.
        model, optimizer: built as those that were stored; None: that part of the file is not wanted.
        best: "min" or "max": not the newest file in the folder, but the one with the best metric.

    Returns:
        ``extra``, the step, the metric, and which file it was.

    Raises:
        FileNotFoundError: there is no such file, or none in the folder.
        CheckpointError: a file of another kind, torn, altered or of a newer calando; another optimizer; other names,
            shapes or types than the model's. Model, optimizer and random state are exactly as before.
    """
    WRITER.wait()
    models, optimizers = by_name("model", model), by_name("optimizer", optimizer)
    place, meta, arrays = newest(Path(path), best)
    try:
        with naming(place):
            plan = Plan(place, meta, arrays, models, optimizers)
            plan.carry_out()
    except (SnapshotMismatch, ValueError) as problem:
        told = str(problem)
        raise CheckpointError(told if told.startswith(str(place)) else f"{place}: {told}") from None
    return Resumed(place, plan.step, plan.extra, plan.metric)


# What is given.


def as_folder(path: Any, keep_last: Any, keep_best: Any, metric: Any) -> Path | None:
    """The folder that is meant, if it is one.

    Raises:
        ValueError, TypeError: the arguments do not go together.
    """
    if keep_last is not None and (type(keep_last) is not int or keep_last < 1):
        raise ValueError(f"For 'save': keep_last must be a whole number from 1 on, but got {keep_last!r}")
    if keep_best is not None and (keep_best not in rotation.BETTER or not keep_last):
        raise ValueError(
            f"For 'save': keep_best must be 'min' or 'max', and goes with keep_last, but got keep_best={keep_best!r}, "
            f"keep_last={keep_last!r}"
        )
    if metric is not None and (isinstance(metric, bool) or not hasattr(type(metric), "__float__")):
        raise TypeError(f"For 'save': metric must be a number, but got {metric!r}")
    if keep_best is not None and metric is None:
        raise ValueError("For 'save': keep_best needs metric, the number that is compared")
    text, place = os.fspath(path), Path(path)
    if not (place.is_dir() or text.endswith(("/", os.sep)) or keep_last):
        return None
    if place.is_file():
        raise NotADirectoryError(f"{place} is a file; keep_last needs a folder")
    return place


def by_name(what: str, given: Any) -> dict[str, Any]:
    """One thing, or several by name; a single one is called ""."""
    if given is None:
        return {}
    many = isinstance(given, Mapping) and any(is_model(x) or isinstance(x, Controls) for x in given.values())
    found = {str(key): one for key, one in given.items()} if many else {"": given}
    for key, one in found.items():
        where = f"{what} {key!r}" if key else what
        if "/" in key:
            raise ValueError(f"For {where}: a name must not hold '/'")
        if what == "optimizer" and not isinstance(one, Controls):
            hint = f'; put its state into extra: extra={{"{what}": {what}.state_dict()}}'
            told = f"must be of calando.torch or calando.mindspore, but got {type(one).__name__}"
            raise TypeError(f"For {where}: {told}{hint if hasattr(one, 'state_dict') else ''}")
        if what == "model" and not is_model(one) and not isinstance(one, Mapping):
            told = f"must be a torch module, a Cell or a dictionary of tensors, but got {type(one).__name__}"
            raise TypeError(f"For {where}: {told}")
    return found


def is_model(thing: Any) -> bool:
    """Whether it is a torch module or a Cell."""
    if isinstance(thing, Controls):
        return False
    return hasattr(thing, "parameters_and_names") or (
        hasattr(thing, "state_dict") and hasattr(thing, "get_extra_state")
    )


def counted(step: int | None, optimizers: Mapping[str, Any]) -> int:
    """Updates so far."""
    if step is not None and (type(step) is not int or step < 0):
        raise ValueError(f"For 'save': step must be a whole number from 0 on, but got {step!r}")
    clocks = [clock for one in optimizers.values() for clock in one.engine.clocks]
    return max(clocks, default=0) if step is None else step


def parts(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The live tensors of a model by name, and what its modules store beside tensors.

    Raises:
        ValueError: two parameters have one name.
    """
    if isinstance(model, Mapping):
        return dict(model), {}
    if hasattr(model, "parameters_and_names"):
        found: dict[str, Any] = {}
        for _, param in model.parameters_and_names():
            if found.setdefault(param.name, param) is not param:
                raise ValueError(f"two parameters of {type(model).__name__} are called {param.name!r}; rename one")
        return found, {}
    stored = model.state_dict(keep_vars=True)
    beside = {name: value for name, value in stored.items() if name.rpartition(".")[2] == EXTRA_STATE}
    return {name: value for name, value in stored.items() if name not in beside}, beside


# What is stored.


def prefix(kind: str, key: str) -> str:
    """How the arrays of a model or optimizer begin."""
    return f"{kind}:{key}/" if key else f"{kind}/"


def told_model(key: str, model: Any, arrays: dict[str, Entry]) -> dict[str, Any]:
    """A model as plain data; its arrays among the others. What stands there under two names is stored once."""
    first: dict[int, str] = {}
    types: dict[str, str] = {}
    same: dict[str, str] = {}
    things, beside = parts(model)
    for name, thing in things.items():
        if id(thing) in first:
            same[name] = first[id(thing)]
            continue
        first[id(thing)] = name
        arrays[prefix("model", key) + name], word = tensors.taken(name, thing)
        types |= {name: word} if word else {}
    kept = tree.planted(prefix("beside", key), beside, arrays)
    framework = "mindspore" if hasattr(model, "parameters_and_names") else "torch"
    told = {"made_of": type(model).__name__, "framework": framework, "names": list(things)}
    return {**told, "types": types, "same": same, "beside": kept}


def told_optimizer(key: str, optimizer: Any, arrays: dict[str, Entry]) -> dict[str, Any]:
    """An optimizer as plain data; its slots among the arrays."""
    optimizer._listen()
    if hasattr(optimizer, "_refuse_pieces"):
        optimizer._refuse_pieces()
    keeper = next(cls for cls in type(optimizer).__mro__ if "snapshot" in vars(cls))
    plain = keeper.__module__ in FRONTS
    snapshot = live(type(optimizer).__name__, optimizer.engine) if plain else optimizer.snapshot()
    snapshot.controllers = {**getattr(optimizer, "_waiting", {}), **getattr(optimizer, "_controllers", {})}
    meta, slots = snapshot.to_plain()
    for name, array in slots.items():
        arrays[prefix("optimizer", key) + name] = Entry.of(array, name)
    meta["controllers"] = tree.planted(prefix("controllers", key), snapshot.controllers, arrays)
    meta["framework"] = "torch" if hasattr(optimizer, "param_groups") else "mindspore"
    meta["keys"] = [plain_keys(optimizer, group) for group in getattr(optimizer, "param_groups", ())]
    return meta


def plain_keys(optimizer: Any, group: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in a group of torch beside parameters and hyperparameters: choices, and what schedulers put there."""
    own = OWN | set(optimizer.spelling)
    return {k: v for k, v in group.items() if k not in own and (v is None or type(v) in (bool, int, float, str))}


def copy_all(arrays: dict[str, Entry]) -> None:
    """Exchange every array for a copy, two at a time, in the memory of the former copies where they are alike."""

    def copied(name: str) -> Entry:
        data, room = arrays[name].data, STAGED.get(name)
        if room is None or room.shape != data.shape or room.dtype != data.dtype:
            room = np.empty(data.shape, data.dtype)
        np.copyto(room, data)
        return Entry(arrays[name].dtype, room)

    with ThreadPoolExecutor(2) as pool:
        copies = dict(zip(arrays, pool.map(copied, arrays), strict=True))
    STAGED.clear()
    STAGED.update({name: entry.data for name, entry in copies.items()})
    arrays.update(copies)


# Going on.


def newest(path: Path, best: str | None) -> tuple[Path, dict[str, Any], dict[str, Entry]]:
    """The file that is meant, read.

    Raises:
        FileNotFoundError, CheckpointError: there is none; it is damaged.
    """
    if best is not None and best not in rotation.BETTER:
        raise ValueError(f"For 'resume': best must be 'min' or 'max', but got {best!r}")
    if not path.is_dir():
        if best is not None:
            raise ValueError(f"For 'resume': best looks for a file in a folder, and {path} is none")
        return path, *store.read_entries(path)
    if best is not None:
        chosen = rotation.best(path, best)
        if chosen is None:
            raise FileNotFoundError(f"{path} has no checkpoint with a metric")
        return chosen, *store.read_entries(chosen)
    for place in reversed(rotation.kept(path)):
        try:
            return place, *store.read_entries(place)
        except CheckpointError as problem:
            warnings.warn(f"{problem}; trying the one before it", CheckpointWarning, stacklevel=3)
    raise FileNotFoundError(f"{path} has no checkpoint that could be read")


@dataclass
class Plan:
    """How a run goes on from a file: all is checked here, and changed in ``carry_out``.

    Raises:
        CheckpointError, SnapshotMismatch: the file does not belong to the model or optimizer.
    """

    place: Path
    meta: dict[str, Any]
    arrays: dict[str, Entry]
    models: dict[str, Any]
    optimizers: dict[str, Any]
    writes: list[tuple[Any, str, str]] = field(default_factory=list)
    beside: list[tuple[Any, Any]] = field(default_factory=list)
    snapshots: list[tuple[Any, Snapshot, list[dict[str, Any]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if type(self.meta.get("run")) is not int:
            raise CheckpointError(f"{self.place} is a file of calando, but no run that calando.save stored")
        if self.meta["run"] > RUN:
            told = f"is a run of version {self.meta['run']}, this calando reads 1 to {RUN}; use a newer calando"
            raise CheckpointError(f"{self.place} {told}")
        try:
            self.step, self.metric = int(self.meta["step"]), self.meta["metric"]
            self.extra = tree.gathered(self.meta["extra"], self.arrays)
            self.random = tree.gathered(self.meta["random"], self.arrays)
            for key, model in self.models.items():
                self.compare(key, model, self.part("models", key))
            for key, optimizer in self.optimizers.items():
                self.understand(key, optimizer, self.part("optimizers", key))
        except (KeyError, TypeError, AttributeError) as problem:
            raise CheckpointError(f"{self.place} was not stored by calando.save: {problem!r}") from None

    def part(self, what: str, key: str) -> dict[str, Any]:
        """What the file tells of one model or optimizer."""
        told = self.meta[what]
        if key not in told:
            names = ", ".join(map(repr, told)) or "none"
            single = f"no {what[:-1]}" if not key else f"no {what[:-1]} {key!r}"
            raise CheckpointError(f"{self.place} has {single}; it has {names if told.keys() - {''} else len(told)}")
        return told[key]

    def compare(self, key: str, model: Any, told: Mapping[str, Any]) -> None:
        """Raise CheckpointError unless names, shapes and types are the model's."""
        things, beside = parts(model)
        start = prefix("model", key)
        there = {name: start + told["same"].get(name, name) for name in told["names"]}
        refuse_names(self.place, type(model).__name__, list(things), list(there), told["made_of"])
        for name, thing in things.items():
            word = told["types"].get(told["same"].get(name, name), "")
            entry = self.arrays[there[name]]
            shape = entry.shape[:-1] if word else entry.shape
            here = tuple(thing.shape)
            if shape != here:
                raise CheckpointError(f"{self.place}: {name!r} is {here} in the model and {shape} in the checkpoint")
            kinds = tensors.word_of(thing), word or entry.dtype.lower()
            if kinds[0] != kinds[1]:
                raise CheckpointError(
                    f"{self.place}: {name!r} is {kinds[0]} in the model and {kinds[1]} in the checkpoint; "
                    "convert the model to that type, then resume"
                )
            self.writes.append((thing, there[name], word))
        stored = tree.gathered(told["beside"], self.arrays)
        for name in beside.keys() & stored.keys():
            self.beside.append((model.get_submodule(name.rpartition(".")[0]), stored[name]))

    def understand(self, key: str, optimizer: Any, told: Mapping[str, Any]) -> None:
        """Raise unless the structure of an optimizer is the one that was stored."""
        start = prefix("optimizer", key)
        slots = {
            name.removeprefix(start): entry.values() for name, entry in self.arrays.items() if name.startswith(start)
        }
        snapshot = Snapshot.from_plain({**told, "controllers": {}}, slots)
        snapshot.controllers = tree.gathered(told["controllers"], self.arrays)
        if not all(isinstance(memory, dict) for memory in snapshot.controllers.values()):
            raise CheckpointError(f"{self.place}: what it has of controllers was not stored by calando")
        for number, (kept, group) in enumerate(zip(told["keys"], getattr(optimizer, "param_groups", ()), strict=False)):
            for name in kept.keys() & optimizer.defaults.keys() - {"foreach", "fused", "capturable", "differentiable"}:
                if kept[name] != group[name] and type(group[name]) in (bool, str, int, type(None)):
                    raise CheckpointError(
                        f"{self.place}: group {number} of {type(optimizer).__name__} was stored with "
                        f"{name}={kept[name]!r}, and is built with {name}={group[name]!r}; build it as it was"
                    )
        self.snapshots.append((optimizer, snapshot, told["keys"]))

    def carry_out(self) -> None:
        """Change model, optimizers and random state; whatever fails leaves all as it was."""
        undo: list[Callable[[], None]] = []
        before = random_state.taken()
        try:
            random_state.put(self.random)
            undo.append(lambda: random_state.put(before))
            for optimizer, snapshot, _ in self.snapshots:
                former = optimizer.snapshot() if len(self.snapshots) > 1 else None
                restored(optimizer, snapshot)
                if former is not None:
                    undo.append(lambda optimizer=optimizer, former=former: optimizer.restore(former))  # type: ignore[misc]
        except BaseException:
            for step in reversed(undo):
                step()
            raise
        for optimizer, snapshot, keys in self.snapshots:
            remember(optimizer, snapshot, keys)
        for thing, name, word in self.writes:
            tensors.put(thing, self.arrays[name], word)
        for module, state in self.beside:
            module.set_extra_state(state)


def restored(optimizer: Any, snapshot: Snapshot) -> None:
    """As ``optimizer.restore``; where slots are plain floating-point arrays, their memory becomes the optimizer's."""
    engine = optimizer.engine
    keeper = next(cls for cls in type(optimizer).__mro__ if "restore" in vars(cls))
    slots = [array for group in snapshot.groups for kept in group.params for array in kept.slots.values()]
    params = [member.param for members in engine.members for member in members]
    kinds = {tensors.word_of(x) for x in params} | {array.dtype.name for array in slots}
    if keeper.__module__ not in FRONTS or not slots or kinds not in ({"float32"}, {"float64"}):
        optimizer.restore(snapshot)
        return
    check(optimizer, snapshot)
    groups = [replace(group, params=[replace(kept, slots={}) for kept in group.params]) for group in snapshot.groups]
    optimizer.restore(replace(snapshot, groups=groups))
    for members, group in zip(engine.members, snapshot.groups, strict=True):
        for member, kept in zip(members, group.params, strict=True):
            own = tensors.tensor if adapter(member.param).name == "torch" else tensors.array
            member.slots = {name: own(Entry.of(kept.slots[name], name)) for name in kept.slots}
    engine.parts = []
    engine.rearrange()
    optimizer._restored()


def refuse_names(place: Path, owner: str, here: list[str], there: list[str], made_of: str) -> None:
    """Raise CheckpointError unless model and file have the same names."""
    missing, strange = [n for n in here if n not in set(there)], [n for n in there if n not in set(here)]
    if not missing and not strange:
        return
    told = [f"the checkpoint lacks {few(missing)} of {owner}"] if missing else []
    told += [f"{owner} lacks {few(strange)} of the checkpoint"] if strange else []
    for longer, shorter, whose in ((there, here, "the checkpoint"), (here, there, owner)):
        start = longer[0].removesuffix(shorter[0]) if longer and shorter else ""
        if start and start != longer[0] and sorted(longer) == sorted(start + name for name in shorter):
            told = [f"every name in {whose} begins with {start!r}; store and resume the same module, wrapped or not"]
    hint = f"; the checkpoint is of {made_of}" if made_of != owner else ""
    raise CheckpointError(f"{place}: {', and '.join(told)}{hint}")


def few(names: list[str]) -> str:
    """Some names in a sentence."""
    more = f" and {len(names) - FEW} others" if len(names) > FEW else ""
    return ", ".join(map(shown, names[:FEW])) + more


def remember(optimizer: Any, snapshot: Snapshot, keys: list[dict[str, Any]]) -> None:
    """What an optimizer of torch has beside a snapshot: controllers, and what others keep in its groups."""
    if hasattr(optimizer, "_waiting"):
        for name, memory in snapshot.controllers.items():
            known = optimizer._controllers if name in optimizer._controllers else optimizer._waiting
            known.setdefault(name, {}).update(memory)
    for kept, group in zip(keys, getattr(optimizer, "param_groups", ()), strict=False):
        group.update({name: value for name, value in kept.items() if name not in optimizer.defaults})
