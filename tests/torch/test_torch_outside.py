"""What others do to an optimizer that lives: clocks, groups, parameters, memory and state, exchanged from outside."""

import pytest
import torch
from torch_pairs import Pair, copies, params, same, train, w

import calando.torch as ct
from calando.schedules import Cosine, Linear


def test_clock_written_from_outside_moves_the_schedules():
    p = params()
    optimizer = ct.SGD(p, lr=Linear(1.0, 0.0, 10))
    train(optimizer, p, range(3))
    optimizer.param_groups[0]["step"] = 7
    assert optimizer.current()["lr"] == pytest.approx(0.3)
    train(optimizer, p, [3])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)


def test_a_change_made_later_holds_from_where_the_clock_is_set_back_to():
    p = params()
    optimizer = ct.SGD(p, lr=0.5)
    train(optimizer, p, range(3))
    optimizer.set("lr", 0.25)
    optimizer.param_groups[0]["step"] = 1
    assert optimizer.trace("lr", range(4), group=0).tolist() == [0.5, 0.25, 0.25, 0.25]


def test_a_group_set_back_with_the_number_it_had_then_keeps_its_schedule():
    p = params()
    rate = Linear(1.0, 0.0, 10)
    optimizer = ct.SGD(p, lr=rate)
    kept = {key: optimizer.param_groups[0][key] for key in ("lr", "step")}
    train(optimizer, p, range(3))
    optimizer.param_groups[0].update(kept)
    assert optimizer.current()["lr"] == 1.0 and optimizer.at(5)["lr"] == rate(5)


@pytest.mark.parametrize("way", ["set", "scale", "restore", "load_state_dict"])
def test_what_was_written_from_outside_is_past_when_lr_is_decided_anew(way):
    p = torch.nn.Parameter(torch.zeros(2))
    optimizer = ct.SGD([p], lr=[0.5, 0.25, 0.125])
    before = {"restore": optimizer.snapshot(), "load_state_dict": optimizer.state_dict()}
    optimizer.param_groups[0]["lr"] = 0.3
    assert "lr was written from outside" in repr(optimizer)
    if way in before:
        getattr(optimizer, way)(before[way])
        assert [optimizer.at(step)["lr"] for step in range(3)] == [0.5, 0.25, 0.125]
    else:
        getattr(optimizer, way)("lr", 2.0)
        optimizer.param_groups[0]["lr"] = 0.5  # the list had it here, and is not meant
        assert [optimizer.at(step)["lr"] for step in range(3)] == [0.5] * 3
    assert "outside" not in repr(optimizer)


@pytest.mark.parametrize("way", ["set", "scale", "restore", "load_state_dict"])
def test_what_stood_there_before_a_change_and_is_put_back_counts(way):
    p = params()
    optimizer = ct.SGD(p, lr=0.25, momentum=0.5)
    before = {"restore": optimizer.snapshot(), "load_state_dict": optimizer.state_dict()}
    optimizer.set("lr", 0.5)
    train(optimizer, p, range(2))
    stood = dict(optimizer.param_groups[0])
    getattr(optimizer, way)(before[way]) if way in before else getattr(optimizer, way)("lr", 2.0)
    assert optimizer.current()["lr"] != 0.5
    group = optimizer.param_groups[0]
    group.update({name: stood[name] for name in group if name not in ("params", "step")})  # the very same objects
    assert optimizer.current()["lr"] == 0.5


def test_add_param_group_midway_starts_where_group_0_stands_or_where_it_says():
    pair = Pair("AdamW", {"lr": 0.1}, groups=[{"params": [0, 1]}])
    rate = Linear(1.0, 0.0, 10)
    for _ in range(4):
        pair.step(out={2, 3})
    pair.ours.add_param_group({"params": [pair.left[2]], "lr": rate})
    pair.ours.add_param_group({"params": pair.left[3], "lr": rate, "step": 0})
    for i in (2, 3):
        pair.theirs.add_param_group({"params": [pair.right[i]]})
    for step in range(4):
        pair.theirs.param_groups[1]["lr"] = rate(4 + step)
        pair.theirs.param_groups[2]["lr"] = rate(step)
        assert [g["lr"] for g in pair.ours.param_groups] == [0.1, rate(4 + step), rate(step)]
        pair.step()
        pair.same()
    assert [pair.ours.state[p]["step"].item() for p in pair.left] == [8, 8, 4, 4]


@pytest.mark.parametrize("library", [torch.optim, ct], ids=["torch", "calando"])
def test_defaults_written_after_building_hold_for_newcomers(library):
    given = {"lr": torch.tensor(0.125), "betas": (0.5, 0.625)}
    optimizer = library.AdamW([w()], **given)
    optimizer.defaults["lr"].fill_(0.25)
    optimizer.defaults.update(betas=(0.25, 0.375), amsgrad=True)
    optimizer.add_param_group({"params": [w(2)], "eps": 0.5})
    found = optimizer.param_groups[1]
    assert (float(found["lr"]), found["betas"], found["eps"]) == (0.25, (0.25, 0.375), 0.5)
    assert found["amsgrad"] is True and found["weight_decay"] == 0.01


def test_a_schedule_that_was_given_holds_for_newcomers_until_the_default_is_written():
    optimizer = ct.AdamW([w()], lr=Linear(0.0, 1.0, 4))
    optimizer.add_param_group({"params": [w()]})
    optimizer.defaults["lr"] = 0.5
    optimizer.add_param_group({"params": [w()]})
    assert optimizer.trace("lr", [2]).tolist() == [[0.5, 0.5, 0.5]]
    assert optimizer.trace("lr", [4]).tolist() == [[1.0, 1.0, 0.5]]
    optimizer.defaults["lr"] = -1.0
    with pytest.raises(ValueError, match=r"For 'AdamW', group 3: 'lr' must lie in \[0, inf\), but got -1.0"):
        optimizer.add_param_group({"params": [w()]})
    assert len(optimizer.param_groups) == 3


