"""Schedules as text → values to draw."""

import re
from collections.abc import Iterable

import numpy as np

from ..schedules import Schedule
from ..schedules.text import parse

NAMED = re.compile(r"\s*(\w+)\s*=(?!=)(.*)", re.DOTALL)  # name=schedule


def lines(texts: Iterable[str], steps: int, epochs: int) -> dict[str, np.ndarray]:
    """What each text is called (itself, or what stands before ``=``) → float64 (steps,), nan after its end.

    Args:
        texts: as ``calando.schedules.text`` reads them; ``epoch``, ``epochs`` and ``total`` are known.
        steps: how many steps are drawn.
        epochs: how many epochs these steps are.

    Raises:
        ValueError: no schedule, or one without finite values.
    """
    found: dict[str, np.ndarray] = {}
    names = {"epoch": max(1, steps // epochs), "epochs": epochs, "total": steps}
    for text in texts:
        named = NAMED.match(text)
        name, body = named.groups() if named else (None, text)
        schedule = parse(body, names)
        found[name or schedule.describe()] = values(schedule, steps)
    return found


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
