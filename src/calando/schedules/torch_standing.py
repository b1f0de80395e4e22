"""Where a scheduler of torch's stands, and how it goes on from the value that stands in its group.

torch computes most values from the one before, so a learning rate that somebody changed on the way goes on from there
here too.
"""

from typing import Any

from .base import Schedule
from .constant import Constant
from .cosine import Cosine
from .cosine_wave import CosineWave
from .linear import Linear
from .torch_formulas import FORMULAS, SINGLE, NoClosedForm, swa_lr

NEAR = 1e-9  # how far, in shares of a learning rate, rounding may have carried torch's recursion,
FLOOR = 1e-13  # and in shares of the first learning rate, where it nears zero


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
