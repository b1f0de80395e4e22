"""From one framework's checkpoint to the other's: ``calando convert A B``.

The file that is read says itself what it is. What is written follows the ending: ``.ckpt`` is MindSpore's; ``.pt``,
``.pth`` and ``.bin`` are torch's; ``.safetensors`` is torch's unless MindSpore's is asked for. Everything that does not
travel is told, one sentence each.
"""

import os
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from ..events import Timeline, described
from ..schedules import Schedule
from ..snapshot import Snapshot
from . import families, mindspore, mindspore_ckpt, mindspore_safetensors, names, safetensors, torch
from .entry import Entry
from .errors import CheckpointError, naming
from .families import BY_NAME, FAMILIES
from .portable import Aged, Grouped, Portable, State, Told, listed

NEUTRAL = {"max_norm": float(np.finfo(np.float64).max), "loss_scale": 1.0}  # numbers that do nothing
TORCH_ENDS = (".pt", ".pth", ".bin")
CALANDO, SAFE, CKPT, ZIP = "calando", "safetensors", "ckpt", "pt"


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: str | None = None,
    like: str | os.PathLike[str] | None = None,
    only: str | None = None,
    optimizer: str | None = None,
    values: Mapping[str, float] | None = None,
    strict: bool = False,
    dry_run: bool = False,
) -> Told:
    """Write the checkpoint ``source`` as ``target``, in the other framework's names where its format is the other's.

    Args:
        to: ``"torch"`` or ``"mindspore"``: whose names a ``.safetensors`` has; None: torch's.
        like: a checkpoint of the other framework's network: parameters get its names and shapes.
        only: ``"network"`` or ``"optimizer"``: leave the other out.
        optimizer: what optimizer it is to be in the target (or is in a file of MindSpore whose slots do not say it), as
            ``"Momentum"`` or ``"LazyAdam"``.
        values: hyperparameters that the source does not have or that are to be others, and ``step``.
        strict: raise for what does not travel.
        dry_run: write nothing.

    Returns:
        What travelled, what is to be given to a constructor, what was lost.

    Raises:
        OSError: a file that is not there, or no space; what was at ``target`` is untouched.
        CheckpointError: a source that cannot be read; with ``strict``, a loss.
        ValueError: arguments that do not go together.
    """
    told, place = Told(), Path(source)
    aim, wanted = framework_of(Path(target), to), family_asked(optimizer)
    with naming(place):
        if aim == "mindspore" and not (only or values or optimizer) and kind_of(place) in (CKPT, SAFE + "-ms"):
            return repacked(place, Path(target), strict, dry_run)
        found = read(place, told, wanted, values or ())
        if found.optimizer is not None and optimizer in spoken(found.optimizer.family):
            wanted = found.optimizer.family
        narrowed(found, only, values or {})
        crossing = found.framework != aim
        if crossing:
            unwrapped(found, told)
            template = None if like is None else read(Path(like), Told()).weights
            told.lost = [text for text in told.lost if template is None or not text.startswith("the order of")]
            translated(found, aim, template, told)
        if found.optimizer is not None and wanted and optimizer in FAMILIES[wanted].mindspore.kin:
            found.optimizer.called = optimizer or ""
        settled(found, aim, crossing, wanted, told)
        entries = mindspore.entries(found, told) if aim == "mindspore" else None
        summary(found, told)
        if not found.weights and found.optimizer is None and not entries:
            raise CheckpointError("nothing is left to be written")
        refuse_losses(source, strict, told)
    if not dry_run:
        write(Path(target), found, aim, entries)
    return told


def repacked(source: Path, target: Path, strict: bool, dry_run: bool) -> Told:
    """From one of MindSpore's two formats to the other: the same entries."""
    codec: Any = mindspore_ckpt if kind_of(source) == CKPT else mindspore_safetensors
    entries, told = codec.read(source), Told()
    texts = [name for name, entry in entries.items() if isinstance(entry, str)]
    if target.suffix == ".safetensors" and texts:
        told.lost.append(f"{listed(texts)}: texts, which safetensors cannot hold")
        entries = {name: entry for name, entry in entries.items() if name not in texts}
    told.travelled.append(f"{len(entries)} entries, bit for bit")
    refuse_losses(source, strict, told)
    if not dry_run:
        write(target, Portable("mindspore"), "mindspore", entries)
    return told


