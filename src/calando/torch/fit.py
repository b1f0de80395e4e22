"""Whether a ``state_dict`` fits an optimizer."""

from collections.abc import Mapping
from math import isclose, isfinite, nan, prod
from typing import TYPE_CHECKING, Any
from warnings import warn

from ..average import SLOT
from ..eight import CODES, SCALE, blocks
from ..events import Timeline
from ..hyper import Hyper, inside, shown
from ..rule import Rule
from ..schedules import Schedule, ScheduleEnd
from .boxes import unboxed
from .names import torchs_names
from .refusals import refuse_choices

if TYPE_CHECKING:
    from .state import Stateful

NAMED = "must have a name for each of its parameters"
OLDEST = 2**53  # updates; beyond it not every whole number is a float64
VERSION = 1  # of what stands under "calando"


def check_state(optimizer: "Stateful", state_dict: Mapping[str, Any]) -> dict[str, Any] | None:
    """Raise ValueError, naming the thing, unless a ``state_dict`` can be this optimizer's.

    Returns:
        What stands under ``"calando"``; None for a dictionary of torch's class.
    """
    name = optimizer.kind
    check_form(name, state_dict)
    groups = state_dict["param_groups"]
    if len(groups) != len(optimizer.param_groups):
        counts = f"{len(groups)} parameter groups, the optimizer {len(optimizer.param_groups)}"
        raise ValueError(f"{name}: the checkpoint has {counts}")
    for number, (theirs, ours) in enumerate(zip(groups, optimizer.param_groups, strict=True)):
        place = f"{name}: group {number} of the checkpoint"
        if len(theirs["params"]) != len(ours["params"]):
            counts = f"{len(theirs['params'])} parameters, the optimizer {len(ours['params'])}"
            raise ValueError(f"{place} has {counts}")
        if len(theirs.get("param_names", theirs["params"])) != len(theirs["params"]):
            raise ValueError(f"{place} {NAMED}, but has {shown(theirs['param_names'])}")
        refuse_choices(place, theirs)
        known = check_author(optimizer, place, theirs, state_dict.get("calando"))
        check_names(optimizer, place, theirs)
        rule = optimizer.engine.groups[number].rule
        for i, (key, p) in enumerate(zip(theirs["params"], ours["params"], strict=True)):
            place, face = f"{name}: parameter {i} of group {number}", state_dict["state"].get(key, {})
            own = owned(optimizer, face)
            if own != face and not known:
                guest = next(key for key in face if key not in own)
                raise ValueError(f"{place}: the checkpoint has a state {guest!r}; was it written by another optimizer?")
            check_slots(optimizer, place, own, p, rule)
    return check_extra(name, state_dict.get("calando"), groups)


def check_form(name: str, state_dict: Mapping[str, Any]) -> None:
    """Raise ValueError (TypeError for what is no dictionary) unless a ``state_dict`` is built as torch builds one."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"{name}: a state_dict is a dictionary, not {type(state_dict).__name__}")
    for key, kind in (("param_groups", (list, tuple)), ("state", Mapping)):
        if key not in state_dict:
            raise ValueError(f"{name}: a state_dict has 'state' and 'param_groups'; {key!r} is missing")
        if not isinstance(state_dict[key], kind):
            raise ValueError(f"{name}: this is no state_dict: its {key!r} is a {type(state_dict[key]).__name__}")
    known = []
    for number, group in enumerate(state_dict["param_groups"]):
        place = f"{name}: group {number} of the checkpoint"
        if not isinstance(group, Mapping) or not isinstance(group.get("params"), (list, tuple)):
            raise ValueError(f"{place} must be a dictionary with a list of 'params'")
        wrong = [key for key in group["params"] if not isinstance(key, (int, str))]
        if wrong:
            raise ValueError(f"{place}: its 'params' must be numbers or names, but one is {shown(wrong[0])}")
        if not several(group.get("param_names", ()), str):
            raise ValueError(f"{place} {NAMED}, but has {shown(group['param_names'])}")
        check_number(place, "step", group.get("step", 0))
        known += group["params"]
    for key in known:
        face = state_dict["state"].get(key, {})
        if not isinstance(face, Mapping):
            raise ValueError(
                f"{name}: the state of parameter {key} must be a dictionary, but the checkpoint has {shown(face)}"
            )


def check_names(optimizer: "Stateful", place: str, group: Mapping[str, Any]) -> None:
    """Raise ValueError unless a stored group has this optimizer's hyperparameters."""
    for key, names in optimizer.SPELLING.items():
        if key not in group:
            raise ValueError(f"{place} has no {key!r}; was it written by another optimizer?")
        value = unboxed(place, key, group[key])
        if isinstance(names, tuple) and (not isinstance(value, (tuple, list)) or len(value) != len(names)):
            raise ValueError(f"{place}: {key!r} must be {len(names)} values, but it has {shown(value)}")


