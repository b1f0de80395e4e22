"""A script's own callbacks, driven by a loop of PyTorch's as ``Model.train`` drives them.

Used by scripts that ``calando migrate --to torch`` wrote.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..mindspore.train.callback.callback import CallbackParams, RunContext
from ..mindspore.train.callback.monitor import Monitor

THEIRS = ("mindspore.", "calando.mindspore.")  # where the callbacks are from that are written into the loop


class Watched:
    """The callbacks of a training, and what they are told: epochs, steps, and the loss as a MindSpore tensor.

    Args:
        callbacks: one callback or several; MindSpore's own are left to the loop.
        epochs: how many there will be.
        steps: how many steps an epoch has.
        optimizer: PyTorch's; callbacks see its learning rate as MindSpore's ``get_lr()`` and ``learning_rate``.
        valid: the data that an epoch is measured with, if any.
    """

    def __init__(self, callbacks: Any, epochs: int, steps: int, optimizer: Any = None, valid: Any = None) -> None:
        self.given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        self.told = CallbackParams(cur_epoch_num=0, cur_step_num=0, batch_num=steps, epoch_num=epochs, mode="train")
        self.told.optimizer = Seen(optimizer) if optimizer is not None else None
        self.told.train_network = self
        self.told.valid_dataset = valid
        self.context = RunContext(self.told)

    @property
    def optimizer(self) -> Any:
        """What callbacks find at ``train_network.optimizer``."""
        return self.told.optimizer

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

    def evaluated(self, figures: dict[str, Any]) -> dict[str, Any]:
        """What was measured after an epoch; ``eval_loss`` is the loss among it."""
        self.told.eval_results = {**figures, "eval_loss": figures["loss"]} if "loss" in figures else dict(figures)
        return figures

    def epoch_end(self) -> None:
        """After an epoch."""
        self._tell("on_train_epoch_end")
        self.told.pop("eval_results", None)

    def end(self) -> None:
        """After the last epoch."""
        self._tell("on_train_end")

    def _tell(self, event: str) -> None:
        for callback in self.given:
            if isinstance(callback, Monitor) or not type(callback).__module__.startswith(THEIRS):
                getattr(callback, event)(self.context)


class Seen:
    """An optimizer of PyTorch's as callbacks of MindSpore's look at one: its learning rate, and changing it."""

    def __init__(self, optimizer: Any) -> None:
        self.groups = optimizer.param_groups

    def get_lr(self) -> Any:
        """The rate in force; where groups have rates of their own, that of each parameter."""
        rates = [Rate(group["lr"]) for group in self.groups]
        if len(set(rates)) == 1:
            return rates[0]
        return tuple(rate for rate, group in zip(rates, self.groups, strict=True) for _ in group["params"])

    @property
    def learning_rate(self) -> Any:
        """The same, as an attribute."""
        return self.get_lr()

    def set(self, name: str, value: float) -> None:
        """A rate for all groups, as a callback that reduces it asks.

        Raises:
            ValueError: another number.
        """
        if name != "learning_rate":
            raise ValueError(f"callbacks change the learning_rate, but got {name!r}")
        for group in self.groups:
            group["lr"] = value


class Rate(float):
    """A number that is asked as a tensor is."""

    def asnumpy(self) -> Any:
        return np.asarray(float(self))

    @property
    def data(self) -> Rate:
        return self

    def item(self) -> float:
        return float(self)

    value = item


def shown(loss: Any) -> Any:
    """A loss as callbacks of MindSpore's expect it."""
    if isinstance(loss, (tuple, list)):
        return tuple(shown(each) for each in loss)
    if hasattr(loss, "asnumpy") or not hasattr(loss, "detach"):
        return loss
    import mindspore

    return mindspore.Tensor(np.array(loss.detach().cpu()))
