"""What one of torch's schedulers does over its own epochs, from its epoch 0, alone or made of others."""

from math import inf
from typing import Any

from .base import Schedule
from .constant import Constant
from .torch_formulas import (
    FACTORS,
    FORMULAS,
    SINGLE,
    NoClosedForm,
    cosine_lr,
    cycle,
    multiplicative_lr,
    swa_lr,
    triangles,
    whole,
)
from .torch_standing import going_on, kind_of, near, present, single

MOMENTA = ("momentum", "beta1")


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
