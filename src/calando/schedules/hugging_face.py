"""The schedules of Hugging Face's ``transformers``, known by the functions in them.

``get_cosine_schedule_with_warmup`` and its like return torch's ``LambdaLR`` over a function with keywords. The
functions named here become schedules in closed form, which print and are stored. Each is compared with the
function itself before it is trusted, so that another version with another formula stays a ``Function``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from .base import Schedule
from .checks import at_least_zero, count
from .constant import Constant
from .cosine import Cosine
from .cosine_wave import CosineWave
from .inverse_square_root import InverseSquareRoot
from .polynomial import Polynomial
from .warmup import rest, warmed, warmup_linear, warmup_stable_decay

ROOM = "transformers.optimization"
LOOKS = 64  # steps at which a formula is compared


def constant(peak: float, num_warmup_steps: int) -> Schedule:
    return warmed(peak, num_warmup_steps, 0.0, Constant(peak))


def linear(peak: float, num_warmup_steps: int, num_training_steps: int) -> Schedule:
    return warmup_linear(peak, num_training_steps, num_warmup_steps)


def cosine(
    peak: float, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 0.5, min_lr_rate: float = 0.0
) -> Schedule:
    """It rises again past its end; ``num_cycles`` counts whole waves."""
    length = rest("cosine", num_training_steps, num_warmup_steps)
    return warmed(peak, num_warmup_steps, 0.0, CosineWave(peak, peak * min_lr_rate, whole(length / (2 * num_cycles))))


def restarts(peak: float, num_warmup_steps: int, num_training_steps: int, num_cycles: int = 1) -> Schedule:
    length = rest("restarts", num_training_steps, num_warmup_steps)
    return warmed(peak, num_warmup_steps, 0.0, Cosine(peak, 0.0, whole(length / num_cycles)).repeat(num_cycles))


def polynomial(
    peak: float, num_warmup_steps: int, num_training_steps: int, lr_end: float, power: float, lr_init: float
) -> Schedule:
    length = rest("polynomial", num_training_steps, num_warmup_steps)
    return warmed(peak, num_warmup_steps, 0.0, Polynomial(peak, peak * lr_end / lr_init, length, power))


def inverse_square_root(peak: float, num_warmup_steps: int, timescale: int) -> Schedule:
    return warmed(peak, num_warmup_steps, 0.0, InverseSquareRoot(peak, timescale))


def stable_decay(
    peak: float,
    num_warmup_steps: int,
    num_stable_steps: int,
    num_decay_steps: int,
    warmup_type: str,
    decay_type: str,
    min_lr_ratio: float,
    num_cycles: float,
) -> Schedule:
    steps = num_warmup_steps + num_stable_steps + num_decay_steps
    low = peak * at_least_zero(min_lr_ratio, "min_lr_ratio")
    return warmup_stable_decay(peak, steps, num_warmup_steps, num_decay_steps, low, low, decay_type)


KNOWN: dict[str, Callable[..., Schedule]] = {
    "_get_constant_schedule_with_warmup_lr_lambda": constant,
    "_get_linear_schedule_with_warmup_lr_lambda": linear,
    "_get_cosine_schedule_with_warmup_lr_lambda": cosine,
    "_get_cosine_with_hard_restarts_schedule_with_warmup_lr_lambda": restarts,
    "_get_polynomial_decay_schedule_with_warmup_lr_lambda": polynomial,
    "_get_inverse_sqrt_schedule_lr_lambda": inverse_square_root,
    "_get_wsd_scheduler_lambda": stable_decay,
}


def recognized(call: Any, peak: float) -> Schedule | None:
    """``peak`` times one of Hugging Face's functions as a schedule; None for anything else."""
    if not isinstance(call, partial) or call.args or getattr(call.func, "__module__", None) != ROOM:
        return None
    make = KNOWN.get(getattr(call.func, "__name__", ""))
    if make is None:
        return None
    try:
        made = make(peak, **call.keywords)
    except (TypeError, ValueError, ZeroDivisionError):
        return None  # with these numbers it is no schedule of ours; the function says it all
    span = sum(value for value in call.keywords.values() if type(value) is int) + LOOKS
    looks = [*range(LOOKS), *(span * each // LOOKS for each in range(LOOKS))]
    return made if all(abs(made(step) - peak * call(step)) <= 1e-12 * abs(peak) for step in looks) else None


def whole(value: float) -> int:
    """A number of steps that must come out whole.

    Raises:
        ValueError: it does not.
    """
    if value != int(value):
        raise ValueError(f"{value} steps")
    return count(int(value), "steps")
