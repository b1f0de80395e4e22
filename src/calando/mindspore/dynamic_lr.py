"""MindSpore's dynamic learning rates: functions that give a list with one learning rate per step.

The same lists as ``mindspore.nn.dynamic_lr`` 2.10, to the last bit. Counted in epochs: step i lies in epoch
⌊i / step_per_epoch⌋. A schedule of ``calando.schedules`` says the same without a length.
"""

import math
from collections.abc import Callable
from typing import Any

from . import rates


def by_epoch(owner: str, rate: Callable[[int], float], total_step: Any, step_per_epoch: Any) -> list[float]:
    """A function of the epoch as a list of ``total_step`` values."""
    total, length = rates.whole(owner, "total_step", total_step), rates.whole(owner, "step_per_epoch", step_per_epoch)
    return [rate(i // length) for i in range(total)]


def cosine_decay_lr(
    min_lr: float, max_lr: float, total_step: int, step_per_epoch: int, decay_epoch: int
) -> list[float]:
    """Half a cosine from ``max_lr`` to ``min_lr`` over ``decay_epoch`` epochs, then ``min_lr``.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.

    Example:
        >>> [round(lr, 3) for lr in cosine_decay_lr(0.0, 1.0, total_step=4, step_per_epoch=1, decay_epoch=2)]
        [1.0, 0.5, 0.0, 0.0]
    """
    owner = "cosine_decay_lr"
    schedule = rates.cosine(owner, min_lr, max_lr, rates.whole(owner, "decay_epoch", decay_epoch))
    return by_epoch(owner, schedule, total_step, step_per_epoch)


def exponential_decay_lr(
    learning_rate: float,
    decay_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    is_stair: bool = False,
) -> list[float]:
    """``learning_rate * decay_rate ** (epoch / decay_epoch)``, the exponent rounded down if ``is_stair``.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.
    """
    owner = "exponential_decay_lr"
    length = rates.whole(owner, "decay_epoch", decay_epoch)
    schedule = rates.exponential(owner, learning_rate, decay_rate, length, is_stair)
    return by_epoch(owner, schedule, total_step, step_per_epoch)


def natural_exp_decay_lr(
    learning_rate: float,
    decay_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    is_stair: bool = False,
) -> list[float]:
    """``learning_rate * e ** (-decay_rate * epoch)``; if ``is_stair`` the epoch is rounded down to a multiple of
    ``decay_epoch``, which has no effect otherwise, as in MindSpore.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.
    """
    owner = "natural_exp_decay_lr"
    length = rates.whole(owner, "decay_epoch", decay_epoch)
    start, rate, stair = rates.fading(owner, learning_rate, decay_rate, is_stair)
    smooth = rates.natural(owner, start, rate, length, False)
    stairs = lambda epoch: smooth(epoch // length * length)  # noqa: E731
    return by_epoch(owner, stairs if stair else smooth, total_step, step_per_epoch)


def inverse_decay_lr(
    learning_rate: float,
    decay_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    is_stair: bool = False,
) -> list[float]:
    """``learning_rate / (1 + decay_rate * epoch / decay_epoch)``, the quotient rounded down if ``is_stair``.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.
    """
    owner = "inverse_decay_lr"
    length = rates.whole(owner, "decay_epoch", decay_epoch)
    schedule = rates.inverse(owner, learning_rate, decay_rate, length, is_stair)
    return by_epoch(owner, schedule, total_step, step_per_epoch)


def polynomial_decay_lr(
    learning_rate: float,
    end_learning_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    power: float,
    update_decay_epoch: bool = False,
) -> list[float]:
    """``(learning_rate - end_learning_rate) * (1 - epoch / decay_epoch) ** power + end_learning_rate``.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.
    """
    owner = "polynomial_decay_lr"
    length = rates.whole(owner, "decay_epoch", decay_epoch)
    schedule = rates.polynomial(
        owner, learning_rate, end_learning_rate, length, power, "update_decay_epoch", update_decay_epoch
    )
    return by_epoch(owner, schedule, total_step, step_per_epoch)


def warmup_lr(learning_rate: float, total_step: int, step_per_epoch: int, warmup_epoch: int) -> list[float]:
    """``learning_rate * epoch / warmup_epoch``, then ``learning_rate``.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.
    """
    owner = "warmup_lr"
    start = rates.real(owner, "learning_rate", learning_rate, inclusive=True)
    length = rates.whole(owner, "warmup_epoch", warmup_epoch)
    return by_epoch(owner, lambda epoch: start * min(epoch, length) / length, total_step, step_per_epoch)


def piecewise_constant_lr(milestone: Any, learning_rates: Any) -> list[float]:
    """``learning_rates[i]`` until step ``milestone[i]``, exclusive; the last milestone is the length of the list.

    Raises:
        TypeError, ValueError: an argument of another type, or out of range.

    Example:
        >>> piecewise_constant_lr([2, 3], [0.1, 0.01])
        [0.1, 0.1, 0.01]
    """
    owner = "piecewise_constant_lr"
    for name, value in (("milestone", milestone), ("learning_rates", learning_rates)):
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"For '{owner}': {name!r} must be a tuple or list, but got {value!r}")
    if len(milestone) != len(learning_rates):
        counts = f"{len(milestone)} and {len(learning_rates)}"
        raise ValueError(f"For '{owner}': 'milestone' and 'learning_rates' must be of one length, but have {counts}")
    found: list[float] = []
    for i, (end, value) in enumerate(zip(milestone, learning_rates, strict=True)):
        rates.whole(owner, f"milestone[{i}]", end)
        rates.real(owner, f"learning_rates[{i}]", value, -math.inf)
        if end < len(found):
            before = f"milestone[{i - 1}], {len(found)}"
            raise ValueError(f"For '{owner}': milestone[{i}] must not be less than {before}, but got {end}")
        found += [value] * (end - len(found))
    return found
