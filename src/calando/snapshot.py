"""All of an optimizer that must survive, as plain data: the hub between frameworks and files.

A Snapshot holds no live object: clocks and the history of every hyperparameter as numbers, names and
dictionaries; slots as NumPy arrays. What is code (a function of the step) is kept as its description only,
and taken from the optimizer that goes on (see ``events``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arrays import adapter

VERSION = 2  # 1 had no controllers


class SnapshotMismatch(ValueError):
    """A snapshot does not belong to this optimizer; nothing has changed."""


@dataclass
class Kept:
    """What is kept of one parameter.

    Args:
        name: what it is called.
        shape: its shape.
        age: how many updates it has had.
        slots: the rule's arrays, by the rule's names.
        memory: the numbers that the rule remembers beside it.
    """

    name: str
    shape: tuple[int, ...]
    age: int
    slots: dict[str, np.ndarray] = field(default_factory=dict)
    memory: tuple[float, ...] = ()


@dataclass
class KeptGroup:
    """What is kept of one group.

    Args:
        rule: the name of the update rule.
        clock: updates so far.
        timelines: the history of every hyperparameter (``events.Timeline.to_list``).
        params: its parameters in order.
    """

    rule: str
    clock: int
    timelines: dict[str, list[list[Any]]]
    params: list[Kept]


@dataclass
class Snapshot:
    """One optimizer at one moment.

    Args:
        optimizer: the name of its class.
        groups: its groups in order.
        version: of this format.
        controllers: what each controller remembers (``calando.torch.Plateau``), by its name; plain data.
    """

    optimizer: str
    groups: list[KeptGroup]
    version: int = VERSION
    controllers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_plain(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A dictionary of JSON data, and the arrays by name (``"0/3/m"``: group, parameter, slot)."""
        arrays: dict[str, np.ndarray] = {}
        groups = []
        for number, group in enumerate(self.groups):
            params = []
            for i, kept in enumerate(group.params):
                arrays.update({f"{number}/{i}/{slot}": array for slot, array in kept.slots.items()})
                own = {"name": kept.name, "shape": list(kept.shape), "age": kept.age, "slots": list(kept.slots)}
                params.append({**own, "memory": list(kept.memory)})
            groups.append({"rule": group.rule, "clock": group.clock, "timelines": group.timelines, "params": params})
        meta = {"version": self.version, "optimizer": self.optimizer, "groups": groups}
        return meta | ({"controllers": self.controllers} if self.controllers else {}), arrays

    @classmethod
    def from_plain(cls, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Snapshot":
        """The inverse of ``to_plain``.

        Raises:
            SnapshotMismatch: it was written by a newer calando, or parts are missing or no such data.
        """
        version = meta.get("version")
        if type(version) is not int or not 1 <= version <= VERSION:
            raise SnapshotMismatch(
                f"the snapshot has format version {version!r}, this calando reads 1 to {VERSION}; "
                "was it written by a newer one?"
            )
        try:
            groups = [
                KeptGroup(
                    a(str, group["rule"]),
                    count(group["clock"]),
                    {a(str, name): a(list, rows) for name, rows in a(dict, group["timelines"]).items()},
                    [
                        Kept(
                            a(str, kept["name"]),
                            tuple(map(count, a(list, kept["shape"]))),
                            count(kept["age"]),
                            {slot: arrays[f"{number}/{i}/{a(str, slot)}"] for slot in a(list, kept["slots"])},
                            tuple(map(number_of, a(list, kept["memory"]))),
                        )
                        for i, kept in enumerate(a(list, group["params"]))
                    ],
                )
                for number, group in enumerate(a(list, meta["groups"]))
            ]
            return cls(a(str, meta["optimizer"]), groups, controllers=dict(a(dict, meta.get("controllers", {}))))
        except KeyError as missing:
            raise SnapshotMismatch(f"the snapshot lacks {missing}; is the file whole?") from None
        except (TypeError, ValueError, AttributeError) as problem:
            raise SnapshotMismatch(f"the snapshot was not stored by calando: {problem}") from None


def a(kind: type, found: Any) -> Any:
    """What was found, if it is of this kind.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(found, kind):
        raise TypeError(f"{str(found)[:50]!r} should be a {kind.__name__}")
    return found


def count(found: Any) -> int:
    """A whole number from 0 on, as numbers of updates and lengths are."""
    if type(found) is not int or not 0 <= found < 1 << 62:
        raise TypeError(f"{str(found)[:50]!r} should be a whole number from 0 on")
    return found


def number_of(found: Any) -> float:
    """A number."""
    if type(found) not in (int, float):
        raise TypeError(f"{str(found)[:50]!r} should be a number")
    return float(found)


def live(owner: str, engine: Any) -> Snapshot:
    """One optimizer at this moment; its slots are the live ones, in the types of their framework.

    Args:
        owner: the name of its class.
        engine: what plays it (``engine.Engine``).
    """
    engine.settle()
    rows = zip(engine.groups, engine.hypers, engine.clocks, engine.members, strict=True)
    return Snapshot(
        owner,
        [KeptGroup(group.rule.name, clock, hyper.stored(), list(map(kept, ms))) for group, hyper, clock, ms in rows],
    )


def kept(member: Any) -> Kept:
    """What is kept of one parameter."""
    shape = adapter(member.param).shape(member.param)
    return Kept(member.name, shape, member.age, dict(member.slots), member.memory)
