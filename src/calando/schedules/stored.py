"""A schedule as plain data and back.

    Linear(0.0, 0.1, steps=5).then(Constant(0.1))   ↔
    {"schedule": "Then",
     "pieces": [{"schedule": "Linear", "start": 0.0, "end": 0.1, "steps": 5},
                {"schedule": "Constant", "value": 0.1, "steps": None}],
     "starts": [0, 5]}

Only str, int, float, bool, None, list and dict occur, so JSON and ``torch.load(weights_only=True)``
carry it. Reading looks the name up in a table of schedule classes and calls the class with checked
arguments; nothing in the data can name anything else.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any

from .base import KINDS, Schedule
from .checks import shown
from .parts import MOST_NESTED


def to_data(schedule: Schedule) -> dict[str, Any]:
    kind = type(schedule)
    if KINDS.get(kind.__name__) is not kind:
        raise TypeError(f"{schedule!r} cannot be stored: {kind.__name__} is not the class known by that name")
    data: dict[str, Any] = {"schedule": kind.__name__}
    for field in fields(schedule):
        data[field.name] = _plain(getattr(schedule, field.name))
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Schedule):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def from_data(data: Any, depth: int = 1) -> Schedule:
    if not isinstance(data, Mapping):
        raise ValueError(f"a stored schedule is a dict, not {shown(data)}")
    if depth > MOST_NESTED:
        raise ValueError(f"a stored schedule may be nested {MOST_NESTED} deep, and this one is deeper")
    if "schedule" not in data:
        raise ValueError(f"a stored schedule names its class under 'schedule', but this has {_listed(data)}")
    kind = _kind(data["schedule"])
    given = {name: value for name, value in data.items() if name != "schedule"}
    _compare(kind, given)
    arguments = {name: _built(value, depth) for name, value in given.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _kind(name: Any) -> type[Schedule]:
    if not isinstance(name, str):
        raise ValueError(f"a stored schedule names its class under 'schedule', not {shown(name)}")
    if name not in KINDS:
        nearest = get_close_matches(name, KINDS, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(sorted(KINDS))}"
        raise ValueError(f"there is no schedule {name!r}; {hint}")
    return KINDS[name]


def _compare(kind: type[Schedule], given: dict[Any, Any]) -> None:
    """Refuse a field too many or one too few."""
    known = {field.name: field for field in fields(kind)}
    for name in given:
        if name not in known:
            raise ValueError(f"{kind.__name__} has no field {name!r}; it has {_listed(known)}")
    missing = [name for name, field in known.items() if name not in given and field.default is MISSING]
    if missing:
        raise ValueError(f"{kind.__name__} lacks {_listed(missing)}")


def _built(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return from_data(value, depth + 1)
    if isinstance(value, list | tuple):
        return tuple(from_data(each, depth + 1) if isinstance(each, Mapping) else each for each in value)
    return value


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"
