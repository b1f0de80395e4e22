"""Store a run: parameters, buffers, slots, clocks, schedules, events, controllers, random state.

    calando.save("run/last.calando", model=net, optimizer=optimizer)             one file
    calando.save("run/", model=net, optimizer=optimizer, keep_last=3)            run/step-000000100.calando …

A file is calando's own (``calando.store``): arrays and plain data under checksums, no code; ``resuming`` reads it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, random_state, rotation, store
from .codecs import tensors, tree
from .codecs.behind import WRITER, shared
from .codecs.entry import Entry
from .codecs.names import COMPILED
from .control import Controls
from .snapshot import live
from .turn import Turn

RUN = 1  # the version of how a run is told
TURN = Turn()  # one saving at a time: the copies lie in one place
STAGED: dict[str, np.ndarray] = {}  # the copies of the last ``async_save``: new memory costs more than the copying
OWN = {"params", "param_names", "step"}  # keys of a group that are stored otherwise
FRONTS = ("calando.control", "calando.torch.state")  # whose snapshot() copies what ``live`` shares; others know more
EXTRA_STATE = "_extra_state"  # torch's name for what a module stores beside tensors
WRAPPERS = {"DistributedDataParallel": "module", "DataParallel": "module", "OptimizedModule": "_orig_mod"}


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
            them by name, ``{"generator": …, "critic": …}``. Its parameters and buffers are stored; those of
            DistributedDataParallel, DataParallel and torch.compile under the names of the module inside.
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
    measured = None if metric is None else float(metric)
    meta: dict[str, Any] = {"run": RUN, "made_with": __version__, "metric": measured}
    meta["optimizers"] = {key: told_optimizer(key, one, arrays) for key, one in optimizers.items()}
    meta["models"] = {key: told_model(key, one, arrays) for key, one in models.items()}
    meta["step"] = counted(step, optimizers)
    meta["random"] = tree.planted("random", random_state.taken(), arrays)
    meta["extra"] = tree.planted("extra", extra, arrays)
    place = rotation.place(folder, meta["step"]) if folder else Path(path)

    def written() -> None:
        store.write(place, meta, arrays)
        if async_save:
            STAGED.update({name: entry.data for name, entry in arrays.items()})
        if folder and keep_last:
            rotation.prune(folder, keep_last, keep_best)

    with TURN.lock:
        WRITER.wait()
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        if async_save:
            copy_all(arrays)
            WRITER.start(written)
        else:
            STAGED.clear()
            written()
    return Saved(place, meta["step"])


# What is given.


def as_path(who: str, path: Any) -> Any:
    """The path as it was given.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(path, (str, os.PathLike)):
        told = f"path must be the name of a file or folder, but got {type(path).__name__}"
        raise TypeError(f"For {who!r}: {told}; it is {who}(path, model, optimizer)")
    return path


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
    text, place = os.fspath(as_path("save", path)), Path(path)
    if not text:
        raise ValueError("For 'save': path is empty; give the name of a file or folder")
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
            raise TypeError(f"For {where}: {told}{'; give it as optimizer=' * isinstance(one, Controls)}")
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


def bare(model: Any) -> Any:
    """The module inside DistributedDataParallel, DataParallel or torch.compile; any other itself."""
    while (inner := WRAPPERS.get(type(model).__name__)) and hasattr(model, inner):
        model = getattr(model, inner)
    return model


def parts(model: Any) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """The live tensors of a model by name; modules that store something beside tensors, with it.

    Raises:
        ValueError: two parameters have one name.
    """
    if isinstance(model, Mapping):
        return {str(name): thing for name, thing in model.items()}, {}
    if hasattr(model, "parameters_and_names"):
        found: dict[str, Any] = {}
        for _, param in model.parameters_and_names():
            if found.setdefault(param.name, param) is not param:
                raise ValueError(f"two parameters of {type(model).__name__} are called {param.name!r}; rename one")
        return found, {}
    module = bare(model)
    tensors_of, beside = {}, {}
    for full, value in module.state_dict(keep_vars=True).items():
        path, _, last = full.rpartition(".")
        name = full.replace(COMPILED, "")
        if last == EXTRA_STATE:
            beside[name] = (module.get_submodule(path), value)
        else:
            tensors_of[name] = value
    return tensors_of, beside


# What is stored.


def prefix(kind: str, key: str) -> str:
    """How the arrays of a model or optimizer begin."""
    return f"{kind}:{key}/" if key else f"{kind}/"


def told_model(key: str, model: Any, arrays: dict[str, Entry]) -> dict[str, Any]:
    """A model as plain data; its arrays among the others. What stands there under two names is stored once."""
    first: dict[int, str] = {}
    types: dict[str, str] = {}
    same: dict[str, str] = {}
    things, modules = parts(model)
    beside = {name: state for name, (_, state) in modules.items()}
    for name, thing in things.items():
        if id(thing) in first:
            same[name] = first[id(thing)]
            continue
        first[id(thing)] = name
        arrays[prefix("model", key) + name], word = tensors.taken(name, thing)
        types |= {name: word} if word else {}
    kept = tree.planted(prefix("beside", key), beside, arrays)
    framework = "mindspore" if hasattr(model, "parameters_and_names") else "torch"
    told = {"made_of": type(bare(model)).__name__, "framework": framework, "names": list(things)}
    return {**told, "types": types, "same": same, "beside": kept}


def told_optimizer(key: str, optimizer: Any, arrays: dict[str, Entry]) -> dict[str, Any]:
    """An optimizer as plain data; its slots among the arrays."""
    optimizer._listen()
    if hasattr(optimizer, "_refuse_pieces"):
        optimizer._refuse_pieces()
    keeper = next(cls for cls in type(optimizer).__mro__ if "snapshot" in vars(cls))
    plain = keeper.__module__ in FRONTS
    snapshot = live(optimizer.kind, optimizer.engine) if plain else optimizer.snapshot()
    snapshot.controllers = {**getattr(optimizer, "_waiting", {}), **getattr(optimizer, "_controllers", {})}
    meta, slots = snapshot.to_plain()
    types: dict[str, str] = {}
    for name, slot in slots.items():
        arrays[prefix("optimizer", key) + name], word = tensors.taken(name, tensors.real(slot))
        types |= {name: word} if word else {}
    meta |= {"types": types} if types else {}
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

    rooms = dict(STAGED)
    STAGED.clear()  # theirs until they are written: a handler of a signal that saves meanwhile takes others

    def copied(name: str) -> Entry:
        data, room = arrays[name].data, rooms.get(name)
        if room is None or room.shape != data.shape or room.dtype != data.dtype:
            room = np.empty(data.shape, data.dtype)
        np.copyto(room, data)
        return Entry(arrays[name].dtype, room)

    arrays.update(zip(arrays, shared(copied, arrays), strict=True))
