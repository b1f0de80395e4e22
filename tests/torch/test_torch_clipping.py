"""Global-norm clipping inside the step, gradients that are not finite, and the gradient scaler."""

import math

import pytest
import torch
from torch_pairs import Pair, everything, params, same, told

import calando.torch as ct
from calando.engine import NonFiniteGradient
from calando.schedules import Linear

ROWS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1, "maximize": True}),
]
rows = pytest.mark.parametrize("name, options", [pytest.param(*row, id=told(row)) for row in ROWS])
BAD = [math.inf, -math.inf, math.nan]


@rows
@pytest.mark.parametrize("bound", [0.01, 1.0, 15.0, 1e6])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_as_clip_grad_norm_and_step(name, options, bound, dtype):
    pair = Pair(
        name,
        options,
        [{"params": [0, 2]}, {"params": [1, 3], "lr": 0.01}],
        dtype=dtype,
        more={"max_norm": bound},
    )
    for step in range(6):
        pair.grads(out={step % 4})
        torch.nn.utils.clip_grad_norm_(pair.right, bound)
        pair.ours.step(), pair.theirs.step()
        # float32: torch rounds the norm and the scaled gradients, we add squares in float64 and scale once;
        # Adam divides by sqrt(v) and so shows the relative error of small gradients whole
        pair.same(*((1e-12, 1e-14) if dtype == torch.float64 else (2e-6, 4e-6)))


def test_bound_of_one_group_against_the_norm_of_all():
    """``max_norm`` bounds "the norm of all gradients together"; a group without bound is not scaled."""
    p = [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2)]
    optimizer = ct.SGD([{"params": [p[0]], "max_norm": 1.0}, {"params": [p[1]]}], lr=1.0)
    p[0].grad, p[1].grad = torch.full_like(p[0], 3.0), torch.full_like(p[1], 4.0)
    optimizer.step()
    assert p[0].item() == pytest.approx(-3 / (5 + 1e-6), rel=1e-14)
    assert p[1].item() == -4.0


def test_bound_that_moves():
    bound = Linear(0.5, 5.0, 5)
    pair = Pair("SGD", {"lr": 0.1}, more={"max_norm": bound})
    for step in range(7):
        assert pair.ours.param_groups[0]["max_norm"] == bound(step)
        pair.grads()
        torch.nn.utils.clip_grad_norm_(pair.right, bound(step))
        pair.ours.step(), pair.theirs.step()
        pair.same()
    pair.ours.param_groups[0]["max_norm"] = None
    pair.step()
    pair.same()
    assert pair.ours.param_groups[0]["max_norm"] is None


def spoil(pair, value, where=3):
    for side in (pair.left, pair.right):
        side[where].grad.view(-1)[-1] = value


@rows
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("bound", [None, 1.0])
def test_train_goes_on_as_torch_does(name, options, value, bound):
    pair = Pair(name, options, more={"max_norm": bound})
    for step in range(4):
        pair.grads()
        if step == 2:
            spoil(pair, value)
        if bound:
            torch.nn.utils.clip_grad_norm_(pair.right, bound)
        pair.ours.step(), pair.theirs.step()
        pair.same()


@rows
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("where", [0, 3])
@pytest.mark.parametrize("first", [True, False])
def test_skip_leaves_everything_and_the_clock(name, options, value, where, first):
    options = {**options, "lr": 0.1}
    pair = Pair(name, options, more={"on_nonfinite": "skip", "lr": Linear(0.1, 0.3, 6)})
    rate = Linear(0.1, 0.3, 6)
    for step in range(0 if first else 2):
        pair.theirs.param_groups[0]["lr"] = rate(step)
        pair.step()
    before, hold = everything(pair.ours), [p.detach().clone() for p in pair.left]
    pair.grads()
    spoil(pair, value, where)
    assert pair.ours.step() is None
    assert everything(pair.ours) == before
    same(pair.left, hold, 0, 0)
    for step in range(0 if first else 2, 6):
        pair.theirs.param_groups[0]["lr"] = rate(step)
        pair.step()
        pair.same()


