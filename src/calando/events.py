"""What a hyperparameter was, is and will be: causes are stored, values are computed.

A timeline holds, for one hyperparameter of one group, from which step on which schedule (or number)
is in force and who said so. So the value at any step, past or coming, can be asked for at any time,
however often it was changed on the way.
"""

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from .schedules import Constant, Function, Product, Schedule
from .schedules.checks import shown

BUILT, SET, OUTSIDE = "built", "set", "outside"  # by the constructor, by set(), by a write into the group


@dataclass
class Timeline:
    """The history of one hyperparameter.

    Args:
        steps: from which step on each entry is in force, ascending; the first is 0.
        entries: a schedule of the absolute step, or a plain number.
        authors: who said so: ``"built"``, ``"set"`` or ``"outside"``.
    """

    steps: list[int] = field(default_factory=list)
    entries: list[Schedule | float] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)

    @property
    def latest(self) -> Schedule | float:
        """What is in force from now on."""
        return self.entries[-1]

    @property
    def schedule(self) -> Schedule:
        """What is in force from now on, as a schedule."""
        return self.latest if isinstance(self.latest, Schedule) else Constant(self.latest)

    def change(self, step: int, entry: Schedule | float, author: str) -> None:
        """From ``step`` on this entry holds; whatever was said for that step or later is forgotten."""
        first = bisect_left(self.steps, step)
        self.entries[first:] = [entry]
        self.authors[first:] = [author]
        self.steps[first:] = [step if first else 0]  # last: who is interrupted before may begin anew

    def at(self, step: int) -> float:
        """The value at one step, past or coming."""
        entry = self.entries[max(0, bisect_right(self.steps, step) - 1)]
        return entry(step) if isinstance(entry, Schedule) else entry

    def to_list(self) -> list[list[Any]]:
        """Plain data: [step, number or schedule as a dictionary, author] for each change.

        A schedule with a function in it is code: only its description is kept, and by what it is multiplied.
        """
        rows = zip(self.steps, self.entries, self.authors, strict=True)
        return [[step, stored(entry), author] for step, entry, author in rows]

    @classmethod
    def from_list(cls, rows: list[list[Any]], present: "Timeline | None" = None) -> "Timeline":
        """The inverse of ``to_list``.

        Args:
            present: where a function that could not be stored is taken from: what is in force now.

        Raises:
            ValueError: a function was stored, and none is in force now; or the data is not ours.
        """
        made = cls()
        try:
            for step, entry, author in rows:
                made.steps.append(operator.index(step))
                made.entries.append(found(entry, present))
                made.authors.append(str(author))
        except TypeError as problem:
            raise ValueError(f"was not stored by calando: {problem}") from None
        if not made.steps or made.steps[0] != 0 or made.steps != sorted(set(made.steps)):
            raise ValueError(f"was not stored by calando: its changes are at steps {made.steps}")
        return made


def stored(entry: Schedule | float) -> Any:
    """One entry as plain data."""
    if not isinstance(entry, Schedule):
        return entry
    if not has_code(entry):
        return entry.to_dict()
    code, factor = unscaled(entry)
    return {"code": code.describe(), **({} if factor == 1 else {"times": factor})}


def found(entry: Any, present: Timeline | None) -> Schedule | float:
    """One entry from plain data.

    Raises:
        ValueError: it is neither a finite number nor a schedule.
    """
    if isinstance(entry, dict):
        if "code" not in entry:
            return Schedule.from_dict(entry)
        code, factor = refound(entry["code"], present), number(entry.get("times", 1))
        return code if factor == 1 else code * factor
    return number(entry)


def number(entry: Any) -> float:
    """A finite number from plain data.

    Raises:
        ValueError: it is none.
    """
    if isinstance(entry, bool) or not isinstance(entry, (int, float)) or not isfinite(entry):
        raise ValueError(f"was stored as {shown(entry)}, which is no number and no schedule")
    return float(entry)


def unscaled(schedule: Schedule) -> tuple[Schedule, float]:
    """A schedule without the number that it is multiplied by, as ``scale`` and ``Plateau`` do it; and that number."""
    if isinstance(schedule, Product) and isinstance(schedule.right, Constant) and schedule.right.steady:
        return schedule.left, schedule.right.value
    return schedule, 1.0


def described(data: Mapping[str, Any]) -> str:
    """A stored schedule in a sentence."""
    if "code" in data:
        return f"{data['code']}{' * ' + format(data['times'], 'g') if 'times' in data else ''}"
    return Schedule.from_dict(data).describe()


def has_code(schedule: Schedule) -> bool:
    """Whether a function is part of it."""
    return isinstance(schedule, Function) or any(map(has_code, schedule.parts))


def refound(description: str, present: Timeline | None) -> Schedule:
    """The schedule with a function that is in force now, in the place of one that could not be stored."""
    entries = [e for e in reversed(present.entries) if isinstance(e, Schedule) and has_code(e)] if present else []
    known = [unscaled(entry)[0] for entry in entries]
    for code in known:
        if code.describe() == description:
            return code
    if entries and entries[0] is present.latest:  # type: ignore[union-attr]
        return known[0]
    raise ValueError(
        f"was {description} when it was stored; that is code, which is not in the file. "
        "Build the optimizer with it, then load"
    )
