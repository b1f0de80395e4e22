"""MindSpore's learning-rate schedules as Cells: each is a schedule of ``calando.schedules`` under MindSpore's name.

Called with a step, or a Tensor of several, they give a float32 Tensor of that shape; an optimizer takes the schedule
itself out of them, in float64, so it is printed and stored like any other.
"""

from inspect import signature
from typing import Any

import numpy as np
import torch

from ..hyper import shown
from ..schedules import Schedule
from ..schedules.words import Arrays
from . import rates
from .network.schedule import LearningRateSchedule
from .network.tensor import Tensor


class Closed(LearningRateSchedule):
    """A LearningRateSchedule with a closed form, ``schedule``."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def __setattr__(self, name: str, value: Any) -> None:
        """Raise AttributeError for an argument, which a change would not reach (in MindSpore after the first step)."""
        fixed = "schedule" in vars(self) and type(self).__module__ == __name__
        if fixed and name in ("schedule", *signature(type(self)).parameters):
            told = "is fixed when it is built; give another one to the optimizer, as in optimizer.set('lr', …)"
            raise AttributeError(f"For '{type(self).__name__}': {name!r} {told}")
        super().__setattr__(name, value)

    def extend_repr(self) -> str:
        return repr(self.schedule)

    def construct(self, global_step: Any) -> Tensor:
        """The learning rate at ``global_step``: a number, or a Tensor of several; float32, of the same shape.

        Inside another schedule it may be no whole number, or below 0 (``self.decay(global_step - self.warmup)``, of
        which the caller takes what it needs): the formula holds there too, as in MindSpore.

        Raises:
            TypeError: it is no number.
        """
        steps = np.asarray(global_step.asnumpy() if hasattr(global_step, "asnumpy") else global_step)
        if steps.dtype.kind not in "iuf":
            told = f"'global_step' must be a number, but got {shown(global_step)}"
            raise TypeError(f"For '{type(self).__name__}': {told}")
        if (steps >= 0).all() and (steps.dtype.kind != "f" or (steps % 1 == 0).all()):
            return Tensor(np.asarray(self.schedule(steps.astype(np.int64))), torch.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            values = self.schedule.formula(steps.astype(np.float64).ravel(), Arrays)
        return Tensor(np.asarray(values).reshape(steps.shape), torch.float32)


class CosineDecayLR(Closed):
    """Half a cosine from ``max_lr`` to ``min_lr`` over ``decay_steps`` steps, then ``min_lr``.

    Raises:
        TypeError, ValueError: an argument of another type or out of range.
    """

    def __init__(self, min_lr: float, max_lr: float, decay_steps: int) -> None:
        owner = "CosineDecayLR"
        super().__init__(rates.cosine(owner, min_lr, max_lr, rates.whole(owner, "decay_steps", decay_steps)))


class ExponentialDecayLR(Closed):
    """``learning_rate * decay_rate ** (step / decay_steps)``, the exponent rounded down if ``is_stair``.

    Raises:
        TypeError, ValueError: an argument of another type or out of range.
    """

    def __init__(self, learning_rate: float, decay_rate: float, decay_steps: int, is_stair: bool = False) -> None:
        owner = "ExponentialDecayLR"
        length = rates.whole(owner, "decay_steps", decay_steps)
        super().__init__(rates.exponential(owner, learning_rate, decay_rate, length, is_stair))


class NaturalExpDecayLR(Closed):
    """``learning_rate * e ** (-decay_rate * step)``; if ``is_stair`` the step is rounded down to a multiple of
    ``decay_steps``, which has no effect otherwise, as in MindSpore (its documentation divides by it).

    Raises:
        TypeError, ValueError: an argument of another type or out of range.
    """

    def __init__(self, learning_rate: float, decay_rate: float, decay_steps: int, is_stair: bool = False) -> None:
        owner = "NaturalExpDecayLR"
        length = rates.whole(owner, "decay_steps", decay_steps)
        super().__init__(rates.natural(owner, learning_rate, decay_rate, length, is_stair))


class InverseDecayLR(Closed):
    """``learning_rate / (1 + decay_rate * step / decay_steps)``, the quotient rounded down if ``is_stair``.

    Raises:
        TypeError, ValueError: an argument of another type or out of range.
    """

    def __init__(self, learning_rate: float, decay_rate: float, decay_steps: int, is_stair: bool = False) -> None:
        owner = "InverseDecayLR"
        length = rates.whole(owner, "decay_steps", decay_steps)
        super().__init__(rates.inverse(owner, learning_rate, decay_rate, length, is_stair))


class PolynomialDecayLR(Closed):
    """``(learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power + end_learning_rate``, then the end.

    With ``update_decay_steps`` the length grows to the next multiple of ``decay_steps`` instead.

    Raises:
        TypeError, ValueError: an argument of another type or out of range.
    """

    def __init__(
        self,
        learning_rate: float,
        end_learning_rate: float,
        decay_steps: int,
        power: float,
        update_decay_steps: bool = False,
    ) -> None:
        owner = "PolynomialDecayLR"
        length = rates.whole(owner, "decay_steps", decay_steps)
        name = "update_decay_steps"
        super().__init__(
            rates.polynomial(owner, learning_rate, end_learning_rate, length, power, name, update_decay_steps)
        )


class WarmUpLR(Closed):
    """``learning_rate * step / warmup_steps``, then ``learning_rate``; the first step has the rate 0.

    Raises:
        TypeError, ValueError: an argument of another type or out of range.
    """

    def __init__(self, learning_rate: float, warmup_steps: int) -> None:
        owner = "WarmUpLR"
        super().__init__(rates.warm_up(owner, learning_rate, rates.whole(owner, "warmup_steps", warmup_steps)))
