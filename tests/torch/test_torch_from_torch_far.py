"""from_torch over ten thousand steps, from wherever a scheduler stands; schedulers made of schedulers."""

import copy

import numpy as np
import pytest
from drawn_schedulers import CODE, FAR, MAKE, PARTS, TOLERANCE, each, linked, optimizer_of, part, read, same, walk
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as room

from calando.schedules import *  # noqa: F403  (eval(repr(s)) needs all the words)
from calando.schedules import Schedule, from_torch, parse
from calando.schedules.torch_formulas import FACTORS


@pytest.mark.parametrize("kind", MAKE)
@settings(max_examples=12)
@given(st.data())
def test_ten_thousand_steps_from_the_first(kind, data):
    scheduler = data.draw(MAKE[kind])(optimizer_of())
    found = from_torch(scheduler)
    seen = walk(scheduler, FAR)
    if kind == "OneCycleLR" and len(seen) > scheduler.total_steps:
        seen = seen[: scheduler.total_steps]
    same(found, seen)
    for schedule, step in zip(
        each(found), data.draw(st.lists(st.integers(0, len(seen) - 1), min_size=2)), strict=False
    ):
        assert abs(schedule(step) - schedule(np.array([step]))[0]) <= TOLERANCE
    if kind not in CODE:
        for schedule in each(found):
            assert eval(repr(schedule)) == schedule == parse(repr(schedule))
            assert Schedule.from_dict(schedule.to_dict()) == schedule


@pytest.mark.parametrize("kind", MAKE)
@settings(max_examples=3)
@given(st.data())
def test_ten_thousand_steps_from_wherever_it_stands(kind, data):
    """Also after its state was loaded into another one, as in a run that is resumed."""
    make = data.draw(MAKE[kind])
    scheduler = make(optimizer_of())
    epoch = data.draw(st.integers(1, 700) | st.integers(1, 12_000))
    assume(len(walk(scheduler, epoch + 1)) == epoch + 1)
    if kind not in CODE and data.draw(st.booleans()):
        scheduler = loaded(make, scheduler)
    found = from_torch(scheduler)
    seen = walk(scheduler, FAR)
    same(found, seen[: max(0, scheduler.total_steps - epoch)] if kind == "OneCycleLR" else seen, first=epoch)


def loaded(make, scheduler):
    """Another scheduler, and its optimizer, that go on where these stand."""
    fresh = make(optimizer_of())
    fresh.optimizer.load_state_dict(copy.deepcopy(scheduler.optimizer.state_dict()))
    fresh.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    return fresh


@pytest.mark.filterwarnings("ignore:Detected call of")  # torch, of its own steps while it builds them
@settings(max_examples=8, phases=[Phase.generate])
@given(st.data())
def test_schedulers_in_one_another_for_ten_thousand_steps(data):
    """A sequence that begins with a chain (torch itself cannot begin one later), and a chain with a sequence in it."""

    def one():
        return data.draw(part(data.draw(st.sampled_from(PARTS))))(optimizer)

    optimizer = optimizer_of()
    chain = linked(data, optimizer, data.draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=2)))
    milestones = [data.draw(st.integers(1, 9000))]
    if data.draw(st.booleans()):
        scheduler = room.SequentialLR(optimizer, [chain, one()], milestones)
    else:
        scheduler = room.ChainedScheduler([room.SequentialLR(optimizer, [one(), one()], milestones), chain])
    epoch = data.draw(st.just(0) | st.integers(1, 80))
    walk(scheduler, epoch + 1)
    found, _ = read(scheduler, FAR)
    same(found, walk(scheduler, FAR), first=epoch)


@settings(max_examples=150)
@given(st.data())
def test_sequences(data):
    kinds = data.draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
    milestones = sorted(data.draw(st.lists(st.integers(1, 60), min_size=len(kinds) - 1, max_size=len(kinds) - 1)))
    optimizer = optimizer_of()
    parts = [data.draw(part(kind))(optimizer) for kind in kinds]
    scheduler = room.SequentialLR(optimizer, parts, milestones)
    epoch = data.draw(st.just(0) | st.integers(0, 80))
    past = walk(scheduler, epoch + 1)
    found = from_torch(scheduler)
    same(found, walk(scheduler, 150), first=epoch)
    if "SWALR" not in kinds:
        same(found, past)


@settings(max_examples=150)
@given(st.data())
def test_chains(data):
    kinds = data.draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
    optimizer = optimizer_of()
    scheduler = linked(data, optimizer, kinds)
    epoch = data.draw(st.just(0) | st.integers(0, 80))
    walk(scheduler, epoch + 1)
    found, sentence = read(scheduler, 150)
    assert not sentence or ("horizon=10_000" in sentence and set(kinds) - set(FACTORS))
    same(found, walk(scheduler, 150), first=epoch)


@pytest.mark.parametrize(
    "second",
    [
        lambda o: room.MultiStepLR(o, [-5, -1, -1, 0, 3], 0.5),  # begun by a closed form, which counts all before
        lambda o: room.ConstantLR(o, 0.5, 0),
        lambda o: room.ExponentialLR(o, 0.9),
    ],
    ids=["milestones below 0", "a constant for no time", "plain"],
)
@pytest.mark.parametrize("epoch", [0, 4, 5, 7])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: room.ChainedScheduler([s])], ids=["bare", "in a chain"])
def test_how_a_later_part_of_a_sequence_begins(second, epoch, wrap):
    optimizer = optimizer_of()
    scheduler = wrap(room.SequentialLR(optimizer, [room.LinearLR(optimizer, 0.1), second(optimizer)], [5]))
    walk(scheduler, epoch + 1)
    found = from_torch(scheduler)
    same(found, walk(scheduler, 60), first=epoch)
