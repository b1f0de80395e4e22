"""The learning rate of an optimizer, changed from outside after each step."""

import math
from collections.abc import Callable
from typing import Any

from .callback import Callback, RunContext


class LearningRateScheduler(Callback):
    """After each step gives the learning rate of the optimizer to a function and takes what it returns.

    Args:
        learning_rate_function: ``(lr, cur_step_num)`` → lr, the first a float, the second counting steps from 1;
            what it returns holds from the next step on.

    The optimizer's rate must be a number: a list or schedule changes by itself. The function sees the rate as the
    shortest decimal that is the same float32 (0.1, not 0.10000000149), whatever NumPy's print options are;
    MindSpore prints it and so loses digits of small rates.

    Raises:
        TypeError: for what cannot be called, and in training for a function that returns no number.
        ValueError: before training, for an optimizer with a list, a schedule, or rates of its own in groups
            (MindSpore: an AttributeError after the first step); in training for a rate that is negative or not
            finite.

    Example:
        >>> def halved(lr, cur_step_num):
        ...     return lr * 0.5 if cur_step_num % 100 == 0 else lr
        >>> scheduler = LearningRateScheduler(halved)
    """

    def __init__(self, learning_rate_function: Callable[[float, int], float]) -> None:
        if not callable(learning_rate_function):
            raise TypeError(
                "For 'LearningRateScheduler': 'learning_rate_function' must be a function of (lr, step), but got "
                f"{learning_rate_function!r}"
            )
        self.learning_rate_function = learning_rate_function

    def on_train_begin(self, run_context: RunContext) -> None:
        rate_of(run_context.original_args().optimizer)

    def step_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        rate = rate_of(told.optimizer)
        wanted = self.learning_rate_function(rate, told.cur_step_num)
        try:
            number = float(wanted)
        except (TypeError, ValueError):
            name = getattr(self.learning_rate_function, "__name__", "the function")
            raise TypeError(
                f"For 'LearningRateScheduler': {name} must return a number, but at step {told.cur_step_num} it "
                f"returned {wanted!r}"
            ) from None
        if not math.isclose(rate, number, rel_tol=1e-10):
            told.optimizer.set("learning_rate", number)


def rate_of(optimizer: Any, owner: str = "LearningRateScheduler") -> float:
    """The learning rate of an optimizer whose rate is one number; ``owner`` asks for it.

    Raises:
        ValueError: there is no optimizer, or its rate changes by itself, or differs among groups.
    """
    place = f"For {owner!r}: "
    if optimizer is None:
        raise ValueError(place + "the Model has no optimizer whose learning rate could be changed")
    rate = optimizer.learning_rate
    if isinstance(rate, tuple):
        raise ValueError(
            place + "the optimizer's groups have learning rates of their own; give each group a function of the "
            "step as its 'lr' instead"
        )
    if not hasattr(rate, "asnumpy"):
        raise ValueError(
            f"{place}the optimizer's learning_rate changes by itself, as {shown(rate)}; give the optimizer a number, "
            "or leave this callback out"
        )
    return float(str(rate.asnumpy()[()]))


def shown(rate: Any) -> str:
    """A schedule, in short."""
    text = repr(rate)
    return text if len(text) <= 60 else f"{text[:56]} …)"
