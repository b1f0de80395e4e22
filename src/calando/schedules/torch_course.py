"""What each of torch's schedulers does, over its own epochs, from its epoch 0.

torch computes most values from the one before, so what stands in the group now counts: a learning rate
that somebody changed on the way goes on from there here too.
"""

from collections.abc import Callable
from math import inf
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

MOMENTA = ("momentum", "beta1")
NEAR = 1e-9  # how far, in shares of a learning rate, rounding may have carried torch's recursion,
FLOOR = 1e-13  # and in shares of the first learning rate, where it nears zero


class NoClosedForm(ValueError):
    """What a scheduler would do has no formula here, or cannot be known."""


def present(scheduler: Any) -> int:
    """The epoch at which a scheduler stands."""
    kind = type(scheduler).__name__
    if kind == "ChainedScheduler":
        return present(scheduler._schedulers[0])
    if kind == "SWALR":
        return scheduler._step_count - 1
    if kind == "CosineAnnealingWarmRestarts":
        return turned(scheduler)
    return int(getattr(scheduler, "last_epoch", 0))


# What each class does, over its epochs: scheduler, group, value at epoch 0 → schedule.


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


def turned(s: Any) -> int:
    """The epoch of CosineAnnealingWarmRestarts by its turn, which ``step(epoch)`` may have set."""
    if s.T_cur != int(s.T_cur):
        raise NoClosedForm(
            f"from_torch: CosineAnnealingWarmRestarts stands between two epochs, at {s.T_cur} of {s.T_i}; "
            "call step() without an epoch, or make it whole"
        )
    begin, length = 0, s.T_0
    if s.T_mult == 1:
        begin = s.last_epoch - s.last_epoch % s.T_0
    while length < s.T_i:
        begin, length = begin + length, length * s.T_mult
    return begin + int(s.T_cur)


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


def course(s: Any, i: int) -> Schedule:
    """The learning rate of a group over all epochs of a scheduler.

    Raises:
        NoClosedForm: there is no formula for it.
    """
    kind = kind_of(s)
    try:
        if kind == "SequentialLR":
            return sequential(s, i)
        if kind == "ChainedScheduler":
            return chained(s, i)
        return single(s, i, float(s.optimizer.param_groups[i]["lr"]))
    except NoClosedForm:
        raise
    except (ValueError, TypeError) as problem:
        raise NoClosedForm(f"from_torch: {kind} has no twin here with these numbers: {problem}") from None


def kind_of(s: Any) -> str:
    """The name of its class, where it is torch's own.

    Raises:
        NoClosedForm: it is another class, or follows a metric.
    """
    kind = type(s).__name__
    if kind == "ReduceLROnPlateau":
        raise NoClosedForm(
            "from_torch: ReduceLROnPlateau follows a metric that nobody knows yet; use calando.torch.Plateau, which "
            "takes the same arguments"
        )
    ours = type(s).__module__.startswith("torch.optim.")
    if not ours or kind not in {*SINGLE, "SequentialLR", "ChainedScheduler"}:
        raise NoClosedForm(
            f"from_torch: {kind} is not one of torch's own classes, so its formula is not known; write it as a "
            "schedule or a function of the step, or give horizon=10_000 to have so many epochs played out and listed"
        )
    return kind


def single(s: Any, i: int, now: float) -> Schedule:
    """One scheduler by itself, going on from the value ``now`` in the group."""
    kind, epoch = kind_of(s), present(s)
    if kind == "SWALR":
        made = swa_lr(s, i, annealed_from(s, i, now))
        return made if near(now, made(epoch), now) else Constant(now, steps=epoch + 1).then(made(epoch + 1))
    base = float(s.base_lrs[i])
    made = SINGLE[kind](s, i, base)
    if kind not in FORMULAS:
        return going_on(made, epoch, now, base)
    if near(now, made(epoch), base):
        return made
    changed = Constant(now, steps=1).then(made.skip(epoch + 1))  # the formula comes back with the next epoch
    return made.then(changed, after=epoch) if epoch else changed


