"""Schedulers that are stepped, on calando's optimizers in MindSpore's manners: against live torch, rate by rate."""

import math
import warnings

import numpy as np
import pytest

from calando import schedules
from calando.mindspore import lr_scheduler, nn, torch_optim

RATES = [0.2, 0.05]


def ours(rates=RATES):
    groups = [{"params": [np.zeros(2, np.float32)], "lr": rate} for rate in rates]
    return nn.SGD(groups, learning_rate=0.1, momentum=0.5)


def theirs(torch, rates=RATES):
    groups = [{"params": [torch.zeros(2, requires_grad=True)], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.5)


def walk(optimizer, scheduler, moves, rates):
    """The rates at the beginning and after each step."""
    found = [rates(optimizer)]
    for move in moves:
        scheduler.step(*move)
        found.append(rates(optimizer))
        assert scheduler.get_last_lr() == pytest.approx(found[-1], rel=1e-15)
    return found


def both(torch, make, moves):
    one, other = ours(), theirs(torch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        its = walk(other, make(torch.optim.lr_scheduler, other), moves, lambda o: [g["lr"] for g in o.param_groups])
    mine = walk(one, make(lr_scheduler, one), moves, lambda o: [g["lr"] for g in o.current()])
    np.testing.assert_allclose(mine, its, rtol=1e-15, atol=0)


MOVES = {
    "whole steps": [()] * 9,
    "fractions of an epoch": [(epoch + i / 4,) for epoch in range(5) for i in range(4)],
    "mixed, and back": [(), (2.5,), (), (0.25,), (), (7,), ()],
}


@pytest.mark.parametrize("moves", MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("first, growth", [(2, 1), (2, 2), (3, 3), (1, 1)])
def test_warm_restarts(moves, first, growth, torch):
    both(torch, lambda home, o: home.CosineAnnealingWarmRestarts(o, first, growth, 0.003), moves)


@pytest.mark.parametrize("alike", [True, False])
def test_lambdas(alike, torch):
    factor = lambda step: 1 / (1 + step)  # noqa: E731
    functions = factor if alike else [factor, lambda step: 0.9**step]
    both(torch, lambda home, o: home.LambdaLR(o, functions), [()] * 5)


def warmup(home):
    """A scheduler as people write them, on either base."""

    class Warmup(home.LRScheduler):
        def __init__(self, optimizer, steps, last_epoch=-1):
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if not self._get_lr_called_within_step:
                raise RuntimeError
            if self.last_epoch < self.steps:
                return [base * (self.last_epoch + 1) / self.steps for base in self.base_lrs]
            return [group["lr"] * math.cos(0.1 * self._step_count) for group in self.optimizer.param_groups]

    return Warmup


def test_a_class_of_ones_own(torch):
    both(torch, lambda home, o: warmup(home)(o, 3), [()] * 8)


def closed(home):
    """A scheduler with a closed form, which ``step(epoch)`` asks for."""

    class Closed(home.LRScheduler):
        def get_lr(self):
            return [group["lr"] * 0.5 for group in self.optimizer.param_groups]

        def _get_closed_form_lr(self):
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    return Closed


def test_a_closed_form_is_taken_where_the_epoch_is_told(torch):
    both(torch, lambda home, o: closed(home)(o), [(), (5,), (), (2,)])


def test_a_state_goes_on_where_it_was(torch):
    optimizer = ours()
    scheduler = warmup(lr_scheduler)(optimizer, 4)
    for _ in range(3):
        scheduler.step()
    state = scheduler.state_dict()
    assert "optimizer" not in state and state["last_epoch"] == 3
    again = warmup(lr_scheduler)(other := ours(), 4)
    again.load_state_dict(state)
    rates = scheduler.get_last_lr()
    for each, driven in ((scheduler, optimizer), (again, other)):
        for at, rate in enumerate(rates):
            driven.set("lr", rate, group=at)
        each.step()
    assert scheduler.get_last_lr() == again.get_last_lr() and scheduler.last_epoch == 4


def test_schedules_in_steps_of_their_own():
    optimizer = ours()
    stepped = lr_scheduler.Scheduler(optimizer, lambda rate: schedules.Exponential(rate, 0.5))
    stepped.step()
    stepped.step(3)
    assert [g["lr"] for g in optimizer.current()] == [rate / 8 for rate in RATES]
    again = lr_scheduler.Scheduler(ours(), lambda rate: schedules.Exponential(rate, 0.5))
    again.load_state_dict(stepped.state_dict())
    assert again.get_last_lr() == stepped.get_last_lr()
    moved = lr_scheduler.Scheduler(optimizer, [lambda rate: schedules.Constant(0.1)] * 2, schedules.Constant(0.25))
    moved.step()
    assert [(g["lr"], g["momentum"]) for g in optimizer.current()] == [(0.1, 0.25)] * 2


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), "1 functions for 2 groups"),
        (lambda o: lr_scheduler.Scheduler(o, [abs] * 3), "3 schedules for 2 groups"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), "T_0 must be a whole number from 1 on, but got 0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 1.5), "T_mult must be .* got 1.5"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2).step(-1), "epoch must be at least 0, but got -1"),
    ],
)
def test_what_cannot_be_is_said(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(ours())


def test_a_plateau_shows_and_stores_what_it_holds():
    optimizer = ours()
    plateau = torch_optim.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    for metric in (1.0, 2.0, 2.0):
        plateau.step(metric)
    assert plateau.get_last_lr() == [rate / 4 for rate in RATES] == [g["lr"] for g in optimizer.current()]
    again = torch_optim.ReduceLROnPlateau(ours(), patience=0, factor=0.5)
    again.load_state_dict(plateau.state_dict())
    assert (again.best, again.bad) == (1.0, plateau.bad)
