"""Schedules and torch's schedulers: the same path to 1e-12.

torch computes most of these by recursion, value from value, so the last digits differ.
"""

import numpy as np
import pytest

from calando.schedules import (
    Constant,
    Cosine,
    Exponential,
    Function,
    Linear,
    Piecewise,
    Polynomial,
)

LR = 0.3
STEPS = 60


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch to compare with")


def path(torch, make, steps=STEPS):
    """The learning rates that torch uses in the first steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def rate(step):
    return LR / (1 + step) ** 0.5


PAIRS = {
    "ConstantLR": (
        lambda all_, opt: all_.ConstantLR(opt, factor=0.25, total_iters=7),
        Constant(0.25 * LR, steps=7).then(LR),
    ),
    "LinearLR": (
        lambda all_, opt: all_.LinearLR(opt, start_factor=0.1, end_factor=0.7, total_iters=17),
        LR * Linear(0.1, 0.7, 17),
    ),
    "ExponentialLR": (lambda all_, opt: all_.ExponentialLR(opt, gamma=0.93), Exponential(LR, 0.93)),
    "StepLR": (
        lambda all_, opt: all_.StepLR(opt, step_size=7, gamma=0.3),
        Exponential(LR, 0.3, steps=7, staircase=True),
    ),
    "PolynomialLR": (
        lambda all_, opt: all_.PolynomialLR(opt, total_iters=40, power=1.7),
        Polynomial(LR, 0.0, 40, power=1.7),
    ),
    "MultiStepLR": (
        lambda all_, opt: all_.MultiStepLR(opt, milestones=[5, 20, 33], gamma=0.2),
        Piecewise([LR, 0.2 * LR, 0.04 * LR, 0.008 * LR], [5, 20, 33]),
    ),
    "LambdaLR": (lambda all_, opt: all_.LambdaLR(opt, lambda step: rate(step) / LR), Function(rate)),
    "WarmRestarts": (
        lambda all_, opt: all_.CosineAnnealingWarmRestarts(opt, T_0=13, eta_min=0.01),
        Cosine(LR, 0.01, 13).repeat(),
    ),
    "SequentialLR": (
        lambda all_, opt: all_.SequentialLR(
            opt,
            [all_.LinearLR(opt, 0.1, 1.0, total_iters=9), all_.CosineAnnealingLR(opt, 51)],
            milestones=[9],
        ),
        Linear(0.1 * LR, LR, 9).then(Cosine(LR, 0.0, 51)),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_same_path(torch, name):
    make, ours = PAIRS[name]
    np.testing.assert_allclose(ours(np.arange(STEPS)), path(torch, make), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("low", [0.0, 0.02])
def test_cosine_up_to_its_end(torch, low):
    theirs = path(torch, lambda all_, opt: all_.CosineAnnealingLR(opt, T_max=STEPS - 1, eta_min=low))
    np.testing.assert_allclose(Cosine(LR, low, STEPS - 1)(np.arange(STEPS)), theirs, rtol=1e-12, atol=1e-12)


def test_a_tensor_of_one_whole_number_is_a_step(torch):
    assert Linear(0.0, 1.0, 4)(torch.tensor(2)) == 0.5
    assert type(Linear(0.0, 1.0, 4)(torch.tensor(2))) is float


def test_a_list_may_be_a_tensor(torch):
    from calando.schedules import Listed

    assert Listed(torch.tensor([0.5, 0.25])) == Listed([0.5, 0.25])


def test_plain_data_survives_a_checkpoint_that_loads_no_code(torch, tmp_path):
    from calando.schedules import Schedule

    schedule = (0.5 * Linear(0.0, 0.1, 5).then(Cosine(0.1, 0.0, 95))).repeat(3)
    torch.save(schedule.to_dict(), tmp_path / "schedule.pt")
    assert Schedule.from_dict(torch.load(tmp_path / "schedule.pt", weights_only=True)) == schedule
