"""PyTorch's files: what ``torch.save`` writes of state dictionaries, and safetensors.

A ``.pt`` is opened with ``torch.load(weights_only=True)``, which builds tensors and plain data and runs no code. It may
hold a network's ``state_dict()``, an optimizer's, or both in a dictionary under the names that people use. Before it is
opened its lengths are compared with the file: a member that would unpack to more than the file has is refused.
"""

import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..events import described
from ..spelling import ABSENT, plain
from . import tensors
from .entry import Entry
from .errors import CheckpointError, shown
from .families import FAMILIES
from .names import BUFFERS, split
from .placed import placed
from .portable import Aged, Grouped, Portable, State, listed

NETWORK = ("model", "state_dict", "model_state_dict", "net", "network", "model_state", "weights")
OPTIMIZER = ("optimizer", "optimizer_state_dict", "optim", "optimizer_state", "opt", "optimizer_states")
CHOICES = ("amsgrad", "nesterov", "maximize", "centered")
OTHERS = {"max_iter": "LBFGS", "ns_coefficients": "Muon", "trust_coefficient": "LARS", "no_prox": "Adan"}


def read(path: str | os.PathLike[str]) -> Portable:
    """What is in a ``.pt`` file.

    Raises:
        OSError: there is no such file, or it may not be read.
        ImportError: PyTorch is not installed.
        CheckpointError: another kind of file, a torn one, one with objects that are code, or no state dictionaries.
    """
    place = Path(path)
    return told_by(place, loaded(place))


def loaded(place: Path) -> Any:
    """The tensors and plain data in a file."""
    refuse_lengths(place)
    try:
        torch = import_module("torch")
    except ImportError:
        raise ImportError(
            f"{place} is a file of torch.save; reading it needs torch: pip install 'calando[torch]'"
        ) from None
    try:
        return torch.load(place, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as problem:  # whatever its readers raise for a file that is not theirs
        text = str(problem)
        if "weights_only" in text or "Unsupported" in text:
            what = re.search(r"GLOBAL ([\w.]+)", text)
            raise CheckpointError(
                f"{place} holds objects that are code ({what[1] if what else 'of no name'}), which calando does not "
                "run; store state_dict()s"
            ) from None
        raise CheckpointError(
            f"{place} is torn or damaged, or no file of torch.save: {text.splitlines()[0][:200]}"
        ) from None


def refuse_lengths(place: Path) -> None:
    """Raise CheckpointError unless the file is a zip whose members are stored as they are and lie in it."""
    size = place.stat().st_size
    try:
        with zipfile.ZipFile(place) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, UnicodeDecodeError) as problem:
        raise CheckpointError(
            f"{place} is torn or damaged, or no file of torch.save since PyTorch 1.6 ({problem})"
        ) from None
    if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > size:
        raise CheckpointError(
            f"{place} would unpack to more than the {size} bytes that it has; torch.save writes no such file"
        )


def told_by(place: Path, found: Any) -> Portable:
    """A loaded file in words of neither framework."""
    if not isinstance(found, Mapping) or not all(isinstance(key, (str, int)) for key in found):
        raise CheckpointError(f"{place} holds a {type(found).__name__}, and no state_dict")
    found = {key: alone(value) for key, value in found.items()}
    made = Portable("torch")
    if is_optimizer(found):
        made.optimizer = state_of(place, found, {})
        return made
    weights = {k: v for k, v in found.items() if isinstance(k, str) and is_tensor(v)}
    network, optimizer = (
        key_of(kind, found, usual, only=not weights)
        for kind, usual in ((is_network, NETWORK), (is_optimizer, OPTIMIZER))
    )
    if network is None and optimizer is None:
        made.weights = {name: entry(place, name, x) for name, x in weights.items()}
        made.beside = {str(k): v for k, v in found.items() if k not in weights}
        if not weights:
            raise CheckpointError(
                f"{place} has no state_dict of a network or an optimizer; it has {listed(list(map(str, found)))}; "
                "store the network's under 'model' and the optimizer's under 'optimizer'"
            )
        return made
    if network is not None:
        made.weights = {n: entry(place, n, x) for n, x in found[network].items() if is_tensor(x)}
        made.beside = {str(n): x for n, x in found[network].items() if not is_tensor(x)}  # as "_extra_state"
    if optimizer is not None:
        made.optimizer = state_of(place, found[optimizer], made.weights)
    made.beside |= {str(k): v for k, v in found.items() if k not in (network, optimizer)}
    return made


