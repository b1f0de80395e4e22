"""From a live scheduler of torch's to the schedule that it would go on to follow.

A scheduler is known by the name of its class and read through its attributes, so that torch need not be
loaded. ``torch_formulas`` has what each class does by itself, ``torch_standing`` how it goes on from the value in the
group, ``torch_course`` what it does over all its epochs; here that is put where the optimizer's clock stands.
"""

from typing import Any

from ..called import told
from .base import Schedule
from .checks import count, shown
from .constant import Constant
from .listed import Listed
from .replay import replayed
from .torch_course import MOMENTA, course, momentum
from .torch_formulas import NoClosedForm
from .torch_standing import present


@told
def from_torch(
    scheduler: Any,
    name: str = "lr",
    group: int | None = None,
    step: int | None = None,
    steps_per_epoch: int = 1,
    horizon: int | None = None,
) -> Any:
    """The schedule that a scheduler of ``torch.optim.lr_scheduler`` would go on to follow.

    Args:
        scheduler: at whatever epoch it stands; it is not changed.
        name: ``"lr"``, or the ``"momentum"`` (``"beta1"``) that CyclicLR and OneCycleLR move too.
        group: one group of its optimizer by number; None: all.
        step: the optimizer's step at which the scheduler's present epoch began. Left out, it is epoch ·
            steps_per_epoch, so that step s has the value of epoch s // steps_per_epoch, the past included;
            but where the scheduler belongs to an optimizer of calando's whose clock stands elsewhere, it is
            that clock. With ``step=0`` the schedule goes on from now in an optimizer that begins anew. Where
            a step is given that is not the natural one, the steps before it have the present value.
        steps_per_epoch: how many steps pass between two calls of ``scheduler.step()``.
        horizon: what has no formula is played out on a copy for so many epochs, and listed.

    Returns:
        One Schedule where there is one group, or all groups agree; else a list with one for each group.

    Raises:
        NoClosedForm: a ValueError that says why there is none and what to do instead.
        TypeError: this is no scheduler, or a group is no number.

    Differences: where OneCycleLR ends with an error, the schedule stays. SWALR forgets where it began: once it has
    arrived, its past is its end. What is code (a lambda of LambdaLR,
    MultiplicativeLR or CyclicLR) becomes a ``Function``, which is not stored in a checkpoint.
    """
    if not hasattr(scheduler, "optimizer") or not hasattr(scheduler, "step"):
        raise TypeError(f"from_torch: this is no scheduler of torch's: {shown(scheduler)}")
    if name not in ("lr", *MOMENTA):
        raise ValueError(f"from_torch: name must be 'lr', 'momentum' or 'beta1', not {name!r}")
    per = count(steps_per_epoch, "from_torch: steps_per_epoch")
    groups = scheduler.optimizer.param_groups
    if group is not None and type(group) is not int:
        raise TypeError(f"from_torch: a group is meant by its number, not by {shown(group)}")
    if group is not None and not -len(groups) <= group < len(groups):
        raise ValueError(f"from_torch: there is no group {group}; the optimizer has {len(groups)}")
    found = []
    for i in range(len(groups)) if group is None else [group % len(groups)]:
        schedule, epoch = described(scheduler, name, i, horizon)
        clock = began(groups[i], present(scheduler), per) if step is None else count(step, "from_torch: step", least=0)
        found.append(placed(schedule, epoch, clock, per))
    return found[0] if all(each == found[0] for each in found) else found


def described(scheduler: Any, name: str, i: int, horizon: int | None) -> tuple[Schedule, int]:
    """One group's values over the scheduler's epochs, and the epoch at which it stands."""
    try:
        if name == "lr":
            return course(scheduler, i), present(scheduler)
        return momentum(scheduler, i), present(scheduler)
    except NoClosedForm:
        if horizon is None or type(scheduler).__name__ == "ReduceLROnPlateau":
            raise
        epochs = count(horizon, "from_torch: horizon")
        try:
            return Listed(tuple(replayed(scheduler, name, i, epochs))), 0
        except Exception as problem:
            why = str(problem) or f"torch raises {type(problem).__name__}"
            told = f"from_torch: a copy of {type(scheduler).__name__} cannot be played out: {why}"
            raise NoClosedForm(told) from problem


def began(group: Any, epoch: int, per: int) -> int:
    """The step at which the present epoch began."""
    clock = group.get("step")
    natural = epoch * per
    return natural if type(clock) is not int or natural <= clock < natural + per else clock


def placed(schedule: Schedule, epoch: int, step: int, per: int) -> Schedule:
    """Values over epochs as values over steps; ``step`` is where ``epoch`` begins."""
    if step == epoch * per:
        return schedule if per == 1 else schedule.per_epoch(per)
    rest = schedule.skip(epoch)
    rest = rest if per == 1 else rest.per_epoch(per)
    return Constant(schedule(epoch), steps=step).then(rest) if step else rest
