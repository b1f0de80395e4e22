"""PyTorch's schedulers that make each rate from the one before it, on optimizers in MindSpore's manners.

A schedule inside the optimizer needs no steps; these are for optimizers whose rate several hands move: two schedulers
at once, or a scheduler beside numbers that the training loop writes. Each has the arguments, the formula and the order
of operations of the class of its name in ``torch.optim.lr_scheduler`` (of PyTorch 2.13), so the rates are equal in
every bit.

Differences: they do not warn of steps in the wrong order.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..hyper import shown
from .lr_scheduler import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .lr_scheduler import Driven, LRScheduler
from .lr_scheduler import LambdaLR as LambdaLR


class Chainable(LRScheduler):
    """A scheduler that knows the next rate of a group from its last."""

    def get_lr(self) -> list[float]:
        """The rate of each group at ``last_epoch``, from those of now."""
        return [self.next_rate(group["lr"], base) for group, base in self._groups()]

    def _groups(self) -> list[tuple[dict[str, Any], float]]:
        return list(zip(self.optimizer.param_groups, self.base_lrs, strict=True))

    def next_rate(self, lr: float, base: float) -> float:
        """The rate of a group at ``last_epoch``.

        Args:
            lr: its rate of now.
            base: the rate it began with.
        """
        raise NotImplementedError(f"{type(self).__name__} has no next_rate()")

    def rate(self, base: float) -> float:
        """The rate of a group at ``last_epoch``, from the one it began with alone."""
        raise NotImplementedError(f"{type(self).__name__} has no rate()")

    def _get_closed_form_lr(self) -> list[float]:
        return [self.rate(base) for base in self.base_lrs]


class MultiplicativeLR(LambdaLR):
    """Each rate is the last times ``lr_lambda(epoch)``, as ``torch.optim.lr_scheduler.MultiplicativeLR``."""

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        pairs = zip(self.optimizer.param_groups, self.lr_lambdas, strict=True)
        return [group["lr"] * (1.0 if self._is_initial else factor(self.last_epoch)) for group, factor in pairs]


class StepLR(Chainable):
    """The rate times ``gamma`` every ``step_size`` epochs, as ``torch.optim.lr_scheduler.StepLR``."""

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        return lr if self.last_epoch == 0 or self.last_epoch % self.step_size else lr * self.gamma

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(Chainable):
    """The rate times ``gamma`` at each of ``milestones``, as ``torch.optim.lr_scheduler.MultiStepLR``."""

    def __init__(self, optimizer: Any, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        times = self.milestones.get(self.last_epoch)
        return lr * self.gamma**times if times else lr

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(Chainable):
    """The rate times ``factor`` for ``total_iters`` epochs, as ``torch.optim.lr_scheduler.ConstantLR``.

    Raises:
        ValueError: ``factor`` lies outside [0, 1].
    """

    def __init__(self, optimizer: Any, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        between("ConstantLR", "factor", factor)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        if self.last_epoch == 0:
            return lr * self.factor
        return lr * (1.0 / self.factor) if self.last_epoch == self.total_iters else lr

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        return base * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor))


class LinearLR(Chainable):
    """From ``start_factor`` to ``end_factor`` of the rate, as ``torch.optim.lr_scheduler.LinearLR``.

    Raises:
        ValueError: ``start_factor`` lies outside (0, 1], or ``end_factor`` outside [0, 1].
    """

    def __init__(
        self, optimizer: Any, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        between("LinearLR", "start_factor", start_factor, positive=True)
        between("LinearLR", "end_factor", end_factor)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        if self.last_epoch == 0:
            return lr * self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        rise = self.end_factor - self.start_factor
        return base * (self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters)


class ExponentialLR(Chainable):
    """The rate times ``gamma`` every epoch, as ``torch.optim.lr_scheduler.ExponentialLR``."""

    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        return lr if self._is_initial else lr * self.gamma

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        return base * self.gamma**self.last_epoch


class PolynomialLR(Chainable):
    """To zero over ``total_iters`` epochs by a power, as ``torch.optim.lr_scheduler.PolynomialLR``."""

    def __init__(self, optimizer: Any, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        left, before = (1.0 - epoch / self.total_iters for epoch in (self.last_epoch, self.last_epoch - 1))
        return lr * (left / before) ** self.power

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        return base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power


class CosineAnnealingLR(Chainable):
    """A cosine down to ``eta_min`` and up again, as ``torch.optim.lr_scheduler.CosineAnnealingLR``."""

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def next_rate(self, lr: float, base: float) -> float:
        """See ``Chainable``."""
        if self._is_initial:
            return lr
        if self._step_count == 1 and self.last_epoch > 0:
            return self.eta_min + (base - self.eta_min) * (1 + math.cos(self.last_epoch * math.pi / self.T_max)) / 2
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
        now, before = (1 + math.cos(math.pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1))
        return now / before * (lr - self.eta_min) + self.eta_min

    def rate(self, base: float) -> float:
        """See ``Chainable``."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2


