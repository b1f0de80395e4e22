"""Schedules as text → values to draw."""

import re
from collections.abc import Sequence

import numpy as np

from ..schedules import Schedule
from ..schedules.text import parse

NAMED = re.compile(r"\s*(\w+)\s*=(?!=)(.*)", re.DOTALL)  # name=schedule


SPAN = re.compile(r"\b(epochs?|total)\b")  # words whose meaning the number of steps gives
USUAL, MOST = 1000, 10_000_000  # steps


def lines(texts: Sequence[str], steps: int | None, epochs: int) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """What each text is called (itself, or what stands before ``=``) → its values, and after how many steps it ends.

    Args:
        texts: as ``calando.schedules.text`` reads them; ``epoch``, ``epochs`` and ``total`` are known.
        steps: how many steps are drawn; None: as ``reach`` says.
        epochs: how many epochs these steps are.

    Returns:
        The values, float64 (steps,), nan after its end; and the ends of those that have one, drawn or not.

    Raises:
        ValueError: no schedule, or one without finite values.
    """
    found: dict[str, np.ndarray] = {}
    ends: dict[str, int] = {}
    bodies = [named.groups() if (named := NAMED.match(text)) else (None, text) for text in texts]
    steps = reach([body for _, body in bodies]) if steps is None else steps
    names = {"epoch": max(1, steps // epochs), "epochs": epochs, "total": steps}
    for name, body in bodies:
        schedule = parse(body, names)
        name = name or schedule.describe()
        found[name] = values(schedule, steps)
        if schedule.ends and schedule.length:
            ends[name] = schedule.length
    return found, ends


def reach(bodies: Sequence[str]) -> int:
    """How many steps show all of these schedules to their end: 1000 where one has none, or speaks of the whole."""
    if any(map(SPAN.search, bodies)):
        return USUAL
    made = [parse(body) for body in bodies]
    if any(schedule.length is None for schedule in made):
        return USUAL
    return min(MOST, max((schedule.length or 0) + (not schedule.ends) for schedule in made))


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
