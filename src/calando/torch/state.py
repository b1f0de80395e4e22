"""What a ``state_dict`` of this front end holds beside torch's, and whether one fits."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..events import Timeline
from ..hyper import Hyper

if TYPE_CHECKING:
    from .optimizer import Optimizer


def stored_timelines(hyper: Hyper) -> dict[str, Any]:
    """The history of every hyperparameter of one group as plain data."""
    return {name: line.to_list() for name, line in hyper.timelines.items()}


def load_timelines(hyper: Hyper, stored: Mapping[str, Any]) -> dict[str, Timeline]:
    """The inverse; what is code, and so not stored, is taken from the optimizer as it was built.

    Raises:
        ValueError: a function was in force that this optimizer was not built with.
    """
    lines = dict(hyper.timelines)
    for name, rows in stored.items():
        if name not in hyper.domain:
            raise ValueError(f"{hyper.place}: the checkpoint has a hyperparameter {name!r} that this optimizer lacks")
        try:
            lines[name] = Timeline.from_list(rows, lines[name] if name in lines else None)
        except ValueError as problem:
            raise ValueError(f"{hyper.place}: {hyper.spelled(name)!r}: {problem}") from None
    return lines


def check_state(optimizer: "Optimizer", state_dict: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the parameter, if the moments in a ``state_dict`` cannot be this optimizer's."""
    name = type(optimizer).__name__
    groups = state_dict["param_groups"]
    if len(groups) != len(optimizer.param_groups):
        raise ValueError(
            f"{name}: the checkpoint has {len(groups)} parameter groups, the optimizer {len(optimizer.param_groups)}"
        )
    known = {"step", *optimizer.SLOTS.values()}
    for number, (theirs, ours) in enumerate(zip(groups, optimizer.param_groups, strict=True)):
        if len(theirs["params"]) != len(ours["params"]):
            counts = f"{len(theirs['params'])} parameters, the optimizer {len(ours['params'])}"
            raise ValueError(f"{name}: group {number} of the checkpoint has {counts}")
        for i, (key, p) in enumerate(zip(theirs["params"], ours["params"], strict=True)):
            for slot, value in state_dict["state"].get(key, {}).items():
                place = f"{name}: parameter {i} of group {number}"
                if slot not in known:
                    raise ValueError(f"{place}: the checkpoint has a state {slot!r}; was it written by another optimizer?")
                if slot != "step" and tuple(value.shape) != tuple(p.shape):
                    shapes = f"{tuple(p.shape)} in the model and {tuple(value.shape)} in the checkpoint"
                    raise ValueError(f"{place} is {shapes} ({slot!r})")