def key_of(kind: Callable[[Any], bool], found: Mapping[Any, Any], usual: Iterable[str], only: bool) -> Any:
    """Under which key a state_dict of one kind lies: a usual one, or, if asked, the only one that there is."""
    there = [key for key, value in found.items() if kind(value)]
    known = [key for key in usual if key in there]
    return known[0] if known else there[0] if only and len(there) == 1 else None


def alone(thing: Any) -> Any:
    """The optimizer in a list of one, as Lightning stores it; anything else itself."""
    return thing[0] if isinstance(thing, list) and len(thing) == 1 and is_optimizer(thing[0]) else thing


def is_tensor(thing: Any) -> bool:
    return hasattr(thing, "detach") and hasattr(thing, "layout")


def is_network(thing: Any) -> bool:
    return (
        isinstance(thing, Mapping) and bool(thing) and any(map(is_tensor, thing.values())) and not is_optimizer(thing)
    )


def is_optimizer(thing: Any) -> bool:
    return isinstance(thing, Mapping) and {"state", "param_groups"} <= thing.keys()


def entry(place: Path, name: str, x: Any) -> Entry:
    """One tensor.

    Raises:
        CheckpointError: it is none, sparse, quantized, or of a type that files of others do not have.
    """
    if not hasattr(x, "shape"):
        raise CheckpointError(f"{place}: {name!r} is a {type(x).__name__}, where a tensor should be")
    try:
        found, word = tensors.taken(name, x)
    except TypeError as problem:
        raise CheckpointError(f"{place}: {problem}") from None
    if word:
        raise CheckpointError(f"{place}: {name!r} is of type {word}, which no other format has; leave it out")
    return found


# An optimizer's state_dict.


def state_of(place: Path, found: Mapping[str, Any], weights: Mapping[str, Entry]) -> State:
    """An optimizer's state dictionary in words of neither framework.

    Raises:
        CheckpointError: it is none, or its parameters cannot be told apart.
    """
    try:
        groups, state = list(found["param_groups"]), dict(found["state"])
        family = family_of(groups, state)
        known = FAMILIES.get(family)
        alike = {key for slot, key in known.torch.slots.items() if slot not in known.axes} if known else set()
        names = names_of(place, groups, state, weights, alike)
        in_order = bool(weights) and not any(group.get("param_names") for group in groups)
        if family not in FAMILIES:
            return State(family, [Grouped([names[key] for key in group["params"]]) for group in groups], {})
        words = FAMILIES[family].torch
        made = [
            grouped(family, group, names, line) for group, line in zip(groups, timelines(found, groups), strict=True)
        ]
        params = {}
        for key, name in names.items():
            params[name] = aged(place, name, state.get(key, {}), family, "calando" in found)
        steps = [int(group["step"]) for group in groups if "step" in group]
        ages = [p.age for p in params.values() if p.age is not None]
        clock = max(steps) if steps else max(ages, default=None) if words.aged else None
        if not words.aged:
            for p in params.values():
                p.age = clock if p.slots else None if clock is None else 0
        return State(family, made, params, clock, in_order=in_order)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        if isinstance(problem, CheckpointError):
            raise
        raise CheckpointError(f"{place}: the optimizer's state_dict is not one of torch: {problem!r}") from None


