"""torch's schedulers, drawn by hypothesis, alone and in one another; and how they are compared."""

import math
import warnings

import numpy as np
import torch
from hypothesis import strategies as st
from torch.optim import lr_scheduler as room
from torch.optim.swa_utils import SWALR

from calando.schedules import *  # noqa: F403  (eval(repr(s)) needs all the words)
from calando.schedules import (
    from_torch,
)
from calando.schedules.from_torch import NoClosedForm

FAR = 10_000
RATES = (0.7, 0.3)
TOLERANCE = 1e-12  # of the largest base lr

shares = st.floats(0.001, 1, allow_subnormal=False)
lows = st.just(0.0) | st.floats(1e-4, 0.2)
lengths = st.integers(1, 20) | st.integers(1, 400) | st.integers(1, FAR)


def slow(epoch):
    return 1 - 0.5 / (epoch + 1) ** 2


def inverse(epoch):
    return 1 / (1 + epoch)


SCALES = (lambda x: 1 / (1 + x), lambda x: 0.5 + 0.5 * math.cos(x))
MAKE = {  # a strategy of functions from an optimizer to a scheduler
    "LambdaLR": st.sampled_from([(slow, slow), (inverse, lambda e: math.cos(e / 40))]).map(
        lambda f: lambda o: room.LambdaLR(o, list(f))
    ),
    "MultiplicativeLR": st.sampled_from([slow, lambda e: 0.999, lambda e: 1 + (e % 2) / 1e4]).map(
        lambda f: lambda o: room.MultiplicativeLR(o, f)
    ),
    "StepLR": st.builds(lambda n, g: lambda o: room.StepLR(o, n, g), lengths, shares),
    "MultiStepLR": st.builds(
        lambda m, g: lambda o: room.MultiStepLR(o, m, g), st.lists(st.integers(0, FAR), max_size=6), shares
    ),
    "ConstantLR": st.builds(lambda f, n: lambda o: room.ConstantLR(o, f, n), shares, lengths | st.just(0)),
    "LinearLR": st.builds(
        lambda a, b, n: lambda o: room.LinearLR(o, a, b, n), shares, shares | st.just(0.0), lengths | st.just(0)
    ),
    "ExponentialLR": st.builds(lambda g: lambda o: room.ExponentialLR(o, g), shares),
    "PolynomialLR": st.builds(lambda n, p: lambda o: room.PolynomialLR(o, n, p), lengths, st.floats(0.25, 4)),
    "CosineAnnealingLR": st.builds(lambda n, low: lambda o: room.CosineAnnealingLR(o, n, low), lengths, lows),
    "CosineAnnealingWarmRestarts": st.builds(
        lambda n, g, low: lambda o: room.CosineAnnealingWarmRestarts(o, n, g, low), lengths, st.integers(1, 4), lows
    ),
    "CyclicLR": st.builds(
        lambda a, b, up, down, mode, gamma: lambda o: room.CyclicLR(o, a, b, up, down, mode=mode, gamma=gamma),
        lows,
        shares,
        st.integers(10, 4000),  # torch's 2.0 ** cycle overflows after 1024 cycles
        st.none() | st.integers(1, 4000),
        st.sampled_from(["triangular", "triangular2", "exp_range"]),
        st.floats(0.99, 1),
    ),
    "CyclicLR of one's own": st.builds(
        lambda up, scale, mode: lambda o: room.CyclicLR(o, 0.01, 0.5, up, scale_fn=scale, scale_mode=mode),
        st.integers(1, 4000),
        st.sampled_from(SCALES),
        st.sampled_from(["cycle", "iterations"]),
    ),
    "OneCycleLR": st.builds(
        lambda top, total, rise, how, three, div: (
            lambda o: room.OneCycleLR(
                o,
                [top, top / 2],
                total,
                pct_start=rise if abs(rise * total - 1) > 1e-9 else rise / 2,
                anneal_strategy=how,
                three_phase=three,
                div_factor=div,
            )
        ),
        shares,
        st.just(FAR) | st.integers(2, FAR),
        st.floats(0.001, 0.999),
        st.sampled_from(["cos", "linear"]),
        st.booleans(),
        st.floats(1, 100),
    ),
    "SWALR": st.builds(
        lambda low, n, how: lambda o: SWALR(o, low, n, how),
        shares,
        lengths | st.just(0),
        st.sampled_from(["cos", "linear"]),
    ),
}
CODE = ("LambdaLR", "MultiplicativeLR", "CyclicLR of one's own")


def optimizer_of(rates=RATES):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, lr=1.0, momentum=0.9)


def walk(scheduler, steps, name="lr"):
    """What stands in the groups from now on: float64 (steps, groups); shorter where torch ends with an error."""
    groups = scheduler.optimizer.param_groups
    seen, ended = [[group[name] for group in groups]], ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no optimizer makes steps here
        for _ in range(steps - 1):
            try:
                scheduler.step()
            except ValueError as problem:
                ended = str(problem)
                seen.pop()  # the value past the end, by extrapolation
                break
            seen.append([group[name] for group in groups])
    assert not ended or "total steps" in ended
    return np.array(seen).reshape(-1, len(groups))


def each(found):
    return found if isinstance(found, list) else [found] * len(RATES)


def read(scheduler, horizon):
    """The schedule, with a formula or played out, and why it has none."""
    try:
        return from_torch(scheduler), ""
    except NoClosedForm as problem:
        return from_torch(scheduler, horizon=horizon), str(problem)


def same(schedules, seen, first=0, scale=RATES[0]):
    for i, schedule in enumerate(each(schedules)):
        steps = np.arange(first, first + len(seen))
        np.testing.assert_allclose(schedule(steps), seen[:, i], rtol=0, atol=TOLERANCE * scale, err_msg=repr(schedule))


# Schedulers made of schedulers.

PARTS = ["LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR"]
PARTS += ["PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "SWALR"]
LATER = {  # in a sequence torch begins these by a closed form that divides by their length
    "ConstantLR": st.builds(lambda f, n: lambda o: room.ConstantLR(o, f, n), shares, st.integers(1, 40)),
    "LinearLR": st.builds(lambda a, n: lambda o: room.LinearLR(o, a, 1.0, n), shares, st.integers(1, 40)),
    "PolynomialLR": st.builds(
        lambda n, p: lambda o: room.PolynomialLR(o, n, p), st.integers(1, 40), st.floats(0.25, 4)
    ),
    "CosineAnnealingLR": st.builds(
        lambda n, low: lambda o: room.CosineAnnealingLR(o, n, low), st.integers(1, 40), lows
    ),
}


def part(kind):
    return LATER.get(kind, MAKE[kind])


def linked(data, optimizer, kinds):
    """The same schedulers one after the other, in chains within chains."""
    parts = [data.draw(part(kind))(optimizer) for kind in kinds]
    while len(parts) > 1 and data.draw(st.booleans()):
        first = data.draw(st.integers(0, len(parts) - 1))
        last = data.draw(st.integers(first + 1, len(parts)))
        parts[first:last] = [room.ChainedScheduler(parts[first:last])]
    return room.ChainedScheduler(parts)
