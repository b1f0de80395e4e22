"""Whether a ``state_dict`` fits an optimizer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .optimizer import Optimizer


def check_state(optimizer: "Optimizer", state_dict: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the parameter, if the moments in it cannot be this optimizer's."""
    name = type(optimizer).__name__
    groups = state_dict["param_groups"]
    if len(groups) != len(optimizer.param_groups):
        raise ValueError(
            f"{name}: the checkpoint has {len(groups)} parameter groups, the optimizer {len(optimizer.param_groups)}"
        )
    plain = {"step", *optimizer.MEMORY}
    known = {*plain, *optimizer.SLOTS.values()}
    for number, (theirs, ours) in enumerate(zip(groups, optimizer.param_groups, strict=True)):
        if len(theirs["params"]) != len(ours["params"]):
            counts = f"{len(theirs['params'])} parameters, the optimizer {len(ours['params'])}"
            raise ValueError(f"{name}: group {number} of the checkpoint has {counts}")
        for i, (key, p) in enumerate(zip(theirs["params"], ours["params"], strict=True)):
            for slot, value in state_dict["state"].get(key, {}).items():
                place = f"{name}: parameter {i} of group {number}"
                if slot not in known:
                    raise ValueError(
                        f"{place}: the checkpoint has a state {slot!r}; was it written by another optimizer?"
                    )
                if slot not in plain and tuple(value.shape) != tuple(p.shape):
                    shapes = f"{tuple(p.shape)} in the model and {tuple(value.shape)} in the checkpoint"
                    raise ValueError(f"{place} is {shapes} ({slot!r})")