def family_of(groups: list[Mapping[str, Any]], state: Mapping[Any, Mapping[str, Any]]) -> str:
    """Which optimizer it is: by the keys of its first group, and of the state where those are not enough."""
    keys = groups[0].keys()
    other = next((name for key, name in OTHERS.items() if key in keys), None)
    if other:
        return other
    if "amsgrad" in keys:
        return "adamw" if groups[0].get("decoupled_weight_decay") else "adam"
    marks = {
        "momentum_decay": "nadam", "lambd": "asgd", "etas": "rprop", "centered": "rmsprop", "rho": "adadelta",
        "lr_decay": "adagrad", "lr_power": "ftrl", "l1": "proximal_adagrad", "dampening": "sgd",
        "beta2_decay": "adafactor",
    }  # fmt: skip
    found = next((family for key, family in marks.items() if key in keys), None)
    if found:
        return found
    slots = {key for face in state.values() for key in face}
    if "exp_inf" in slots:
        return "adamax"
    if "exp_avg_sq" in slots:
        if "weight_decay" not in keys:
            return "sparse_adam"
        return "radam" if "decoupled_weight_decay" in keys else "adam" if "nesterov" in keys else "lamb"
    return "an optimizer with " + ", ".join(sorted(map(str, slots or keys - {"params"})))


def names_of(
    place: Path,
    groups: list[Mapping[str, Any]],
    state: Mapping[Any, Any],
    weights: Mapping[str, Entry],
    alike: set[str],
) -> dict[Any, str]:
    """The number of each parameter → its name: from the groups, else in the order of the network's own.

    Args:
        alike: keys of the state that have the parameter's shape.

    Raises:
        CheckpointError: the network has another number of parameters, or other shapes.
    """
    numbers = [key for group in groups for key in group["params"]]
    given = [name for group in groups for name in group.get("param_names") or ()]
    if len(given) == len(numbers):
        return dict(zip(numbers, given, strict=True))
    own = [name for name in weights if split(name)[1] not in BUFFERS]
    if not weights:
        return {key: str(key) for key in numbers}
    if len(own) != len(numbers):
        raise CheckpointError(
            f"{place}: the optimizer has {len(numbers)} parameters and the network {len(own)}; which are which is not "
            "in the file. Build the optimizer with named_parameters() and store it again, or convert the network alone "
            "(--only network)"
        )
    for key, name in zip(sorted(numbers), own, strict=True):
        for slot, x in state.get(key, {}).items():
            if slot in alike and is_tensor(x) and x.dim() and tuple(x.shape) != weights[name].shape:
                raise CheckpointError(
                    f"{place}: {slot!r} of the optimizer's parameter {key} is {tuple(x.shape)}, but {name!r} of the "
                    f"network is {weights[name].shape}; build the optimizer with named_parameters() and store it again"
                )
    return dict(zip(sorted(numbers), own, strict=True))


def timelines(found: Mapping[str, Any], groups: list[Any]) -> list[dict[str, Any]]:
    """The schedules that calando stored beside each group."""
    extra = found.get("calando")
    lines = extra.get("timelines") if isinstance(extra, Mapping) else None
    return list(lines) if isinstance(lines, (list, tuple)) and len(lines) == len(groups) else [{} for _ in groups]


def grouped(family: str, group: Mapping[str, Any], names: Mapping[Any, str], lines: Mapping[str, Any]) -> Grouped:
    """One group."""
    made = Grouped([names[key] for key in group["params"]])
    for key, ours in FAMILIES[family].torch.numbers.items():
        values = group[key] if isinstance(ours, tuple) else (group[key],)
        for name, value in zip(ours if isinstance(ours, tuple) else (ours,), values, strict=True):
            made.numbers[name] = ABSENT[name] if value is None and name in ABSENT else float(value)
            last = lines.get(name) or [[0, 0, ""]]
            if isinstance(last[-1][1], Mapping):
                made.schedules[name] = told(last[-1][1])
    made.choices = {key: group[key] for key in CHOICES if group.get(key)}
    return made


