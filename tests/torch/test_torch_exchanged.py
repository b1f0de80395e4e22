"""Slots and ages that others move, exchange or write into, beside torch; what cannot be one is refused."""

import copy

import pytest
import torch
from torch_pairs import copies, everything, give, ours, params, same, theirs

import calando.torch as ct

NAMES = ["SGD", "AdamW", "NAdam", "Adagrad", "Rprop", "Adadelta"]
OPTIONS = {"SGD": {"lr": 0.1, "momentum": 0.9}}
MOVES = {
    "other memory": lambda x: setattr(x, "data", x.data * 0.5),
    "set_": lambda x: x.set_(x * 0.5),
    "shared memory": lambda x: x.share_memory_(),
    "another dtype": lambda x: setattr(x, "data", x.data.to(torch.float32)),
}


def pair(name, shapes, dtype=torch.float64):
    left = params(shapes, dtype=dtype)
    right = copies(left)
    made = [room(name)(side, **OPTIONS.get(name, {"lr": 0.1})) for room, side in ((ours, left), (theirs, right))]
    return left, right, *made


def step(left, right, first, second, seed):
    for side, optimizer in ((left, first), (right, second)):
        give(side, seed)
        optimizer.step()


def slots(optimizer, p):
    return [x for key, x in sorted(optimizer.state[p].items()) if key != "step" and x.dim()]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("name", NAMES)
def test_slots_with_other_memory(name, move):
    left, right, first, second = pair(name, [(5,), (3, 4)])
    step(left, right, first, second, 0)
    for optimizer, side in ((first, left), (second, right)):
        for x in slots(optimizer, side[1]):
            MOVES[move](x)
            if optimizer is second:  # most of torch's classes stop at another dtype; ours take it back
                x.data = x.data.double()
    junk = [torch.full((12,), 1e300, dtype=torch.float64) for _ in range(50)]  # takes the place of what was freed
    for seed in range(1, 4):
        step(left, right, first, second, seed)
    same(left, right, rtol=1e-6 if move == "another dtype" else 1e-12)
    assert all((x == 1e300).all() for x in junk)


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("name", ["AdamW", "NAdam", "ASGD", "RMSprop"])
def test_an_age_with_other_memory(name, count):
    left, right, first, second = pair(name, [(3,)] * count)
    step(left, right, first, second, 0)
    step(left, right, first, second, 1)
    for optimizer, side in ((first, left), (second, right)):
        face = optimizer.state[side[count // 2]]
        for key in sorted(face.keys() & {"step", "mu", "eta", "mu_product"}):
            face[key].data = face[key] * 0.5
    for seed in range(2, 5):
        step(left, right, first, second, seed)
    same(left, right, rtol=1e-6 if name in ("NAdam", "ASGD") else 1e-12)  # numbers of these rules are float32 in torch
    first, second = ([optimizer.state[p]["step"] for p in optimizer.state] for optimizer in (first, second))
    assert first == second


def test_slots_of_many_small_parameters_with_other_memory():
    left, right, first, second = pair("AdamW", [(6,)] * 300)
    step(left, right, first, second, 0)
    for at in (0, 157, 299):
        for optimizer, side in ((first, left), (second, right)):
            MOVES["other memory"](slots(optimizer, side[at])[0])
        junk = [torch.full((6,), 1e300, dtype=torch.float64) for _ in range(50)]
        step(left, right, first, second, at + 1)
        same(left, right)
        assert all((x == 1e300).all() for x in junk)


@pytest.mark.parametrize("name", ["AdamW", "NAdam"])
def test_ages_in_shared_memory_are_still_shown(name):
    left, right, first, second = pair(name, [(5,), (3, 4)])
    step(left, right, first, second, 0)
    for x in first.state[left[0]].values():
        x.share_memory_()
    step(left, right, first, second, 1)
    assert first.state[left[0]]["step"] == first.state[left[1]]["step"] == 2
    same(left, right, rtol=1e-7)


@pytest.mark.parametrize("name", ["AdamW", "NAdam", "Rprop", "RAdam"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_age_written_around_a_newcomer(name, when):
    left, right, first, second = pair(name, [(5,), (3, 4)])
    step(left, right, first, second, 0)
    for side, optimizer in ((left, first), (right, second)):
        if when == "before":
            optimizer.state[side[0]]["step"].fill_(30.0)
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2, dtype=torch.float64))]})
        if when == "after":
            optimizer.state[side[0]]["step"].fill_(30.0)
    for seed in (1, 2):
        step(left, right, first, second, seed)  # the newcomer has no gradient
    assert [float(first.state[p]["step"]) for p in left] == [float(second.state[p]["step"]) for p in right] == [32, 3]
    same(left, right, rtol=1e-6)
    assert float(first.state_dict()["state"][0]["step"]) == 32


