"""Whether a ``state_dict`` fits an optimizer."""

from collections.abc import Mapping
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from ..events import Timeline
from ..hyper import Hyper
from ..schedules import ScheduleEnd
from .refusals import refuse_choices

if TYPE_CHECKING:
    from .state import Stateful

VERSION = 1  # of what stands under "calando"


def check_state(optimizer: "Stateful", state_dict: Mapping[str, Any]) -> dict[str, Any] | None:
    """Raise ValueError, naming the thing, unless a ``state_dict`` can be this optimizer's.

    Returns:
        What stands under ``"calando"``; None for a dictionary of torch's class.
    """
    name = type(optimizer).__name__
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"{name}: a state_dict is a dictionary, not {type(state_dict).__name__}")
    for key in ("param_groups", "state"):
        if key not in state_dict:
            raise ValueError(f"{name}: a state_dict has 'state' and 'param_groups'; {key!r} is missing")
    groups = state_dict["param_groups"]
    if len(groups) != len(optimizer.param_groups):
        counts = f"{len(groups)} parameter groups, the optimizer {len(optimizer.param_groups)}"
        raise ValueError(f"{name}: the checkpoint has {counts}")
    for number, (theirs, ours) in enumerate(zip(groups, optimizer.param_groups, strict=True)):
        place = f"{name}: group {number} of the checkpoint"
        if len(theirs["params"]) != len(ours["params"]):
            counts = f"{len(theirs['params'])} parameters, the optimizer {len(ours['params'])}"
            raise ValueError(f"{place} has {counts}")
        refuse_choices(place, theirs)
        missing = [key for key in optimizer.SPELLING if key not in theirs]
        if missing:
            raise ValueError(f"{place} has no {missing[0]!r}; was it written by another optimizer?")
        for i, (key, p) in enumerate(zip(theirs["params"], ours["params"], strict=True)):
            check_slots(optimizer, f"{name}: parameter {i} of group {number}", state_dict["state"].get(key, {}), p)
    return check_extra(name, state_dict.get("calando"), groups)


def check_slots(optimizer: "Stateful", place: str, stored: Mapping[str, Any], p: Any) -> None:
    """Raise ValueError unless what is stored of one parameter has its shape and this optimizer's names."""
    plain = {"step", *optimizer.MEMORY}
    if stored.get("step"):
        missing = [key for key in optimizer.MEMORY if stored.get(key) is None]
        if missing:
            raise ValueError(f"{place}: the checkpoint lacks {missing[0]!r}")
    for key, value in stored.items():
        if key not in plain and key not in optimizer.SLOTS.values():
            raise ValueError(f"{place}: the checkpoint has a state {key!r}; was it written by another optimizer?")
        if value is None:
            continue
        if key in plain:
            check_number(place, key, value)
            continue
        if not hasattr(value, "shape"):
            raise ValueError(f"{place}: {key!r} must be a tensor, but the checkpoint has {value!r}")
        wanted = slot_shape(optimizer, key, tuple(p.shape))
        if tuple(value.shape) != wanted:
            shapes = f"{wanted} in the model and {tuple(value.shape)} in the checkpoint"
            raise ValueError(f"{place} is {shapes} ({key!r})")


def slot_shape(optimizer: "Stateful", key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a state has for a parameter of this shape."""
    slot = next(slot for slot, name in optimizer.SLOTS.items() if name == key)
    rules = [group.rule.suited(shape) for group in optimizer.engine.groups]
    return next((r.slot_shapes(shape)[slot] for r in rules if slot in r.slots), shape)


def check_lines(hyper: Hyper, lines: Mapping[str, Timeline], clock: int) -> None:
    """Raise ScheduleEnd unless every hyperparameter has a value at this clock, or had its last one just before."""
    for name, line in lines.items():
        try:
            line.at(clock)
        except ScheduleEnd:
            try:
                line.at(clock - 1)
            except ScheduleEnd as end:
                raise ScheduleEnd(f"{hyper.place}: {hyper.spelled(name)!r}: {end}") from None


def check_number(place: str, key: str, value: Any) -> None:
    """Raise ValueError unless a number of one parameter is one."""
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        number = nan
    whole = number >= 0 and number == int(number) if isfinite(number) else False
    if not isfinite(number) or (key == "step" and not whole):
        wanted = "a whole number from 0 on" if key == "step" else "one finite number"
        raise ValueError(f"{place}: {key!r} must be {wanted}, but the checkpoint has {value!r}")


def check_extra(name: str, extra: Any, groups: list[Any]) -> dict[str, Any] | None:
    """Raise ValueError unless our own part of a ``state_dict`` is whole and of a known version."""
    if extra is None:
        return None
    if not isinstance(extra, Mapping) or extra.get("version") != VERSION:
        version = extra.get("version") if isinstance(extra, Mapping) else None
        raise ValueError(
            f"{name}: the checkpoint's schedules have format version {version!r}, this calando reads {VERSION}; "
            "was it written by a newer one?"
        )
    lengths = [len(group["params"]) for group in groups]
    if len(extra["timelines"]) != len(groups) or [len(ages) for ages in extra["ages"]] != lengths:
        raise ValueError(f"{name}: the checkpoint's schedules belong to other groups than its parameters")
    return dict(extra)