def annealed_from(s: Any, i: int, now: float) -> float:
    """Where SWALR must have begun, to be at ``now``."""
    end, steps = float(s.optimizer.param_groups[i]["swa_lr"]), s.anneal_epochs
    shape = Cosine if s._anneal_strategy == "cos" else Linear
    left = shape(1.0, 0.0, steps)(present(s)) if steps else 0.0
    return end + (now - end) / left if left else end


def going_on(made: Schedule, epoch: int, now: float, base: float) -> Schedule:
    """A recursion from the value that stands in the group, if that is not its own."""
    own = made(epoch)
    if near(now, own, base):
        return made
    if isinstance(made, CosineWave):
        return swinging_on(made, epoch, now, own, base)
    if own == 0:
        raise NoClosedForm(
            f"from_torch: the group has {now:g} where the scheduler by itself would have 0, so it cannot be told "
            "how it goes on; write the schedule yourself, or give horizon=10_000 to have it played out and listed"
        )
    return made * (now / own)


def near(now: float, own: float, base: float) -> bool:
    """Whether two learning rates differ by no more than rounding."""
    return abs(now - own) <= NEAR * max(abs(own), abs(now)) + FLOOR * abs(base)


def swinging_on(made: CosineWave, epoch: int, now: float, own: float, base: float) -> Schedule:
    """A cosine that was moved to ``now``: its distance from the end is stretched until the next trough."""
    rises = max(0, -((made.steps - epoch) // (2 * made.steps)))
    trough = made.steps * (2 * rises + 1)
    if epoch == trough:  # the next step adds what a rise begins with, and that sum is stretched
        following = now + made(epoch + 1) - own
        return Constant(now, steps=epoch + 1).then(going_on(made, epoch + 1, following, base).skip(epoch + 1))
    unit = CosineWave(1.0, 0.0, made.steps)
    return (unit * ((now - made.end) / unit(epoch)) + made.end).then(made.skip(trough), after=trough)


# Schedulers made of schedulers.


def sequential(s: Any, i: int) -> Schedule:
    """SequentialLR: each part from its own epoch 0 at its milestone."""
    milestones = list(s._milestones)
    if milestones != sorted(milestones) or any(m != int(m) for m in milestones):
        raise NoClosedForm(f"from_torch: the milestones of SequentialLR must be whole and rise, not {milestones}")
    starts = [0, *map(int, milestones)]
    active = max(j for j, start in enumerate(starts) if start <= s.last_epoch)
    found: Schedule | None = None
    for j, (part, start) in enumerate(zip(s._schedulers, starts, strict=True)):
        if kind_of(part) in ("SequentialLR", "ChainedScheduler"):
            raise NoClosedForm(nested("SequentialLR", part))
        if j + 1 < len(starts) and starts[j + 1] <= max(start, 0):
            continue  # the next one begins at once
        piece = unmoved(part, i, None if found is None else found(max(0, start - 1)))
        if j == active:
            now, epoch = float(s.optimizer.param_groups[i]["lr"]), present(part)
            piece = piece if near(now, piece(epoch), float(part.base_lrs[i])) else single(part, i, now)
            piece = shifted(piece, epoch - (s.last_epoch - start))
        found = piece if found is None or start <= 0 else found.then(piece, after=start)
    assert found is not None  # the last part always plays
    return found


def unmoved(s: Any, i: int, before: float | None) -> Schedule:
    """A part of SequentialLR from its epoch 0, after the value ``before``: torch begins it by its closed form."""
    kind, base = kind_of(s), float(s.base_lrs[i])
    if before is not None and kind == "MultiplicativeLR":
        return multiplicative_lr(s, i, before * s.lr_lambdas[i](0))
    if before is not None and kind == "SWALR":
        return swa_lr(s, i, before)
    if before is not None and kind == "ConstantLR" and s.total_iters <= 0:
        return Constant(base)
    if before is not None and kind == "MultiStepLR":  # it falls at milestones below 0 too
        base *= s.gamma ** sum(times for milestone, times in s.milestones.items() if milestone < 0)
    return SINGLE[kind](s, i, base)


def shifted(schedule: Schedule, ahead: int) -> Schedule:
    """A part that stands some epochs ahead of its place in the sequence, or behind it."""
    return Constant(schedule(0), steps=-ahead).then(schedule) if ahead < 0 else schedule.skip(ahead)


def chained(s: Any, i: int) -> Schedule:
    """ChainedScheduler: factors multiply; a formula at the end overwrites what was done before it."""
    parts, epoch, now = links(s), present(s), float(s.optimizer.param_groups[i]["lr"])
    kinds = [kind_of(part) for part in parts]
    if kinds[-1] in FORMULAS or len(parts) == 1:
        return shifted(course(parts[-1], i), present(parts[-1]) - epoch)
    swings = [p for p, kind in zip(parts, kinds, strict=True) if kind == "CosineAnnealingLR" and p.eta_min == 0]
    for part, kind in zip(parts, kinds, strict=True):
        if (kind not in FACTORS and part not in swings) or len(swings) > 1 or present(part) != epoch:
            raise NoClosedForm(nested("ChainedScheduler", part))
    base = float(parts[0].base_lrs[i])
    product = SINGLE[kinds[0]](parts[0], i, base)
    for part, kind in zip(parts[1:], kinds[1:], strict=True):
        product = product * SINGLE[kind](part, i, 1.0)
    if not swings:
        return going_on(product, epoch, now, base)
    (swing,) = swings
    trough = whole(swing, "T_max")  # from here on the recursion knows base alone, and later factors
    if any(settled(part) > trough for part in parts if part is not swing):
        raise NoClosedForm(nested("ChainedScheduler", swing))
    wave = cosine_lr(swing, i, base)
    if epoch > trough:
        return product.then(going_on(wave, epoch, now, base).skip(trough), after=trough)
    return going_on(product, epoch, now, base).then(wave.skip(trough), after=trough)


def links(s: Any) -> list[Any]:
    """The schedulers of a chain in their order; a chain within it is a part of it.

    Raises:
        NoClosedForm: one of them is there twice, and so goes two epochs at a time.
    """
    inner = [links(part) if kind_of(part) == "ChainedScheduler" else [part] for part in s._schedulers]
    for parts in (s._schedulers, [part for several in inner for part in several]):
        for part in parts:
            if sum(part is other for other in parts) > 1:
                raise NoClosedForm(nested("ChainedScheduler", part))
    return parts


def settled(s: Any) -> float:
    """The epoch from which a factor no longer changes."""
    if hasattr(s, "milestones"):
        return max(s.milestones, default=0)
    return getattr(s, "total_iters", inf)


def nested(outer: str, part: Any) -> str:
    """Why a scheduler within another has no formula."""
    return (
        f"from_torch: {type(part).__name__} within {outer} goes its own way by torch's recursion, which has no "
        "formula here; give horizon=10_000 to have so many epochs played out and listed"
    )


# Momentum.


def momentum(s: Any, i: int) -> Schedule:
    """The momentum (beta1) of a group over all epochs.

    Raises:
        NoClosedForm: the scheduler does not move it.
    """
    kind = kind_of(s)
    if kind not in ("CyclicLR", "OneCycleLR") or not s.cycle_momentum:
        why = "was made with cycle_momentum=False" if kind in ("CyclicLR", "OneCycleLR") else "moves lr only"
        raise NoClosedForm(f"from_torch: {kind} {why}; the momentum stays as it is in the group")
    if kind == "CyclicLR":
        return triangles(s, float(s.max_momentums[i]), float(s.base_momentums[i]))
    group = s.optimizer.param_groups[i]
    return cycle(s, group["max_momentum"], group["base_momentum"], group["max_momentum"])


# Reading.


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