def refuse_losses(source: Any, strict: bool, told: Told) -> None:
    """Raise CheckpointError if nothing may be lost and something is."""
    if strict and told.lost:
        raise CheckpointError(f"{source}: with --strict nothing may be lost, but {'; '.join(told.lost)}")


def summary(found: Portable, told: Told) -> None:
    """What is in the new file."""
    first = []
    if found.weights:
        first.append(
            f"{len(found.weights)} parameters and buffers, {sum(e.data.nbytes for e in found.weights.values()):,} bytes"
        )
    if found.optimizer is not None:
        state, family = found.optimizer, FAMILIES[found.optimizer.family]
        side: Any = family.torch if found.framework == "torch" else family.mindspore
        slots = sorted({slot for p in state.params.values() for slot in p.slots})
        steps = f", step {state.clock}" if state.clock is not None else ""
        first.append(
            f"the state of {side.name}: {len(state.params)} parameters, slots {', '.join(slots) or 'none'}{steps}"
        )
    told.travelled[:0] = first


def framework_of(target: Path, to: str | None) -> str:
    """Whose file it is to be.

    Raises:
        ValueError: an ending that says nothing, or one that contradicts ``to``.
    """
    known = {".ckpt": "mindspore", **dict.fromkeys(TORCH_ENDS, "torch"), ".safetensors": to or "torch"}
    found = known.get(target.suffix)
    if found is None:
        raise ValueError(f"{target}: the ending must be one of {', '.join(known)}, and says what is written")
    if to not in (None, found):
        raise ValueError(f"{target}: a {target.suffix} is a file of {found}, and --to says {to}")
    return found


def family_asked(name: str | None) -> str | None:
    """The family that a user means.

    Raises:
        ValueError: no such optimizer.
    """
    if name is not None and name not in BY_NAME:
        raise ValueError(f"--optimizer must be one of {', '.join(sorted(BY_NAME))}, but got {name!r}")
    return None if name is None else BY_NAME[name]


def spoken(family: str) -> tuple[str, ...]:
    """What both frameworks call a family."""
    known = FAMILIES.get(family)
    return (known.torch.name, known.mindspore.name) if known else ()


def kind_of(path: Path) -> str:
    """What a file is, by how it begins.

    Raises:
        CheckpointError: no checkpoint.
        OSError: it is not there.
    """
    with open(path, "rb") as file:
        first = file.read(9)
    if first.startswith(b"PK\x03\x04"):
        return ZIP
    if first[8:9] == b"{":
        with open(path, "rb", buffering=0) as raw:
            told = safetensors.Reader(path, raw).told
        return CALANDO if told.get("format") == "calando" else SAFE if told.get("format") != "ms" else SAFE + "-ms"
    if first.startswith((b"\x0a", *mindspore_ckpt.ENCRYPTED)):
        return CKPT
    if first.startswith(b"\x80"):
        raise CheckpointError(
            f"{path} is a file of pickle, or of torch.save before PyTorch 1.6; calando does not open it: load it "
            "in torch and save its state_dict() again"
        )
    raise CheckpointError(f"{path} is no checkpoint of PyTorch, MindSpore or calando" if first else f"{path} is empty")


def read(path: Path, told: Told, family: str | None = None, given: Iterable[str] = ()) -> Portable:
    """A checkpoint of any kind; ``given``: hyperparameters that the user gives, so that none need be told."""
    kind = kind_of(path)
    if kind == ZIP:
        return torch.read(path)
    if kind == SAFE:
        return torch.read_safetensors(path)
    if kind == CALANDO:
        return run(path, told)
    codec: Any = mindspore_ckpt if kind == CKPT else mindspore_safetensors
    found = mindspore.portable(path, codec.read(path), told, family, frozenset(given))
    if kind != CKPT and found.optimizer is not None:
        told.lost.append(
            "the order of the parameters: a safetensors file of MindSpore is sorted by names, and torch.optim takes "
            "state by number; convert the .ckpt, or give --like a checkpoint of the torch network"
        )
    return found


def write(path: Path, found: Portable, aim: str, entries: Mapping[str, Entry | str] | None) -> None:
    """The new file."""
    if entries is not None:
        codec: Any = mindspore_ckpt if path.suffix == ".ckpt" else mindspore_safetensors
        codec.write(path, entries)
    elif path.suffix == ".safetensors":
        torch.write_safetensors(path, found)
    else:
        torch.write(path, found)


