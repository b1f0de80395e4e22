"""Schedules in every place where a number may stand, and what can be seen of them."""

import numpy as np
import pytest
import torch
from torch_pairs import MOVING, give, identical, ours, params, same, theirs, train

import calando.torch as ct
from calando.schedules import Constant, Cosine, Function, Linear, Listed, Piecewise, ScheduleEnd

STEPS = 12

CONSTANT = [  # a number in the ways it may be said
    lambda x: x,
    lambda x: [x] * STEPS,
    lambda x: (x,) * STEPS,
    lambda x: np.full(STEPS, x),
    lambda x: torch.full((STEPS,), x, dtype=torch.float64).tolist(),
    lambda x: (x for _ in range(STEPS)),
    lambda x: Constant(x),
    lambda x: Linear(x, x, steps=3),
    lambda x: Piecewise([x, x], [4]),
    lambda x: lambda step: x,
    lambda x: lambda step: np.float64(x),
    lambda x: lambda step: torch.tensor(x, dtype=torch.float64),
    lambda x: Function(lambda step: x),
    lambda x: np.float64(x),
    lambda x: torch.tensor(x, dtype=torch.float64),
    lambda x: Listed([x, x]).hold(),
]
PLACES = [
    ("SGD", "lr", 0.05, {"momentum": 0.9}),
    ("SGD", "momentum", 0.9, {"lr": 0.05}),
    ("SGD", "dampening", 0.25, {"lr": 0.05, "momentum": 0.9}),
    ("SGD", "weight_decay", 0.1, {"lr": 0.05}),
    ("SGD", "max_norm", 0.5, {"lr": 0.05}),
    ("Adam", "eps", 1e-3, {"lr": 0.05}),
    ("AdamW", "lr", 0.05, {}),
    ("AdamW", "beta1", 0.75, {"lr": 0.05}),
    ("AdamW", "beta2", 0.875, {"lr": 0.05}),
    ("AdamW", "weight_decay", 0.125, {"lr": 0.05}),
    ("AdamW", "max_norm", 0.5, {"lr": 0.05}),
]


def called(name, value):
    """The keyword for a hyperparameter that may be half of ``betas``."""
    alike = (
        (lambda x: torch.tensor(x, dtype=torch.float64)) if isinstance(value, torch.Tensor) else float
    )  # torch's rule
    if name == "beta1":
        return {"betas": (value, alike(0.99))}
    if name == "beta2":
        return {"betas": (alike(0.5), value)}
    return {name: value}


@pytest.mark.parametrize("say", CONSTANT, ids=range(len(CONSTANT)))
@pytest.mark.parametrize("name, key, value, others", PLACES, ids=lambda x: str(x))
def test_a_number_is_the_same_number_however_it_is_said(name, key, value, others, say):
    a = train(ours(name)(p := params(), **others, **called(key, value)), p, range(8))
    b = train(ours(name)(p := params(), **others, **called(key, say(value))), p, range(8))
    c = train(ours(name)([{"params": (p := params()), **called(key, say(value))}], **others), p, range(8))
    later = ours(name)(p := params(), **others, **called(key, value / 2))
    for parts in called(key, say(value)).items():
        later.set(*parts)
    d = train(later, p, range(8))
    for other in (b, c, d):
        identical(a, other)


@pytest.mark.parametrize("schedule", MOVING, ids=lambda s: s.describe())
@pytest.mark.parametrize("name, key, value, others", PLACES, ids=lambda x: str(x))
def test_a_list_a_schedule_a_function_and_the_hand_agree_exactly(name, key, value, others, schedule):
    if key in ("max_norm", "momentum"):  # a number 0 for the momentum means no buffer, a schedule keeps one
        schedule = schedule + 0.1
    values = [schedule(step) for step in range(STEPS)]
    found = []
    for given in (schedule, values, lambda step: values[step], np.array(values)):
        found.append(train(ours(name)(p := params(), **others, **called(key, given)), p, range(STEPS)))
    by_hand = ours(name)(p := params(), **others, **called(key, values[0]))
    assigned = ours(name)(q := params(), **others, **called(key, value))
    assigned.param_groups[0].update(called(key, schedule))
    outside = theirs(name)(r := params(), **others, **(called(key, values[0]) if key != "max_norm" else {}))
    for step in range(STEPS):
        by_hand.param_groups[0].update(called(key, values[step]))
        outside.param_groups[0].update(called(key, values[step]))
        train(by_hand, p, [step])
        train(assigned, q, [step])
        if key == "max_norm":
            give(r, 500 + step)
            torch.nn.utils.clip_grad_norm_(r, values[step])
            outside.step()
        else:
            train(outside, r, [step])
    for other in (*found[1:], p, q):
        identical(found[0], other)
    same(found[0], r)


