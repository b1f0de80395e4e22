"""torch's own schedulers drive our optimizers from outside, as they drive torch's."""

import math
import sys
import warnings

import pytest
import torch
from torch.optim import lr_scheduler as room
from torch.optim.swa_utils import SWALR
from torch_pairs import Pair, told

import calando.torch as ct
from calando.schedules import Linear


def sequence(o):
    parts = [room.LinearLR(o, 0.1, 1.0, 4), room.CosineAnnealingLR(o, 6), room.ExponentialLR(o, 0.9)]
    return room.SequentialLR(o, parts, milestones=[4, 10])


SCHEDULERS = {
    "LambdaLR": lambda o: room.LambdaLR(o, lambda t: 0.95**t),
    "LambdaLR, one each": lambda o: room.LambdaLR(o, [lambda t: 1 / (1 + t), lambda t: math.cos(t / 40)]),
    "LambdaLR of 1": lambda o: room.LambdaLR(o, lambda t: 1.0),
    "MultiplicativeLR": lambda o: room.MultiplicativeLR(o, lambda t: 0.9),
    "StepLR": lambda o: room.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda o: room.MultiStepLR(o, [2, 5, 5, 9], 0.5),
    "ConstantLR": lambda o: room.ConstantLR(o, 0.25, 4),
    "LinearLR": lambda o: room.LinearLR(o, 0.1, 1.0, 7),
    "ExponentialLR": lambda o: room.ExponentialLR(o, 0.8),
    "PolynomialLR": lambda o: room.PolynomialLR(o, 8, 2.0),
    "CosineAnnealingLR": lambda o: room.CosineAnnealingLR(o, 6, 0.001),
    "CosineAnnealingWarmRestarts": lambda o: room.CosineAnnealingWarmRestarts(o, 3, 2),
    "CyclicLR": lambda o: room.CyclicLR(o, 0.01, 0.1, 3, 4, mode="triangular2"),
    "CyclicLR without momentum": lambda o: room.CyclicLR(o, 0.01, 0.1, 3, cycle_momentum=False),
    "OneCycleLR": lambda o: room.OneCycleLR(o, 0.1, total_steps=20),
    "OneCycleLR, three phases": lambda o: room.OneCycleLR(o, [0.1, 0.05], total_steps=20, three_phase=True),
    "SequentialLR": sequence,
    "ChainedScheduler": lambda o: room.ChainedScheduler([room.ConstantLR(o, 0.1, 5), room.ExponentialLR(o, 0.9)]),
    "ReduceLROnPlateau": lambda o: room.ReduceLROnPlateau(o, factor=0.5, patience=1, min_lr=0.001),
    "SWALR": lambda o: SWALR(o, swa_lr=0.01, anneal_epochs=6),
}
OPTIMIZERS = [
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "betas": (0.9, 0.99)}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.5}),
    ("NAdam", {"lr": 0.05}),
]


@pytest.mark.parametrize("name, options", [pytest.param(*row, id=told(row)) for row in OPTIMIZERS])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_same_path_under_the_same_scheduler(scheduler, name, options):
    pair = Pair(name, options, [{"params": [0, 1]}, {"params": [2, 3], "lr": 0.03}])
    first, second = SCHEDULERS[scheduler](pair.ours), SCHEDULERS[scheduler](pair.theirs)
    for step in range(18):
        pair.step()
        metric = [1 / (1 + step) if step < 4 else 0.25] if scheduler == "ReduceLROnPlateau" else []
        first.step(*metric)
        second.step(*metric)
        pair.same()
        for group, other in zip(pair.ours.param_groups, pair.theirs.param_groups, strict=True):
            for key in set(other) - {"params"}:
                assert group[key] == other[key], key
            assert type(group["lr"]) is float
    assert first.get_last_lr() == second.get_last_lr()
    if scheduler in ("LambdaLR", "StepLR"):
        assert first.state_dict() == second.state_dict()


