"""Hyperparameters in tensors, as torch allows: filled from outside they are heard, and so are torch's schedulers."""

import copy

import pytest
import torch
from torch_pairs import give, identical, ours, params, same, saved, theirs, train

import calando.torch as ct
from calando.schedules import Linear

KINDS = [lambda x: torch.tensor(x, dtype=torch.float64), lambda x: torch.tensor([x], dtype=torch.float64)]


@pytest.mark.parametrize("kind", KINDS, ids=["no dimension", "one element"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "NAdam", "Adagrad"])
def test_filled_from_outside_as_in_torch(name, kind):
    left, right = params(), params()
    mine, original = kind(0.1), kind(0.1)
    pair = ours(name)(left, lr=mine), theirs(name)(right, lr=original)
    for step in range(6):
        give(left, step), give(right, step)
        if step == 3:
            mine.fill_(0.02), original.fill_(0.02)
        for optimizer in pair:
            optimizer.step()
        assert pair[0].param_groups[0]["lr"] is mine
    same(left, right)
    assert pair[0].trace("lr", group=0).tolist() == [0.1] * 3 + [0.02] * 3


def test_betas_in_tensors():
    left, right = params(), params()
    mine = torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.9, dtype=torch.float64)
    pair = ct.AdamW(left, betas=mine), torch.optim.AdamW(right, betas=(0.8, 0.9))
    for step in range(6):
        give(left, step), give(right, step)
        if step == 3:
            mine[0].fill_(0.5)
            pair[1].param_groups[0]["betas"] = (0.5, 0.9)
        for optimizer in pair:
            optimizer.step()
    same(left, right)
    assert pair[0].param_groups[0]["betas"][0] is mine[0]
    assert pair[0].current()[0]["betas"] == (0.5, 0.9)


def test_torchs_schedulers_fill_the_tensor():
    left, right = params(), params()
    mine = torch.tensor(0.1, dtype=torch.float64)
    pair = ct.AdamW(left, lr=mine), torch.optim.AdamW(right, lr=torch.tensor(0.1, dtype=torch.float64))
    schedulers = [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5) for optimizer in pair]
    for step in range(5):
        give(left, step), give(right, step)
        for optimizer, scheduler in zip(pair, schedulers, strict=True):
            optimizer.step(), scheduler.step()
    same(left, right)
    assert pair[0].param_groups[0]["lr"] is mine and mine.item() == 0.1 * 0.5**5


def test_our_own_values_are_written_into_the_tensor_but_not_into_that_of_another_group():
    own = params([(2,), (3,)])
    shared = torch.tensor(0.125)
    optimizer = ct.SGD([{"params": own[:1]}, {"params": own[1:]}], lr=shared)
    optimizer.set("lr", 0.5, group=0)
    assert [group["lr"].item() for group in optimizer.param_groups] == [0.5, 0.125]
    assert optimizer.param_groups[1]["lr"] is shared
    alone = torch.tensor(0.1)
    single = ct.SGD(params(), lr=alone)
    single.set("lr", Linear(1.0, 0.0, 4))
    train(single, single.param_groups[0]["params"], range(2))
    assert single.param_groups[0]["lr"] is alone and alone.item() == 0.5


@pytest.mark.parametrize("way", ["file", "deepcopy"])
def test_goes_on_exactly(way):
    whole = params()
    optimizer = ct.AdamW(whole, lr=torch.tensor(0.1))
    train(optimizer, whole, range(4))
    if way == "deepcopy":
        other = copy.deepcopy(optimizer)
        parts = other.param_groups[0]["params"]
    else:
        parts = copy.deepcopy(whole)
        other = ct.AdamW(parts, lr=torch.tensor(0.7))
        other.load_state_dict(saved(optimizer.state_dict()))
    assert isinstance(other.param_groups[0]["lr"], torch.Tensor)
    for one, tensors in ((optimizer, whole), (other, parts)):
        one.param_groups[0]["lr"].fill_(0.25)
        train(one, tensors, range(4, 7))
    identical(whole, parts)


def test_a_written_tensor_that_is_unfit_changes_nothing():
    own = params()
    optimizer = ct.AdamW(own, lr=torch.tensor(0.1))
    optimizer.param_groups[0]["lr"].fill_(-1.0)
    with pytest.raises(ValueError, match=r"For 'AdamW', group 0: 'lr' must lie in \[0, inf\), but got -1.0"):
        train(optimizer, own, [0])
    optimizer.param_groups[0]["lr"] = torch.tensor([0.1, 0.2])
    with pytest.raises(ValueError, match="group 0: 'lr' as a tensor must have one element, but got a tensor of shape"):
        train(optimizer, own, [0])


def test_a_tensor_with_a_history_is_filled_too():
    rate = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = ct.SGD([p], lr=rate)
    optimizer.set("lr", [0.5, 0.25, 0.125])
    assert optimizer.param_groups[0]["lr"] is rate and rate.item() == 0.5
    p.grad = torch.ones(2)
    optimizer.step()
    assert rate.item() == 0.25 and p.tolist() == [0.5, 0.5]
