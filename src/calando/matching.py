"""Whether a snapshot fits an optimizer."""

from typing import TYPE_CHECKING

from .arrays import adapter
from .rounding import SEED
from .rules import RULES
from .snapshot import Snapshot, SnapshotMismatch
from .stored import shapes

if TYPE_CHECKING:
    from .control import Controls


def check(controls: "Controls", snapshot: Snapshot) -> None:
    """Raise SnapshotMismatch, naming the thing, unless a snapshot fits an optimizer."""
    engine = controls.engine
    owner = controls.kind
    if len(snapshot.groups) != len(engine.groups):
        counts = f"{len(snapshot.groups)} groups in the snapshot, {len(engine.groups)} in the optimizer"
        raise SnapshotMismatch(f"{owner}: {counts}")
    for number, (kept, group) in enumerate(zip(snapshot.groups, engine.groups, strict=True)):
        place = f"{owner}, group {number}"
        rules = {**RULES, group.rule.name: group.rule}
        if kept.rule not in rules:
            raise SnapshotMismatch(
                f"{place} follows {group.rule.name}, the snapshot {kept.rule}; build the optimizer with the options "
                "that it had"
            )
        if kept.rule != group.rule.name and snapshot.optimizer != controls.kind:
            told = f"{place} follows {group.rule.name}, the snapshot {kept.rule}"
            raise SnapshotMismatch(f"{told}; build the same optimizer, {snapshot.optimizer}")
        if rules[kept.rule].slots and group.rule.slots and rules[kept.rule].slots != group.rule.slots:
            raise SnapshotMismatch(
                f"{place} follows {group.rule.name}, the snapshot {kept.rule}; build the same optimizer"
            )
        members = engine.members[number]
        unknown = sorted(kept.timelines.keys() - engine.hypers[number].timelines.keys() - {SEED})
        if unknown:
            raise SnapshotMismatch(f"{place}: the snapshot is of {snapshot.optimizer}, which has {unknown[0]!r}")
        if len(members) != len(kept.params):
            raise SnapshotMismatch(f"{place} has {len(members)} parameters, the snapshot {len(kept.params)}")
        here, there = [m.name for m in members], [stored.name for stored in kept.params]
        if here != there and sorted(here) == sorted(there):
            first = next(i for i, pair in enumerate(zip(here, there, strict=True)) if pair[0] != pair[1])
            raise SnapshotMismatch(
                f"{place}: parameter {first} is {here[first]!r} here and {there[first]!r} in the snapshot; give the "
                "optimizer its parameters in the same order"
            )
        for member, stored in zip(members, kept.params, strict=True):
            if stored.age and len(stored.memory) != len(rules[kept.rule].memory):
                raise SnapshotMismatch(f"{place}: the snapshot lacks what {kept.rule} remembers of {member.name!r}")
            shape = tuple(adapter(member.param).shape(member.param))
            if shape != stored.shape:
                raise SnapshotMismatch(f"{place}: {member.name!r} is {shape} here and {stored.shape} in the snapshot")
            wanted = shapes(group.rule.suited(shape), shape, tuple(stored.slots))
            wrong = {name: a.shape for name, a in stored.slots.items() if tuple(a.shape) != wanted.get(name, shape)}
            if wrong:
                raise SnapshotMismatch(
                    f"{place}: {member.name!r} is {shape}, but its slots in the snapshot are {wrong}"
                )
