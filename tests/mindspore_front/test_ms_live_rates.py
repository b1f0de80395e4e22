"""Rates against live ``mindspore.nn``: lists with any arguments, schedules at their edges and far behind them."""

from inspect import signature

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.kinds import distance
from mindspore_front.test_ms_live_drawn import between

LISTS = ("cosine_decay_lr", "exponential_decay_lr", "inverse_decay_lr", "natural_exp_decay_lr", "piecewise_constant_lr",
         "polynomial_decay_lr", "warmup_lr")  # fmt: skip
USUAL = {
    "learning_rate": [0.1, 0.01, 1.0, 2.5, 1e-8],
    "min_lr": [0.0, 0.01, 1e-6],
    "max_lr": [0.1, 0.5, 1.0, 1e3],
    "end_learning_rate": [0.01, 1e-4, 1.0],
    "decay_rate": [0.9, 0.5, 1.0, 1.5, 1e-3],
    "power": [0.5, 1.0, 2.0, 0.1],
    "total_step": [1, 6, 13, 50],
    "step_per_epoch": [1, 2, 3, 60],
    "decay_epoch": [1, 2, 4, 100],
    "warmup_epoch": [0, 1, 2, 9],
    "is_stair": [True, False],
    "update_decay_epoch": [True, False],
    "milestone": [[2, 5, 10], [1], (2, 3, 4), [3, 2, 9]],
    "learning_rates": [[0.1, 0.05, 0.01], [0.1], (0.1, 0.2, 0.0), [0.1, 0.05]],
}
ODD = [0.0, 1.0, -0.1, 0, 1, 7, -1, True, None, "x", 1e30, float("nan"), float("inf"), np.float32(0.1), np.float64(0.1),
       np.int64(2), 1e-45, [1], (), [0.1, "x"], [[1, 2]]]  # fmt: skip


def answer(function, arguments):
    """What a function gives, or the kind of its error."""
    try:
        return [repr(float(value)) for value in function(**arguments)]
    except (TypeError, ValueError) as problem:
        return type(problem)


@pytest.mark.parametrize("name", LISTS)
def test_lists_and_their_refusals(mindspore, name):
    """At most one argument is odd, so that it does not matter which is checked first."""
    theirs, ours = getattr(mindspore.nn, name), getattr(nn, name)
    words = list(signature(theirs).parameters)
    assert words == list(signature(ours).parameters)

    @settings(max_examples=200)
    @given(st.fixed_dictionaries({w: st.sampled_from(USUAL[w]) for w in words}), st.sampled_from([None, *words]),
           st.sampled_from(ODD))  # fmt: skip
    def follow(arguments, odd, value):
        if odd:
            arguments[odd] = value
        assert answer(ours, arguments) == answer(theirs, arguments)

    follow()


LENGTH = st.sampled_from([1, 2, 7, 1000, 10**6])
RATE = between(0.0001, 2.0)
STAIR = {
    "decay_rate": st.sampled_from([0.9, 0.5, 1.0, 1.5, 1e-3, 40.0]),
    "decay_steps": LENGTH,
    "is_stair": st.booleans(),
}
CELLS = {
    "CosineDecayLR": {"min_lr": between(0.0, 0.01), "max_lr": between(0.02, 5.0), "decay_steps": LENGTH},
    "ExponentialDecayLR": {"learning_rate": RATE, **STAIR},
    "InverseDecayLR": {"learning_rate": RATE, **STAIR},
    "NaturalExpDecayLR": {"learning_rate": RATE, **STAIR},
    "PolynomialDecayLR": {
        "learning_rate": RATE,
        "end_learning_rate": between(0.0, 0.5),
        "decay_steps": LENGTH,
        "power": st.sampled_from([0.5, 1.0, 2.0, 3.7]),
        "update_decay_steps": st.booleans(),
    },
    "WarmUpLR": {"learning_rate": RATE, "warmup_steps": LENGTH},
}


NEAR = {"decay_steps": st.integers(3, 9), "warmup_steps": st.integers(3, 9), "decay_rate": between(0.1, 1.5)}


@pytest.mark.parametrize("name", CELLS)
def test_schedules_inside_others_are_asked_for_any_number(mindspore, torch, name):
    """Below 0 and between steps: ``decay(global_step - warmup)`` and ``decay(global_step / steps_per_epoch)``."""
    real, mine = kinds.mindspore_kind(mindspore), kinds.calando_kind()
    steps = np.array([-2.5, -1.0, 0.0, 0.25, 2.0, 2.5, 4.75, 9.5], "f4")

    @settings(max_examples=12)
    @given(st.fixed_dictionaries({w: NEAR.get(w, way) for w, way in CELLS[name].items()}))
    def follow(options):
        theirs, ours = getattr(mindspore.nn, name)(**options), getattr(nn, name)(**options)
        shown = np.array([float(theirs(real.tensor(step)).asnumpy()) for step in steps])
        assert distance(ours(mine.tensor(steps)).asnumpy(), shown) <= 2e-5

    follow()


@pytest.mark.parametrize("name", CELLS)
def test_schedules_at_their_edges(mindspore, torch, name):
    """0, around one, two and three lengths, and far behind, below 2²⁴: 2e-5 of the largest."""
    real, mine = kinds.mindspore_kind(mindspore), kinds.calando_kind()

    @settings(max_examples=12)
    @given(st.fixed_dictionaries(CELLS[name]), st.lists(st.integers(0, 10**6), min_size=2, max_size=2))
    def follow(options, more):
        length = options.get("decay_steps", options.get("warmup_steps"))
        edges = {k * length + d for k in (1, 2, 3) for d in (-1, 0, 1)} | {0, 1, 123457, *more}
        theirs, ours = getattr(mindspore.nn, name)(**options), getattr(nn, name)(**options)
        steps = sorted(step for step in edges if 0 <= step < 2**24)
        shown = np.array([float(theirs(real.tensor(np.array(step, "i4"))).asnumpy()) for step in steps])
        found = np.array([float(np.asarray(ours(mine.tensor(np.array(step, "i4"))).asnumpy())) for step in steps])
        finite = np.isfinite(shown)  # a rate above 1 to the power of many steps
        note(steps)
        np.testing.assert_array_equal(np.isfinite(found), finite)
        assert distance(found[finite], shown[finite]) <= 2e-5

    follow()
