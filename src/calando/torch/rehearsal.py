"""The step that ``torch.distributed.checkpoint`` takes only to have the state made: nothing moves, no time passes."""

from collections.abc import Iterator
from typing import Any

import torch

from .mailbox import Mailbox


class Rehearsal(Mailbox):
    """The part of ``Optimizer`` that knows such a step when it sees one."""

    def _all(self) -> Iterator[torch.Tensor]:
        """The parameters of all groups."""
        return (p for group in self.param_groups for p in group["params"])

    def _rehearsed(self) -> bool:
        """Whether this is the step that torch.distributed.checkpoint takes only to have the state made.

        It comes before the first one, with lr = 0 written into every group, and gradients of zeros given to every
        parameter.
        """
        ours = [values.get("lr") for values in self._posted]
        try:
            written = [group.get("lr") for group in self.param_groups]
            if self.state or not all(map(is_zero, written)) or any(lr is x for lr in written for x in ours):
                return False
            return all(p.grad is not None and not moves(p.grad) for p in self._all() if p.requires_grad)
        except (AttributeError, KeyError, TypeError):
            return False  # groups or state are not built as torch builds them, which the step will tell

    def _rehearse(self) -> None:
        """Have the state made, and nothing else: with weight decay even gradients of zeros would move the moments."""
        written = [group["lr"] for group in self.param_groups]
        try:
            for number, group in zip(self._numbers(), self.param_groups, strict=True):
                group["lr"] = self._posted[number]["lr"]
            self._playing()
            self.engine.begin()
            self._show_state()
        finally:
            for group, lr in zip(self.param_groups, written, strict=True):
                group["lr"] = lr


def is_zero(lr: Any) -> bool:
    """Whether a rate is what is written for such a step: the number 0, or a tensor of it."""
    return getattr(lr, "ndim", 0) == 0 and bool(lr == 0.0)


def moves(g: torch.Tensor) -> bool:
    """Whether a gradient is not zero, on whatever process; a sparse one is none that was made up."""
    if g.layout is not torch.strided:
        return True
    count: Any = g.count_nonzero()
    return bool(count.full_tensor() if hasattr(count, "full_tensor") else count)
