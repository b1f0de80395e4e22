"""Muon, compiled around its products: array expressions to the last bit, and interrupted it is of one step."""

import pytest
import torch

import calando.torch as ct
from calando.kernels import recorded
from interruption import Interruption

SHAPES = [(3, 4), (33, 17), (100, 257), (5, 1), (0, 3), (17, 33)]
OPTIONS = [
    {},
    {"nesterov": False, "ema": 0.9},
    {"weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"},
    {"clip_value": 0.3, "ema": 0.9},
    {"max_norm": 0.3, "loss_scale": 4.0, "momentum": 0.3},
    {"weight_decay": 0.0, "loss_scale": 4.0},
]


def made(dtype=torch.float32, **options):
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in SHAPES]
    return ct.Muon(params, lr=0.02, **options), params


def step(optimizer, params, number):
    torch.manual_seed(number + 1)
    for p in params:
        p.grad = torch.randn_like(p)
    optimizer.step()


def seen(optimizer, params):
    kept = optimizer.state_dict()["state"].values()
    return [p.tolist() for p in params], [x.tolist() for own in kept for x in own.values() if torch.is_tensor(x)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_chunks_of_any_size_are_the_array_expressions(monkeypatch, dtype, options):
    assert recorded.agrees(str(dtype).removeprefix("torch."))
    found = []
    for chunk in (0, 1, 300, 1 << 17):
        with monkeypatch.context() as patch:
            patch.setattr(recorded, "SMALLEST", chunk)
            if not chunk:
                patch.setattr(recorded, "serves", lambda part: False)
            optimizer, params = made(dtype, **options)
            for number in range(4):
                step(optimizer, params, number)
            found.append(seen(optimizer, params))
    assert found[0] == found[1] == found[2] == found[3]


def strange(optimizer, params):
    """Gradients, and a slot, that lie in memory in another order."""
    for number in range(4):
        torch.manual_seed(number + 1)
        for p in params:
            g = torch.randn(p.shape[::-1], dtype=p.dtype).t()
            p.grad = torch._neg_view(g.contiguous()) if number == 3 else g
        optimizer.step()
        if number == 1:
            stored = optimizer.state_dict()
            for own in stored["state"].values():
                own["momentum_buffer"] = own["momentum_buffer"].t().contiguous().t()
            optimizer.load_state_dict(stored)
    return seen(optimizer, params)


def test_matrices_that_lie_in_another_order(monkeypatch):
    first = strange(*made())
    monkeypatch.setattr(recorded, "serves", lambda part: False)
    assert first == strange(*made())


def test_where_pytorch_rounds_otherwise_arrays_are_played(monkeypatch):
    """A processor without an instruction that multiplies and adds in one has another last digit."""
    recorded.agrees.cache_clear()
    monkeypatch.setattr(recorded.Recorded, "add", lambda x, y, alpha=1: recorded.Recorded("{0} + {1} * 1.001", x, y))
    assert not recorded.agrees("float32")
    monkeypatch.undo()
    recorded.agrees.cache_clear()
    optimizer, _ = made()
    assert recorded.serves(optimizer.engine.parts[0])


def test_before_any_line(monkeypatch):
    """Without decay a piece is computed from what it is written to: nothing may be added twice."""
    monkeypatch.setattr(recorded, "SMALLEST", 8)
    monkeypatch.setattr(recorded, "CHUNK", 40)
    monkeypatch.setitem(globals(), "SHAPES", [(9, 8), (4, 3)])

    def played(steps):
        optimizer, params = made(weight_decay=0.0, ns_steps=1)
        for number in range(steps):
            step(optimizer, params, number)
        return optimizer, params

    path = [seen(*played(n)) for n in (1, 2, 3)]
    optimizer, params = played(1)
    with Interruption() as counting:
        step(optimizer, params, 1)
    stopped = set()
    for at in range(1, counting.lines + 1, 3):
        optimizer, params = played(1)
        with pytest.raises(KeyboardInterrupt), Interruption(at):
            step(optimizer, params, 1)
        made_it = path.index(seen(optimizer, params))
        stopped.add(made_it)
        for number in range(1 + made_it, 3):
            step(optimizer, params, number)
        assert seen(optimizer, params) == path[2], at
    assert stopped == {0, 1}
