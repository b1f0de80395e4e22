"""Schedules as a small chart of plain characters, for any terminal."""

from collections.abc import Mapping

import numpy as np

MARKS = "*o+x#@%&"


def chart(
    lines: Mapping[str, np.ndarray], ends: Mapping[str, int] | None = None, width: int = 64, height: int = 12
) -> str:
    """Draw one or several lines over the same steps.

    Args:
        lines: what a line is called → its values, float64 (steps,), nan after its end.
        ends: what a line is called → after how many steps it ends, if it does.
        width, height: of the area in characters.

    Returns:
        Text of ``height + 2`` lines, and one more per line that says its mark, its first and last value and
        the extremes between. Where lines meet, the later one covers the earlier.

    Example:
        >>> print(chart({"fall": np.linspace(1, 0, 21)}, ends={"fall": 21}, width=21, height=5))
           1 |***
             |   *****
         0.5 |        *****
             |             *****
           0 |                  ***
             +---------------------
              0                  20
          * fall: 1 … 0, ends after 21 steps
    """
    steps = max(len(values) for values in lines.values())
    least = min(float(np.nanmin(values)) for values in lines.values())
    most = max(float(np.nanmax(values)) for values in lines.values())
    if 0 < least < most / 2:
        least = 0.0  # a rate is read against zero
    room = (most - least) or 1.0
    area = [[" "] * width for _ in range(height)]
    shown = np.rint(np.linspace(0, steps - 1, width)).astype(int)
    marks = dict(zip(lines, MARKS * len(lines), strict=False))
    for name, values in lines.items():
        before = None
        for column, value in enumerate(values[shown].tolist()):
            if value != value:
                continue
            level = round((value - least) / room * (height - 1))
            wall = () if before is None else range(min(before, level) + 1, max(before, level))
            for y in (*wall, level):
                area[height - 1 - y][column] = marks[name]
            before = level
    labels = {0: f"{most:.4g}", height - 1: f"{least:.4g}"}
    if height % 2:
        labels[height // 2] = f"{(most + least) / 2:.4g}"
    margin = max(4, *map(len, labels.values()))
    drawn = [f"{labels.get(y, ''):>{margin}} |{''.join(row).rstrip()}" for y, row in enumerate(area)]
    drawn.append(f"{'':>{margin}} +{'-' * width}")
    last = str(steps - 1)
    drawn.append(f"{'':>{margin}}  0{last:>{width - 1}}")
    drawn += [f"  {marks[name]} {name}: {told(values, (ends or {}).get(name))}" for name, values in lines.items()]
    return "\n".join(drawn)


def told(values: np.ndarray, end: int | None = None) -> str:
    """A line in numbers: first and last, what lies beyond them, and where it ends."""
    values = values[~np.isnan(values)]
    first, last, least, most = (float(x) for x in (values[0], values[-1], values.min(), values.max()))
    text = f"{first:.6g} … {last:.6g}"
    if most > max(first, last):
        text += f", at most {most:.6g} (step {int(values.argmax())})"
    if least < min(first, last):
        text += f", at least {least:.6g} (step {int(values.argmin())})"
    if end is not None:
        text += f", ends after {end} step{'s' * (end != 1)}"
    return text
