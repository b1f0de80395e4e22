"""MindSpore's learning rates as schedules: its arguments, its checks, our formulas.

Each takes the number of steps (or epochs) it counts in, so that the Cells and the list functions say the
same formula. Raises TypeError for an argument of another type and ValueError for one out of range.
"""

from math import inf
from typing import Any

from ..schedules import Cosine, Exponential, InverseTime, Linear, NaturalExponential, Polynomial, Schedule


def real(owner: str, name: str, value: Any, least: float = 0.0, inclusive: bool = False) -> float:
    """A float above ``least``, or at least that."""
    if not isinstance(value, float):
        raise TypeError(f"For '{owner}': {name!r} must be a float, but got {value!r} ({type(value).__name__})")
    if not (least <= value < inf if inclusive else least < value < inf):
        bound = f"[{least:g}, inf)" if inclusive else f"({least:g}, inf)"
        raise ValueError(f"For '{owner}': {name!r} must lie in {bound}, but got {value!r}")
    return value


def whole(owner: str, name: str, value: Any) -> int:
    """An int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"For '{owner}': {name!r} must be an int, but got {value!r} ({type(value).__name__})")
    if value < 1:
        raise ValueError(f"For '{owner}': {name!r} must be at least 1, but got {value}")
    return value


def choice(owner: str, name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"For '{owner}': {name!r} must be True or False, but got {value!r} ({type(value).__name__})")
    return value


def fading(owner: str, learning_rate: Any, decay_rate: Any, is_stair: Any) -> tuple[float, float, bool]:
    """What the three fading rates have in common."""
    start = real(owner, "learning_rate", learning_rate)
    return start, real(owner, "decay_rate", decay_rate), choice(owner, "is_stair", is_stair)


def exponential(owner: str, learning_rate: Any, decay_rate: Any, length: int, is_stair: Any) -> Schedule:
    """lr r^(t/N)."""
    start, rate, stair = fading(owner, learning_rate, decay_rate, is_stair)
    return Exponential(start, rate, length, stair)


def natural(owner: str, learning_rate: Any, decay_rate: Any, length: int, is_stair: Any) -> Schedule:
    """lr e^(-r t), without N unless in stairs, as MindSpore computes it (its documentation divides by N)."""
    start, rate, stair = fading(owner, learning_rate, decay_rate, is_stair)
    return NaturalExponential(start, rate * length, length, True) if stair else NaturalExponential(start, rate)


def inverse(owner: str, learning_rate: Any, decay_rate: Any, length: int, is_stair: Any) -> Schedule:
    """lr / (1 + r t/N)."""
    start, rate, stair = fading(owner, learning_rate, decay_rate, is_stair)
    return InverseTime(start, rate, length, stair)


def cosine(owner: str, min_lr: Any, max_lr: Any, length: int) -> Schedule:
    """Half a cosine from max_lr to min_lr, then min_lr."""
    low, high = real(owner, "min_lr", min_lr, inclusive=True), real(owner, "max_lr", max_lr)
    if low >= high:
        raise ValueError(f"For '{owner}': 'max_lr' must be greater than 'min_lr', but got {high!r} and {low!r}")
    return Cosine(high, low, length)


def polynomial(owner: str, learning_rate: Any, end: Any, length: int, power: Any, name: str, cycle: Any) -> Schedule:
    """(lr - end)(1 - t/N)^power + end."""
    start = real(owner, "learning_rate", learning_rate)
    low = real(owner, "end_learning_rate", end, inclusive=True)
    return Polynomial(start, low, length, real(owner, "power", power), choice(owner, name, cycle))


def warm_up(owner: str, learning_rate: Any, length: int) -> Schedule:
    """lr t/N, then lr."""
    return Linear(0.0, real(owner, "learning_rate", learning_rate, inclusive=True), length)
