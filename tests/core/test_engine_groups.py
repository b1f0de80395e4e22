"""Groups: who plays, who joins later, who changes the rule; each keeps what is its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.decay import DECOUPLED, L2
from calando.distinct import distinct
from calando.engine import Engine
from calando.groups import Group, refuse_doubles
from calando.hyper import Hyper
from calando.plan import TURN
from calando.rule import Rule
from calando.rules.adam import ADAM, AMSGRAD, Scalars, corrected
from calando.rules.sgd import SGD, SGD_MOMENTUM
from calando.schedules import Linear
from twins import Case, Twin, assert_same, make, noise, usual


def cases():
    rng = np.random.default_rng(0)
    return [
        Case(
            [noise(rng, (6,), "f4"), noise(rng, (2, 3), "f4")],
            ADAM,
            L2,
            usual(ADAM, lr=Linear(0.1, 0.0, steps=30)),
        ),
        Case(
            [noise(rng, (), "f8")],
            SGD_MOMENTUM,
            DECOUPLED,
            usual(SGD_MOMENTUM, lr=lambda step: 0.1 / (1 + step)),
        ),
        Case([noise(rng, (7,), "f4")], ADAM, L2, usual(ADAM, beta1=Linear(0.0, 0.9, steps=30))),
    ]


def gradients(told, rng, playing):
    return [
        [None if rng.random() < 0.3 else noise(rng, p.shape, p.dtype.name) for p in told[n].params] for n in playing
    ]


@given(
    steps=st.lists(st.lists(st.sampled_from([0, 1, 2]), unique=True), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_any_groups_may_play_in_any_order(steps, seed):
    rng = np.random.default_rng(seed)
    engine, twin = make(cases()), Twin(cases())
    for playing in steps:
        given = gradients(cases(), rng, playing)
        engine.step(given, playing), twin.step(given, playing)
        assert_same(engine, twin)
    assert engine.clocks == [sum(n in playing for playing in steps) for n in range(3)]


def test_a_group_that_joins_later_has_its_own_clock_and_ages():
    rng = np.random.default_rng(1)
    engine, twin = make(cases()[:2]), Twin(cases()[:2])
    for _ in range(3):
        given = gradients(cases(), rng, [0, 1])
        engine.step(given), twin.step(given)
    late = make(cases()[2:])
    engine.extend(late.groups, late.hypers, clock=2)
    alone = Twin(cases()[2:])
    alone.clocks = [2]
    for _ in range(3):
        given = gradients(cases(), rng, [0, 1, 2])
        engine.step(given), twin.step(given[:2]), alone.step(given[2:])
    assert engine.clocks == [6, 6, 5]
    np.testing.assert_array_equal(engine.members[2][0].param, alone.params[0][0])
    assert_same_first(engine, twin)


def assert_same_first(engine, twin):
    """The groups that the twin knows."""
    for n, params in enumerate(twin.params):
        for member, theirs in zip(engine.members[n], params, strict=True):
            np.testing.assert_array_equal(member.param, theirs)


def test_arranging_anew_changes_nothing():
    rng = np.random.default_rng(2)
    engine, twin = make(cases()), Twin(cases())
    for _ in range(4):
        given = gradients(cases(), rng, range(3))
        engine.step(given), twin.step(given)
        engine.rearrange()
        assert_same(engine, twin)


def test_a_slot_has_the_shape_of_its_parameter_after_arranging_anew():
    engine = make([Case([np.ones(()), np.ones((1, 1)), np.ones(0)], ADAM, L2, usual(ADAM))])
    engine.step([[np.ones(()), np.ones((1, 1)), np.ones(0)]])
    engine.rearrange()
    for m in engine.members[0]:
        assert {name: slot.shape for name, slot in m.slots.items()} == dict.fromkeys(ADAM.slots, m.param.shape)


def test_amsgrad_may_begin_later_and_keeps_the_moments():
    told = Case([np.ones(5)], ADAM, L2, usual(ADAM))
    engine, twin = make([told]), Twin([told])
    rng = np.random.default_rng(3)
    for _ in range(2):
        given = [[rng.standard_normal(5)]]
        engine.step(given), twin.step(given)
    told.rule = AMSGRAD
    twin.slots[0][0]["v_max"] = np.zeros(5)
    engine.regroup(0, Group((engine.members[0][0].param,), ("p0",), AMSGRAD, L2))
    for _ in range(2):
        given = [[rng.standard_normal(5)]]
        engine.step(given), twin.step(given)
        assert_same(engine, twin)


def test_who_begins_to_have_slots_begins_at_age_one():
    """Plain descent has no memory: with momentum the first update is a first update, undampened."""
    told = usual(SGD_MOMENTUM, dampening=0.5, weight_decay=0.0, lr=1.0)
    group = Group((np.ones(2),), ("p0",), SGD, L2)
    hyper = Hyper("For 'Test', group 0", {**SGD_MOMENTUM.domain, "weight_decay": (0.0, 1.0)}, told)
    engine = Engine([group], [hyper])
    engine.step([[np.ones(2)]])
    engine.regroup(0, Group(group.params, ("p0",), SGD_MOMENTUM, L2))
    engine.step([[np.ones(2)]])
    assert group.params[0].tolist() == [-1.0, -1.0]  # 1 - 1 - 1: m = g, not (1 - 0.5) g


def other(p, g, u, a, b, gain1, keep2, gain2, eps):
    u = u + g * gain1
    return p - a * u, u


def test_a_rule_with_other_slots_may_follow(tmp_path, monkeypatch):
    """Adam keeps m and v; a rule that keeps u finds none and begins with zeros."""
    monkeypatch.setenv("CALANDO_CACHE_DIR", str(tmp_path))
    rule = Rule("other_slots", ("u",), ADAM.domain, corrected, other, "test")
    assert rule.scalar_names == Scalars._fields
    engine = make([Case([np.ones(4)], ADAM, L2, usual(ADAM, weight_decay=0.0))])
    engine.step([[np.ones(4)]])
    param = engine.members[0][0].param
    before = param.copy()
    engine.regroup(0, Group((param,), ("p0",), rule, L2))
    engine.step([[np.ones(4)]])
    # second update: a = lr / (1 - β₁²), u = (1 - β₁) g
    np.testing.assert_allclose(param, before - 0.01 / (1 - 0.9**2) * (1 - 0.9), rtol=1e-12)


def test_who_leaves_and_who_stays():
    rng = np.random.default_rng(4)
    a, b, c = np.ones(3), np.ones(4), np.ones(5)
    engine = make([Case([], ADAM, L2, usual(ADAM))], params=[[a, b]])
    for _ in range(2):
        engine.step([[rng.standard_normal(3), rng.standard_normal(4)]])
    kept = engine.members[0][1].slots["m"].copy()
    engine.exchange(0, Group((c, b), ("c", "b"), ADAM, L2))
    engine.settle()
    assert [(m.name, m.age) for m in engine.members[0]] == [("c", 0), ("p1", 2)]
    np.testing.assert_array_equal(engine.members[0][1].slots["m"], kept)
    engine.step([[rng.standard_normal(5), rng.standard_normal(4)]])
    engine.settle()
    assert [m.age for m in engine.members[0]] == [1, 3]


def test_new_slots_are_told_to_the_front_end_once():
    engine = make(cases()[:1])
    engine.step([[np.ones(6, "f4"), None]])
    assert [m.name for m in engine.newborn] == ["p0"]
    engine.newborn.clear()
    engine.step([[np.ones(6, "f4"), np.ones((2, 3), "f4")]])
    assert [m.name for m in engine.newborn] == ["p1"]
    engine.newborn.clear()
    engine.step([[np.ones(6, "f4"), np.ones((2, 3), "f4")]])
    assert engine.newborn == []


def test_bad_parameters_in_a_later_group_leave_the_engine_as_it_was():
    rng = np.random.default_rng(5)
    engine, twin = make(cases()), Twin(cases())
    bad = Group((np.ones(3, int),), ("bad",), SGD, L2)
    with pytest.raises(TypeError, match="parameter 'bad' of group 3 is of dtype int64"):
        engine.extend([bad], engine.hypers[:1])
    given = gradients(cases(), rng, range(3))
    engine.step(given), twin.step(given)
    assert_same(engine, twin)


@pytest.mark.parametrize(
    "groups, sentence",
    [
        ([[0, 1, 0]], "For 'Test': parameter 'w0' stands twice in group 0; give each parameter once"),
        (
            [[0, 1], [2, 1]],
            "For 'Test': parameter 'w1' stands in group 0 and in group 1; give each parameter once",
        ),
    ],
)
def test_a_parameter_that_stands_twice(groups, sentence):
    params = [np.ones(2) for _ in range(3)]
    with pytest.raises(ValueError) as caught:
        refuse_doubles("For 'Test'", [[params[i] for i in g] for g in groups], [[f"w{i}" for i in g] for g in groups])
    assert str(caught.value) == sentence


def test_equal_parameters_are_not_the_same_parameter():
    refuse_doubles("For 'Test'", [[np.ones(2), np.ones(2)], [np.ones(2)]], [["a", "b"], ["c"]])


@given(data=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from([0.0, 0.5, -1.0])), max_size=12))
def test_distinct_columns_are_as_numpy_finds_them(data):
    table = np.array(data, np.float64).reshape(-1, 3).T
    found, index = distinct(table)
    expected, inverse = np.unique(table, axis=1, return_inverse=True)
    assert found.tolist() == expected.tolist() and index.tolist() == inverse.ravel().tolist()


def test_among_very_many_everybody_is_watched_in_turn():
    rng = np.random.default_rng(0)
    engine = make([Case([noise(rng, (2,), "f4") for _ in range(600)], SGD, L2, usual(SGD))])
    (part,) = engine.parts
    turns = [part.watched() for _ in range(-(-600 // TURN))]
    assert [m for members, _ in turns for m in members] == part.members
    assert [layout for _, layouts in turns for layout in layouts] == part.layouts


def test_as_many_threads_share_the_chunks_as_there_are_now(monkeypatch):
    rng = np.random.default_rng(0)
    engine = make([Case([noise(rng, (300_000,), "f4")], SGD, L2, usual(SGD))])
    found = []
    for count in ("1", "2", "1"):
        monkeypatch.setenv("CALANDO_NUM_THREADS", count)
        engine.step([[noise(rng, (300_000,), "f4")]])
        found.append(len(engine.parts[0].ranges))
    assert found[0] == found[2] == 1 < found[1]
