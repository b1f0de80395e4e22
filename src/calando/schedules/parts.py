"""Schedules made of schedules.

    a.then(b)        Then       a for its length, then b
    a + b            Sum        at each step
    a * b            Product    at each step; a number stands for a constant
    a.hold()         Hold       stay at the last value of what ends
    a.repeat(n)      Repeat     begin anew
    a.per_epoch(n)   PerEpoch   count epochs instead of steps
    a.skip(n)        Skip       begin n steps in

They print as the expressions in the left column. The methods are the way to make them; the classes
are here for ``isinstance`` and for reading stored schedules.
"""

from typing import Any

from .base import Schedule
from .checks import several, shown

MOST_NESTED = 100  # so that printing, comparing and storing never meet Python's recursion limit


def schedule(value: Any, where: str) -> Schedule:
    if not isinstance(value, Schedule):
        raise TypeError(f"{where} must be a Schedule, not {shown(value)}")
    if value.depth >= MOST_NESTED:
        raise ValueError(f"{where} is nested {value.depth} deep already, and {MOST_NESTED} is the most")
    return value


def schedules(value: Any, where: str) -> tuple[Schedule, ...]:
    return tuple(schedule(each, f"{where}[{i}]") for i, each in enumerate(several(value, where)))
