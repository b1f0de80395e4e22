"""A checkpoint in the words of the other framework: names, shapes, slots and hyperparameters, and what is told."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import families, mindspore, names
from .entry import Entry
from .families import FAMILIES
from .portable import Aged, Grouped, Portable, State, Told, listed


def stripped(state: State | None, told: Told) -> None:
    """Take out slots that only calando has: an average of the weights, compensations, and moments in whole numbers.

    What would be left with half of its moments begins anew.
    """
    family = FAMILIES.get(state.family) if state is not None else None
    if state is None or family is None:
        return
    known = family.torch.slots.keys() | family.mindspore.slots.keys()
    packed = tuple(f"{word}_" for word in (*known, *family.torch.slots.values()))  # m_codes, exp_avg_scale
    strange = sorted({slot for param in state.params.values() for slot in param.slots} - known)
    if strange:
        told.lost.append(f"the slots {listed(strange)}, which other formats do not have")
    torn = []
    for name, param in state.params.items():
        half = any(slot in strange and slot.startswith(packed) for slot in param.slots)
        param.slots = {slot: entry for slot, entry in param.slots.items() if slot not in strange}
        if half or any(entry.values().dtype.kind != "f" for entry in param.slots.values()):
            torn.append(name)
            param.slots, param.age = {}, 0
    if torn:
        told.lost.append(f"the state of {listed(torn)}: its moments are in whole numbers; it begins anew")


def unwrapped(found: Portable, told: Told) -> None:
    """Take out of the names what DistributedDataParallel and torch.compile have put there."""
    state, weights = found.optimizer, found.weights
    mapped = {name: name.replace(names.COMPILED, "") for name in weights}
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
    if found.optimizer is not None and not found.weights:
        told.lost.append(
            "the names of the parameters, which are not in the file: its state keeps those it has there (numbers "
            "where there are none), and cannot be converted back; convert a file that holds network and optimizer"
        )
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
    several = len(state.groups) > 1
    for number, group in enumerate(state.groups if crossing else ()):
        renumbered(family, group, aim, told, f"group {number}: " if several else "")
        for name in group.params:
            scaled(family, group, state.params[name], aim)
            turned(family, state.params[name], aim, name, found.weights, told)
    for number, group in enumerate(state.groups):
        place = f"group {number}: " if several else ""
        told.lost += [f"{place}{text}; give it to the optimizer again" for text in homeless(family, group)]
        if aim == "mindspore":
            told.given.append(place + constructor(family, group, state.called or family.mindspore.name))
    if crossing and family.differs:
        told.given.append(family.differs)


def homeless(family: families.Family, group: Grouped) -> list[str]:
    """What of a group no file of the two has a place for: schedules, and hyperparameters that only calando has."""
    found = []
    for name, text in group.schedules.items():
        number = group.numbers.get(name)
        kept = "left out" if number is None else f"the number at this step, {number:g}, was written"
        found.append(f"{name} is {text}; the file holds no schedules: {kept}")
    known = {n for ours in family.torch.numbers.values() for n in (ours if isinstance(ours, tuple) else (ours,))}
    known |= set(" ".join(family.mindspore.arguments.values()).split())
    return found + [
        f"{n} = {group.numbers[n]:g} has no place in the file" for n in sorted(group.numbers.keys() - known)
    ]


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


def renumbered(family: families.Family, group: Grouped, aim: str, told: Told, place: str) -> None:
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
            told.lost.append(f"{place}{name} is not {nothing:g}, and torch's {family.torch.name} has nothing like it")


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
