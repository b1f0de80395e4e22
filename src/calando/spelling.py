"""The user's names and numbers, and ours: tuples of numbers, and None."""

from collections.abc import Mapping
from typing import Any

from .decay import BOUNDS, UNBOUNDED
from .schedules import Schedule
from .schedules.checks import shown

Spelling = Mapping[str, str | tuple[str, ...]]  # the user's name → our name, or names for a tuple of numbers

ABSENT = {
    **dict.fromkeys(BOUNDS, UNBOUNDED),
    "eps1": -1.0,
}  # numbers that mean None: no bound; the machine epsilon
UNORDERED = (Schedule, str, bytes, Mapping, set, frozenset)  # what has a length, and is no row of numbers
COUNTS = {"ns_steps", "rounding_seed"}  # whole numbers, shown as such


def spelled(spelling: Spelling, values: Mapping[str, float]) -> dict[str, Any]:
    """Our names and numbers as the user knows them."""
    found: dict[str, Any] = {}
    for name, ours in spelling.items():
        if isinstance(ours, tuple):
            found[name] = tuple(plain(n, values[n]) for n in ours)
        else:
            found[name] = plain(ours, values[ours])
    return found


def meant(ours: str, value: Any) -> Any:
    """What a user's value means, None included."""
    return ABSENT.get(ours) if value is None else value


def translated(ours: str) -> bool:
    """Whether users know some numbers of this hyperparameter as something else."""
    return ours in COUNTS or ours in ABSENT


def plain(ours: str, number: float) -> float | None:
    """A number in force as the user knows it."""
    if ours in COUNTS:
        return int(number)
    return None if number == ABSENT.get(ours) else number


def unpacked(place: str, name: str, value: Any, count: int) -> list[Any]:
    """The parts of a hyperparameter that is several numbers.

    Raises:
        TypeError: it has not that many parts.
    """
    several = hasattr(value, "__len__") and getattr(value, "ndim", 1) > 0
    if not several or isinstance(value, UNORDERED) or len(value) != count:
        raise TypeError(f"{place}: {name!r} must be {count} values, but got {shown(value)}")
    return list(value)