OTHERS = ["Adadelta", "Adafactor", "Adagrad", "Adamax", "ASGD", "Muon", "RAdam", "Rprop"]


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_class_goes_with_every_scheduler_or_refuses_as_torchs_does(name):
    shapes = [(3, 4), (4, 2)] if name == "Muon" else [(3, 4), (5,)]
    for scheduler in SCHEDULERS:
        pair = Pair(name, {"lr": 0.05}, [{"params": [0]}, {"params": [1], "lr": 0.03}], shapes=shapes)
        try:
            second = SCHEDULERS[scheduler](pair.theirs)
        except ValueError as told:
            with pytest.raises(ValueError, match=str(told)):
                SCHEDULERS[scheduler](pair.ours)
            continue
        first = SCHEDULERS[scheduler](pair.ours)
        for step in range(9):
            pair.step()
            metric = [1 / (1 + min(step, 3))] if scheduler == "ReduceLROnPlateau" else []
            first.step(*metric), second.step(*metric)
            rates = [[group["lr"] for group in side.param_groups] for side in (pair.ours, pair.theirs)]
            assert rates[0] == rates[1], scheduler
        pair.same(1e-5 if name == "Muon" else 1e-12)


@pytest.mark.parametrize("scheduler", ["StepLR", "OneCycleLR", "CosineAnnealingLR"])
def test_resumed_with_the_scheduler(scheduler):
    whole = Pair("AdamW", {"lr": 0.05}, [{"params": [0, 1]}, {"params": [2, 3], "lr": 0.03}])
    drive = SCHEDULERS[scheduler](whole.theirs)
    mine = SCHEDULERS[scheduler](whole.ours)
    for _ in range(7):
        whole.step()
        drive.step(), mine.step()
    again = Pair("AdamW", {"lr": 0.05}, [{"params": [0, 1]}, {"params": [2, 3], "lr": 0.03}])
    follow = SCHEDULERS[scheduler](again.ours)
    with torch.no_grad():
        for p, q in zip(again.left, whole.left, strict=True):
            p.copy_(q)
    again.ours.load_state_dict(whole.ours.state_dict())
    follow.load_state_dict(mine.state_dict())
    whole.left, whole.ours = again.left, again.ours
    for _ in range(7):
        whole.step()
        drive.step(), follow.step()
        whole.same()


def test_every_scheduler_of_torch_has_a_row():
    exported = {
        n
        for n in dir(room)
        if n.endswith("LR") or n in ("ReduceLROnPlateau", "ChainedScheduler", "CosineAnnealingWarmRestarts")
    }
    rows = {name.partition(",")[0].partition(" ")[0] for name in SCHEDULERS}
    assert {n for n in exported if not n.startswith("_")} - rows <= {"WarmupLR"}


def test_what_the_scheduler_wrote_is_in_the_history():
    pair = Pair("SGD", {"lr": 0.5})
    scheduler = room.StepLR(pair.ours, 2, 0.5)
    for _ in range(6):
        pair.step()
        scheduler.step()
    pair.ours.current()
    assert pair.ours.trace("lr", range(7), group=0).tolist() == [0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625]


def test_scheduler_over_a_schedule_wins_and_the_other_hyperparameters_keep_theirs():
    rate, decay = Linear(0.0, 1.0, 10), Linear(0.1, 0.2, 10)
    pair = Pair("SGD", {"lr": 0.5, "momentum": 0.9}, more={"lr": rate, "weight_decay": decay})
    scheduler = room.ConstantLR(pair.ours, 1.0)
    scheduler.base_lrs = [0.5]
    writer = room.LambdaLR(pair.ours, lambda t: 0.5 / (t + 1))
    writer.base_lrs = [1.0]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for step in range(5):
            pair.ours.param_groups[0]["lr"] = pair.theirs.param_groups[0]["lr"] = 0.5 / (step + 1)
            pair.theirs.param_groups[0]["weight_decay"] = decay(step)
            pair.step()
            pair.same()
    place = "For 'SGD', group 0: a scheduler wrote lr = 0.5 in step 0"
    way = "give lr to one of the two; a trainer that wants a scheduler takes calando.torch.Follow"
    assert [str(w.message) for w in told] == [f"{place}, which ends Linear(0, 1, 10); {way}"]


