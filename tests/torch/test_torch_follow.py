"""Follow: a scheduler for those who insist on one, which changes nothing."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch.optim.lr_scheduler import LRScheduler, StepLR
from torch_pairs import identical, params, train

import calando.torch as ct
from calando.schedules import Cosine, Linear

RATE = Linear(0.0, 0.1, 3).then(Cosine(0.1, 0.0, 20))


def made(p):
    return ct.AdamW([{"params": p[:2]}, {"params": p[2:], "lr": 0.03}], lr=RATE)


def test_it_reports_the_optimizers_own_and_changes_nothing():
    p, q = params(), params()
    alone, followed = made(p), made(q)
    before = set(followed.param_groups[0])
    follow = ct.Follow(followed)
    assert isinstance(follow, LRScheduler)
    assert set(followed.param_groups[0]) == before
    for step in range(12):
        assert follow.get_last_lr() == [RATE(step), 0.03]
        train(alone, p, [step])
        train(followed, q, [step])
        assert follow.get_last_lr() == [RATE(step), 0.03]  # as a scheduler of torch's that has not been stepped yet
        follow.step()
        assert follow.last_epoch == step + 1
    identical(p, q)
    assert follow.base_lrs == [0.0, 0.03]
    assert "outside" not in repr(followed)
    followed.set("lr", 0.5)
    assert follow.get_last_lr() == follow.get_lr() == [0.5, 0.5]


@pytest.mark.parametrize("order", ["before the optimizer", "twice", "with an epoch", "after step was replaced"])
def test_no_warnings_and_no_harm_in_any_order(order):
    p = params()
    optimizer = made(p)
    follow = ct.Follow(optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if order == "after step was replaced":
            optimizer.step = optimizer.step  # as accelerate does
        for step in range(4):
            if order == "before the optimizer":
                follow.step()
            train(optimizer, p, [step])
            if order != "before the optimizer":
                follow.step(*([step] if order == "with an epoch" else []))
            if order == "twice":
                follow.step()
    assert optimizer.param_groups[0]["step"] == 4
    assert follow.get_last_lr() == [RATE(4), 0.03]


def test_state_round_trips():
    p = params()
    optimizer = made(p)
    follow = ct.Follow(optimizer)
    for step in range(5):
        train(optimizer, p, [step])
        follow.step()
    file = io.BytesIO()
    torch.save(follow.state_dict(), file)
    file.seek(0)
    again = ct.Follow(made(params()))
    again.load_state_dict(torch.load(file, weights_only=True))
    assert again.state_dict() == follow.state_dict()
    assert again.last_epoch == 5
    again.step()
    assert again.last_epoch == 6
    for twin in copy.deepcopy(follow), pickle.loads(pickle.dumps(follow)):
        assert twin.get_last_lr() == follow.get_last_lr()
        assert twin.state_dict() == follow.state_dict()
        assert twin.optimizer is not optimizer


def test_the_count_of_another_scheduler_is_taken_over():
    scheduler = StepLR(torch.optim.SGD(params(), lr=0.1), 2)
    follow = ct.Follow(made(params()))
    follow.load_state_dict(scheduler.state_dict())
    assert follow.last_epoch == 0
    with pytest.raises(ValueError, match="has 'last_epoch', but this has"):
        follow.load_state_dict({"epoch": 3})
    with pytest.raises(TypeError, match="the state of a scheduler is a dictionary, but this is None"):
        follow.load_state_dict(None)
    with pytest.raises(TypeError, match="an optimizer of torch is followed, not None"):
        ct.Follow(None)


@pytest.mark.filterwarnings("ignore:.* a scheduler wrote lr")
def test_a_scheduler_of_torchs_may_be_there_too():
    p = params()
    optimizer = made(p)
    follow, steps = ct.Follow(optimizer), StepLR(optimizer, 1, 0.5)
    for step in range(3):
        train(optimizer, p, [step])
        steps.step()
        follow.step()
        assert follow.get_last_lr() == steps.get_last_lr()


def test_groups_added_later_are_reported():
    optimizer = made(params())
    follow = ct.Follow(optimizer)
    optimizer.add_param_group({"params": params(), "lr": 0.7})
    assert follow.get_last_lr() == [0.0, 0.03, 0.7]


class Around(torch.optim.Optimizer):
    """As accelerate's, which Hugging Face's ``Trainer`` hands to ``create_scheduler``."""

    def __init__(self, inner):
        self.optimizer = inner

    @property
    def param_groups(self):
        return self.optimizer.param_groups


def test_an_optimizer_that_is_wrapped_is_followed_as_it_is_alone():
    p = params()
    optimizer = made(p)
    alone, wrapped = ct.Follow(optimizer), ct.Follow(Around(optimizer))
    for step in range(3):
        train(optimizer, p, [step])
        assert wrapped.get_last_lr() == alone.get_last_lr() == [RATE(step), 0.03]
        alone.step(), wrapped.step()
        assert wrapped.get_last_lr() == alone.get_last_lr() == [RATE(step + 1), 0.03]
