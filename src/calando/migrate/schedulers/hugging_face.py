"""The schedulers of Hugging Face's ``transformers`` in closed form, as calando's schedules."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ...lexicon import CHOSEN, HUGGING_FACE
from ..reading.rhythm import grouped
from .closed import Closed, Open, number


def ready_made(name: str, said: Mapping[str, str], base: str) -> Closed:
    """The closed form of what one of their functions returns.

    Args:
        name: the function.
        said: its arguments as they are written, defaults included.
        base: the learning rate it starts from, as it is written.

    Raises:
        Open: which schedule it is, or how long, is not written.
    """
    if name == "get_scheduler":
        name, said = chosen(said)
    warm, steps = said.get("num_warmup_steps", "0"), said.get("num_training_steps", "None")
    if "None" in (warm, steps if "num_training_steps" in HUGGING_FACE[name] else ""):
        raise Open(f"{name} is not told how many steps there are")
    if name == "get_constant_schedule":
        return Closed(f"{{S}}.Constant({base})", base)
    if name == "get_constant_schedule_with_warmup":
        return warmed(warm, base, f"{{S}}.Constant({base})")
    if name == "get_linear_schedule_with_warmup":
        return Closed(f"{{S}}.warmup_linear({base}, {steps}, {warm})")
    if name == "get_cosine_schedule_with_warmup":
        if number(said["num_cycles"]) != 0.5:
            raise Open("its num_cycles is another than a half")
        return Closed(f"{{S}}.warmup_cosine({base}, {steps}, {warm})")
    rest = f"{grouped(steps)} - {grouped(warm)}"
    return warmed(warm, base, f"{{S}}.Polynomial({base}, {said['lr_end']}, steps={rest}, power={said['power']})")


def chosen(said: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """What ``get_scheduler`` makes, and its arguments."""
    wanted = ast.parse(said["name"], mode="eval").body
    name = CHOSEN.get(str(getattr(wanted, "value", "")).lower(), "")
    if not isinstance(wanted, ast.Constant) or not name:
        raise Open(f"which schedule {said['name']} is, is only known when it runs")
    if said["scheduler_specific_kwargs"] != "None":
        raise Open("it is given scheduler_specific_kwargs")
    return name, {**{key: repr(value) for key, value in HUGGING_FACE[name].items()}, **said}


def warmed(warm: str, base: str, following: str) -> Closed:
    """A line up to the rate, and what follows; the line is left out only where the warm-up is written as 0."""
    if number(warm) == 0:
        return Closed(following)
    return Closed(f"{{S}}.Linear(0.0, {base}, steps={warm}).then({following})")
