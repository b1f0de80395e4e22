"""What a scheduler of torch's will do, found by letting a copy of it do it.

The copy has a stand-in for the optimizer with the same groups, so neither the scheduler nor its optimizer
is changed. What the scheduler holds besides (functions, files) is copied as ``copy.deepcopy`` does.
"""

from copy import deepcopy
from typing import Any
from warnings import catch_warnings, simplefilter


class StandIn:
    """The part of an optimizer that schedulers read and write: groups of numbers."""

    _opt_called = True  # or torch would warn that no step was made

    def __init__(self, optimizer: Any) -> None:
        self.defaults = dict(optimizer.defaults)
        self.param_groups = [
            deepcopy({key: value for key, value in group.items() if key not in ("params", "param_names")})
            for group in optimizer.param_groups
        ]

    def step(self) -> None:
        """Nothing to update."""

    step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]


def replayed(scheduler: Any, name: str, i: int, horizon: int) -> list[float]:
    """The values of one group in the next ``horizon`` epochs, the present one first; fewer where it ends.

    Raises:
        RuntimeError: torch itself cannot step it so far.
    """
    stand_in = StandIn(scheduler.optimizer)
    copy = deepcopy(scheduler, {id(scheduler.optimizer): stand_in})
    values = [value_of(stand_in.param_groups[i], name)]
    with catch_warnings():
        simplefilter("ignore")
        while len(values) < horizon:
            try:
                copy.step()
            except (ValueError, ZeroDivisionError):
                break  # OneCycleLR past its end, recursions past a zero
            except Exception as problem:
                told = f"{type(problem).__name__}: {problem}".rstrip(": ")
                raise RuntimeError(f"its own step() raises {told}, in epoch {len(values)} from now") from problem
            values.append(value_of(stand_in.param_groups[i], name))
    return values


def value_of(group: dict[str, Any], name: str) -> float:
    """The number in force; momentum is the first of the betas where there are any."""
    if name == "lr":
        return float(group["lr"])
    return float(group["betas"][0] if "betas" in group else group["momentum"])
