"""MindSpore's own optimizers, looked at and changed while they train: ``ops.assign``, as the guide teaches it.

What scripts migrated in the guide's style use where a rate cannot be a list in the constructor. Numbers are float32,
as MindSpore holds them; what was assigned is shown as it was given, so that what compares it decides as before. An
optimizer whose rate is a list or a ``LearningRateSchedule`` can be looked at only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mindspore
import numpy as np

from ..mindspore import lr_scheduler, torch_optim
from ..schedules import Schedule


class Decay(mindspore.nn.Cell):
    """A weight decay that ``ops.assign`` may change: the guide's Cell, of one Parameter."""

    def __init__(self, value: float, name: str) -> None:
        super().__init__()
        self.value = mindspore.Parameter(mindspore.Tensor(value, mindspore.float32), name=name)

    def construct(self, global_step: Any) -> Any:
        """The weight decay, whatever the step."""
        return self.value

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        """Keep the name: the optimizer would give those of all groups the same, and refuse them."""


def apart(groups: Iterable[Any], lr: float) -> list[dict[str, Any]]:
    """Parameter groups each of which has a learning rate of its own, which ``put`` may change.

    Args:
        groups: groups, or parameters, which become one group.
        lr: for groups that do not say theirs.
    """
    return [{"lr": lr, **group} for group in grouped(groups)]


