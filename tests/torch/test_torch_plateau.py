"""Plateau against torch's ReduceLROnPlateau, live, and over schedules, groups and checkpoints."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch_pairs import Pair, params, train

import calando.torch as ct
from calando.hyper import UnknownName
from calando.schedules import Cosine, Exponential, Linear, Listed

COUNTERS = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")
metrics = st.lists(st.sampled_from([0.0, 0.5, 1.0, -1.0]) | st.floats(-2, 2) | st.just(float("nan")), max_size=40)
arguments = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["min", "max"]),
        "factor": st.floats(0, 0.999),
        "patience": st.integers(0, 3),
        "threshold": st.sampled_from([0.0, 1e-4, 0.1, 0.5]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
        "cooldown": st.integers(0, 3),
        "min_lr": st.just(0) | st.floats(0, 0.1) | st.tuples(st.floats(0, 0.1), st.floats(0, 0.1)).map(list),
        "eps": st.sampled_from([0.0, 1e-8, 0.01]),
    }
)


def optimizers(rates=(0.5, 0.2)):
    """Ours and torch's, with two groups."""
    made = []
    for room in (ct, torch.optim):
        groups = [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": rate} for rate in rates]
        made.append(room.SGD(groups, lr=1.0, momentum=0.9))
    return made


@settings(max_examples=200)
@given(arguments, metrics)
def test_the_same_decisions_as_torch(how, values):
    mine, other = optimizers()
    ours, theirs = ct.Plateau(mine, **how), ReduceLROnPlateau(other, **how)
    for value in values:
        ours.step(value)
        theirs.step(value)
        assert [g["lr"] for g in mine.param_groups] == [g["lr"] for g in other.param_groups]
        for name in (*COUNTERS, "in_cooldown"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert ours.get_last_lr() == theirs.get_last_lr()


@settings(max_examples=50)
@given(arguments, metrics)
def test_over_a_schedule_the_factors_are_those_that_torch_would_give_a_constant(how, values):
    """With no bound in the way a decision multiplies by ``factor``, whatever the schedule is."""
    how |= {"min_lr": 0.0, "eps": -1.0}  # torch leaves out no reduction, however small
    fall = Exponential(0.5, 0.9)
    w = torch.nn.Parameter(torch.zeros(2))
    mine, (_, other) = ct.SGD([w], lr=fall), optimizers((1.0,))
    ours, theirs = ct.Plateau(mine, **how), ReduceLROnPlateau(other, **how)
    for step, value in enumerate(values):
        w.grad = torch.ones(2)
        mine.step()
        ours.step(value)
        theirs.step(value)
        expected = fall(step + 1) * other.param_groups[0]["lr"]
        assert mine.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-13)
        assert mine.at(step + 11)["lr"] == pytest.approx(fall(step + 11) * other.param_groups[0]["lr"], rel=1e-13)


def test_the_path_is_that_of_torch_and_the_schedule_goes_on():
    """ReduceLROnPlateau cannot live over a schedule; the product of the two, written by hand, can."""
    rate, losses = Linear(0.0, 0.1, 4).then(Cosine(0.1, 0.0, 30)), [3, 2, 2, 2, 1, 1, 1, 1, 0.5, 0.6, 0.7, 0.8]
    pair = Pair("AdamW", {"lr": 0.1}, more={"lr": rate})
    ours = ct.Plateau(pair.ours, factor=0.5, patience=1, cooldown=1)
    factor = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = ReduceLROnPlateau(factor, factor=0.5, patience=1, cooldown=1)
    for step, loss in enumerate(losses):
        pair.theirs.param_groups[0]["lr"] = rate(step) * factor.param_groups[0]["lr"]
        pair.step()
        ours.step(loss)
        theirs.step(loss)
        pair.same()
    assert factor.param_groups[0]["lr"] == 0.125  # three reductions
    assert "(Linear(0, 0.1, 4).then(Cosine(0.1, 0, 30)) * 0.125)" in repr(pair.ours)


def test_the_past_stays_and_many_reductions_stay_one_product():
    optimizer, _ = optimizers()
    optimizer.set("lr", Cosine(1.0, 0.0, 1000))
    plateau = ct.Plateau(optimizer, factor=0.5, patience=0, eps=0)
    for step in range(200):  # a schedule nested 200 deep would be refused
        train(optimizer, [p for g in optimizer.param_groups for p in g["params"]], [step])
        plateau.step(1.0)
    line = optimizer.engine.hypers[0].timelines["lr"]
    assert max(getattr(entry, "depth", 0) for entry in line.entries) == 2
    halves = [Cosine(1.0, 0.0, 1000)(step) * 0.5 ** max(0, step - 1) for step in range(201)]
    assert optimizer.trace("lr", range(201), group=0) == pytest.approx(halves, rel=1e-12)


@pytest.mark.parametrize(
    "name, shown, given",
    [
        ("weight_decay", "weight_decay", 0.1),
        ("beta1", "betas", 0.9),
        ("max_norm", "max_norm", 2.0),
        ("eps", "eps", 1e-3),
    ],
)
def test_any_hyperparameter_of_one_group(name, shown, given):
    p = params()
    optimizer = ct.AdamW(
        [{"params": p[:2]}, {"params": p[2:], "name": "head"}], lr=0.1, weight_decay=0.1, eps=1e-3, max_norm=2.0
    )
    before = optimizer.current()
    plateau = ct.Plateau(optimizer, factor=0.5, patience=0, name=name, group="head")
    for _ in range(3):
        plateau.step(1.0)
    after = optimizer.current()
    wanted = (given / 4, 0.999) if name == "beta1" else given / 4
    assert after[0] == before[0]
    assert after[1] == before[1] | {shown: wanted}


def test_the_bound_is_that_of_the_moment():
    optimizer, _ = optimizers()
    optimizer.set("lr", Linear(1.0, 0.5, 10))
    plateau = ct.Plateau(optimizer, factor=0.1, patience=0, min_lr=[0.25, 0.0])
    plateau.step(1.0)
    plateau.step(1.0)
    assert [g["lr"] for g in optimizer.param_groups] == [0.25, 0.1]
    assert [g["lr"] for g in optimizer.at(10)] == [0.125, 0.05]
    plateau.step(1.0)
    assert [g["lr"] for g in optimizer.param_groups] == [0.25, pytest.approx(0.01)]


# Checkpoints.


def made(tensors, rate):
    optimizer = ct.AdamW([{"params": tensors[:2]}, {"params": tensors[2:], "lr": 0.03}], lr=rate)
    return (
        optimizer,
        ct.Plateau(optimizer, factor=0.5, patience=1, cooldown=2),
        ct.Plateau(optimizer, mode="max", factor=0.9, patience=0, name="weight_decay", group=1),
    )


def losses(count):
    return np.random.default_rng(5).choice([0.5, 1.0, 2.0], count).tolist()


def run(state, p, steps):
    optimizer, first, second = state
    for step in steps:
        train(optimizer, p, [step])
        first.step(losses(40)[step])
        second.step(losses(40)[step])


@pytest.mark.parametrize("rate", [0.05, Cosine(0.05, 0.0, 50), [0.05] * 60], ids=["number", "schedule", "list"])
@pytest.mark.parametrize(
    "how", ["the optimizer alone", "plateau made after", "its own state", "snapshot", "pickle", "deepcopy"]
)
def test_a_run_goes_on_as_if_it_had_not_stopped(rate, how):
    p, q = params(), params()
    whole = made(p, rate)
    run(whole, p, range(40))
    half = made(q, rate)
    run(half, q, range(17))
    if how in ("pickle", "deepcopy"):
        again = pickle.loads(pickle.dumps(half)) if how == "pickle" else copy.deepcopy(half)
        q = [x for group in again[0].param_groups for x in group["params"]]
    elif how == "snapshot":
        again = made(q, rate)
        again[0].restore(half[0].snapshot())
    else:
        file = io.BytesIO()
        torch.save([half[0].state_dict(), half[1].state_dict(), half[2].state_dict()], file)
        file.seek(0)
        stored = torch.load(file, weights_only=True)
        again = made(q, rate)
        if how == "its own state":
            del stored[0]["calando"]["controllers"]
        again[0].load_state_dict(stored[0])
        if how == "its own state":
            again[1].load_state_dict(stored[1])
            again[2].load_state_dict(stored[2])
        if how == "plateau made after":
            later = ct.AdamW([{"params": q[:2]}, {"params": q[2:], "lr": 0.03}], lr=rate)
            later.load_state_dict(stored[0])
            assert later.state_dict()["calando"]["controllers"] == stored[0]["calando"]["controllers"]
            first = ct.Plateau(later, factor=0.5, patience=1, cooldown=2)
            second = ct.Plateau(later, mode="max", factor=0.9, patience=0, name="weight_decay", group=1)
            again = later, first, second
    for plateau, other in zip(again[1:], half[1:], strict=True):
        assert [getattr(plateau, name) for name in COUNTERS] == [getattr(other, name) for name in COUNTERS]
    run(again, q, range(17, 40))
    for a, b in zip(p, q, strict=True):
        assert torch.equal(a, b)
    assert again[0].current() == whole[0].current()
    assert again[1].best == whole[1].best
    left, right = (state[0].state_dict()["calando"]["controllers"] for state in (again, whole))
    assert len(left) == 2 and left == right  # and so it would be stored again


def test_states_of_torch_load_into_ours_and_ours_into_torchs():
    mine, other = optimizers()
    ours, theirs = ct.Plateau(mine, patience=1), ReduceLROnPlateau(other, factor=0.7, patience=2, mode="max")
    for value in (1.0, 2.0, 1.0, 1.0, 1.0, 0.5):
        theirs.step(value)
    ours.load_state_dict(theirs.state_dict())
    mine.set("lr", other.param_groups[0]["lr"], group=0)
    mine.set("lr", other.param_groups[1]["lr"], group=1)
    for value in (0.4, 0.3, 0.2, 0.1, 3.0):
        ours.step(value)
        theirs.step(value)
        assert [g["lr"] for g in mine.param_groups] == [g["lr"] for g in other.param_groups]
    again = ReduceLROnPlateau(optimizers()[1])
    again.load_state_dict(ours.state_dict())
    assert {key: again.state_dict()[key] for key in ours.state_dict()} == ours.state_dict()


def test_no_controller_leaves_no_trace_in_the_checkpoint():
    optimizer, _ = optimizers()
    assert "controllers" not in optimizer.state_dict()["calando"]


# What it is taken for, and what it says no to.


def test_trainers_know_it():
    plateau = ct.Plateau(optimizers()[0])
    assert isinstance(plateau, ReduceLROnPlateau)
    assert isinstance(plateau, LRScheduler)
    plateau.step(torch.tensor(0.5))
    assert plateau.best == 0.5


@pytest.mark.parametrize(
    "make, kind, sentence",
    [
        (lambda a, b: ct.Plateau(b), TypeError, "must be one of calando.torch, not SGD; torch.optim.lr_scheduler"),
        (lambda a, b: ct.Plateau(a, mode="least"), ValueError, "mode must be 'min' or 'max', not 'least'"),
        (lambda a, b: ct.Plateau(a, threshold_mode="x"), ValueError, "threshold_mode must be 'rel' or 'abs', not 'x'"),
        (lambda a, b: ct.Plateau(a, factor=1.0), ValueError, r"factor must lie in \[0, 1\), but got 1.0"),
        (lambda a, b: ct.Plateau(a, factor=-0.1), ValueError, r"factor must lie in \[0, 1\), but got -0.1"),
        (lambda a, b: ct.Plateau(a, min_lr=[0.1]), ValueError, "min_lr has 1 numbers, and the optimizer 2 groups"),
        (lambda a, b: ct.Plateau(a, name="momentun"), UnknownName, "did you mean 'momentum'"),
        (lambda a, b: ct.Plateau(a, group=2), UnknownName, "no group 2; there are 2"),
    ],
)
def test_refused(make, kind, sentence):
    mine, other = optimizers()
    before = mine.state_dict()
    with pytest.raises(kind, match=sentence):
        make(mine, other)
    assert mine.state_dict() == before


@pytest.mark.parametrize("metric", [None, "a", torch.ones(2), 1j], ids=repr)
def test_a_metric_that_is_none_changes_nothing(metric):
    optimizer, _ = optimizers()
    plateau = ct.Plateau(optimizer, patience=0)
    plateau.step(1.0)
    before = plateau.state_dict()
    with pytest.raises(TypeError, match=r"^Plateau: the metric must be a number, or a tensor of one, but") as told:
        plateau.step(metric)
    assert plateau.state_dict() == before and "\n" not in str(told.value)


def test_a_reduction_that_cannot_be_made_changes_nothing():
    """A list without a value for the coming step: the schedule cannot go on, so nothing is counted either."""
    p = params()
    optimizer = ct.SGD([{"params": p[:2], "lr": 0.5}, {"params": p[2:], "lr": Listed([0.5, 0.4])}], lr=1.0)
    plateau = ct.Plateau(optimizer, patience=0)
    plateau.step(1.0)
    train(optimizer, p, range(2))
    before, state = plateau.state_dict(), optimizer.current()
    with pytest.raises(IndexError, match=r"group 1: 'lr'.* there is no value for step 2"):
        plateau.step(1.0)
    assert plateau.state_dict() == before
    assert optimizer.current() == state


def test_a_group_added_later():
    optimizer, _ = optimizers()
    plateau, listed = ct.Plateau(optimizer, patience=0, min_lr=0.1), ct.Plateau(optimizer, patience=0, min_lr=[0.1] * 2)
    optimizer.add_param_group({"params": params(), "lr": 1.0})
    for _ in range(2):
        plateau.step(1.0)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.1, 0.1]
    listed.step(1.0)
    with pytest.raises(ValueError, match="min_lr was given for 2 groups, and group 2 was added since"):
        listed.step(1.0)


