"""A script's own callbacks, driven by a loop of PyTorch's as ``Model.train`` drives them.

Used by scripts that ``calando migrate --to torch`` wrote.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..mindspore.train.callback.callback import CallbackParams, RunContext

THEIRS = ("mindspore.", "calando.mindspore.")  # where the callbacks are from that are written into the loop


class Watched:
    """The callbacks of a training, and what they are told: epochs, steps, and the loss as a MindSpore tensor.

    Args:
        callbacks: one callback or several; MindSpore's own are left to the loop.
        epochs: how many there will be.
        steps: how many steps an epoch has.
    """

    def __init__(self, callbacks: Any, epochs: int, steps: int) -> None:
        self.given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        self.told = CallbackParams(cur_epoch_num=0, cur_step_num=0, batch_num=steps, epoch_num=epochs, mode="train")
        self.context = RunContext(self.told)

    def has(self, name: str) -> bool:
        """Whether one of MindSpore's callbacks of this name is among them."""
        return any(type(each).__name__ == name for each in self.given)

    @property
    def stopped(self) -> bool:
        """Whether one of them asked to stop."""
        return self.context.get_stop_requested()

    def begin(self) -> None:
        """Before the first epoch."""
        self._tell("on_train_begin")

    def epoch_begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""
        self.told.cur_epoch_num = epoch + 1
        self._tell("on_train_epoch_begin")

    def step_begin(self) -> None:
        """Before a step."""
        self.told.cur_step_num += 1
        self._tell("on_train_step_begin")

    def step_end(self, loss: Any) -> None:
        """After a step."""
        self.told.net_outputs = shown(loss)
        self._tell("on_train_step_end")

    def epoch_end(self) -> None:
        """After an epoch."""
        self._tell("on_train_epoch_end")

    def end(self) -> None:
        """After the last epoch."""
        self._tell("on_train_end")

    def _tell(self, event: str) -> None:
        for callback in self.given:
            if not type(callback).__module__.startswith(THEIRS):
                getattr(callback, event)(self.context)


def shown(loss: Any) -> Any:
    """A loss as callbacks of MindSpore's expect it."""
    if isinstance(loss, (tuple, list)):
        return tuple(shown(each) for each in loss)
    if hasattr(loss, "asnumpy") or not hasattr(loss, "detach"):
        return loss
    import mindspore

    return mindspore.Tensor(np.array(loss.detach().cpu()))