def plain(group, names=("lr", "momentum", "dampening", "eps", "weight_decay", "max_norm")):
    """Whether a group holds plain numbers only, as pickle and JSON know them."""
    for name in names:
        if name in group:
            assert type(group[name]) is float or group[name] is None, (name, group[name])
    if "betas" in group:
        assert type(group["betas"]) is tuple and [type(b) for b in group["betas"]] == [float, float]
    assert type(group["step"]) is int


GIVEN = [
    0.1,
    1,
    np.float32(0.1),
    np.float64(0.1),
    np.int64(1),
    np.array(0.1),
    [0.1, 1, np.float64(0.3), 0.4],
    np.linspace(0.1, 0.4, 4, dtype=np.float32),
    lambda step: np.float32(0.1),
    lambda step: torch.tensor(0.1),
    lambda step: 1,
    Cosine(0.1, 0.0, 4),
]


@pytest.mark.parametrize("given", GIVEN, ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("place", ["default", "group", "set", "assigned"])
def test_groups_hold_plain_numbers_at_all_times(given, place):
    p = params()
    if place == "default":
        optimizer = ct.SGD(p, lr=given, momentum=given, dampening=given, weight_decay=given)
    elif place == "group":
        optimizer = ct.SGD([{"params": p, "lr": given, "momentum": given, "weight_decay": given}], lr=5)
    else:
        optimizer = ct.SGD(p, lr=5, momentum=1)
        for name in ("lr", "momentum", "weight_decay", "dampening"):
            if place == "set":
                optimizer.set(name, given)
            else:
                optimizer.param_groups[0][name] = given
        if place == "assigned":
            optimizer.current()
    plain(optimizer.param_groups[0])
    assert all(type(optimizer.defaults[k]) is float for k in ("lr", "momentum", "weight_decay", "dampening"))
    for step in range(4):
        plain(optimizer.param_groups[0])
        assert optimizer.param_groups[0]["lr"] == optimizer.trace("lr", [step])[0, 0] == optimizer.at(step)["lr"]
        train(optimizer, p, [step])
    plain(optimizer.param_groups[0])
    torch.save(optimizer.state_dict(), path := __import__("io").BytesIO())
    path.seek(0)
    torch.load(path, weights_only=True)


@pytest.mark.parametrize("value", [np.float64(0.1), np.float32(0.5), 1])
def test_a_number_of_another_type_written_over_an_equal_one_becomes_plain(value):
    """A NumPy scalar left in a group cannot be loaded with weights_only."""
    p = params()
    optimizer = ct.SGD(p, lr=float(value))
    optimizer.param_groups[0]["lr"] = value
    train(optimizer, p, [0])
    plain(optimizer.param_groups[0])


def test_true_is_no_number_where_1_stood_either():
    p = params()
    optimizer = ct.SGD(p, lr=1.0)
    optimizer.param_groups[0]["lr"] = True
    with pytest.raises(TypeError, match=r"'lr' must be a number, .* but got True"):
        train(optimizer, p, [0])
    optimizer.param_groups[0]["lr"] = 1.0
    train(optimizer, p, [0])


def test_an_array_assigned_into_a_group():
    p, value = params(), np.linspace(0.1, 0.4, 4)
    optimizer = ct.SGD(p, lr=0.5)
    optimizer.param_groups[0]["lr"] = value
    train(optimizer, p, range(2))
    assert optimizer.trace("lr", range(4), group=0).tolist() == value.tolist()


def test_betas_assigned_in_parts():
    p = params()
    optimizer = ct.AdamW(p, betas=(Linear(0.5, 0.9, 4), 0.99))
    train(optimizer, p, [0])
    optimizer.param_groups[0]["betas"] = (optimizer.param_groups[0]["betas"][0], Cosine(0.9, 0.8, 4))
    train(optimizer, p, [1])
    assert optimizer.at(2)["betas"] == (Linear(0.5, 0.9, 4)(2), Cosine(0.9, 0.8, 4)(2))
    optimizer.set("beta1", 0.25)
    assert optimizer.param_groups[0]["betas"] == (0.25, Cosine(0.9, 0.8, 4)(2))
    optimizer.set("betas", (0.5, [0.5] * 9))
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.5)


