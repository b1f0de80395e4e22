"""PyTorch's schedulers as objects that are stepped, on optimizers in MindSpore's manners.

A schedule inside the optimizer needs no steps; these are for what cannot be one: schedulers of one's own, written
against ``torch.optim.lr_scheduler.LRScheduler``, and those whose step is told where in an epoch it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..hyper import shown
from ..schedules import Schedule


class Group(dict[str, Any]):
    """One parameter group as a scheduler sees it: a number that is written into it is set on the optimizer."""

    def __init__(self, optimizer: Any, at: int, row: Mapping[str, Any], initial: float) -> None:
        super().__init__(row, initial_lr=initial)
        self.optimizer, self.at = optimizer, at

    def __setitem__(self, name: str, value: Any) -> None:
        self.optimizer.set(name, float(value), group=self.at)
        super().__setitem__(name, value)


BEGAN: WeakKeyDictionary[Any, list[float]] = WeakKeyDictionary()  # the rates that groups had before any scheduler


class Driven:
    """An optimizer as its schedulers see it: ``param_groups``, in PyTorch's words."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        held = BEGAN.setdefault(getattr(optimizer, "optimizer", optimizer), [])
        held += [row["lr"] for row in optimizer.current()[len(held) :]]
        self.initial = held

    @property
    def param_groups(self) -> list[Group]:
        """The groups as they are now."""
        rows = zip(self.current(), self.initial, strict=True)
        return [Group(self.optimizer, at, row, initial) for at, (row, initial) in enumerate(rows)]

    def current(self) -> list[dict[str, Any]]:
        """The optimizer's own ``current()``."""
        found: list[dict[str, Any]] = self.optimizer.current()
        return found

    def set(self, name: str, value: Any, group: int | None = None) -> None:
        """The optimizer's own ``set()``."""
        self.optimizer.set(name, value, group=group)


class LRScheduler:
    """Base class for schedulers of one's own, as ``torch.optim.lr_scheduler.LRScheduler``.

    A subclass gives ``get_lr()``: the rate of each group at ``last_epoch``, from ``base_lrs`` or from
    ``self.optimizer.param_groups``.

    Differences: it does not warn of steps in the wrong order, and one that begins anew in mid-training
    (``last_epoch`` other than -1) takes the rates of now for those of the beginning.

    Args:
        optimizer: an optimizer of ``calando.mindspore.nn`` or ``calando.mindspore.torch_optim``.
        last_epoch: how many steps were made already; -1: none.
    """

    _get_lr_called_within_step = True  # get_lr() is called by step() only

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        self.optimizer = Driven(optimizer)
        self.base_lrs = list(self.optimizer.initial)
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count, self._is_initial = 0, True
        self.step()
        self._is_initial = False

    def get_lr(self) -> Sequence[float]:
        """The rate of each group at ``last_epoch``.

        Raises:
            NotImplementedError: a subclass has none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def step(self, epoch: float | None = None) -> None:
        """Go on by one, or to ``epoch``."""
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch  # type: ignore[assignment]
        closed = getattr(self, "_get_closed_form_lr", None) if epoch is not None else None
        self._put((closed or self.get_lr)())

    def _put(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = float(rate)
        self._last_lr = [float(rate) for rate in rates]

    def get_last_lr(self) -> list[float]:
        """The rate of each group, as the last step set it."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """All that it holds but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was asked for; the optimizer's rates are its own matter."""
        vars(self).update(state)