def test_a_checkpoint_with_a_damaged_memory_is_refused():
    optimizer, _ = optimizers()
    plateau = ct.Plateau(optimizer)
    stored = optimizer.state_dict()
    stored["calando"]["controllers"] = {"Plateau of lr, group all": 3}
    with pytest.raises(ValueError, match="what the checkpoint has of controllers was not stored by calando"):
        optimizer.load_state_dict(stored)
    assert plateau.last_epoch == 0
    with pytest.raises(ValueError, match="the state lacks 'best'"):
        plateau.load_state_dict({"last_epoch": 3})


# scale, the word it is made of.


def test_scale():
    p = params()
    optimizer = ct.AdamW([{"params": p[:2]}, {"params": p[2:], "lr": Linear(1.0, 0.0, 10)}], lr=0.5, max_norm=None)
    optimizer.scale("lr", 0.5)
    optimizer.scale("lr", 0.5, group=1)
    assert [g["lr"] for g in optimizer.param_groups] == [0.25, 0.25]
    assert optimizer.at(5)[1]["lr"] == 0.125
    optimizer.scale("betas", 0.5)
    assert optimizer.current()["betas"] == (0.45, 0.4995)
    optimizer.scale("max_norm", 0.5)
    assert optimizer.current()["max_norm"] is None
    before = optimizer.current()
    with pytest.raises(ValueError, match=r"'beta1' must lie in \[0, 1\)|'betas'"):
        optimizer.scale("betas", 5)
    for factor in ("x", None, True, 1j, float("inf"), float("nan"), [0.5]):
        for name in ("lr", "max_norm"):  # without a bound there is nothing to scale, but the slip is one all the same
            with pytest.raises(ValueError, match=f"For 'AdamW': '{name}' is scaled by a finite number, but got"):
                optimizer.scale(name, factor)
    assert optimizer.current() == before