def check_author(optimizer: "Stateful", place: str, group: Mapping[str, Any], extra: Any) -> bool:
    """Raise ValueError where a stored group is known to be of another optimizer, whatever fits.

    Ours say whose they are. torch's do not, but each of its classes has names of its own in its groups; a dictionary
    with names of another version of torch is believed.

    Returns:
        Whether it is known to be of this one.
    """
    own = kinds_of(optimizer)
    if isinstance(extra, Mapping):
        author = extra.get("kind")
        known, authors = author in own, [] if author in (None, *own) else [author]
    else:
        written = frozenset(group) & frozenset().union(*torchs_names().values())  # others may keep there what they like
        authors = [name for name, names in torchs_names().items() if names == written]
        known = written >= torchs_names().get(own[0], {None})
        authors = [] if own[0] in authors else authors
    if authors:
        whose = " or ".join(x if isinstance(x, str) else shown(x) for x in authors)
        raise ValueError(f"{place} was written by {whose}; build that optimizer, or start this one afresh")
    return known


SAYING = {"_rule", "SPELLING"}


def kinds_of(optimizer: "Stateful") -> list[str]:
    """The classes that say what an optimizer is, the nearest first: AdamW is an Adam."""
    kinds = [kind for kind in type(optimizer).__mro__ if not vars(kind).keys().isdisjoint(SAYING)]
    return [getattr(kind, "ROOM", "") + kind.__name__ for kind in kinds]


