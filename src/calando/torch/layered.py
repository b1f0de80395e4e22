"""Layer-wise learning rates: a schedule times the ``lr_scale`` of its group."""

from collections.abc import Mapping
from math import inf
from typing import Any

from ..hyper import as_schedule, is_number, shown
from ..schedules import Schedule


def layered(place: str, group: Mapping[str, Any], name: str, value: Any) -> Any:
    """A learning rate that moves, times the group's ``lr_scale``; a number is the number in force, as in timm.

    Raises:
        ValueError, TypeError: lr_scale is not a number from 0 on.
    """
    if name != "lr" or group.get("lr_scale") is None:
        return value
    factor = group["lr_scale"]
    if not is_number(factor) or not 0 <= float(factor) < inf:
        raise ValueError(f"{place}: 'lr_scale' must be a number from 0 on, but got {shown(factor)}")
    try:
        entry = as_schedule(value)
    except (TypeError, ValueError, OverflowError):
        return value  # refused, with its place, by whoever checks it
    return entry * float(factor) if isinstance(entry, Schedule) and factor != 1 else entry
