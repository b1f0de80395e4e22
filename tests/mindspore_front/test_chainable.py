"""Schedulers that make each rate from the last: the rates of live torch's classes, in every bit."""

import numpy as np
import pytest

from calando.mindspore import chainable, nn

# How schedulers are made of a module of classes and an optimizer.
MADE = {
    "StepLR": lambda m, o: [m.StepLR(o, 3, gamma=0.3)],
    "MultiStepLR, twice at one epoch": lambda m, o: [m.MultiStepLR(o, [2, 5, 5, 9])],
    "ConstantLR": lambda m, o: [m.ConstantLR(o, 0.3, total_iters=4)],
    "LinearLR": lambda m, o: [m.LinearLR(o, 0.1, 0.7, total_iters=5)],
    "ExponentialLR": lambda m, o: [m.ExponentialLR(o, 0.83)],
    "PolynomialLR": lambda m, o: [m.PolynomialLR(o, total_iters=7, power=1.7)],
    "CosineAnnealingLR, up again": lambda m, o: [m.CosineAnnealingLR(o, 5, eta_min=0.003)],
    "MultiplicativeLR": lambda m, o: [m.MultiplicativeLR(o, [lambda k: 0.9, lambda k: 1 - k / 50])],
    "two at once": lambda m, o: [m.LinearLR(o, 0.01, total_iters=4), m.StepLR(o, 5)],
    "three at once": lambda m, o: [m.CosineAnnealingLR(o, 9), m.ConstantLR(o), m.MultiplicativeLR(o, lambda k: 0.95)],
    "SequentialLR": lambda m, o: [
        m.SequentialLR(o, [m.LinearLR(o, 0.2, total_iters=3), m.CosineAnnealingLR(o, 8), m.StepLR(o, 2)], [3, 11])
    ],
    "SequentialLR with restarts": lambda m, o: [
        m.SequentialLR(o, [m.ConstantLR(o, 0.1, 9), m.CosineAnnealingWarmRestarts(o, 4)], [5])
    ],
    "ChainedScheduler": lambda m, o: [m.ChainedScheduler([m.LinearLR(o, 0.5), m.ExponentialLR(o, 0.9)])],
    "SWALR beside a cosine": lambda m, o: [m.SWALR(o, [0.02, 0.04], anneal_epochs=5), m.CosineAnnealingLR(o, 20)],
    "SWALR, linear": lambda m, o: [m.SWALR(o, 0.05, anneal_epochs=4, anneal_strategy="linear")],
    "SWALR at once": lambda m, o: [m.SWALR(o, 0.05, anneal_epochs=0)],
}  # fmt: skip


class Torch:
    """The classes of torch's schedulers."""

    def __init__(self, torch):
        self.torch = torch

    def __getattr__(self, name):
        return getattr(self.torch.optim.swa_utils if name == "SWALR" else self.torch.optim.lr_scheduler, name)


def theirs(torch):
    """Two groups, one of them with a rate of its own."""
    params = [torch.zeros(2, requires_grad=True) for _ in range(2)]
    return torch.optim.SGD([{"params": [params[0]], "lr": 0.3}, {"params": [params[1]]}], lr=0.1)


def ours():
    params = [np.zeros(2, np.float32) for _ in range(2)]
    return nn.SGD([{"params": [params[0]], "lr": 0.3}, {"params": [params[1]]}], 0.1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MADE)
def test_rates_are_those_of_torch(name, torch):
    other, mine = theirs(torch), ours()
    pairs = list(zip(MADE[name](Torch(torch), other), MADE[name](chainable, mine), strict=True))
    for epoch in range(16):
        assert [row["lr"] for row in mine.current()] == [group["lr"] for group in other.param_groups], epoch
        shown = chainable.groups(mine)
        assert [group["initial_lr"] for group in shown] == [group["initial_lr"] for group in other.param_groups]
        if epoch % 4 == 3:  # a hand of the script's own between
            other.param_groups[0]["lr"] *= 0.5
            shown[0]["lr"] *= 0.5
        for its, own in pairs:
            its.step()
            own.step()
            assert own.get_last_lr() == its.get_last_lr()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", [name for name in MADE if not name.startswith(("Seq", "Chain", "two", "three", "SWALR b"))]
)
def test_rates_at_an_epoch_that_is_told_are_those_of_torch(name, torch):
    """By the closed form where there is one, also between two epochs."""
    other, mine = theirs(torch), ours()
    (its,), (own,) = MADE[name](Torch(torch), other), MADE[name](chainable, mine)
    for epoch in (1, 1.5, 4, 5, 5.5, 9, 2, 12):
        its.step(epoch)
        own.step(epoch)
        assert [row["lr"] for row in mine.current()] == [group["lr"] for group in other.param_groups], epoch


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MADE)
def test_a_state_goes_on(name):
    whole, resumed = ours(), ours()
    first, second = MADE[name](chainable, whole), MADE[name](chainable, resumed)
    for _ in range(6):
        for each in first:
            each.step()
    for at, row in enumerate(whole.current()):
        resumed.set("lr", row["lr"], group=at)
    for one, other in zip(first, second, strict=True):
        other.load_state_dict(one.state_dict())
    for _ in range(6):
        for each in (*first, *second):
            each.step()
        assert [row["lr"] for row in resumed.current()] == [row["lr"] for row in whole.current()]


def test_what_cannot_be_is_said():
    mine = ours()
    for made, told in (
        (lambda: chainable.ConstantLR(mine, 1.5), "factor must be from 0 and up to 1, but got 1.5"),
        (lambda: chainable.LinearLR(mine, 0.0), "start_factor must be above 0"),
        (lambda: chainable.SWALR(mine, [0.1]), "1 rates for 2 groups"),
        (lambda: chainable.SWALR(mine, 0.1, anneal_strategy="step"), "must be cos or linear"),
        (lambda: chainable.SequentialLR(mine, [chainable.StepLR(mine, 2)], [3]), "1 milestones for 1 schedulers"),
        (lambda: chainable.ChainedScheduler([]), "no schedulers"),
        (lambda: chainable.SWALR(mine, 0.1, anneal_epochs=-1), "a whole number from 0 on"),
    ):
        with pytest.raises(ValueError, match=told):
            made()
