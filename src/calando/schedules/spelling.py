"""How a schedule is written: in full, so that it can be read back, or short, for a person.

    in full   Cosine(start=0.1, end=0.0, steps=1000)       Python, parse and Cosine() read it
    short     Cosine(0.1, 0, 1000)                         six digits, positions instead of names

Arguments that have their default value are left out of both.
"""

from dataclasses import MISSING, fields
from typing import Any

MOST_VALUES = 6  # a longer tuple is shortened


def spelled(value: Any, short: bool) -> str:
    """One argument."""
    if not short:
        return repr(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        if len(value) > MOST_VALUES:
            return f"({spelled(value[0], short)} … {spelled(value[-1], short)}: {len(value)} values)"
        return f"({', '.join(spelled(each, short) for each in value)}{',' * (len(value) == 1)})"
    return repr(value)


def call(schedule: Any, short: bool) -> str:
    """The call that makes the schedule."""
    arguments = []
    positions = short
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        if field.default is not MISSING and value == field.default:
            positions = False  # what follows a left-out argument needs its name
            continue
        named = "" if positions and not isinstance(value, bool) else f"{field.name}="
        arguments.append(named + spelled(value, short))
    return f"{type(schedule).__name__}({', '.join(arguments)})"