class SWALR(LRScheduler):
    """To ``swa_lr`` over ``anneal_epochs`` epochs, as ``torch.optim.swa_utils.SWALR``.

    Args:
        optimizer, last_epoch: as for ``LRScheduler``.
        swa_lr: the rate that is kept at the end; one for all groups, or one for each.
        anneal_epochs: how long it takes, a whole number from 0 on.
        anneal_strategy: ``"cos"`` or ``"linear"``.

    Raises:
        ValueError: another strategy, no whole number of epochs, or other than one rate per group.
    """

    def __init__(
        self, optimizer: Any, swa_lr: float | Sequence[float], anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be cos or linear, but got {shown(anneal_strategy)}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must be a whole number from 0 on, but got {shown(anneal_epochs)}")
        count = len(optimizer.current())
        self.swa_lrs = list(swa_lr) if isinstance(swa_lr, Sequence) else [swa_lr] * count
        if len(self.swa_lrs) != count:
            raise ValueError(f"SWALR: {len(self.swa_lrs)} rates for {count} groups")
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates of now, between those before and ``swa_lr``."""
        step = self._step_count - 1
        step = max(1, step) if self.anneal_epochs == 0 else step
        before, now = self._share(step - 1), self._share(step)
        found = []
        for group, swa_lr in zip(self.optimizer.param_groups, self.swa_lrs, strict=True):
            start = swa_lr if before == 1 else (group["lr"] - before * swa_lr) / (1 - before)
            found.append(swa_lr * now + start * (1 - now))
        return found

    def _share(self, step: int) -> float:
        """How much of the rate is ``swa_lr`` after so many steps."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2


class SequentialLR:
    """Schedulers one after the other, as ``torch.optim.lr_scheduler.SequentialLR``.

    Args:
        optimizer: what all of them drive.
        schedulers: objects of this module.
        milestones: the epochs from which on the second and the next ones are stepped.
        last_epoch: how many steps were made already; -1: none.

    Raises:
        ValueError: there is not one milestone fewer than there are schedulers.
    """

    def __init__(
        self, optimizer: Any, schedulers: Sequence[Any], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if not schedulers or len(milestones) != len(schedulers) - 1:
            raise ValueError(f"SequentialLR: {len(milestones)} milestones for {len(schedulers)} schedulers")
        self.optimizer, self._schedulers, self._milestones = Driven(optimizer), list(schedulers), list(milestones)
        self.last_epoch = last_epoch + 1
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for each in unfolded(self._schedulers):
            each.last_epoch -= 1
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Go on by one."""
        self.last_epoch += 1
        at = bisect_right(self._milestones, self.last_epoch)
        now = self._schedulers[at]
        if at > 0 and self._milestones[at - 1] == self.last_epoch:
            now._update_lr(0)
        else:
            now.step()
        self._last_lr = now.get_last_lr()

    def get_last_lr(self) -> list[float]:
        """The rate of each group, as the last step set it."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Its count, and the states of its schedulers."""
        return {"last_epoch": self.last_epoch, "_last_lr": self._last_lr, "_schedulers": states(self._schedulers)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was asked for; the optimizer's rates are its own matter."""
        self.last_epoch, self._last_lr = state["last_epoch"], state["_last_lr"]
        for each, held in zip(self._schedulers, state["_schedulers"], strict=True):
            each.load_state_dict(held)


class ChainedScheduler:
    """Schedulers that are stepped at once, as ``torch.optim.lr_scheduler.ChainedScheduler``.

    Args:
        schedulers: objects of this module on one optimizer.
        optimizer: that optimizer; it is not needed.

    Raises:
        ValueError: there are none.
    """

    def __init__(self, schedulers: Sequence[Any], optimizer: Any = None) -> None:
        if not schedulers:
            raise ValueError("ChainedScheduler: no schedulers")
        self._schedulers = list(schedulers)

    def step(self) -> None:
        """Go on by one."""
        for each in self._schedulers:
            each.step()

    def get_last_lr(self) -> list[float]:
        """The rate of each group, as the last step set it."""
        found: list[float] = self._schedulers[-1].get_last_lr()
        return found

    def state_dict(self) -> dict[str, Any]:
        """The states of its schedulers."""
        return {"_schedulers": states(self._schedulers)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was asked for; the optimizer's rates are its own matter."""
        for each, held in zip(self._schedulers, state["_schedulers"], strict=True):
            each.load_state_dict(held)


def groups(optimizer: Any) -> list[Any]:
    """An optimizer's groups in PyTorch's words, ``initial_lr`` among them; a number written into one is set."""
    found: list[Any] = list(Driven(optimizer).param_groups)
    return found


def states(schedulers: Iterable[Any]) -> list[dict[str, Any]]:
    return [each.state_dict() for each in schedulers]


def unfolded(schedulers: Iterable[Any]) -> list[Any]:
    """Schedulers, and those that they are made of in place of them."""
    return [
        one for each in schedulers for one in (unfolded(each._schedulers) if hasattr(each, "_schedulers") else [each])
    ]


def between(owner: str, name: str, value: float, positive: bool = False) -> None:
    """Raise ValueError for a factor that lies outside [0, 1], or is 0 where it must be positive."""
    if not 0 <= value <= 1 or (positive and value == 0):
        raise ValueError(
            f"{owner}: {name} must be {'above' if positive else 'from'} 0 and up to 1, but got {shown(value)}"
        )