def test_the_past_stays_as_it_was():
    p = params()
    optimizer = ct.SGD([{"params": p[:2]}, {"params": p[2:], "lr": 0.25, "name": "head"}], lr=Linear(0.0, 1.0, 10))
    seen = []

    def note(count):
        for _ in range(count):
            seen.append([group["lr"] for group in optimizer.param_groups])
            train(optimizer, p, [0])

    note(3)
    optimizer.set("lr", 0.5, group="head")
    note(2)
    optimizer.param_groups[0]["lr"] = 0.125
    note(2)
    optimizer.set("lr", Cosine(1.0, 0.0, 20))
    note(3)
    optimizer.set("lr", lambda step: step / 100, group=-1)
    optimizer.set("lr", lambda step: step / 1000, group=-1)  # of the same step: the last one holds
    note(2)
    expected = [[step / 10, 0.25] for step in range(3)] + [[0.3, 0.5], [0.4, 0.5], [0.125, 0.5], [0.125, 0.5]]
    expected += [[Cosine(1.0, 0.0, 20)(s)] * 2 for s in (7, 8, 9)]
    expected += [[Cosine(1.0, 0.0, 20)(s), s / 1000] for s in (10, 11)]
    np.testing.assert_allclose(seen, expected, rtol=1e-15)
    assert optimizer.trace("lr", range(12)).tolist() == seen
    assert [[g["lr"] for g in optimizer.at(s)] for s in range(12)] == seen
    assert optimizer.at(20)[1]["lr"] == 0.02 and optimizer.at(20)[0]["lr"] == 0.0


def test_what_was_assigned_is_seen_at_once():
    p = params()
    optimizer = ct.SGD(p, lr=0.1)
    train(optimizer, p, range(2))
    optimizer.param_groups[0]["lr"] = 0.5
    assert optimizer.current()["lr"] == 0.5
    optimizer.param_groups[0]["lr"] = 0.25
    assert optimizer.at(2)["lr"] == 0.25
    optimizer.param_groups[0]["lr"] = 0.125
    assert optimizer.trace("lr", [1, 2, 3], group=0).tolist() == [0.1, 0.125, 0.125]
    optimizer.param_groups[0]["lr"] = 0.75
    assert "lr = 0.75" in repr(optimizer)


def test_trace_and_current_shapes():
    p = params()
    optimizer = ct.AdamW([{"params": p[:1]}, {"params": p[1:2], "lr": Linear(0, 1, 4)}, {"params": p[2:]}], lr=0.5)
    assert optimizer.trace("lr", range(5)).shape == (5, 3)
    assert optimizer.trace("lr", range(5)).dtype == np.float64
    assert optimizer.trace("lr", range(5), group=1).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert optimizer.trace("lr", []).shape == (0, 3)
    assert optimizer.trace("lr", [], group=0).shape == (0,)
    assert optimizer.trace("beta2", np.arange(3), group=2).tolist() == [0.999] * 3
    assert optimizer.trace("lr", (s for s in (4, 0)), group=1).tolist() == [1.0, 0.0]
    assert optimizer.trace("max_norm", [0]).shape == (1, 3)
    assert optimizer.trace("lr").shape == (0, 3)  # all steps that were made
    train(optimizer, p, range(2))
    assert optimizer.trace("lr").tolist() == [[0.5, 0.0, 0.5], [0.5, 0.25, 0.5]]
    optimizer.param_groups[1]["step"] = 0
    now = optimizer.current()
    assert len(now) == 3 and list(now[0]) == ["lr", "betas", "eps", "weight_decay", "max_norm"]
    assert now["betas"] == (0.9, 0.999) and now["max_norm"] is None
    with pytest.raises(KeyError, match=r"the groups differ in 'lr': \[0.5, 0.0, 0.5\]; ask for one group"):
        now["lr"]