def owned(optimizer: "Stateful", face: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is this optimizer's of the state of one parameter; wrappers (Lookahead, SAM) keep theirs beside it."""
    names = {"step", *optimizer.MEMORY, *optimizer.SLOTS.values()}
    return face if names >= face.keys() else {key: value for key, value in face.items() if key in names}


def check_slots(optimizer: "Stateful", place: str, stored: Mapping[str, Any], p: Any, rule: Rule) -> None:
    """Raise ValueError unless what is stored of one parameter is whole, of its shape, under this optimizer's names."""
    plain = {"step", *optimizer.MEMORY}
    for key, value in stored.items():
        if key in plain:
            check_number(place, key, value)
            continue
        if value is None:
            continue
        if not hasattr(value, "shape"):
            raise ValueError(f"{place}: {key!r} must be a tensor, but the checkpoint has {shown(value)}")
        if getattr(value, "is_meta", False):
            raise ValueError(f"{place}: {key!r} in the checkpoint has no elements: it is on the meta device")
        if getattr(value, "is_complex", bool)() and not p.is_complex():
            raise ValueError(f"{place} is real in the model and complex in the checkpoint ({key!r})")
        wanted = slot_shape(optimizer, key, tuple(p.shape))
        if tuple(value.shape) != wanted:
            shapes = f"{wanted} in the model and {tuple(value.shape)} in the checkpoint"
            raise ValueError(f"{place} is {shapes} ({key!r})")
    if any(value is not None for value in stored.values()) and stored.get("step", 1):
        slots = rule.suited(tuple(p.shape)).slots
        late = {SLOT, *optimizer.LATE}
        needed = [*["step"] * optimizer.AGED, *optimizer.MEMORY]
        needed += [key for slot, key in optimizer.SLOTS.items() if slot in slots and slot not in late]
        missing = [key for key in needed if stored.get(key) is None]
        missing = [key for key in missing if any(stored.get(key + end) is None for end in (CODES, SCALE))]
        if missing:
            raise ValueError(f"{place}: the checkpoint lacks {missing[0]!r}")


def slot_shape(optimizer: "Stateful", key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a state has for a parameter of this shape."""
    slot = next(slot for slot, name in optimizer.SLOTS.items() if name == key)
    rules = [group.rule.suited(shape) for group in optimizer.engine.groups]
    if slot.endswith(SCALE):
        return (blocks(prod(shape)),)
    return next((r.slot_shapes(shape)[slot] for r in rules if slot in r.slots), shape)


def check_lines(hyper: Hyper, lines: Mapping[str, Timeline], clock: int) -> None:
    """Raise ScheduleEnd unless every hyperparameter has a value at this clock, or had its last one just before.

    Raises:
        ValueError: the value lies outside its domain.
    """
    for name, line in lines.items():
        try:
            value = line.at(clock)
            low, high = hyper.domain[name]
            if not inside(name, value, low, high):
                raise hyper.outside(name, value, f"step {clock}: {line.schedule.describe()}")
        except ScheduleEnd:
            try:
                line.at(clock - 1)
            except ScheduleEnd as end:
                raise ScheduleEnd(f"{hyper.place}: {hyper.spelled(name)!r}: {end}") from None


def tell_lost_schedules(optimizer: "Stateful", number: int, group: Mapping[str, Any], clock: int) -> None:
    """Warn where a group comes from calando without its schedules, and followed another one than is given here.

    So torch.distributed.checkpoint stores it: numbers in force, and the clock, which a group of torch's class has not.
    """
    hyper = optimizer.engine.hypers[number]
    schedules = {name: line.latest for name, line in hyper.timelines.items() if isinstance(line.latest, Schedule)}
    if not schedules or group.get("step") != clock:
        return
    stored = optimizer._stored_numbers(number, group)
    for name, schedule in schedules.items():
        here, there = hyper.shown(name, clock), stored[name].at(clock)
        if not isclose(here, there, rel_tol=1e-9):
            has = f"the checkpoint has {hyper.spelled(name)} = {there:g} in step {clock} and no schedules"
            told = f"{hyper.place}: {has}; {schedule.describe()}, which goes on here, has {here:g}"
            warn(f"{told}. Where set() or Plateau had changed it, change it again", stacklevel=6)


def check_number(place: str, key: str, value: Any, has: str = "the checkpoint has") -> None:
    """Raise ValueError unless a number of one parameter is one."""
    try:
        number = nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, RuntimeError):
        number = nan
    whole = 0 <= number <= OLDEST and number == int(number)
    if not isfinite(number) or (key == "step" and not whole):
        wanted = "a whole number from 0 on" if key == "step" else "one finite number"
        wanted = "a whole number up to 2⁵³" if key == "step" and number > OLDEST else wanted
        raise ValueError(f"{place}: {key!r} must be {wanted}, but {has} {shown(value)}")


def check_extra(name: str, extra: Any, groups: list[Any]) -> dict[str, Any] | None:
    """Raise ValueError unless our own part of a ``state_dict`` is whole and of a known version."""
    if extra is None:
        return None
    version = extra.get("version") if isinstance(extra, Mapping) else None
    if not isinstance(version, int) or version != VERSION:
        raise ValueError(
            f"{name}: the checkpoint's schedules have format version {shown(version)}, this calando reads {VERSION}; "
            "was it written by a newer one?"
        )
    lines, ages = extra.get("timelines"), extra.get("ages")
    if not several(lines, Mapping) or not several(ages, (list, tuple)) or not all(several(row, int) for row in ages):
        raise ValueError(f"{name}: the checkpoint's schedules were not stored by calando, or are damaged")
    lengths = [len(group["params"]) for group in groups]
    if len(lines) != len(groups) or [len(row) for row in ages] != lengths:
        raise ValueError(f"{name}: the checkpoint's schedules belong to other groups than its parameters")
    if not all(0 <= age <= OLDEST for row in ages for age in row):
        raise ValueError(f"{name}: the checkpoint's ages must be whole numbers from 0 to 2⁵³")
    for number, line in enumerate(lines):
        damaged = [key for key, rows in line.items() if not changes(rows)]
        if damaged:
            told = f"what group {number} of the checkpoint has of {shown(damaged[0])}"
            raise ValueError(f"{name}: {told} was not stored by calando, or is damaged")
    return dict(extra)


def changes(rows: Any) -> bool:
    """Whether it is built as the history of one hyperparameter: rows of a step, what held from it on, and by whom."""
    return several(rows, (list, tuple)) and len(rows) > 0 and all(len(row) == 3 and type(row[0]) is int for row in rows)


def several(found: Any, kind: Any) -> bool:
    """Whether it is a list of things of one kind."""
    return isinstance(found, (list, tuple)) and all(isinstance(x, kind) for x in found)
