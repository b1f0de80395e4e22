"""MindSpore's files, ``.ckpt`` and safetensors alike: a flat table of names ↔ words of neither framework.

Which optimizer it was, a file does not say: the names of its slots do. What it has no place for (betas, eps, weight
decay, groups, schedules) comes from the constructor there; what its names cannot tell is told in sentences.
"""

from collections.abc import Mapping
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np

from ..average import SLOT
from . import beside
from .entry import Entry
from .errors import CheckpointError
from .families import FAMILIES, MindSpore
from .portable import Aged, Grouped, Portable, State, Told, listed

RATE, CLOCK = "learning_rate", "global_step"
SINGLES = (RATE, CLOCK, "momentum", "beta1_power", "beta2_power", "afactor_step", "Parameter$1")  # nn.AdaFactor's void
AVERAGED = f"the slots {SLOT!r}, which other formats do not have"
APPENDED = ("Int64", "Float64", "Bool")  # how numbers of append_dict are stored, and parameters are not


def portable(
    place: Path,
    entries: Mapping[str, Entry | str],
    told: Told,
    family: str | None = None,
    given: frozenset[str] = frozenset(),
) -> Portable:
    """A file in words of neither framework.

    Args:
        family: which optimizer it is, where the file does not say it clearly.
        given: hyperparameters that the user gives: it is not told that the file lacks them.

    Raises:
        CheckpointError: the optimizer is not that, or not to be recognized.
    """
    entries = unprefixed(entries, told)
    made = Portable("mindspore", beside={name: entry for name, entry in entries.items() if isinstance(entry, str)})
    whole = {name: entry for name, entry in entries.items() if isinstance(entry, Entry)}
    for name in [
        name for name, entry in whole.items() if entry.shape == () and entry.dtype in APPENDED and "." not in name
    ]:
        made.beside[name] = whole.pop(name).data.item()
    slots = {name: parted(name, whole) for name in whole}
    own = {name for name in whole if slots[name] or name in SINGLES or name.startswith(f"{RATE}_group_")}
    is_state = CLOCK in whole and len(own) > 1
    for name in averages(whole) if is_state else ():
        del whole[name]
        told.lost += [AVERAGED] * (AVERAGED not in told.lost)
    made.weights = {name: entry for name, entry in whole.items() if not (is_state and name in own)}
    if is_state:
        rest = {name: entry for name, entry in whole.items() if name in own}
        made.optimizer = optimizer(place, rest, made.weights, told, family, given)
    return made


def unprefixed(entries: Mapping[str, Entry | str], told: Told) -> Mapping[str, Entry | str]:
    """Names without what a Cell that holds the optimizer has put in front of them: ``optimizer.global_step``."""
    prefixes = [name.removesuffix(CLOCK) for name in entries if name.endswith(f".{CLOCK}")]
    if CLOCK in entries or len(prefixes) != 1:
        return entries
    mapped = {name: name.removeprefix(prefixes[0]) for name in entries}
    if len(set(mapped.values())) < len(mapped):
        return entries
    told.travelled.append(f"the names are those without {prefixes[0]!r}, which a Cell that holds the optimizer adds")
    return {mapped[name]: entry for name, entry in entries.items()}


def averages(whole: Mapping[str, Entry]) -> list[str]:
    """The entries that are averages of weights, which only optimizers of calando keep."""
    return [name for name in whole if name.startswith(f"{SLOT}.") and name.removeprefix(f"{SLOT}.") in whole]


def patterns() -> dict[str, list[str]]:
    """How the entries of a parameter may be called → the families that have them."""
    found: dict[str, list[str]] = {}
    for key, family in FAMILIES.items():
        words = family.mindspore
        for pattern in (*words.slots.values(), *words.memory.values(), words.fresh):
            if pattern:
                found.setdefault(pattern, []).append(key)
    return found


def parted(name: str, whole: Mapping[str, Entry]) -> str:
    """The pattern that an entry's name has, if what is left is a parameter's name; else "".

    A weight that happens to be called like a slot, with no parameter for it, is a weight.
    """
    for pattern in patterns():
        start = pattern.removesuffix("{}")
        if name.startswith(start) and name.removeprefix(start) in whole:
            return pattern
    return ""


def recognized(place: Path, found: set[str], singles: set[str], asked: str | None) -> str:
    """The family that has exactly these patterns."""
    fits = []
    for key, family in FAMILIES.items():
        words = family.mindspore
        known = {*words.slots.values(), *words.memory.values(), *([words.fresh] if words.fresh else [])}
        always = known - {p for s, p in words.slots.items() if s in words.optional}
        powers = set(words.powers.values())
        if always <= found <= known and powers == singles & {"beta1_power", "beta2_power"}:
            fits.append(key)
    if asked is not None:
        if fits and asked not in fits:
            raise CheckpointError(
                f"{place} holds the state of {FAMILIES[fits[0]].mindspore.name}, not of what was asked for"
            )
        return asked
    if not fits and not found:
        raise CheckpointError(
            f"{place} has the state of an optimizer and no parameters, whose names would tell which slots are whose; "
            "convert a file that holds both"
        )
    if not fits:
        raise CheckpointError(f"{place} has slots that no optimizer known here has: {listed(sorted(found))}")
    return fits[0]


