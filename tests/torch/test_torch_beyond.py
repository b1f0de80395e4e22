"""The optimizers that torch.optim lacks: against their formulas, resume, and what every optimizer here can."""

import copy
import io

import numpy as np
import pytest
import torch

import calando.torch as ct
from calando.rules import RULES
from calando.schedules import Cosine

ROWS = [
    ("Adan", {}),
    ("Adan", {"no_prox": True, "weight_decay": 0.1}),
    ("FTRL", {"l1": 0.01, "lr": 0.1}),
    ("FTRL", {"lr_power": -0.4, "l2": 0.1}),
    ("LARS", {"momentum": 0.9, "weight_decay": 0.1}),
    ("LARS", {"trust_coefficient": 0.02, "nesterov": True, "momentum": 0.5}),
    ("Lamb", {"weight_decay": 0.1}),
    ("Lion", {"weight_decay": 0.1}),
    ("ProximalAdagrad", {"l1": 0.01, "l2": 0.1}),
]
rows = pytest.mark.parametrize("name, options", ROWS, ids=str)


def params(dtype=torch.float64):
    torch.manual_seed(1)
    return [torch.nn.Parameter(torch.randn(s, dtype=dtype)) for s in [(7, 5), (3,)]]


def grads(step, own):
    torch.manual_seed(100 + step)
    for p in own:
        p.grad = torch.randn_like(p)


def walk(optimizer, own, steps):
    for step in steps:
        grads(step, own)
        optimizer.step()


@rows
def test_resume_is_exact_through_a_file_a_snapshot_and_a_copy(name, options):
    rate = {"lr": Cosine(0.1, 0.01, 10), **options}
    straight = params()
    walk(getattr(ct, name)(straight, **rate), straight, range(12))
    for way in ("file", "snapshot", "deepcopy"):
        own = params()
        first = getattr(ct, name)(own, **rate)
        walk(first, own, range(7))
        if way == "deepcopy":
            second = copy.deepcopy(first)
            own = second.param_groups[0]["params"]
        else:
            second = getattr(ct, name)(own, **rate)
        if way == "file":
            file = io.BytesIO()
            torch.save(first.state_dict(), file)
            file.seek(0)
            second.load_state_dict(torch.load(file, weights_only=True))
        elif way == "snapshot":
            second.restore(first.snapshot())
        walk(second, own, range(7, 12))
        assert all(torch.equal(p, q) for p, q in zip(own, straight, strict=True)), way


@rows
def test_schedules_groups_and_changes(name, options):
    own = params(torch.float32)
    first = {"params": [own[0]], "lr": lambda step: 0.1 / (1 + step)}
    optimizer = getattr(ct, name)([first, {"params": [own[1]]}], **options)
    walk(optimizer, own, range(3))
    assert optimizer.param_groups[0]["lr"] == 0.1 / 4
    optimizer.set("lr", 0.5, group=1)
    assert optimizer.current()[1]["lr"] == 0.5
    assert all(torch.isfinite(p).all() for p in own)


def test_lars_is_sgd_with_scaled_gradients():
    # arXiv:1708.03888, Algorithm 1, on one layer
    (w, b), lr, eta, decay = params(), 0.3, 0.02, 0.1
    optimizer = ct.LARS([w, b], lr=lr, momentum=0.9, weight_decay=decay, trust_coefficient=eta, eps=1e-5)
    x = [p.detach().numpy().copy() for p in (w, b)]
    m = [np.zeros_like(a) for a in x]
    for step in range(5):
        grads(step, [w, b])
        for i, p in enumerate((w, b)):
            g = p.grad.numpy()
            length = np.linalg.norm(g) + decay * np.linalg.norm(x[i]) + 1e-5
            local = eta * np.linalg.norm(x[i]) / length
            d = local * (g + decay * x[i])
            m[i] = 0.9 * m[i] + d
            x[i] = x[i] - lr * m[i]
        optimizer.step()
        for p, a in zip((w, b), x, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), a, rtol=1e-12)


def test_a_parameter_of_zeros_starts_under_lars():
    w = torch.nn.Parameter(torch.zeros(3, 2))
    optimizer = ct.LARS([w], lr=0.5)
    w.grad = torch.ones_like(w)
    optimizer.step()
    assert w.tolist() == [[-0.5, -0.5]] * 3


def test_ftrl_keeps_weights_at_exactly_zero():
    w = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = ct.FTRL([w], lr=0.1, l1=1.0)
    for _ in range(5):
        w.grad = torch.tensor([0.01, 5.0])
        optimizer.step()
    assert w[0] == 0.0 and w[1] != 0.0


@rows
def test_maximize_is_minimizing_the_negative(name, options):
    up, down = params(), params()
    climb, fall = getattr(ct, name)(up, maximize=True, **options), getattr(ct, name)(down, **options)
    for step in range(4):
        grads(step, up), grads(step, down)
        for p in down:
            p.grad.neg_()
        climb.step(), fall.step()
    assert all(torch.equal(p, q) for p, q in zip(up, down, strict=True))


def test_names_in_the_registry():
    assert {"lamb", "lion", "adan", "adan_decoupled", "ftrl", "proximal_adagrad"} <= RULES.keys()
