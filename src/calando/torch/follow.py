"""A scheduler that does nothing, for trainers that insist on having one.

The optimizer's clock moves its learning rate; this class only reports it.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from ..called import told
from ..control import Controls, whole
from ..hyper import shown


class Follow(LRScheduler):
    """A no-op ``LRScheduler``: ``step()`` changes nothing, ``get_last_lr()`` is the optimizer's own.

    Hand it over where a scheduler is asked for (``Trainer(optimizers=(optimizer, Follow(optimizer)))``,
    Lightning's ``lr_scheduler``): what is logged is then the true learning rate. It may be stepped as often as
    anyone likes, before or after the optimizer, per step or per epoch, and does not wrap ``optimizer.step``.

    Where it is stepped after the optimizer, ``get_last_lr()`` between the two is the rate of the step just made, as
    with torch's schedulers, which have not moved yet then; at any other time it is that of the coming step.

    Args:
        optimizer: any ``torch.optim.Optimizer``; the number in force stands in its groups.

    Attributes:
        last_epoch: how often ``step`` was called.
        base_lrs: the learning rates when it was made.

    Raises:
        TypeError: this is no optimizer.
    """

    @told
    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        # Not super().__init__: it writes initial_lr into the groups, wraps step, and makes a first step itself.
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"Follow: an optimizer of torch is followed, not {shown(optimizer)}")
        self.optimizer = optimizer
        self.last_epoch = 0
        self._step_count = 1
        self.base_lrs = rates(optimizer)
        self._clocks = clocks(optimizer)  # when it was last stepped, or made
        self._leads: bool | None = None  # whether it is stepped before the optimizer

    def step(self, epoch: Any = None) -> None:
        """Count the call; ``epoch`` sets the count."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else whole("Follow: an epoch", epoch)
        self._step_count += 1
        now = clocks(self.optimizer)
        if self._leads is None:
            self._leads = now == self._clocks
        self._clocks = now

    def get_last_lr(self) -> list[Any]:
        """The learning rate of each group: in the step just made, until this is stepped too; else in the coming one."""
        found = rates(self.optimizer)
        inner = self.optimizer
        while not isinstance(inner, Controls) and hasattr(inner, "optimizer"):  # accelerate's, around ours
            inner = inner.optimizer
        if self._leads or not isinstance(inner, Controls):
            return found
        for i, (before, now) in enumerate(zip(self._clocks, clocks(inner), strict=False)):
            if now == before + 1:
                found[i] = inner.at(before)[i]["lr"]
        return found

    def get_lr(self) -> list[Any]:
        """The same."""
        return rates(self.optimizer)

    @property
    def _last_lr(self) -> list[Any]:  # type: ignore[override]
        return self.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """How often it was stepped; the learning rate is in the optimizer's state."""
        return {"last_epoch": self.last_epoch, "_step_count": self._step_count, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Count on from there. A state of another scheduler's is taken for its count alone.

        Raises:
            TypeError: it is no dictionary; nothing has changed.
            ValueError: it has no count; nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Follow: the state of a scheduler is a dictionary, but this is {shown(state_dict)}")
        if not isinstance(state_dict.get("last_epoch"), int):
            raise ValueError(f"Follow: the state of a scheduler has 'last_epoch', but this has {sorted(state_dict)}")
        self.last_epoch = state_dict["last_epoch"]
        self._step_count = int(state_dict.get("_step_count", self.last_epoch + 1))
        self.base_lrs = list(state_dict.get("base_lrs", self.base_lrs))
        self._clocks = clocks(self.optimizer)


def rates(optimizer: torch.optim.Optimizer) -> list[Any]:
    """The learning rate in each group."""
    return [group["lr"] for group in optimizer.param_groups]


def clocks(optimizer: torch.optim.Optimizer) -> list[int]:
    """The steps that each group has made, where it counts them."""
    return [int(group.get("step", 0)) for group in optimizer.param_groups]