def decaying(groups: Iterable[Any], weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups each of which has a weight decay of its own, which ``put`` may change.

    ``mindspore.nn.SGD`` refuses one that may change.

    Args:
        groups: groups, or parameters, which become one group.
        weight_decay: for groups that do not say theirs.
    """
    rows = [{"weight_decay": weight_decay, **group} for group in grouped(groups)]
    return [{**row, "weight_decay": Decay(row["weight_decay"], f"weight_decay_{n}")} for n, row in enumerate(rows)]


def grouped(groups: Iterable[Any]) -> list[Any]:
    """Groups as they are, or parameters as one group."""
    found = list(groups)
    return found if found and isinstance(found[0], Mapping) else [{"params": found}]


def groups(optimizer: Any, ago: int = 0) -> list[dict[str, Any]]:
    """An optimizer's parameters and numbers by group, as PyTorch's ``param_groups`` shows them.

    Args:
        ago: how many updates before the coming one; matters where rates are lists or schedules.
    """
    step, scale = optimizer.global_step - ago, optimizer.loss_scale
    found = []
    for params in members(optimizer):
        rate, decay = rate_of(optimizer, params[0]), decay_of(optimizer, params[0])
        row = {"params": params, "lr": number(rate, step), "weight_decay": number(decay, step) / scale}
        if isinstance(getattr(optimizer, "momentum", None), mindspore.Parameter):
            row["momentum"] = number(optimizer.momentum, step)
        found.append(row)
    return found


def put(optimizer: Any, name: str, value: float, group: int | None = None) -> None:
    """Assign a number of every group, or of one.

    Raises:
        ValueError: it is not a Parameter of the optimizer, or the groups share it and one is to differ.
    """
    held = members(optimizer)
    chosen = range(len(held)) if group is None else [group]
    boxes = [box(optimizer, name, held[at][0]) for at in chosen]
    others = [box(optimizer, name, params[0]) for at, params in enumerate(held) if at not in chosen]
    if any(each is other for each in boxes for other in others):
        raise ValueError(
            f"{type(optimizer).__name__}: its groups share one {name}; give each its own: apart(groups, lr)"
        )
    for each in boxes:
        mindspore.ops.assign(each, mindspore.Tensor(value, mindspore.float32))
        each.calando_exact = float(value)


def state(optimizer: Any) -> bytes:
    """What ``mindspore.save_checkpoint`` would write, for scripts that keep a state beside other things."""
    with TemporaryDirectory() as room:
        mindspore.save_checkpoint(optimizer, str(place := Path(room, "state.ckpt")))
        return place.read_bytes()


def restore(optimizer: Any, data: bytes) -> None:
    """Go on where ``state`` was asked for, with ``mindspore.load_param_into_net``.

    Raises:
        ValueError: the bytes are not those of ``state``, or belong to another optimizer; nothing has changed.
    """
    with TemporaryDirectory() as room:
        (place := Path(room, "state.ckpt")).write_bytes(data)
        held = mindspore.load_checkpoint(str(place))
    mine = {name: tuple(p.shape) for name, p in optimizer.parameters_and_names()}
    theirs = {name: tuple(p.shape) for name, p in held.items()}
    if mine != theirs:
        other = sorted(set(mine.items()) ^ set(theirs.items()))[0][0]
        raise ValueError(f"{type(optimizer).__name__}: the state is another optimizer's: they differ in {other!r}")
    mindspore.load_param_into_net(optimizer, held)


class Numbers:
    """An optimizer's numbers in the words of calando's optimizers, for what drives them."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def current(self) -> list[dict[str, Any]]:
        """``groups``."""
        return groups(self.optimizer)

    def set(self, name: str, value: float, group: int | None = None) -> None:
        """``put``."""
        put(self.optimizer, name, value, group)


class ReduceLROnPlateau(torch_optim.ReduceLROnPlateau):
    """``torch_optim.ReduceLROnPlateau`` for an optimizer of MindSpore's own with a rate that may be assigned."""

    def __init__(self, optimizer: Any, *args: Any, **options: Any) -> None:
        super().__init__(Numbers(optimizer), *args, **options)  # type: ignore[arg-type]


class LRScheduler(lr_scheduler.LRScheduler):
    """``lr_scheduler.LRScheduler``, the base class for schedulers of one's own, for an optimizer of MindSpore's own."""

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        super().__init__(Numbers(optimizer), last_epoch)


class LambdaLR(lr_scheduler.LambdaLR):
    """``lr_scheduler.LambdaLR`` for an optimizer of MindSpore's own."""

    def __init__(self, optimizer: Any, *args: Any, **options: Any) -> None:
        super().__init__(Numbers(optimizer), *args, **options)


class CosineAnnealingWarmRestarts(lr_scheduler.CosineAnnealingWarmRestarts):
    """``lr_scheduler.CosineAnnealingWarmRestarts`` for an optimizer of MindSpore's own."""

    def __init__(self, optimizer: Any, *args: Any, **options: Any) -> None:
        super().__init__(Numbers(optimizer), *args, **options)


class Scheduler(lr_scheduler.Scheduler):
    """``lr_scheduler.Scheduler`` for an optimizer of MindSpore's own, whose rate must be a number.

    Raises:
        ValueError: the rate is a list or a schedule already, the momentum is fixed, or the groups that share a rate
            are to have several.
    """

    def __init__(self, optimizer: Any, form: Any, momentum: Schedule | None = None) -> None:
        self.alike = not optimizer.is_group_lr and not isinstance(form, Sequence)
        super().__init__(Numbers(optimizer), form, momentum)

    def put(self, rates: Sequence[float]) -> None:
        """Assign the rate of every group, or the one that they share."""
        if self.alike:
            self.optimizer.set("lr", rates[0])
        else:
            super().put(rates)


def members(optimizer: Any) -> list[list[Any]]:
    """The parameters of each group: MindSpore keeps no groups, but one holder of each number for all of a group."""
    if not optimizer.is_group:
        return [list(optimizer.parameters)]
    found: dict[tuple[int, int], list[Any]] = {}
    held = zip(optimizer.parameters, optimizer.group_lr, optimizer.group_weight_decay, strict=True)
    for param, rate, decay in held:
        found.setdefault((id(rate), id(decay)), []).append(param)
    return list(found.values())


def rate_of(optimizer: Any, param: Any) -> Any:
    """What holds a parameter's rate."""
    return optimizer.learning_rate[at(optimizer, param)] if optimizer.is_group_lr else optimizer.learning_rate


def decay_of(optimizer: Any, param: Any) -> Any:
    """What holds a parameter's weight decay."""
    return optimizer.weight_decay[at(optimizer, param)] if optimizer.is_group else optimizer.weight_decay


def at(optimizer: Any, param: Any) -> int:
    """A parameter's number in the optimizer."""
    return next(n for n, each in enumerate(optimizer.parameters) if each is param)


def box(optimizer: Any, name: str, param: Any) -> Any:
    """The Parameter that holds a number.

    Raises:
        ValueError: none does.
    """
    held = None
    if name == "lr":
        held = rate_of(optimizer, param)
    elif name == "weight_decay":
        held = decay_of(optimizer, param)
        held = held.weight_decay.value if isinstance(getattr(held, "weight_decay", None), Decay) else held
    elif name == "momentum":
        held = getattr(optimizer, "momentum", None)
    if not isinstance(held, mindspore.Parameter):
        raise ValueError(f"{type(optimizer).__name__}: its {name!r} is no Parameter that could be assigned")
    return held


def number(held: Any, step: Any) -> float:
    """The value of a number, a list or a schedule at a step; of one that ``put`` assigned, before it was rounded."""
    value = held(step) if isinstance(held, mindspore.nn.Cell) else held
    found = float(value.asnumpy().item())
    exact = getattr(held, "calando_exact", found)
    return exact if np.float32(exact) == np.float32(found) else found