@rows
@pytest.mark.parametrize("value", BAD)
def test_raise_names_the_parameter_and_changes_nothing(name, options, value):
    pair = Pair(name, options, more={"on_nonfinite": "raise"})
    pair.step()
    before = everything(pair.ours)
    pair.grads()
    spoil(pair, value)
    with pytest.raises(
        NonFiniteGradient,
        match=r"the gradient of parameter '3' of group 0 is not finite; the step was not made",
    ):
        pair.ours.step()
    assert everything(pair.ours) == before
    pair.step()
    pair.same()


def test_raise_names_the_parameter_by_its_name():
    net = torch.nn.Linear(2, 2)
    optimizer = ct.SGD(net.named_parameters(), lr=0.1, on_nonfinite="raise")
    net(torch.full((1, 2), math.inf)).sum().backward()
    with pytest.raises(ArithmeticError, match="gradient of parameter 'weight' of group 0"):
        optimizer.step()


@pytest.mark.parametrize("policy", ["skip", "raise"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_finite_gradients_too_large_to_be_squared_are_no_reason(policy, dtype):
    p = torch.nn.Parameter(torch.zeros(3, dtype=dtype))
    optimizer = ct.SGD([p], lr=0.5, on_nonfinite=policy)
    largest = torch.finfo(dtype).max
    p.grad = torch.full_like(p, largest)
    optimizer.step()
    assert p.tolist() == [-largest / 2] * 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("policy", ["skip", "raise"])
def test_half_precision_policies(policy, dtype):
    p = torch.nn.Parameter(torch.ones(3, dtype=dtype))
    optimizer = ct.AdamW([p], on_nonfinite=policy)
    p.grad = torch.tensor([0.0, math.inf, 0.0], dtype=dtype)
    if policy == "skip":
        optimizer.step()
    else:
        with pytest.raises(NonFiniteGradient, match="the gradient of parameter '0' of group 0 is not finite"):
            optimizer.step()
    assert p.tolist() == [1.0] * 3 and optimizer.param_groups[0]["step"] == 0


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
@pytest.mark.parametrize("unscale", [True, False])
def test_gradient_scaler_skips_and_the_clock_waits(name, unscale):
    rate = Linear(0.1, 0.3, 6)
    pair = Pair(name, {"lr": 0.1}, dtype=torch.float32, more={"lr": rate})
    scalers = [torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=100) for _ in range(2)]
    done = 0
    for step in range(6):
        pair.theirs.param_groups[0]["lr"] = rate(done)
        pair.grads()
        for side, optimizer, scaler in (
            (pair.left, pair.ours, scalers[0]),
            (pair.right, pair.theirs, scalers[1]),
        ):
            scaler.scale(torch.ones(()))
            for p in side:
                p.grad *= scaler.get_scale()
            if step in (0, 3):
                side[2].grad.view(-1)[0] = math.inf
            if unscale:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(side, 1.0)
            scaler.step(optimizer)
            scaler.update()
        done += step not in (0, 3)
        assert pair.ours.param_groups[0]["step"] == done
        assert pair.ours.param_groups[0]["lr"] == rate(done)
        pair.same(1e-6, 2e-6)
    assert scalers[0].get_scale() == scalers[1].get_scale() == 256.0


def test_no_gradients_at_all():
    """torch's step without any gradient changes nothing; our clock counts steps made."""
    for policy in ("train", "skip", "raise"):
        p = params()
        optimizer = ct.AdamW(p, lr=Linear(1.0, 0.0, 10), max_norm=1.0, on_nonfinite=policy)
        before = [x.detach().clone() for x in p]
        optimizer.step()
        same(p, before, 0, 0)
        assert not optimizer.state
