"""Gradients of every kind of memory in turn: what was learnt of the last one is not believed of the next."""

import random

import pytest
import torch

import calando.torch as ct
from calando.arrays import torch as arrays

SHAPE = (4, 6)


def plain() -> torch.Tensor:
    return torch.rand(SHAPE)


def turned() -> torch.Tensor:
    return torch.rand(SHAPE[::-1]).t()


def spread() -> torch.Tensor:
    return torch.rand(()).expand(SHAPE)


def sliced() -> torch.Tensor:
    return torch.rand(SHAPE[0], 2 * SHAPE[1])[:, ::2]


def negated() -> torch.Tensor:
    return torch._neg_view(torch.rand(SHAPE))


def traced() -> torch.Tensor:
    return torch.rand(SHAPE, requires_grad=True)


def absent() -> None:
    return None


KINDS = (plain, turned, spread, sliced, negated, traced, absent)


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_gradients_that_change_from_step_to_step(seed, guarded, monkeypatch):
    if not guarded:
        monkeypatch.setattr(arrays, "TensorGuards", None)
    torch.manual_seed(seed)
    order = random.Random(seed)
    ours = [torch.nn.Parameter(torch.rand(SHAPE)) for _ in range(3)]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    optimizers = ct.SGD(ours, lr=0.1, momentum=0.9), torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    for _ in range(25):
        grads = [order.choice(KINDS if order.random() < 0.5 else (plain,))() for _ in ours]
        for params in (ours, theirs):
            for p, g in zip(params, grads, strict=True):
                p.grad = None if g is None else g.detach()
        for optimizer in optimizers:
            optimizer.step()
        for p, q in zip(ours, theirs, strict=True):
            torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_gradient_in_another_dtype_where_the_parameter_asks_for_it(at):
    p, q = (torch.nn.Parameter(torch.zeros(64)) for _ in range(2))
    ours, theirs = ct.SGD([p], lr=1.0), torch.optim.SGD([q], lr=1.0)
    for step in range(4):
        for x in (p, q):
            x.grad = None
            if step == at:
                x.grad_dtype = torch.bfloat16
            x.grad = torch.full_like(x, step + 0.5, dtype=torch.bfloat16 if step >= at else None)
        ours.step()
        theirs.step()
        torch.testing.assert_close(p, q, rtol=0, atol=0)


@pytest.mark.parametrize("size", [1, 63, 4096])
def test_a_gradient_resized_where_it_lies_is_refused(size):
    p = torch.nn.Parameter(torch.zeros(64))
    optimizer = ct.SGD([p], lr=1.0)
    for _ in range(2):
        p.grad = torch.ones(64)
        optimizer.step()
    p.grad.resize_(size)
    with pytest.raises(ValueError, match=rf"gradient of parameter '0' of group 0 has shape \({size},\), not \(64,\)"):
        optimizer.step()
    assert (p == -2).all()
    assert optimizer.param_groups[0]["step"] == 2


def test_a_gradient_whose_memory_was_exchanged_for_another_dtype():
    p = torch.nn.Parameter(torch.zeros(64))
    optimizer = ct.SGD([p], lr=1.0)
    for _ in range(2):
        p.grad = torch.ones(64)
        optimizer.step()
    p.grad.data = torch.ones(64, dtype=torch.float64)
    with pytest.raises(TypeError, match=r"torch.float64 on cpu; the parameter is torch.float32"):
        optimizer.step()
    assert (p == -2).all()