def test_the_warning_comes_once_for_all_groups():
    groups = [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": Linear(0.5, 0.0, 10)} for _ in range(2)]
    optimizer = ct.SGD(groups, lr=0.1)
    room.LambdaLR(optimizer, lambda t: 0.5)
    with pytest.warns(UserWarning, match="a scheduler wrote lr = 0.25 in step 0") as told:
        assert [group["lr"] for group in optimizer.current()] == [0.25, 0.25]
    assert len(told) == 1


def test_only_a_scheduler_beside_a_schedule_is_warned_of():
    """A number written by hand is meant, and a scheduler over a number is torch's ordinary way. Warnings are errors."""
    by_hand = Pair("AdamW", {"lr": 0.5}, more={"lr": Linear(0.0, 1.0, 10)})
    by_hand.ours.param_groups[0]["lr"] = 0.25
    by_hand.ours.step()
    driven = Pair("AdamW", {"lr": 0.5}, more={"weight_decay": Linear(0.1, 0.2, 10)})
    scheduler = room.StepLR(driven.ours, 1)
    for _ in range(3):
        driven.ours.step()
        scheduler.step()
    assert "written" in repr(by_hand.ours) and driven.ours.current()["lr"] == pytest.approx(0.5e-3)


def test_the_optimizer_is_not_kept_alive_by_a_scheduler_or_itself():
    import gc
    import weakref

    pair = Pair("AdamW", {"lr": 0.5})
    scheduler = room.StepLR(pair.ours, 2)
    pair.step()
    scheduler.step()
    gone = weakref.ref(pair.ours)
    gc.collect()
    gc.disable()
    try:
        del scheduler
        pair.ours = None
        assert gone() is None
    finally:
        gc.enable()


def test_cost_of_being_driven_from_outside_does_not_grow_with_the_tensors():
    """A scheduler writes lr at every step; that must not arrange all tensors anew. Counted are calls, not seconds."""

    def more(count):
        tensors = [torch.nn.Parameter(torch.ones(4)) for _ in range(count)]
        for p in tensors:
            p.grad = torch.ones(4)
        optimizer, calls = ct.AdamW(tensors, lr=0.1), []

        def step(lr=None):
            before = len(calls)
            if lr is not None:
                optimizer.param_groups[0]["lr"] = lr
            sys.setprofile(lambda frame, event, argument: calls.append(event))
            try:
                optimizer.step()
            finally:
                sys.setprofile(None)
            return len(calls) - before

        step(), step()
        return step(0.2) - step()

    few, many = more(400), more(1600)  # both are looked at in one call
    assert 0 < many < few + 20, (few, many)


@pytest.mark.parametrize("name", ["SGD", "AdamW", "Adagrad", "Muon"])
@pytest.mark.parametrize(
    "order", ["the scheduler first", "the optimizer first", "step replaced afterwards", "a step without it"]
)
@pytest.mark.filterwarnings("default")
def test_the_warnings_about_the_order_are_torchs(name, order):
    told = []
    for library in (ct, torch.optim):
        p = torch.nn.Parameter(torch.ones(2, 2))
        optimizer = getattr(library, name)([p], lr=0.1)
        scheduler = room.StepLR(optimizer, 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step in range(3):
                p.grad = torch.ones_like(p)
                if order == "step replaced afterwards" and step == 0:
                    optimizer.step = type(optimizer).step.__get__(optimizer)
                if order == "the scheduler first" and step == 0:
                    scheduler.step()
                if order != "a step without it":
                    optimizer.step()
                scheduler.step()
        told.append([str(warning.message) for warning in caught])
    assert told[0] == told[1]
    assert bool(told[0]) == (order != "the optimizer first")


@pytest.mark.parametrize("scheduler", ["CyclicLR", "OneCycleLR"])
def test_momentum_where_there_is_none_is_refused_as_in_torch(scheduler):
    for library in (ct, torch.optim):
        with pytest.raises(ValueError, match="optimizer must support momentum"):
            SCHEDULERS[scheduler](library.Adagrad([torch.nn.Parameter(torch.ones(2))]))


@pytest.mark.parametrize("total_iters", range(1, 30))
def test_a_scheduler_may_miss_zero_by_rounding(total_iters):
    """torch's LinearLR down to 0 ends at -2e-18 for some lengths: the path is torch's, and a checkpoint holds it."""
    paths = []
    for library in (torch.optim, ct):
        p = torch.nn.Parameter(torch.ones(3))
        optimizer = library.SGD([p], lr=0.1)
        scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.95, 0.0, total_iters)
        for _ in range(total_iters + 2):
            p.grad = p.detach() * 2
            optimizer.step(), scheduler.step()
        paths.append(p.tolist())
    assert paths[1] == pytest.approx(paths[0], rel=1e-6)
    again = ct.SGD([p], lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    assert again.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    optimizer.step()


def test_below_zero_by_more_than_rounding_is_refused():
    optimizer = ct.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    optimizer.param_groups[0]["lr"] = -1e-12
    with pytest.raises(ValueError, match=r"group 0: 'lr' must lie in \[0, inf\), but got -1e-12"):
        optimizer.step()