def told(stored: Mapping[str, Any]) -> str:
    """A stored schedule in a sentence."""
    try:
        return described(stored)
    except (KeyError, TypeError, ValueError):
        return f"a schedule that cannot be read ({shown(stored)})"


def aged(place: Path, name: str, face: Mapping[str, Any], family: str, ours: bool) -> Aged:
    """The state of one parameter; ``ours``: it may have slots that torch's class has not, as an average."""
    words = FAMILIES[family].torch
    slots = {ours: entry(place, key, face[key]) for ours, key in words.slots.items() if face.get(key) is not None}
    memory = {key: float(face[key]) for key in words.memory if key in face}
    strange = sorted(face.keys() - {*words.slots.values(), *words.memory, "step"})
    if ours:
        slots |= {key: entry(place, key, face[key]) for key in strange if is_tensor(face[key])}
    elif strange:
        raise CheckpointError(
            f"{place}: {name!r} has {strange[0]!r} in the state of what looks like torch's {words.name}"
        )
    return Aged(slots, memory, int(face["step"]) if "step" in face else 0)


def state_dict(state: State) -> dict[str, Any]:
    """What ``load_state_dict`` of torch's class takes; numbers that are not known are the class's own."""
    words = FAMILIES[state.family].torch
    numbers = {name: number for number, name in enumerate(n for group in state.groups for n in group.params)}
    groups = []
    for group in state.groups:
        made = dict(words.defaults)
        for key, ours in words.numbers.items():
            names = ours if isinstance(ours, tuple) else (ours,)
            default = made[key] if isinstance(ours, tuple) else (made[key],)
            values = tuple(
                plain(n, group.numbers[n]) if n in group.numbers else d for n, d in zip(names, default, strict=True)
            )
            made[key] = values if isinstance(ours, tuple) else values[0]
        made |= {key: value for key, value in group.choices.items() if key in made}
        if words.own and state.clock is not None:
            made["step"] = state.clock
        groups.append({**made, "params": [numbers[n] for n in group.params], "param_names": list(group.params)})
    faces = {}
    for name, number in numbers.items():
        face = face_of(state.params[name], words)
        if face:
            faces[number] = face
    return {"state": faces, "param_groups": groups}


def face_of(param: Aged, words: Any) -> dict[str, Any]:
    """The state of one parameter under torch's names."""
    torch = import_module("torch")
    face: dict[str, Any] = {}
    if words.aged and (param.slots or param.age):
        face["step"] = int(param.age or 0) if words.counted else torch.tensor(float(param.age or 0))
    face |= {key: tensors.tensor(param.slots[ours]) for ours, key in words.slots.items() if ours in param.slots}
    return face | {key: torch.tensor(param.memory[key]) for key in words.memory if key in param.memory}


def write(path: str | os.PathLike[str], found: Portable) -> None:
    """Write a ``.pt``: the network's state dictionary, the optimizer's, or both under "model" and "optimizer".

    Raises:
        OSError: no permission, no space; a file that was there before is untouched.
    """
    torch = import_module("torch")
    own = {name: x for name, x in found.beside.items() if name.endswith("_extra_state")}  # of modules
    beside = {name: x for name, x in found.beside.items() if name not in own}  # none is called model or optimizer
    network = {**{name: tensors.tensor(e) for name, e in found.weights.items()}, **own}
    whole: dict[str, Any] = network
    if found.optimizer is not None or beside:
        whole = {"model": network} if network else {}
        whole |= {"optimizer": state_dict(found.optimizer)} if found.optimizer is not None else {}
        whole |= beside
        if not network and not beside:
            whole = whole["optimizer"]
    with placed(path) as file:
        torch.save(whole, file)


def zeros(entry: Entry, value: float = 0.0) -> Entry:
    """An entry of the same type and shape."""
    return Entry(entry.dtype, np.full_like(entry.data, value))
