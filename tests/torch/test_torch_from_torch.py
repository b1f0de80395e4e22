"""from_torch: every scheduler of torch's, drawn by hypothesis and run live, against the schedule read from it."""

import copy
import doctest
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_schedulers import (
    MAKE,
    each,
    inverse,
    optimizer_of,
    read,
    same,
    walk,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as room
from torch.optim.swa_utils import SWALR
from torch_pairs import Pair

import calando.torch as ct
from calando.schedules import *  # noqa: F403  (eval(repr(s)) needs all the words)
from calando.schedules import (
    Constant,
    Cosine,
    CosineWave,
    Cyclic,
    Exponential,
    Function,
    Linear,
    Listed,
    OneCycle,
    Product,
    Schedule,
    WarmRestarts,
    from_torch,
)
from calando.schedules.from_torch import NoClosedForm
from calando.schedules.text import CALLS
from calando.schedules.torch_formulas import SINGLE


@pytest.mark.parametrize("kind", MAKE)
@settings(max_examples=25)
@given(st.data())
def test_from_wherever_it_stands(kind, data):
    scheduler = data.draw(MAKE[kind])(optimizer_of())
    epoch = data.draw(st.integers(0, 30) | st.integers(0, 700))
    past = walk(scheduler, epoch + 1)
    assume(len(past) == epoch + 1)
    before = repr(scheduler.state_dict())
    found, anew = from_torch(scheduler), from_torch(scheduler, step=0)
    assert repr(scheduler.state_dict()) == before
    seen = walk(scheduler, 300)
    if kind == "OneCycleLR":
        seen = seen[: max(0, scheduler.total_steps - epoch)]
    same(found, seen, first=epoch)
    same(anew, seen)
    if kind != "SWALR":  # it forgets where it came from
        same(found, past)


@pytest.mark.parametrize("kind", [kind for kind in MAKE if kind != "OneCycleLR"])
@settings(max_examples=25)
@given(st.data())
def test_a_value_changed_by_hand_goes_on_as_torch_does(kind, data):
    scheduler = data.draw(MAKE[kind])(optimizer_of())
    epoch = data.draw(st.integers(0, 60))
    walk(scheduler, epoch + 1)
    factor = data.draw(st.floats(0.1, 3))
    for group in scheduler.optimizer.param_groups:
        group["lr"] *= factor
    found, sentence = read(scheduler, 200)
    assert not sentence or "write the schedule yourself" in sentence
    seen = walk(scheduler, 200)
    same(found, seen, first=epoch, scale=10 * max(1, seen.max()))


@settings(max_examples=25)
@given(st.data(), st.sampled_from(["CyclicLR", "CyclicLR of one's own", "OneCycleLR"]))
def test_momentum(data, kind):
    scheduler = data.draw(MAKE[kind])(optimizer_of())
    if kind == "CyclicLR":
        assume(scheduler.total_size > 20)
    found, again = from_torch(scheduler, name="momentum"), from_torch(scheduler, name="beta1")
    seen = walk(scheduler, 2000, "momentum")
    if kind == "OneCycleLR":
        seen = seen[: scheduler.total_steps]
    same(found, seen)
    if kind != "CyclicLR of one's own":
        assert again == found


@pytest.mark.parametrize("kind", ["CyclicLR", "OneCycleLR"])
def test_both_numbers_of_adam(kind):
    """The path itself: torch's AdamW under the scheduler, ours with the two schedules."""
    pair = Pair("AdamW", {"lr": 0.05})
    make = {"CyclicLR": lambda o: room.CyclicLR(o, 0.01, 0.1, 5), "OneCycleLR": lambda o: room.OneCycleLR(o, 0.1, 30)}
    scheduler = make[kind](pair.theirs)
    pair.ours.set("lr", from_torch(scheduler))
    pair.ours.set("beta1", from_torch(scheduler, "beta1"))
    for _ in range(25):
        pair.step()
        scheduler.step()
        pair.same()


def test_a_cosine_that_began_at_its_end_and_was_changed_by_hand():
    scheduler = room.CosineAnnealingLR(optimizer_of((0.5, 0.3)), 10, 0.5)
    walk(scheduler, 4)
    for group in scheduler.optimizer.param_groups:
        group["lr"] = 0.2
    found = from_torch(scheduler)
    same(found, walk(scheduler, 100), first=3)


def test_a_warm_up_chained_to_a_cosine_has_a_formula_until_it_rises_and_after():
    optimizer = optimizer_of()
    parts = [room.LinearLR(optimizer, 0.1, total_iters=20), room.CosineAnnealingLR(optimizer, 50)]
    scheduler = room.ChainedScheduler(parts)
    for start in (0, 10, 50, 51, 120):
        walk(scheduler, start - parts[0].last_epoch + 1)
        found = from_torch(scheduler)
        assert not any(isinstance(piece, Listed) for piece in each(found)[0].parts)
        again = copy.deepcopy(scheduler)
        same(found, walk(again, 400), first=start)


# Where it is put.


def test_epochs_and_clocks():
    scheduler = room.StepLR(optimizer_of((0.5,)), 2, 0.1)
    plain = Exponential(0.5, 0.1, steps=2, staircase=True)
    assert from_torch(scheduler) == plain
    walk(scheduler, 4)
    assert from_torch(scheduler) == plain
    assert from_torch(scheduler, steps_per_epoch=10) == plain.per_epoch(10)
    assert from_torch(scheduler, step=0) == plain.skip(3)
    assert from_torch(scheduler, step=7) == Constant(plain(3), steps=7).then(plain.skip(3))
    assert from_torch(scheduler, step=30, steps_per_epoch=10) == plain.per_epoch(10)
    assert from_torch(scheduler, step=5, steps_per_epoch=10)(np.arange(16)).tolist() == pytest.approx(
        [0.05] * 15 + [0.005], rel=1e-15
    )


def test_the_clock_of_our_optimizer_counts():
    w = torch.nn.Parameter(torch.zeros(2))
    optimizer = ct.SGD([w], lr=0.5)
    for _ in range(5):
        w.grad = torch.ones(2)
        optimizer.step()
    scheduler = room.ExponentialLR(optimizer, 0.5)  # begins now, at step 5
    for _ in range(3):
        w.grad = torch.ones(2)
        optimizer.step()
        scheduler.step()
    rate = from_torch(scheduler)
    assert [rate(step) for step in (7, 8, 9)] == [0.0625, 0.0625, 0.03125]
    optimizer.set("lr", rate)
    assert optimizer.at(9)["lr"] == 0.03125


def test_a_run_goes_on_in_ours_where_torch_stopped():
    pair = Pair("AdamW", {"lr": 0.05, "weight_decay": 0.1})
    other = Pair("AdamW", {"lr": 0.05, "weight_decay": 0.1})
    scheduler = room.SequentialLR(
        pair.theirs,
        [room.LinearLR(pair.theirs, 0.1, total_iters=5), room.CosineAnnealingLR(pair.theirs, 20)],
        milestones=[5],
    )
    for _ in range(9):
        pair.step()
        scheduler.step()
    with torch.no_grad():
        for p, q in zip(other.left, pair.right, strict=True):
            p.copy_(q)
    optimizer = other.ours
    optimizer.load_state_dict(pair.theirs.state_dict())
    optimizer.set("lr", from_torch(scheduler))
    assert optimizer.current()["lr"] == pytest.approx(scheduler.get_last_lr()[0], rel=1e-14)
    pair.ours, pair.left = optimizer, other.left
    for _ in range(12):
        pair.step()
        scheduler.step()
        pair.same()


def test_the_words_are_the_ones_a_reader_would_use():
    made = {
        "CosineAnnealingLR": (lambda o: room.CosineAnnealingLR(o, 9, 0.1), CosineWave(0.5, 0.1, 9)),
        "restarts": (lambda o: room.CosineAnnealingWarmRestarts(o, 9), Cosine(0.5, 0.0, 9).repeat()),
        "longer": (lambda o: room.CosineAnnealingWarmRestarts(o, 9, 2), WarmRestarts(0.5, 0.0, 9, 2)),
        "CyclicLR": (lambda o: room.CyclicLR(o, 0.1, 0.5, 4, 6), Cyclic(0.1, 0.5, 4, 6)),
        "triangular2": (
            lambda o: room.CyclicLR(o, 0.1, 0.5, 4, mode="triangular2"),
            Cyclic(0.1, 0.5, 4, rate=0.5, staircase=True),
        ),
        "OneCycleLR": (lambda o: room.OneCycleLR(o, 0.5, 40), OneCycle(0.02, 0.5, 0.02 / 1e4, 40)),
        "LinearLR": (lambda o: room.LinearLR(o, 0.5, 1.0, 9), Linear(0.25, 0.5, 9)),
        "ConstantLR": (lambda o: room.ConstantLR(o, 0.5, 9), Constant(0.25, steps=9).then(0.5)),
        "LambdaLR": (lambda o: room.LambdaLR(o, inverse), 0.5 * Function(inverse)),
        "SWALR": (lambda o: SWALR(o, 0.1, 9), Cosine(0.5, 0.1, 9)),
        "a schedule inside": (lambda o: room.LambdaLR(o, Linear(0.0, 1.0, 4)), 0.5 * Linear(0.0, 1.0, 4)),
    }
    for make, expected in made.values():
        assert from_torch(make(optimizer_of((0.5,)))) == expected


def test_one_schedule_where_groups_agree_and_one_each_where_not():
    assert from_torch(room.ExponentialLR(optimizer_of((0.5, 0.5)), 0.9)) == Exponential(0.5, 0.9)
    found = from_torch(room.ExponentialLR(optimizer_of((0.5, 0.1)), 0.9))
    assert found == [Exponential(0.5, 0.9), Exponential(0.1, 0.9)]
    assert from_torch(room.ExponentialLR(optimizer_of((0.5, 0.1)), 0.9), group=1) == Exponential(0.1, 0.9)
    assert from_torch(room.ExponentialLR(optimizer_of((0.5, 0.1)), 0.9), group=-1) == Exponential(0.1, 0.9)


# Hugging Face.

RECORDED = json.loads((Path(__file__).parents[1] / "references" / "hugging_face.json").read_text())
OPEN = [6, 9, 15, 16]  # turns of no whole length, and shapes that are not here


def stand_in(row, changed=0.0):
    """The function that Hugging Face puts into LambdaLR, from its recorded values."""

    def call(current_step, **keywords):
        assert keywords == row["keywords"]
        return row["values"][min(current_step, len(row["values"]) - 1)] + changed

    call.__name__, call.__module__ = row["function"], "transformers.optimization"
    return partial(call, **row["keywords"])


@pytest.mark.parametrize(
    "number, row", list(enumerate(RECORDED)), ids=lambda x: x["function"] if isinstance(x, dict) else ""
)
def test_the_schedules_of_hugging_face_become_data(number, row):
    found = from_torch(room.LambdaLR(optimizer_of((0.5,)), stand_in(row)))
    values = 0.5 * np.array(row["values"])
    np.testing.assert_allclose(found(np.arange(len(values))), values, rtol=0, atol=1e-12)
    assert isinstance(found, Product) == (number in OPEN)  # 0.5 * Function(...)
    if number not in OPEN:
        assert Schedule.from_dict(found.to_dict()) == found
    other = from_torch(room.LambdaLR(optimizer_of((0.5,)), stand_in(row, changed=1e-9)))
    assert isinstance(other, Product)  # another formula under the same name is not taken for ours


# What it says no to.


class Mine(room.StepLR):
    def get_lr(self):
        return [0.5 / (1 + self.last_epoch) for _ in self.optimizer.param_groups]


def between(o):
    scheduler = room.CosineAnnealingWarmRestarts(o, 10)
    scheduler.step(2.5)
    return scheduler


REFUSED = [
    (lambda o: room.ReduceLROnPlateau(o), {}, "ReduceLROnPlateau follows a metric .* use calando.torch.Plateau"),
    (lambda o: room.ReduceLROnPlateau(o), {"horizon": 9}, "ReduceLROnPlateau follows a metric"),
    (lambda o: Mine(o, 2), {}, "Mine is not one of torch's own classes.* give horizon=10_000"),
    (lambda o: room.StepLR(o, 2, -0.5), {}, "StepLR has no twin .*: Exponential: rate must not be negative, not -0.5"),
    (lambda o: room.CosineAnnealingLR(o, 2.5), {}, "T_max of CosineAnnealingLR must be a whole number of epochs"),
    (between, {}, "CosineAnnealingWarmRestarts stands between two epochs, at 2.5 of 10"),
    (lambda o: room.StepLR(o, 2), {"name": "momentum"}, "StepLR moves lr only; the momentum stays"),
    (
        lambda o: room.OneCycleLR(o, 0.1, 9, cycle_momentum=False),
        {"name": "momentum"},
        "OneCycleLR was made with cycle_momentum=False",
    ),
    (lambda o: room.StepLR(o, 2), {"name": "weight_decay"}, "name must be 'lr', 'momentum' or 'beta1'"),
    (lambda o: room.StepLR(o, 2), {"group": 2}, "there is no group 2; the optimizer has 2"),
    (lambda o: room.StepLR(o, 2), {"step": -1}, "from_torch: step must be at least 0, not -1"),
    (lambda o: room.StepLR(o, 2), {"steps_per_epoch": 0}, "from_torch: steps_per_epoch must be at least 1, not 0"),
    (lambda o: Mine(o, 2), {"horizon": 0}, "from_torch: horizon must be at least 1, not 0"),
    (
        lambda o: room.ChainedScheduler([room.LambdaLR(o, inverse), room.ExponentialLR(o, 0.9)]),
        {},
        "LambdaLR within ChainedScheduler goes its own way",
    ),
    (
        lambda o: room.ChainedScheduler([room.ChainedScheduler([room.LambdaLR(o, inverse)])] * 2),
        {},
        "ChainedScheduler within ChainedScheduler goes its own way",
    ),
]


@pytest.mark.parametrize("make, how, sentence", REFUSED, ids=[row[2][:40] for row in REFUSED])
@pytest.mark.filterwarnings("ignore:The epoch parameter", "ignore:Detected call")
def test_says_why_not(make, how, sentence):
    scheduler = make(optimizer_of())
    with pytest.raises(ValueError, match=sentence):
        from_torch(scheduler, **how)


@pytest.mark.parametrize("thing", [None, 0.1, Linear(0.0, 1.0, 5), optimizer_of()])
def test_what_is_no_scheduler(thing):
    with pytest.raises(TypeError, match="this is no scheduler of torch's"):
        from_torch(thing)


def test_the_horizon_lists_what_has_no_formula_and_changes_nothing():
    scheduler = Mine(optimizer_of(), 2)
    walk(scheduler, 3)
    lr, before = scheduler.optimizer.param_groups[0]["lr"], scheduler.state_dict().copy()
    found = from_torch(scheduler, horizon=5, step=0)
    assert scheduler.state_dict() == before
    assert scheduler.optimizer.param_groups[0]["lr"] == lr
    assert found == Listed([0.5 / 3, 0.5 / 4, 0.5 / 5, 0.5 / 6, 0.5 / 7])


class Asking(Mine):
    def step(self, metric=None):
        if self.last_epoch >= 0 and metric is None:
            raise KeyError("no metric")
        super().step()


def test_what_cannot_be_played_out_is_no_list():
    with pytest.raises(NoClosedForm, match=r"its own step\(\) raises KeyError: 'no metric', in epoch 1 from now"):
        from_torch(Asking(optimizer_of(), 2), horizon=5)


def test_where_torch_itself_stops_it_is_said_when():
    """SequentialLR asks a chain for a closed form at its milestone, and no chain has one."""
    optimizer = optimizer_of()
    later = room.ChainedScheduler([room.ExponentialLR(optimizer, 0.9)])
    scheduler = room.SequentialLR(optimizer, [room.ConstantLR(optimizer, 0.5, 3), later], [3])
    with pytest.raises(NoClosedForm, match=r"its own step\(\) raises NotImplementedError, in epoch 3 from now"):
        from_torch(scheduler, horizon=10)
    assert len(from_torch(scheduler, group=0, horizon=3).values) == 3
    with pytest.raises(NotImplementedError):
        walk(scheduler, 4)


DOCS = Path(__file__).parents[2] / "docs" / "schedules.md"


def test_the_page_about_schedules_says_what_happens():
    failed, tried = doctest.testfile(str(DOCS), module_relative=False)
    assert not failed
    assert tried > 15


def test_the_page_about_schedules_leaves_nothing_out():
    page = DOCS.read_text(encoding="utf-8")
    for word in CALLS:
        assert f"`{word}(" in page, word
    for kind in [*SINGLE, "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"]:
        assert f"`{kind}(" in page, kind


def test_every_class_of_torch_has_a_reader_or_a_reason():
    classes = {name for name in dir(room) if isinstance(getattr(room, name), type)}
    schedulers = {n for n in classes if issubclass(getattr(room, n), room.LRScheduler)}
    assert schedulers - {"LRScheduler", "_LRScheduler", "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler"} == (
        SINGLE.keys() - {"SWALR"}
    )
    assert {kind.partition(" ")[0] for kind in MAKE} == SINGLE.keys()