def optimizer(
    place: Path,
    rest: dict[str, Entry],
    weights: Mapping[str, Entry],
    told: Told,
    asked: str | None,
    given: frozenset[str],
) -> State:
    """The optimizer in a file."""
    names = list(weights)
    found = {pattern for name in rest if (pattern := parted(name, {**rest, **weights}))}
    family = recognized(place, found, set(rest), asked)
    if family not in FAMILIES:
        return State(family, [Grouped(names)], {})
    words = FAMILIES[family].mindspore
    idle = any(not choice and words.slots[slot] not in found for slot, choice in words.optional.items())
    absent = FAMILIES[family].absent if idle else {}
    kept = [n for n in names if any(p.format(n) in rest for p in (*words.slots.values(), *words.memory.values()))]
    clock = int(number(place, CLOCK, rest))
    if clock < 0:
        raise CheckpointError(f"{place}: {CLOCK!r} counts updates, but is {clock}")
    group = Grouped(kept, {**numbers(place, words, rest, clock, told, given | absent.keys()), **absent})
    params = {}
    for name in kept:
        there = {ours: rest[p.format(name)] for ours, p in words.slots.items() if p.format(name) in rest}
        slots = {ours: entry for ours, entry in there.items() if held(words, ours, weights[name].shape) is not None}
        memory = {w: number(place, p.format(name), rest) for w, p in words.memory.items() if p.format(name) in rest}
        fresh = bool(words.fresh) and bool(np.any(rest[words.fresh.format(name)].data != 0))
        if fresh or (words.fresh and not group.numbers.get("momentum")):
            slots.pop("m", None)  # there are none yet, or they are never used
        age = int(number(place, words.age, rest)) if words.age in rest else clock
        params[name] = Aged(slots, memory, 0 if fresh and group.numbers.get("momentum") else age)
    choices = {"amsgrad": True} if any("v_max" in p.slots for p in params.values()) else {}
    choices |= {"centered": True} if family == "rmsprop" and any("c" in p.slots for p in params.values()) else {}
    group.choices = choices
    return State(family, [group], params, clock)