def test_no_bound_looks_the_same_in_trace_and_at():
    """``max_norm=None`` is ``None`` in ``at``; a plot of 1.8e308 would be a wrong picture."""
    optimizer = ct.SGD(params(), lr=0.1)
    assert optimizer.at(0)["max_norm"] is None
    assert optimizer.trace("max_norm", [0])[0, 0] in (np.inf,) or np.isnan(optimizer.trace("max_norm", [0])[0, 0])


@pytest.mark.parametrize("groups", [1, 3, 100])
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_repr_fits_one_screen(groups, name):
    rate = Linear(0.0, 3e-4, steps=500).then(Cosine(3e-4, 0.0, steps=9_500))
    made = [
        {
            "params": [torch.nn.Parameter(torch.ones(2))],
            "lr": rate * (i + 1),
            "name": f"layer {i}",
            "max_norm": [1.0] * 99,
        }
        for i in range(groups)
    ]
    text = repr(ours(name)(made, lr=0.1, weight_decay=lambda step: 0.1))
    lines = text.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 120, text
    assert lines[0] == f"{name}: {groups} group{'s' * (groups > 1)}"
    assert "Linear" in text and "'layer 0'" in text and "99 values" in text
    assert "Parameter containing" not in text


def test_a_list_as_long_as_the_training_is_enough():
    p = params()
    optimizer = ct.SGD(p, lr=[0.1, 0.2, 0.3], momentum=Linear(0.0, 0.9, 3))
    train(optimizer, p, range(3))
    assert optimizer.param_groups[0]["lr"] == 0.3
    assert optimizer.current()["lr"] == 0.3
    repr(optimizer), optimizer.state_dict()
    before = [x.detach().clone() for x in p]
    sentence = "For 'SGD', group 0: 'lr': the list ends after 3 values, so there is no value for step 3; "
    with pytest.raises(ScheduleEnd, match=sentence + r"give a longer list, or \.hold\(\) to stay at the last"):
        train(optimizer, p, [3])
    same(p, before, 0, 0)
    assert optimizer.param_groups[0]["step"] == 3
    optimizer.set("lr", Listed([0.1, 0.2, 0.3]).hold())
    train(optimizer, p, [3])
    assert optimizer.param_groups[0]["step"] == 4


@pytest.mark.parametrize("place", ["set", "assigned"])
def test_a_list_that_has_already_ended_is_refused_and_changes_nothing(place):
    p = params()
    optimizer = ct.SGD(p, lr=0.5)
    train(optimizer, p, range(5))
    before = repr(optimizer)
    give(p, 5)
    if place == "set":
        act = lambda: optimizer.set("lr", [0.1, 0.2])  # noqa: E731
    else:
        optimizer.param_groups[0]["lr"] = [0.1, 0.2]
        act = optimizer.step
    with pytest.raises(ScheduleEnd, match=r"For 'SGD', group 0: 'lr'.*ends after 2 values"):
        act()
    optimizer.param_groups[0]["lr"] = 0.5
    train(optimizer, p, [5])
    assert before.replace("step 5", "step 6") == repr(optimizer)


def test_momentum_that_passes_through_zero_keeps_its_buffer():
    p, q = params(), params()
    first, second = (
        ct.SGD(p, lr=0.1, momentum=[0.9, 0.5, 0.0, 0.5, 0.9]),
        torch.optim.SGD(q, lr=0.1, momentum=0.9),
    )
    for step, momentum in enumerate([0.9, 0.5, 1e-300, 0.5, 0.9]):
        second.param_groups[0]["momentum"] = momentum
        train(first, p, [step])
        train(second, q, [step])
    same(p, q)
