"""What each of torch's schedulers does by itself, over its epochs: scheduler, group, value at epoch 0 → schedule."""

from collections.abc import Callable
from typing import Any

from .base import Schedule
from .constant import Constant
from .cosine import Cosine
from .cosine_wave import CosineWave
from .cumulative_product import CumulativeProduct
from .cyclic import Cyclic
from .exponential import Exponential
from .function import Function
from .hugging_face import recognized
from .linear import Linear
from .one_cycle import OneCycle
from .piecewise import Piecewise
from .polynomial import Polynomial
from .warm_restarts import WarmRestarts


class NoClosedForm(ValueError):
    """What a scheduler would do has no formula here, or cannot be known."""


def lambda_lr(s: Any, i: int, base: float) -> Schedule:
    return recognized(s.lr_lambdas[i], base) or base * function(s.lr_lambdas[i])


def multiplicative_lr(s: Any, i: int, base: float) -> Schedule:
    return CumulativeProduct(base, function(s.lr_lambdas[i]))


def step_lr(s: Any, i: int, base: float) -> Schedule:
    return Exponential(base, s.gamma, whole(s, "step_size"), staircase=True)


def multi_step_lr(s: Any, i: int, base: float) -> Schedule:
    values, boundaries = [base], []
    for milestone in sorted(m for m in s.milestones if m >= 0 and m == int(m)):
        fallen = values[-1] * s.gamma ** s.milestones[milestone]
        if milestone == 0:
            values = [fallen]
        else:
            values.append(fallen)
            boundaries.append(int(milestone))
    return Piecewise(tuple(values), tuple(boundaries))


def constant_lr(s: Any, i: int, base: float) -> Schedule:
    steps = whole(s, "total_iters")
    return Constant(s.factor * base, steps=steps).then(base) if steps > 0 else Constant(s.factor * base)


def linear_lr(s: Any, i: int, base: float) -> Schedule:
    start, steps = base * s.start_factor, whole(s, "total_iters")
    return Linear(start, base * s.end_factor, steps) if steps > 0 else Constant(start)


def exponential_lr(s: Any, i: int, base: float) -> Schedule:
    return Exponential(base, s.gamma)


def polynomial_lr(s: Any, i: int, base: float) -> Schedule:
    return Polynomial(base, 0.0, whole(s, "total_iters"), s.power)


def cosine_lr(s: Any, i: int, base: float) -> Schedule:
    return CosineWave(base, s.eta_min, whole(s, "T_max"))


def restarts_lr(s: Any, i: int, base: float) -> Schedule:
    if s.T_mult == 1:
        return Cosine(base, s.eta_min, s.T_0).repeat()
    return WarmRestarts(base, s.eta_min, s.T_0, s.T_mult)


def cyclic_lr(s: Any, i: int, base: float) -> Schedule:
    return triangles(s, float(s.base_lrs[i]), float(s.max_lrs[i]))


def triangles(s: Any, start: float, end: float) -> Schedule:
    """CyclicLR between two values."""
    up = s.step_ratio * s.total_size
    up = float(round(up)) if abs(up - round(up)) < 1e-6 else up
    down = None if 2 * up == s.total_size else s.total_size - up
    if s._scale_fn_custom is None:
        if s.mode == "triangular":
            return Cyclic(start, end, up, down)
        rate, staircase = (0.5, True) if s.mode == "triangular2" else (s.gamma, False)
        return Cyclic(start, end, up, down, rate, staircase)
    scale, total = s._scale_fn_custom, s.total_size
    by_cycle = s.scale_mode == "cycle"

    def height(epoch: int) -> float:
        return scale(int(1 + epoch / total) if by_cycle else epoch)

    return start + (end - start) * (Cyclic(0.0, 1.0, up, down) * Function(height))


def one_cycle_lr(s: Any, i: int, base: float) -> Schedule:
    group = s.optimizer.param_groups[i]
    return cycle(s, group["initial_lr"], group["max_lr"], group["min_lr"])


def cycle(s: Any, start: Any, peak: Any, end: Any) -> Schedule:
    """OneCycleLR between these values."""
    phases, total = s._schedule_phases, s.total_steps
    rise = (phases[0]["end_step"] + 1) / total
    linear = getattr(s, "_anneal_func_type", "cos") == "linear"
    return OneCycle(float(start), float(peak), float(end), total, rise, linear, len(phases) == 3)


def swa_lr(s: Any, i: int, base: float) -> Schedule:
    """From ``base`` to the rate of averaging; torch finds the former anew from what stands in the group."""
    end, steps = float(s.optimizer.param_groups[i]["swa_lr"]), s.anneal_epochs
    if steps == 0:
        return Constant(end)
    return (Cosine if s._anneal_strategy == "cos" else Linear)(base, end, steps)


def whole(s: Any, name: str) -> int:
    """An attribute that counts epochs.

    Raises:
        NoClosedForm: it is not whole.
    """
    value = getattr(s, name)
    if value != int(value):
        raise NoClosedForm(f"from_torch: {name} of {type(s).__name__} must be a whole number of epochs, not {value}")
    return int(value)


def function(call: Any) -> Schedule:
    """What the user gave as a function of the epoch."""
    return call if isinstance(call, Schedule) else Function(call)


Reader = Callable[[Any, int, float], Schedule]
FACTORS: dict[str, Reader] = {  # the value is multiplied, so it goes on from what stands in the group
    "MultiplicativeLR": multiplicative_lr,
    "StepLR": step_lr,
    "MultiStepLR": multi_step_lr,
    "ConstantLR": constant_lr,
    "LinearLR": linear_lr,
    "ExponentialLR": exponential_lr,
    "PolynomialLR": polynomial_lr,
}
FORMULAS: dict[str, Reader] = {  # the value is computed anew at each epoch
    "LambdaLR": lambda_lr,
    "CosineAnnealingWarmRestarts": restarts_lr,
    "CyclicLR": cyclic_lr,
    "OneCycleLR": one_cycle_lr,
}
SINGLE: dict[str, Reader] = {**FACTORS, **FORMULAS, "CosineAnnealingLR": cosine_lr, "SWALR": swa_lr}