def test_an_age_written_after_a_choice():
    """The choice arranges everything anew; what was written into the age before that counts."""
    left, right, first, second = pair("RAdam", [(5,), (3, 4)])
    step(left, right, first, second, 0)
    for side, optimizer in ((left, first), (right, second)):
        optimizer.param_groups[0]["decoupled_weight_decay"] = True
        optimizer.state[side[0]]["step"].fill_(30.0)
    first.current()
    first.state[left[1]]["step"].fill_(20.0), second.state[right[1]]["step"].fill_(20.0)
    step(left, right, first, second, 1)
    assert [float(first.state[p]["step"]) for p in left] == [31, 21]
    same(left, right)


def test_a_parameter_exchanged_in_a_group_that_sits_out():
    """Groups are stepped one at a time; the parameter that is gone does not come back into ``state``."""
    left = params([(5,), (3, 4)])
    optimizer = ct.AdamW([{"params": [p]} for p in left])
    give(left, 0)
    optimizer.step()
    old, new = left[1], torch.nn.Parameter(left[1].detach().clone())
    optimizer.param_groups[1]["params"][0] = new
    optimizer.state[new] = optimizer.state.pop(old)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})
    groups = optimizer.param_groups
    give([left[0], new], 1)
    for group in groups:
        optimizer.param_groups = [group]
        optimizer.step()
    optimizer.param_groups = groups
    assert old not in optimizer.state and float(optimizer.state[new]["step"]) == 2
    assert len(optimizer.state_dict()["state"]) == 2


BAD = {
    "a tensor of another shape": (torch.zeros(2), "must be a tensor of shape"),
    "a number": (3.0, "must be a tensor of shape .* but it is 3.0"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", [*NAMES, "Adafactor", "Muon"])
def test_a_state_that_cannot_be_one_is_refused(name, bad):
    left, _, optimizer, _ = pair(name, [(5, 3)])
    give(left, 0)
    optimizer.step()
    before = everything(optimizer)
    key = next(key for key, x in optimizer.state[left[0]].items() if key != "step" and x.dim())
    good, (value, told) = optimizer.state[left[0]][key], BAD[bad]
    optimizer.state[left[0]][key] = value
    with pytest.raises(ValueError, match=f"For '{name}': parameter '0' of group 0: its state '{key}' {told}"):
        optimizer.step()
    optimizer.state[left[0]][key] = good
    assert everything(optimizer) == before
    optimizer.step()


@pytest.mark.parametrize("value", [float("nan"), -1.0, 2.5, "x"], ids=repr)
def test_an_age_that_cannot_be_one_is_refused(value):
    left, _, optimizer, _ = pair("AdamW", [(5,)])
    give(left, 0)
    optimizer.step()
    weights = left[0].tolist()
    optimizer.state[left[0]]["step"] = value
    with pytest.raises(ValueError, match="parameter '0' of group 0: 'step' must be a whole number from 0 on, but its"):
        optimizer.step()
    assert left[0].tolist() == weights and optimizer.param_groups[0]["step"] == 1


def test_adagrad_has_its_state_from_the_beginning():
    left, right, first, second = pair("Adagrad", [(5,), (3, 4)])
    found, wanted = first.state_dict()["state"], second.state_dict()["state"]
    assert found.keys() == wanted.keys() == {0, 1}
    for key, face in wanted.items():
        assert face.keys() == found[key].keys()
        assert all(torch.equal(x, found[key][name]) for name, x in face.items())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    step(left, right, first, second, 0)
    same(left, right)
    for optimizer, side in ((first, left), (second, right)):
        optimizer.state[side[0]]["sum"] = optimizer.state[side[0]]["sum"] * 4.0
        side.append(torch.nn.Parameter(torch.ones(2)))
        optimizer.add_param_group({"params": side[-1]})
        assert side[-1] not in optimizer.state  # a newcomer's is made at its first step
    step(left, right, first, second, 1)
    same(left, right)
    assert torch.equal(first.state[left[2]]["sum"], second.state[right[2]]["sum"])


def test_adagrad_shares_its_memory():
    left, right, first, second = pair("Adagrad", [(5,), (3, 4)])
    first.share_memory(), second.share_memory()
    assert all(first.state[p]["sum"].is_shared() for p in left)
    for seed in range(3):
        step(left, right, first, second, seed)
    same(left, right)
    assert all(first.state[p]["sum"].is_shared() for p in left)


@pytest.mark.parametrize(
    "name", [*NAMES, "Adafactor", "Adam", "Adamax", "ASGD", "LBFGS", "Muon", "RAdam", "SparseAdam"]
)
def test_loading_adds_no_key_to_groups(name):
    first, second = ours(name)(params([(3, 4)])), theirs(name)(params([(3, 4)]))
    first.load_state_dict(first.state_dict()), second.load_state_dict(second.state_dict())
    assert first.param_groups[0].keys() - {"max_norm", "step"} == second.param_groups[0].keys()
