"""Parameters of which a process has a share that nobody tells of: under FSDP1, and in ZeroRedundancyOptimizer.

A norm taken there is that of the share, and differs from process to process; so what needs one of all is refused.
(FSDP2's pieces say what they are pieces of: there norms are those of the whole.)
"""

import sys
from collections.abc import Iterable
from typing import Any

import torch.distributed

from ..clipping import NORMS
from ..decay import UNBOUNDED
from ..groups import Group
from ..hyper import Hyper
from ..schedules import Schedule

FSDP1, ZERO = "FullyShardedDataParallel", "ZeroRedundancyOptimizer"
WAYS = {
    FSDP1: "shard with torch.distributed.fsdp.fully_shard, or clip with the model's own clip_grad_norm_",
    ZERO: "clip with torch.nn.utils.clip_grad_norm_ before the step",
}


def sharer(params: Iterable[Any]) -> str | None:
    """Who gave this process a share of these parameters; None: they are all here, or say what they are pieces of."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return None
    if torch.distributed.get_world_size() == 1:
        return None
    if any(getattr(p, "_fsdp_flattened", False) for p in params):
        return FSDP1
    return ZERO if built_by(ZERO) else None


def built_by(name: str) -> bool:
    """Whether an object of a class of this name is building us: it leaves no trace in what it hands over."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if type(frame.f_locals.get("self")).__name__ == name:
            return True
        frame = frame.f_back
    return False


class Shared(Hyper):
    """The hyperparameters of a group in shares: there is no norm of all gradients to be bounded."""

    SHARER = ZERO

    def checked(self, name: str, value: Any, step: int) -> Schedule | float:
        """The schedule or number that ``value`` means; ValueError for a bound of the norm."""
        entry = super().checked(name, value, step)
        if name in NORMS and entry != UNBOUNDED:
            raise ValueError(
                f"{self.place}: {name!r} under {self.SHARER} would bound each process's share of the "
                f"gradients by itself; {WAYS[self.SHARER]}"
            )
        return entry


class Flattened(Shared):
    """The same under FSDP1."""

    SHARER = FSDP1


SHARED = {FSDP1: Flattened, ZERO: Shared}


def refuse_shares(place: str, owner: str, group: Group, on_nonfinite: str) -> None:
    """Raise ValueError where processes would decide differently, or a norm of a whole tensor is needed."""
    who = sharer(group.params)
    if who and on_nonfinite != "train":
        raise ValueError(
            f"{place}: on_nonfinite={on_nonfinite!r} under {who} would look at each process's share of the "
            "gradients by itself; leave it at 'train', and look at the gradients before the step"
        )
    if who == FSDP1 and (group.rule.whole or group.rule.trust or group.decay.measured or group.centralize):
        raise ValueError(
            f"{place}: {owner} needs whole tensors, and under {who} they are flattened and cut; "
            "shard with torch.distributed.fsdp.fully_shard"
        )
