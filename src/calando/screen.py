"""An optimizer on one screen: every group with its rule, its schedules and its numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .schedules import Schedule
from .spelling import ABSENT

if TYPE_CHECKING:
    from .control import Controls

MOST_GROUPS = 6  # that a repr shows, to stay on one screen


def screen(controls: "Controls") -> str:
    """What ``repr`` of an optimizer says."""
    engine = controls.engine
    lines = [f"{type(controls).__name__}: {len(engine.groups)} group{'s' * (len(engine.groups) != 1)}"]
    for number, (group, title) in enumerate(zip(engine.groups, controls.titles(), strict=True)):
        if number == MOST_GROUPS:
            lines.append(f"  … and {len(engine.groups) - MOST_GROUPS} more groups")
            break
        heading = f"  {number}" + (f" {title!r}" if title != str(number) else "")
        count = len(engine.members[number])
        lines.append(
            f"{heading}: {count} parameter{'s' * (count != 1)}, {group.rule.name}, "
            f"{group.decay.name} decay, step {engine.clocks[number]}"
        )
        latest = {n: line.latest for n, line in engine.hypers[number].timelines.items()}
        shown = {name: told(latest, names) for name, names in controls.spelling.items()}
        moving = [n for n, names in controls.spelling.items() if moves(latest, names)]
        lines += [f"     {name} = {shown.pop(name)}" for name in moving]
        lines.append("     " + ", ".join(f"{name} = {text}" for name, text in shown.items()))
        beside = controls.guests(number)
        if beside:
            lines.append("     kept for others: " + ", ".join(f"{name} = {text}" for name, text in beside.items()))
        for ours, (schedule, _) in engine.hypers[number].displaced.items():
            lines.append(f"     {ours} was written from outside, which ended {schedule.describe()}")
    return "\n".join(lines)


def moves(entries: Mapping[str, Schedule | float], names: str | tuple[str, ...]) -> bool:
    """Whether a hyperparameter changes with the step."""
    return any(isinstance(entries[n], Schedule) for n in ([names] if isinstance(names, str) else names))


def told(entries: Mapping[str, Schedule | float], names: str | tuple[str, ...]) -> str:
    """A hyperparameter in a repr: its schedule in short, or its number."""
    if isinstance(names, tuple):
        return f"({', '.join(told(entries, name) for name in names)})"
    entry = entries[names]
    if isinstance(entry, Schedule):
        return entry.describe()
    return "None" if entry == ABSENT.get(names) else f"{entry:g}"
