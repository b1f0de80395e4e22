"""Less, when a metric stops improving.

torch's ``ReduceLROnPlateau`` writes a number into the groups, which would end a schedule there. This one takes
the same decisions and multiplies whatever is in force: a schedule goes on, a factor lower.
"""

from collections.abc import Mapping
from typing import Any, Literal

from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..called import told
from ..control import scaled
from ..hyper import is_number, shown
from ..schedules import Schedule
from .follow import rates
from .optimizer import Optimizer

SETTINGS = ("factor", "min_lrs", "patience", "cooldown", "eps", "mode", "threshold", "threshold_mode")
REMEMBERED = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")


def kept(key: str) -> Any:
    """A counter that stands in the optimizer, from where it travels with its state."""

    def read(self: "Plateau") -> Any:
        return self._memory[key]

    def write(self: "Plateau", value: Any) -> None:
        self._memory[key] = value

    return property(read, write)


class Plateau(ReduceLROnPlateau):
    """Multiply a hyperparameter by ``factor`` once a metric has not improved for ``patience`` calls.

    The arguments up to ``eps`` and every decision are those of ``torch.optim.lr_scheduler.ReduceLROnPlateau``,
    which this is by ``isinstance``, so that trainers hand it the metric. What is different:

    - A schedule goes on, multiplied: at the next step it has ``factor`` times the value it would have had.
    - ``min_lr`` and ``eps`` compare with the value in force when the decision falls; a schedule may go below
      ``min_lr`` later by itself.
    - The counters live in the optimizer's ``state_dict`` too: whoever stores and loads the optimizer needs
      nothing else. A Plateau made after loading finds them there, under its name and group.

    Args:
        optimizer: of ``calando.torch``.
        mode: ``"min"``, the metric should fall, or ``"max"``, rise.
        factor: from 0 to 1, 1 excluded.
        patience: how many calls without improvement are borne.
        threshold: what counts as an improvement: by this share (``"rel"``) or this much (``"abs"``).
        threshold_mode: ``"rel"`` or ``"abs"``.
        cooldown: calls after a reduction in which nothing is counted.
        min_lr: lower bound of the hyperparameter, whichever it is; a number, or a list with one for each group.
        eps: a reduction by no more than this is left out.
        name: the hyperparameter, as in the constructor, or one number of a tuple (``"beta1"``).
        group: the group's number or name; all groups when None.

    Attributes:
        best, num_bad_epochs, cooldown_counter, last_epoch: as in torch.

    Raises:
        TypeError: an optimizer that is not calando's; an argument that is no number.
        UnknownName: no such hyperparameter, or no such group.
        ValueError: another mode, a factor outside [0, 1), or another number of min_lr than of groups.
    """

    best = kept("best")
    num_bad_epochs = kept("num_bad_epochs")
    cooldown_counter = kept("cooldown_counter")
    last_epoch = kept("last_epoch")

    @told
    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
        name: str = "lr",
        group: int | str | None = None,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Plateau: the optimizer must be one of calando.torch, not {type(optimizer).__name__}; "
                "torch.optim.lr_scheduler.ReduceLROnPlateau is for others"
            )
        for what, value, known in (("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs"))):
            if value not in known:
                raise ValueError(f"Plateau: {what} must be {known[0]!r} or {known[1]!r}, not {shown(value)}")
        bounds = min_lr if isinstance(min_lr, (list, tuple)) else [min_lr]
        numbers = [("factor", factor), ("patience", patience), ("threshold", threshold), ("cooldown", cooldown)]
        for what, given in [*numbers, ("eps", eps), *(("min_lr", bound) for bound in bounds)]:
            if isinstance(given, bool) or not is_number(given):
                raise TypeError(f"Plateau: {what} must be a number, but got {shown(given)}")
        if not 0 <= factor < 1:
            raise ValueError(f"Plateau: factor must lie in [0, 1), but got {shown(factor)}")
        count = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != count:
            raise ValueError(f"Plateau: min_lr has {len(min_lr)} numbers, and the optimizer {count} groups")
        (self._ours,) = optimizer._names(name, single=True)
        optimizer._chosen(group)
        self.name, self.group = name, group
        self._memory: dict[str, Any] = {}
        self._floor = None if isinstance(min_lr, (list, tuple)) else float(min_lr)
        super().__init__(optimizer, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps)
        optimizer.remember(f"Plateau of {name}, group {'all' if group is None else group}", self._memory)

    @told
    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        """Look at the metric, a number or a tensor of one; reduce if it is time.

        Raises:
            TypeError, ValueError: the metric is no number, or a value cannot be used; nothing has changed.
        """
        optimizer: Any = self.optimizer
        try:
            float(metrics)
        except (TypeError, ValueError, RuntimeError):
            must = f"the metric must be a number, or a tensor of one, but it is {shown(metrics)}"
            raise TypeError(f"Plateau: {must}") from None
        before, done = dict(self._memory), []
        self._wanted: dict[tuple[int, str], Any] = {}
        try:
            super().step(metrics, epoch)
            after = dict(self._memory)

            def told() -> None:
                self._memory.update(after)
                self._last_lr = rates(optimizer)
                done.append(True)

            optimizer._enter(self._wanted, told)
        except BaseException:
            if not done:
                self._memory.update(before)
            raise

    def _reduce_lr(self, epoch: int) -> None:
        """What all groups that are meant will have, if all can be reduced."""
        optimizer: Any = self.optimizer
        optimizer._listen()
        engine, wanted = optimizer.engine, self._wanted
        for number in optimizer._chosen(self.group):
            hyper = engine.hypers[number]
            old = hyper.shown(self._ours, engine.clocks[number])
            new = max(old * self.factor, self._bound(number))
            if old - new > self.eps:
                entry = hyper.timelines[self._ours].latest
                share = new / old if new > old * self.factor else self.factor
                wanted[number, self._ours] = scaled(entry, share) if isinstance(entry, Schedule) else new

    def _bound(self, number: int) -> float:
        """``min_lr`` of one group; a group added later has the number given for all.

        Raises:
            ValueError: a list was given, and is too short now.
        """
        if self._floor is not None:
            return self._floor
        if number >= len(self.min_lrs):
            raise ValueError(
                f"Plateau: min_lr was given for {len(self.min_lrs)} groups, and group {number} was added since; "
                "append its bound to min_lrs"
            )
        return self.min_lrs[number]

    def state_dict(self) -> dict[str, Any]:
        """The arguments and the counters; torch's class can load it, and the other way round."""
        return {key: getattr(self, key) for key in (*SETTINGS, *REMEMBERED)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where ``state_dict`` was taken, with its arguments; the hyperparameter is the optimizer's.

        Raises:
            TypeError: it is no dictionary; nothing has changed.
            ValueError: it lacks a counter; nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Plateau: the state of a scheduler is a dictionary, but this is {shown(state_dict)}")
        missing = [key for key in REMEMBERED if key not in state_dict]
        if missing:
            raise ValueError(f"Plateau: the state lacks {missing[0]!r}; was it another scheduler's?")
        for key in (*SETTINGS, *REMEMBERED):
            if key in state_dict:
                setattr(self, key, state_dict[key])
        self._init_is_better(mode=self.mode, threshold=self.threshold, threshold_mode=self.threshold_mode)
