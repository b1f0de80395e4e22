"""Sparse gradients: the rows that they have, and nothing else, in kernels and in expressions."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.decay import DECOUPLED, L2
from calando.engine import Engine, NonFiniteGradient
from calando.groups import Group
from calando.rules import RULES
from calando.rules.adam import ADAM_EPSILON_HAT
from calando.rules.sgd import SGD
from twins import Case, Twin, make, noise, usual

ROWED = ["adam_epsilon_hat", "adagrad", "sgd", "ftrl", "ftrl_power", "proximal_adagrad", "rmsprop"]


def sparse(indices, values):
    return SimpleNamespace(indices=np.asarray(indices), values=np.asarray(values))


def engine_of(params, rule, decay, hyper, sparse="rows", **options):
    engine = make([Case(params, rule, decay, hyper, **options)])
    group = engine.groups[0]
    engine.regroup(0, Group(group.params, group.names, rule, decay, group.maximize, group.centralize, sparse=sparse))
    return engine


@pytest.mark.parametrize("name", ROWED)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("centralize", [False, True])
@given(seed=st.integers(0, 99), missing=st.booleans())
def test_rows_are_played_as_a_parameter_of_their_own(name, dtype, centralize, seed, missing):
    """The twin: the touched rows as one small dense parameter with the slots of these rows, all others as they were."""
    rng, rule = np.random.default_rng(seed), RULES[name]
    shapes = [(9, 3, 2), (6,), (4, 5)]
    start = [noise(rng, s, dtype) for s in shapes]
    hyper = usual(rule, max_norm=2.0, loss_scale=4.0)
    engine = engine_of([p.copy() for p in start], rule, L2, hyper, centralize=centralize)
    for step in range(3):
        picks = [np.sort(rng.choice(s[0], rng.integers(0, s[0] + 1), replace=False)) for s in shapes]
        grads = [noise(rng, (len(k), *s[1:]), dtype) for k, s in zip(picks, shapes, strict=True)]
        given = [sparse(k, g) for k, g in zip(picks, grads, strict=True)]
        given[2] = noise(rng, shapes[2], dtype)  # one stays dense
        picks[2], grads[2] = np.arange(4), given[2]
        absent = 1 if missing and step == 1 else None
        members = engine.members[0]
        before = [
            {"p": m.param.copy(), **{s: m.slots[s].copy() if m.slots else np.zeros_like(m.param) for s in rule.slots}}
            for m in members
        ]
        twin = Twin([Case([b["p"][k] for b, k in zip(before, picks, strict=True)], rule, L2, hyper, False, centralize)])
        engine.settle()
        twin.ages[0] = [m.age for m in members]
        twin.slots[0] = [{s: b[s][k] for s in rule.slots} for b, k in zip(before, picks, strict=True)]
        now = [None if i == absent else g for i, g in enumerate(given)]
        engine.step([now])
        twin.step([[None if i == absent else g for i, g in enumerate(grads)]])
        for i, (m, b, k) in enumerate(zip(members, before, picks, strict=True)):
            expected = b
            if i != absent:
                expected["p"][k] = twin.params[0][i]
                for slot in rule.slots:
                    expected[slot][k] = twin.slots[0][i][slot]
            np.testing.assert_array_equal(m.param, expected["p"])
            for slot in rule.slots if m.slots else ():
                np.testing.assert_array_equal(m.slots[slot], expected[slot])


def test_a_row_that_comes_twice_is_summed():
    engine = engine_of([np.zeros((3, 2))], SGD, L2, usual(SGD, lr=1.0, weight_decay=0.0))
    engine.step([[sparse([2, 0, 2], [[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]])]])
    assert engine.members[0][0].param.tolist() == [[-3.0, -4.0], [0.0, 0.0], [-11.0, -22.0]]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_whole_means_zeros_elsewhere(dtype):
    rng = np.random.default_rng(0)
    start, hyper = noise(rng, (5, 3), dtype), usual(ADAM_EPSILON_HAT)
    one = engine_of([start.copy()], ADAM_EPSILON_HAT, DECOUPLED, hyper, "whole")
    two = engine_of([start.copy()], ADAM_EPSILON_HAT, DECOUPLED, hyper, "refuse")
    for _ in range(3):
        rows = noise(rng, (2, 3), dtype)
        dense = np.zeros((5, 3), dtype)
        dense[[1, 4]] = rows
        one.step([[sparse([1, 4], rows)]]), two.step([[dense]])
        np.testing.assert_array_equal(one.members[0][0].param, two.members[0][0].param)


@pytest.mark.parametrize(
    "gradient, error, told",
    [
        (sparse([3], np.ones((1, 2))), ValueError, "has rows 3 to 3; there are 3"),
        (sparse([-1], np.ones((1, 2))), ValueError, "has rows -1 to -1; there are 3"),
        (sparse([0], np.ones((1, 3))), ValueError, r"has indices \(1,\) and values \(1, 3\), which are no rows of"),
        (sparse([[0]], np.ones((1, 2))), ValueError, "which are no rows of"),
        (sparse([0], np.ones((1, 2), "f4")), TypeError, "is of dtype float32; the parameter is float64"),
    ],
)
def test_refusals_change_nothing(gradient, error, told):
    engine = engine_of([np.ones((3, 2))], SGD, L2, usual(SGD))
    with pytest.raises(error, match=told):
        engine.step([[gradient]])
    assert engine.members[0][0].param.tolist() == [[1.0, 1.0]] * 3 and engine.clocks == [0]


def test_a_rule_without_rows_refuses_with_a_way_out():
    engine = engine_of([np.ones((3, 2))], SGD, L2, usual(SGD), "refuse")
    with pytest.raises(RuntimeError, match="gradient of parameter 'p0' of group 0 is sparse, which this"):
        engine.step([[sparse([0], np.ones((1, 2)))]])


def test_policies_see_the_rows():
    engine = engine_of([np.ones((3, 2))], SGD, L2, usual(SGD))
    engine.on_nonfinite = "raise"
    with pytest.raises(NonFiniteGradient):
        engine.step([[sparse([0], [[np.inf, 0.0]])]])
    engine.on_nonfinite = "skip"
    assert not engine.step([[sparse([0], [[np.nan, 0.0]])]])
    assert isinstance(engine, Engine) and engine.clocks == [0]