class LambdaLR(LRScheduler):
    """The rate each group began with times a function of the step, as ``torch.optim.lr_scheduler.LambdaLR``.

    Args:
        optimizer, last_epoch: as for ``LRScheduler``.
        lr_lambda: the function, or one for each group.

    Raises:
        ValueError: other than one function per group.
    """

    def __init__(
        self, optimizer: Any, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1
    ) -> None:
        count = len(optimizer.current())
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, Sequence) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(f"LambdaLR: {len(self.lr_lambdas)} functions for {count} groups")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [base * factor(self.last_epoch) for base, factor in pairs]

    def state_dict(self) -> dict[str, Any]:
        """All that it holds but the optimizer and the functions."""
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosines that begin anew (Loshchilov & Hutter 2017, SGDR), as torch's scheduler of this name.

    ``step(epoch + i / n)`` sets the rate of a fraction of an epoch.

    Args:
        optimizer, last_epoch: as for ``LRScheduler``.
        T_0: length of the first turn, at least 1.
        T_mult: how much longer each turn is than the one before, a whole number from 1 on.
        eta_min: what each turn falls to.

    Raises:
        ValueError: ``T_0`` or ``T_mult`` is no whole number from 1 on.
    """

    def __init__(self, optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"CosineAnnealingWarmRestarts: {name} must be a whole number from 1 on, but got {shown(value)}"
                )
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i, self.T_cur = T_0, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates of now."""
        fall = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * fall for base in self.base_lrs]

    def _update_lr(self, epoch: float | None = None) -> None:
        """Go on by one, or to ``epoch``, which may be a fraction.

        Raises:
            ValueError: ``epoch`` is below 0.
        """
        if epoch is not None and epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: epoch must be at least 0, but got {shown(epoch)}")
        if epoch is None and self.last_epoch >= 0:
            epoch, self.T_cur = self.last_epoch + 1, self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            self._turn(epoch := epoch or 0)
        self.last_epoch = math.floor(epoch)
        self._put(self.get_lr())

    def _turn(self, epoch: float) -> None:
        """Find the turn that an epoch lies in, and how far it has come."""
        if self.T_mult == 1:
            self.T_cur = epoch % self.T_0
            return
        turn = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        self.T_cur = epoch - self.T_0 * (self.T_mult**turn - 1) / (self.T_mult - 1)
        self.T_i = self.T_0 * self.T_mult**turn


class Scheduler:
    """Sets the rate of schedules, counted in its own steps, as PyTorch's schedulers do.

    Args:
        optimizer: an optimizer of ``calando.mindspore.nn`` or ``calando.mindspore.torch_optim``.
        form: from the rate a group starts with to its schedule; one for all groups, or one for each.
        momentum: a schedule of the momentum.

    Raises:
        ValueError: other than one form per group.
    """

    def __init__(
        self,
        optimizer: Any,
        form: Callable[[float], Schedule] | Sequence[Callable[[float], Schedule]],
        momentum: Schedule | None = None,
    ) -> None:
        start = [row["lr"] for row in optimizer.current()]
        forms = list(form) if isinstance(form, Sequence) else [form] * len(start)
        if len(forms) != len(start):
            raise ValueError(f"Scheduler: {len(forms)} schedules for {len(start)} groups")
        self.optimizer, self.momentum, self.count = optimizer, momentum, 0
        self.schedules = [each(rate) for each, rate in zip(forms, start, strict=True)]
        self.assign()

    def step(self, epoch: int | None = None) -> None:
        """Go on by one, or to ``epoch``."""
        self.count = self.count + 1 if epoch is None else epoch
        self.assign()

    def assign(self) -> None:
        """Give the optimizer the numbers of now."""
        self.put(self.get_last_lr())
        if self.momentum is not None:
            self.optimizer.set("momentum", float(self.momentum(self.count)))

    def put(self, rates: Sequence[float]) -> None:
        """Set the rate of every group."""
        for at, rate in enumerate(rates):
            self.optimizer.set("lr", rate, group=at)

    def get_last_lr(self) -> list[float]:
        """The rate of each group."""
        return [float(schedule(self.count)) for schedule in self.schedules]

    def state_dict(self) -> dict[str, int]:
        """Its count, which is all that it keeps."""
        return {"count": self.count}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on at a count.

        Raises:
            KeyError: it is not the state of one of these.
        """
        self.count = state["count"]
        self.assign()