def narrowed(found: Portable, only: str | None, values: Mapping[str, float]) -> None:
    """Leave out the network or the optimizer, and put the user's numbers in the place of those in the file."""
    if values:
        overruled(found, values)
    if only is None:
        return
    if only not in ("network", "optimizer"):
        raise ValueError(f"--only must be network or optimizer, but got {only!r}")
    if only == "network":
        found.optimizer = None
    elif found.optimizer is None:
        raise CheckpointError("--only optimizer: the file has none")
    else:
        own = {name for group in found.optimizer.groups for name in group.params}
        found.weights = {name: entry for name, entry in found.weights.items() if name in own}
        found.beside = {}


def overruled(found: Portable, values: Mapping[str, float]) -> None:
    """Put the user's numbers in the place of those in the file.

    Raises:
        ValueError: there is no such hyperparameter, or no optimizer.
    """
    if found.optimizer is None:
        raise ValueError("--set: the file has no optimizer")
    state, rest = found.optimizer, dict(values)
    wrong = [f"{name}={value:g}" for name, value in rest.items() if not isfinite(value)]
    if wrong:
        raise ValueError(f"--set: {wrong[0]}: a hyperparameter is a finite number")
    if "step" in rest:
        step = rest.pop("step")
        if step != int(step) or not 0 <= step < 2**31:
            raise ValueError(f"--set: step={step:g}: it counts updates, from 0 on")
        state.clock = int(step)
        for param in state.params.values():
            param.age = state.clock if param.slots else param.age
    for group in state.groups:
        for name, value in rest.items():
            if name not in group.numbers:
                raise ValueError(f"--set: there is no {name!r}; it has step, {', '.join(group.numbers)}")
            group.numbers[name] = value


def run(path: Path, said: Told) -> Portable:
    """A file of ``calando.save``.

    Raises:
        CheckpointError: it is none, or holds several models.
    """
    from .. import store

    meta, arrays = store.read_entries(path)
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
            stripped(made.optimizer, said)
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


def stripped(state: State, said: Told) -> None:
    """Take out slots that other formats do not have: an average of the weights, compensations, whole numbers."""
    family = FAMILIES.get(state.family)
    known = {*family.torch.slots, *family.mindspore.slots} if family else set()
    strange = sorted({slot for param in state.params.values() for slot in param.slots} - known) if family else []
    if strange:
        said.lost.append(f"the slots {listed(strange)}, which other formats do not have")
    for param in state.params.values():
        param.slots = {slot: entry for slot, entry in param.slots.items() if slot not in strange}
    coarse = [name for name, p in state.params.items() if any(e.values().dtype.kind != "f" for e in p.slots.values())]
    if coarse:
        said.lost.append(f"the state of {listed(coarse)}: it is not in floating-point numbers; it begins anew")
    for name in coarse:
        state.params[name].slots, state.params[name].age = {}, 0


def plain(rows: Any) -> bool:
    """Whether no code stands in a stored timeline."""
    return not any(isinstance(row[1], Mapping) and "code" in row[1] for row in rows)


# Between the frameworks.


def unwrapped(found: Portable, told: Told) -> None:
    """Take out of the names what DistributedDataParallel and torch.compile have put there."""
    state, weights = found.optimizer, found.weights
    mapped = {name: name.replace("_orig_mod.", "") for name in weights}
    while mapped and all(name.startswith("module.") for name in mapped.values()):
        mapped = {old: new.removeprefix("module.") for old, new in mapped.items()}
    if all(old == new for old, new in mapped.items()):
        return
    found.weights = {mapped[name]: entry for name, entry in weights.items()}
    if state is not None:
        state.params = {mapped.get(name, name): param for name, param in state.params.items()}
        for group in state.groups:
            group.params = [mapped.get(name, name) for name in group.params]
    old, new = next(pair for pair in mapped.items() if pair[0] != pair[1])
    told.travelled.append(f"the names are those of the module inside the wrapper: {old} → {new} …")