def held(words: MindSpore, slot: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of a slot of a parameter of this shape; None: it has no such slot."""
    return words.shapes[slot](shape) if slot in words.shapes else shape


def number(place: Path, name: str, rest: Mapping[str, Entry]) -> float:
    """One number of a file, in the shortest decimals that float32 cannot tell from it."""
    values = rest[name].values()
    if values.size != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise CheckpointError(
            f"{place}: {name!r} must be one finite number, but is an array of {values.dtype} {values.shape}"
        )
    return float(str(values.reshape(-1)[0]))


def numbers(
    place: Path, words: MindSpore, rest: dict[str, Entry], clock: int, told: Told, given: frozenset[str]
) -> dict[str, float]:
    """The hyperparameters: those in the file, betas from their powers, and the constructor's own for the others."""
    found = {ours: number(place, name, rest) for ours, name in words.numbers.items() if name in rest}
    for ours, name in words.powers.items():
        found[ours] = base(number(place, name, rest), clock, words.defaults[ours])
        if found[ours] != words.defaults[ours]:
            told.given.append(f"{ours} is {found[ours]:g}, worked out from {name!r} after {clock} updates")
    found |= rate(place, words, rest, clock, told if "lr" not in given else Told())
    unknown = {ours: value for ours, value in words.defaults.items() if ours not in (found.keys() | given)}
    if unknown:
        values_told = ", ".join(f"{ours} = {value:g}" for ours, value in unknown.items())
        told.given.append(
            f"{values_told}: not in MindSpore's files; these are the defaults of {words.name}; "
            "--set NAME=NUMBER writes others"
        )
    return {**words.defaults, **found}


def rate(place: Path, words: MindSpore, rest: dict[str, Entry], clock: int, told: Told) -> dict[str, float]:
    """The learning rate of the coming step, if the file has one."""
    rates = [name for name in rest if name == RATE or name.startswith(f"{RATE}_group_")]
    if not rates:
        told.lost.append(
            "the file has no learning rate (it was a schedule): give it to the optimizer again, or --set lr=…"
        )
        return {}
    values = [rest[name].values().astype(np.float32).reshape(-1) for name in rates]
    if any(len(row) == 0 or not np.isfinite(row).all() for row in values):
        raise CheckpointError(f"{place}: {rates[0]!r} holds no finite numbers")
    found = float(str(values[0][min(clock, len(values[0]) - 1)]))
    if found == 0 and words.age:
        told.given.append(f"{RATE!r} is 0, as {words.name} writes it with relative_step=True, which is lr=0.01")
        return {}
    if len(values[0]) > 1:
        told.lost.append(
            f"'{rates[0]}' is a list of {len(values[0])}, one rate per step; a number was written, that of step "
            f"{clock}: {found:g}. Give the list to an optimizer of calando.torch as lr, or --set lr=…"
        )
    if len(rates) > 1:
        told.lost.append(
            f"the file has {listed(rates)}, and does not say whose they are: all parameters are in one group, with "
            f"lr = {found:g}; put them into their groups again"
        )
    return {"lr": found}


def base(power: float, clock: int, default: float) -> float:
    """The number whose power by the clock this is: the default if it agrees, else worked out."""
    if clock == 0 or power <= 1e-37 or abs(power - default**clock) <= (1e-6 + 2e-7 * clock) * default**clock:
        return default
    return float(f"{exp(log(power) / clock):.6g}")


# Towards MindSpore.


def entries(found: Portable, told: Told) -> dict[str, Entry | str]:
    """What MindSpore's file holds, in MindSpore's order."""
    made: dict[str, Entry | str] = {}
    if found.optimizer is None:
        made.update(found.weights)
    else:
        made.update(stored(found.optimizer, found.weights, told))
        made.update({name: entry for name, entry in found.weights.items() if name not in made})
    beside.put(found, made, told)
    return made


def stored(state: State, weights: Mapping[str, Entry], told: Told) -> dict[str, Entry]:
    """The entries of an optimizer."""
    words, family = FAMILIES[state.family].mindspore, FAMILIES[state.family]
    ages = sorted({p.age for p in state.params.values() if p.age is not None})
    clock = state.clock if state.clock is not None else max(ages, default=0)
    if state.clock is None:
        told.lost.append(
            f"torch.optim.{family.torch.name} does not count its steps, so {CLOCK!r} is 0; "
            "--set step=NUMBER says how many there were"
        )
    if len(ages) > 1 and not (words.fresh and ages[0] == 0 and len(ages) == 2):
        told.lost.append(
            f"parameters have had {ages[0]} to {ages[-1]} updates each, and MindSpore keeps one number: "
            f"{ages[-1]} for all"
        )
    made = {CLOCK: Entry.of(np.array([clock], np.int32))}
    made.update(rates(state))
    names = [name for group in state.groups for name in group.params]
    made.update({name: weights[name] for name in names if name in weights})
    age, first = max(ages, default=clock), state.groups[0].numbers
    made.update({name: scalar(first.get(ours, 0.0)) for ours, name in words.numbers.items()})
    for ours, name in words.powers.items():
        power = float(np.float32(first[ours])) ** age
        made[name] = Entry.of(np.full((1,) if state.called else words.axes, power, np.float32))
    for word, pattern in words.memory.items():
        start = 0.0 if word == "eta" else 1.0
        made.update({pattern.format(n): scalar(state.params[n].memory.get(word, start)) for n in names})
    for ours, pattern in words.slots.items():
        chosen = any(group.choices.get(words.optional.get(ours, "")) for group in state.groups)
        used = ours not in words.optional or chosen or any(ours in p.slots for p in state.params.values())
        for name in names if used else ():
            made[pattern.format(name)] = state.params[name].slots.get(ours) or blank(name, state, weights, ours)
    for name in names if words.fresh else ():
        like = blank(name, state, weights)
        idle = not state.groups[0].numbers.get("momentum")
        first_time = idle or "m" not in state.params[name].slots
        made[words.fresh.format(name)] = Entry(like.dtype, np.full_like(like.data, 1 if first_time else 0))
    if words.age:
        made[words.age] = Entry.of(np.array([age], np.float32))
    return made


def rates(state: State) -> dict[str, Entry]:
    """The learning rates that are numbers: one for all, or one for each group."""
    values = [group.numbers["lr"] for group in state.groups]
    if len(set(values)) == 1:
        return {} if "lr" in state.groups[0].schedules else {RATE: scalar(values[0])}
    return {
        f"{RATE}_group_{i}": scalar(value)
        for i, (value, group) in enumerate(zip(values, state.groups, strict=True))
        if "lr" not in group.schedules
    }


def scalar(value: float) -> Entry:
    """A number as MindSpore stores it: float32 without axes."""
    with np.errstate(over="ignore"):
        return Entry.of(np.array(value, np.float32))


def blank(name: str, state: State, weights: Mapping[str, Entry], slot: str = "") -> Entry:
    """Zeros of the parameter's type, and the shape of it or of one of its slots.

    Raises:
        CheckpointError: nothing says what shape it has.
    """
    words = FAMILIES[state.family].mindspore
    like: Any = weights.get(name) or next(
        (e for s, e in state.params[name].slots.items() if s not in words.shapes), None
    )
    if like is None:
        raise CheckpointError(f"the shape of {name!r} is not in the file: it has neither the network nor a slot of it")
    shape = held(words, slot, like.shape)
    return Entry(like.dtype, np.zeros((1,) if shape is None else shape, like.data.dtype))