def test_one_step_each_of_groups_played_one_by_one():
    """As DeepSpeed's ZeRO-1 and 2 do: every group has its own clock."""
    spread = [{"params": [0, 1]}, {"params": [2], "lr": 0.02}, {"params": [3]}]
    pair = Pair("AdamW", {"lr": 0.1}, spread)
    rate = Cosine(0.1, 0.0, 6)
    pair.ours.set("lr", rate, group=0)
    groups = pair.ours.param_groups
    for step in range(5):
        pair.grads()
        for group in groups:
            pair.ours.param_groups = [group]
            pair.ours.step()
        pair.ours.param_groups = groups
        pair.theirs.param_groups[0]["lr"] = rate(step)
        pair.theirs.step()
        pair.same()
    assert [g["step"] for g in groups] == [5, 5, 5]


@pytest.mark.parametrize("name, options", [("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.2}), ("AdamW", {})])
def test_parameters_put_in_and_taken_out_around_each_step(name, options):
    """As DeepSpeed's ZeRO-3 does."""
    pair = Pair(name, options, groups=[{"params": [0, 1, 2, 3]}])
    group = pair.ours.param_groups[0]
    for _ in range(4):
        pair.grads()
        for p in pair.left:
            group["params"] = [p]
            pair.ours.step()
            group["params"] = []
        pair.theirs.step()
        pair.same()


@pytest.mark.parametrize("name, options", [("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.2}), ("AdamW", {})])
def test_memory_and_parameters_exchanged(name, options):
    pair = Pair(name, options)
    for _ in range(2):
        pair.step()
    for side in (pair.left, pair.right):
        for p in side:
            p.data = p.data.clone()
    pair.step()
    pair.same()
    for side, optimizer in ((pair.left, pair.ours), (pair.right, pair.theirs)):
        new = torch.nn.Parameter(side[1].detach() * 2)
        optimizer.state[new] = optimizer.state.pop(side[1])
        side[1] = optimizer.param_groups[0]["params"][1] = new
    for _ in range(2):
        pair.step()
        pair.same()


def test_dtype_of_the_model_changed_midway():
    pair = Pair("AdamW", {"lr": 0.1}, dtype=torch.float32)
    for _ in range(2):
        pair.step()
    pair.dtype = torch.float64
    for p in (*pair.left, *pair.right):
        p.grad = None
        p.data = p.data.double()
    for optimizer in (pair.ours, pair.theirs):
        for state in optimizer.state.values():
            state.update({k: v.double() for k, v in state.items() if k != "step"})
    for _ in range(3):
        pair.step()
    pair.same(rtol=1e-5, atol=1e-5)
    assert {p.dtype for p in pair.left} == {torch.float64}


WRITES = {
    "a new tensor": lambda state: state.update(exp_avg=torch.zeros_like(state["exp_avg"])),
    "in place": lambda state: state["exp_avg"].zero_(),
    "a new step": lambda state: state.update(step=torch.tensor(0.0)),
    "step in place": lambda state: state["step"].zero_(),
}


@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_into_state_counts(write):
    """Lightning moves state so; users reset moments so."""
    pair = Pair("Adam", {"lr": 0.1})
    for _ in range(3):
        pair.step()
    for optimizer, side in ((pair.ours, pair.left), (pair.theirs, pair.right)):
        for p in side:
            WRITES[write](optimizer.state[p])
    for _ in range(2):
        pair.step()
    pair.same()


@pytest.mark.parametrize("reset", ["clear", "new", "pop one", "one emptied"])
def test_state_reset_by_hand(reset):
    from collections import defaultdict

    pair = Pair("Adam", {"lr": 0.1})
    for _ in range(3):
        pair.step()
    for optimizer, side in ((pair.ours, pair.left), (pair.theirs, pair.right)):
        if reset == "clear":
            optimizer.state.clear()
        elif reset == "new":
            optimizer.state = defaultdict(dict)
        elif reset == "pop one":
            optimizer.state.pop(side[2])
        else:
            optimizer.state[side[2]] = {}
    for _ in range(2):
        pair.step()
    pair.same()
    assert list(pair.ours.state[pair.left[2]]) == list(pair.theirs.state[pair.right[2]])


def test_stale_gradient_of_another_dtype_is_refused():
    """``p.data = p.data.double()`` with the float32 gradient still there: torch refuses, memory must not be read."""
    p = torch.nn.Parameter(torch.ones(4))
    optimizer = ct.SGD([p], lr=0.1)
    p.grad = torch.ones(4)
    p.data = p.data.double()
    with pytest.raises((TypeError, RuntimeError), match=r"parameter '0' of group 0 .*float32.*float64"):
        optimizer.step()
    assert p.tolist() == [1.0] * 4


def test_equal_parameters_are_told_apart():
    """Tensors compare by elements; whoever looks them up with == finds the wrong one or fails."""
    left = [torch.nn.Parameter(torch.ones(3)) for _ in range(3)]
    right = copies(left)
    first, second = ct.Adam(left, lr=0.1), torch.optim.Adam(right, lr=0.1)
    for i, (p, q) in enumerate(zip(left, right, strict=True)):
        p.grad = torch.full((3,), float(i))
        q.grad = p.grad.clone()
    first.step(), second.step()
    same(left, right, 1e-6, 1e-6)
    left[1].data = torch.ones(4)
    left[1].grad = torch.ones(4)
    with pytest.raises(ValueError, match=r"parameter '1' of group 0 had shape \(3,\) .* has \(4,\) now"):
        first.step()
