"""Layer-wise learning rates: timm's lr_scale in a group."""

import pytest
import torch
from torch_pairs import MOVING, identical, params, same, train

import calando.torch as ct
from calando.schedules import Cosine, Linear

STEPS = 12


def layers(p):
    """Groups as timm's ``param_groups_layer_decay`` makes them, by hand: the deeper, the slower."""
    scales = (0.75**2, 0.75, 1.0)
    return [
        {"params": p[i : i + 1], "param_names": [f"layer{i}"], "weight_decay": 0.05 * (i > 0), "lr_scale": scale}
        for i, scale in enumerate(scales)
    ]


@pytest.mark.parametrize("rate", [*MOVING, lambda step: 0.1 / (1 + step), [0.1 - 0.005 * i for i in range(STEPS)]])
@pytest.mark.parametrize("place", ["constructor", "group", "set", "assigned"])
def test_a_schedule_is_multiplied_by_the_groups_lr_scale(rate, place):
    """What timm's scheduler writes, ``value * group["lr_scale"]``, into torch's optimizer at every step."""
    p, q = params(), params()
    groups = layers(p)
    if place == "group":
        groups = [{**group, "lr": rate} for group in groups]
    optimizer = ct.AdamW(groups, lr=rate if place == "constructor" else 0.3)
    if place == "set":
        optimizer.set("lr", rate)
    if place == "assigned":
        for group in optimizer.param_groups:
            group["lr"] = rate
    outside = torch.optim.AdamW(layers(q), lr=0.3)
    value = rate if callable(rate) else lambda step: rate[step]
    for step in range(STEPS):
        for group in outside.param_groups:
            group["lr"] = value(step) * group["lr_scale"]
        train(optimizer, p, [step])
        train(outside, q, [step])
        seen = [group["lr"] for group in outside.param_groups]
        assert [group["lr"] for group in optimizer.at(step)] == pytest.approx(seen, rel=1e-15)
    same(p, q)


def test_a_number_is_the_number_in_force_whatever_the_lr_scale():
    """timm multiplies it in itself, from the number that it finds; so does a value written from outside."""
    p = params()
    optimizer = ct.AdamW(layers(p), lr=0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.1, 0.1]
    for group in optimizer.param_groups:
        group["lr"] = 0.05 * group["lr_scale"]
    train(optimizer, p, [0])
    assert [group["lr"] for group in optimizer.param_groups] == [0.05 * 0.5625, 0.05 * 0.75, 0.05]
    optimizer.set("lr", 0.2)
    assert optimizer.current()["lr"] == 0.2


def test_an_lr_scale_of_one_leaves_the_schedule_as_it_is():
    for given in (Cosine(0.1, 0.0, 4), lambda step: 0.1, (0.1 for _ in range(9))):
        optimizer = ct.AdamW([{"params": params(), "lr": given, "lr_scale": 1.0}])
        assert " * " not in repr(optimizer)
        assert optimizer.at(0)["lr"] == 0.1


def test_lr_scale_is_multiplied_in_once_and_stored():
    rate = Cosine(0.1, 0.0, 20)
    p = params()
    optimizer = ct.AdamW(layers(p), lr=rate, weight_decay=Linear(0.1, 0.2, 10))
    assert "lr = (Cosine(0.1, 0, 20) * 0.75)" in repr(optimizer)
    train(optimizer, p, range(5))
    optimizer.scale("lr", 0.5)
    assert optimizer.current()[0]["lr"] == pytest.approx(rate(5) * 0.75**2 * 0.5)
    optimizer.scale("lr", 2)
    again = ct.AdamW(layers(q := params()), lr=1.0)
    again.load_state_dict(optimizer.state_dict())
    copied = __import__("copy").deepcopy(optimizer)
    for other in (again, copied):
        assert [g["lr"] for g in other.at(9)] == pytest.approx([rate(9) * s for s in (0.5625, 0.75, 1.0)])
    with torch.no_grad():
        for a, b in zip(p, q, strict=True):
            b.copy_(a)
    train(optimizer, p, range(5, 9))
    train(again, q, range(5, 9))
    identical(p, q)
    assert [group["lr_scale"] for group in again.param_groups] == [0.5625, 0.75, 1.0]
    assert optimizer.current()[2]["weight_decay"] == 0.05  # given in the group; lr_scale is for lr alone


@pytest.mark.parametrize("wrong", [-0.5, float("nan"), float("inf"), "much", [0.5], None])
def test_an_lr_scale_that_is_no_number(wrong):
    p = params()
    groups = [{"params": p, "lr_scale": wrong}]
    if wrong is None:
        assert ct.SGD(groups, lr=Linear(0.5, 1.0, 4)).current()["lr"] == 0.5
        return
    with pytest.raises(ValueError, match=r"group 0: 'lr_scale' must be a number from 0 on, but got"):
        ct.SGD(groups, lr=Linear(0.5, 1.0, 4))
