"""Schedules as text → values to draw."""

import re
from collections.abc import Iterable

import numpy as np

from ..schedules import Schedule
from ..schedules.text import parse

NAMED = re.compile(r"\s*(\w+)\s*=(?!=)(.*)", re.DOTALL)  # name=schedule


def lines(texts: Iterable[str], steps: int, epochs: int) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """What each text is called (itself, or what stands before ``=``) → its values, and after how many steps it ends.

    Args:
        texts: as ``calando.schedules.text`` reads them; ``epoch``, ``epochs`` and ``total`` are known.
        steps: how many steps are drawn.
        epochs: how many epochs these steps are.

    Returns:
        The values, float64 (steps,), nan after its end; and the ends of those that have one, drawn or not.

    Raises:
        ValueError: no schedule, or one without finite values.
    """
    found: dict[str, np.ndarray] = {}
    ends: dict[str, int] = {}
    names = {"epoch": max(1, steps // epochs), "epochs": epochs, "total": steps}
    for text in texts:
        named = NAMED.match(text)
        name, body = named.groups() if named else (None, text)
        schedule = parse(body, names)
        name = name or schedule.describe()
        found[name] = values(schedule, steps)
        if schedule.ends and schedule.length:
            ends[name] = schedule.length
    return found, ends


def values(schedule: Schedule, steps: int) -> np.ndarray:
    """A schedule's values, nan where it has ended.

    Raises:
        ValueError: a value is infinite or no number.
    """
    made = np.full(steps, np.nan)
    count = min(steps, schedule.length or steps) if schedule.ends else steps
    made[:count] = schedule(np.arange(count))
    wrong = np.flatnonzero(~np.isfinite(made[:count]))
    if len(wrong):
        step = int(wrong[0])
        raise ValueError(f"{schedule.describe()} is {made[step]} at step {step} and cannot be drawn")
    return made