def translated(found: Portable, aim: str, template: Mapping[str, Entry] | None, told: Told) -> None:
    """Give parameters the other framework's names and shapes, slots with them."""
    if template is None:
        mapped = names.renamed(found.weights, aim, told)
        shapes = {n: names.target_shape(n, e.shape, aim) for n, e in found.weights.items()}
    else:
        mapped = names.like(found.weights, template)
        shapes = {old: template[new].shape for old, new in mapped.items()}
        strange = [name for name in found.weights if name not in mapped and names.split(name)[1] != names.COUNTER]
        if strange:
            told.lost.append(f"{listed(strange)}: the file to be like has nothing of this name")
        told.travelled.append(f"{len(mapped)} parameters have the names, shapes and order of the file to be like")
    reshaped = [name for name in mapped if shapes[name] != found.weights[name].shape]
    if reshaped:
        told.travelled.append(f"{listed(reshaped)}: one axis of length 1 more or less")
    if found.optimizer is not None:
        follow(found.optimizer, mapped, shapes, found.weights)
        if template is not None:
            place = {name: number for number, name in enumerate(template)}
            for group in found.optimizer.groups:
                group.params.sort(key=lambda name: place.get(name, len(place)))
    before = found.weights
    found.weights = {new: names.fitting(before[old], shapes[old], old) for old, new in mapped.items()}
    counters(before, found.weights, aim, told)
    found.framework = aim


def follow(state: State, mapped: Mapping[str, str], shapes: Mapping[str, Any], before: Mapping[str, Entry]) -> None:
    """The optimizer's parameters get the new names, its slots the new shapes, where they have the parameter's."""
    made = {}
    for name, param in state.params.items():
        shape = before[name].shape if name in before else None
        for slot, entry in param.slots.items() if shape else ():
            if entry.shape == shape:
                param.slots[slot] = names.fitting(entry, shapes.get(name, shape), name)
        made[mapped.get(name, name)] = param
    state.params = made
    for group in state.groups:
        group.params = [mapped.get(name, name) for name in group.params]


def counters(before: Mapping[str, Entry], weights: dict[str, Entry], aim: str, told: Told) -> None:
    """BatchNorm's ``num_batches_tracked``, which MindSpore does not have."""
    gone = [name for name in before if names.split(name)[1] == names.COUNTER]
    if aim == "mindspore" and gone:
        told.given.append(
            f"{names.COUNTER} has no place in MindSpore; torch reads it only for BatchNorm(momentum=None)"
        )
    if aim == "torch":
        norms = [name.removesuffix("running_mean") for name in weights if names.split(name)[1] == "running_mean"]
        weights.update({path + names.COUNTER: Entry.of(np.array(0, np.int64)) for path in norms})
        if norms:
            told.given.append(
                f"{names.COUNTER} is 0: MindSpore does not count; torch reads it only for BatchNorm(momentum=None)"
            )


def settled(found: Portable, aim: str, crossing: bool, asked: str | None, told: Told) -> None:
    """Make the optimizer one that the other side has, and tell what means something else there."""
    state = found.optimizer
    if state is None:
        return
    if state.family not in FAMILIES:
        where = "MindSpore" if aim == "mindspore" else "torch"
        told.lost.append(f"the optimizer's state: {state.family} has no equal in {where}'s files; build it anew")
        found.optimizer = None
        return
    if asked is not None and asked != state.family:
        refuse_others(FAMILIES[state.family], FAMILIES[asked], state)
        state.family = asked
    family = FAMILIES[state.family]
    side: Any = family.mindspore if aim == "mindspore" else family.torch
    if side.own:
        told.given.append((families.MINDSPORE_OWN if aim == "mindspore" else families.TORCH_OWN).format(side.name))
    for group in state.groups if crossing else ():
        renumbered(family, group, aim, told)
        for name in group.params:
            scaled(family, group, state.params[name], aim)
            turned(family, state.params[name], aim, name, found.weights, told)
    for number, group in enumerate(state.groups):
        place = f"group {number}: " if len(state.groups) > 1 else ""
        for name, text in group.schedules.items():
            kept = (
                f"the number at this step, {group.numbers[name]:g}, was written"
                if name in group.numbers
                else "left out"
            )
            told.lost.append(
                f"{place}{name} is {text}; the file holds no schedules: {kept}; give it to the optimizer again"
            )
        known = {n for ours in family.torch.numbers.values() for n in (ours if isinstance(ours, tuple) else (ours,))}
        for name in sorted(group.numbers.keys() - known - set(" ".join(family.mindspore.arguments.values()).split())):
            told.lost.append(
                f"{place}{name} = {group.numbers[name]:g} has no place in the file; give it to the optimizer again"
            )
        if aim == "mindspore":
            told.given.append(place + constructor(family, group, state.called or family.mindspore.name))
    if crossing and family.differs:
        told.given.append(family.differs)


