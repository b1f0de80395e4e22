"""Whether a snapshot fits an optimizer."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from .arrays import adapter
from .average import SLOT
from .eight import CODES
from .member import Member
from .rounding import SEED
from .rule import Rule
from .rules import RULES
from .snapshot import Kept, Snapshot, SnapshotMismatch
from .stored import shapes

if TYPE_CHECKING:
    from .control import Controls


def check(controls: "Controls", snapshot: Snapshot) -> None:
    """Raise SnapshotMismatch, naming the thing, unless a snapshot fits an optimizer; TypeError for none."""
    if not isinstance(snapshot, Snapshot):
        way = "load_state_dict takes a state_dict, and calando.resume a file"
        raise TypeError(f"{controls.kind}: restore takes what snapshot() gave, not {type(snapshot).__name__}; {way}")
    engine, late = controls.engine, {SLOT, *getattr(controls, "LATE", ())}
    if len(snapshot.groups) != len(engine.groups):
        counts = f"{len(snapshot.groups)} groups in the snapshot, {len(engine.groups)} in the optimizer"
        raise SnapshotMismatch(f"{controls.kind}: {counts}")
    for number, (kept, group) in enumerate(zip(snapshot.groups, engine.groups, strict=True)):
        place = f"{controls.kind}, group {number}"
        stored_rule = check_rule(place, controls.kind, snapshot.optimizer, kept.rule, group.rule)
        unknown = sorted(kept.timelines.keys() - engine.hypers[number].timelines.keys() - {SEED})
        if unknown:
            raise SnapshotMismatch(f"{place}: the snapshot is of {snapshot.optimizer}, which has {unknown[0]!r}")
        members = engine.members[number]
        check_order(place, [m.name for m in members], [stored.name for stored in kept.params])
        for member, stored in zip(members, kept.params, strict=True):
            check_one(place, group.rule, stored_rule, member, stored)
            check_whole(place, stored_rule, stored, late)


def check_rule(place: str, here: str, there: str, stored: str, rule: Rule) -> Rule:
    """The rule that was stored.

    Raises:
        SnapshotMismatch: it is none that this optimizer may follow.
    """
    rules, told = {**RULES, rule.name: rule}, f"{place} follows {rule.name}, the snapshot {stored}"
    if stored not in rules:
        raise SnapshotMismatch(f"{told}; build the optimizer with the options that it had")
    if stored != rule.name and there != here:
        raise SnapshotMismatch(f"{told}; build the same optimizer, {there}")
    if rules[stored].slots and rule.slots and rules[stored].slots != rule.slots:
        raise SnapshotMismatch(f"{told}; build the same optimizer")
    return rules[stored]


def check_order(place: str, here: list[str], there: list[str]) -> None:
    """Raise SnapshotMismatch unless as many parameters were stored, in this order as far as names tell."""
    if len(here) != len(there):
        raise SnapshotMismatch(f"{place} has {len(here)} parameters, the snapshot {len(there)}")
    if here != there and sorted(here) == sorted(there):
        first = next(i for i, pair in enumerate(zip(here, there, strict=True)) if pair[0] != pair[1])
        raise SnapshotMismatch(
            f"{place}: parameter {first} is {here[first]!r} here and {there[first]!r} in the snapshot; give the "
            "optimizer its parameters in the same order"
        )


def check_one(place: str, rule: Rule, stored_rule: Rule, member: Member, stored: Kept) -> None:
    """Raise SnapshotMismatch unless what is stored of one parameter is of its shape."""
    if stored.age and len(stored.memory) != len(stored_rule.memory):
        raise SnapshotMismatch(f"{place}: the snapshot lacks what {stored_rule.name} remembers of {member.name!r}")
    shape = tuple(adapter(member.param).shape(member.param))
    if shape != stored.shape:
        raise SnapshotMismatch(f"{place}: {member.name!r} is {shape} here and {stored.shape} in the snapshot")
    wanted = shapes(rule.suited(shape), shape, tuple(stored.slots))
    wrong = {name: a.shape for name, a in stored.slots.items() if tuple(a.shape) != wanted.get(name, shape)}
    if wrong:
        raise SnapshotMismatch(f"{place}: {member.name!r} is {shape}, but its slots in the snapshot are {wrong}")


def check_whole(place: str, rule: Rule, stored: Kept, late: Collection[str]) -> None:
    """Raise SnapshotMismatch unless all slots of a parameter are there that it had after its first update.

    Args:
        late: slots that may begin later, with a choice or a number.
    """
    needed = rule.suited(stored.shape).slots if stored.age else ()
    missing = [name for name in needed if not {name, name + CODES} & stored.slots.keys() and name not in late]
    if missing:
        raise SnapshotMismatch(f"{place}: the snapshot lacks the slot {missing[0]!r} of {stored.name!r}")