def constructor(family: families.Family, group: Grouped, name: str) -> str:
    """How MindSpore's optimizer is to be built: what its files have no place for."""
    words = family.mindspore
    numbers = {**words.defaults, **group.numbers}
    given = [
        f"{argument}={' '.join(f'{numbers[n]:.9g}' for n in ours.split())}" if " " not in ours
        else f"{argument}=({', '.join(f'{numbers[n]:.9g}' for n in ours.split())})"
        for argument, ours in words.arguments.items()
        if ours not in group.schedules
    ]  # fmt: skip
    given += [words.needs] if words.needs else []
    given += [f"{CHOSEN.get(key, key)}=True" for key in group.choices if key != "maximize"]
    sentence = f"build it as nn.{name}(params, {', '.join(given)}): a file of MindSpore holds only part of that"
    if group.choices.get("maximize"):
        sentence += "; maximize=True has no equal there: turn the sign of the loss"
    if group.numbers.get("lr_decay"):
        sentence += f"; lr_decay={group.numbers['lr_decay']:g} neither: give the rate as a schedule"
    return sentence


CHOSEN = {"amsgrad": "use_amsgrad"}  # torch's word for a choice → MindSpore's


def renumbered(family: families.Family, group: Grouped, aim: str, told: Told) -> None:
    """Hyperparameters that the other side counts with the other sign, means otherwise, or does not have."""
    for word in family.local:
        group.numbers.pop(word, None)
    for torch_word, word in family.negated.items():
        old, new = (torch_word, word) if aim == "mindspore" else (word, torch_word)
        if old in group.numbers:
            group.numbers[new] = -group.numbers.pop(old)
    for name, nothing in family.absent.items():
        if aim == "mindspore":
            group.numbers[name] = nothing
        elif group.numbers.pop(name, nothing) != nothing:
            told.lost.append(f"{name} is not {nothing:g}, and torch's {family.torch.name} has nothing like it")


def scaled(family: families.Family, group: Grouped, param: Aged, aim: str) -> None:
    """Slots that hold the same in other units."""
    for slot, factor in family.scale.items():
        entry, times = param.slots.get(slot), factor(group.numbers)
        if entry is not None:
            times = times if aim == "mindspore" else 1 / times if times else 0.0
            param.slots[slot] = Entry.of((entry.values() * times).astype(entry.values().dtype))


def turned(family: families.Family, param: Aged, aim: str, name: str, weights: Mapping[str, Entry], told: Told) -> None:
    """Slots that have one axis more in torch, and those that have no place there."""
    for slot, axis in family.axes.items():
        entry = param.slots.get(slot)
        if entry is not None:
            data = np.expand_dims(entry.data, axis) if aim == "torch" else np.squeeze(entry.data, axis)
            param.slots[slot] = Entry(entry.dtype, data)
    for slot in sorted(param.slots.keys() - family.torch.slots.keys()):
        param.slots.pop(slot)
        text = f"{family.mindspore.slots[slot].format('…')!r}: torch's {family.torch.name} has nothing like it"
        told.lost += [] if text in told.lost else [text]
    shape = weights[name].shape if name in weights else None
    if (
        aim == "mindspore"
        and shape is not None
        and any(mindspore.held(family.mindspore, slot, shape) != entry.shape for slot, entry in param.slots.items())
    ):
        param.slots, param.age = {}, 0
        told.lost.append(f"the state of {name!r}, which has another shape in MindSpore: it begins anew")


def refuse_others(source: families.Family, target: families.Family, state: State) -> None:
    """Raise ValueError where an optimizer cannot become the one that was asked for."""
    first = state.groups[0]
    if source.torch is not target.torch:
        raise ValueError(
            f"--optimizer: the file's is {source.mindspore.name}, which has other state than {target.mindspore.name}"
        )
    if target.mindspore.name == "Momentum" and (first.numbers.get("dampening") or first.choices.get("nesterov")):
        raise ValueError("--optimizer: Momentum has no dampening, and computes Nesterov's step otherwise; SGD has both")
