"""ema= and slot_dtype= on every optimizer: the average, where it is kept, how it travels."""

import copy
import inspect
import io

import pytest
import torch

import calando.torch as ct
from calando.schedules import Linear

NAMES = sorted(
    name for name in ct.__all__ if isinstance(getattr(ct, name), type) and issubclass(getattr(ct, name), ct.Optimizer)
)
AVERAGED = [name for name in NAMES if name not in ("Optimizer", "LBFGS", "SparseAdam")]


def params(dtype=torch.float64):
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(s, dtype=dtype)) for s in [(4, 3), (5, 2)]]


def push(own, step):
    torch.manual_seed(50 + step)
    for p in own:
        p.grad = torch.randn_like(p)


def stored(optimizer):
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("name", AVERAGED)
def test_the_average_follows_and_the_path_stays(name):
    own, other = params(), params()
    keep = Linear(0.5, 0.9, 4)
    optimizer, plain = getattr(ct, name)(own, lr=0.01, ema=keep), getattr(ct, name)(other, lr=0.01)
    means = [p.detach().clone() for p in own]
    for step in range(6):
        assert optimizer.param_groups[0]["ema"] == keep(step)
        push(own, step), push(other, step)
        optimizer.step(), plain.step()
        means = [keep(step) * m + (1 - keep(step)) * p.detach() for m, p in zip(means, other, strict=True)]
    for p, q, mean, found in zip(own, other, means, optimizer.ema_parameters(), strict=True):
        assert torch.equal(p, q)
        torch.testing.assert_close(found, mean, rtol=1e-12, atol=1e-14)


def test_for_evaluation_and_back_also_after_an_error():
    own = params()
    optimizer = ct.AdamW(own, lr=0.1, ema=0.9)
    push(own, 0), optimizer.step()
    before = [p.detach().clone() for p in own]

    def evaluate():
        with optimizer.averaged():
            assert all(torch.equal(p, m) for p, m in zip(own, optimizer.ema_parameters(), strict=True))
            raise KeyError

    with pytest.raises(KeyError):
        evaluate()
    assert all(torch.equal(p, b) for p, b in zip(own, before, strict=True))


@pytest.mark.parametrize("way", ["file", "snapshot", "deepcopy"])
def test_resume_is_exact(way):
    def made(own):
        return ct.AdamW(own, lr=0.1, ema=Linear(0.5, 0.99, 10))

    straight = params()
    whole = made(straight)
    for step in range(8):
        push(straight, step), whole.step()
    own = params()
    first = made(own)
    for step in range(5):
        push(own, step), first.step()
    second = copy.deepcopy(first) if way == "deepcopy" else made(own)
    if way == "deepcopy":
        own = second.param_groups[0]["params"]
    elif way == "file":
        second.load_state_dict(stored(first))
    else:
        second.restore(first.snapshot())
    for step in range(5, 8):
        push(own, step), second.step()
    for a, b in zip(second.ema_parameters(), whole.ema_parameters(), strict=True):
        assert torch.equal(a, b)


def test_torchs_class_loads_it_and_an_average_begins_where_torch_has_none():
    own = params()
    optimizer = ct.Adam(own, ema=0.9)
    push(own, 0), optimizer.step()
    torch.optim.Adam(params()).load_state_dict(optimizer.state_dict())
    theirs = torch.optim.Adam(own)
    push(own, 1), theirs.step()
    optimizer.load_state_dict(theirs.state_dict())
    start = [p.detach().clone() for p in own]
    push(own, 2), optimizer.step()
    for mean, before, p in zip(optimizer.ema_parameters(), start, own, strict=True):
        torch.testing.assert_close(mean, 0.9 * before + 0.1 * p.detach())


def test_changed_and_seen_like_all_others():
    optimizer = ct.SGD(params(), lr=0.1, ema=0.9)
    optimizer.set("ema", lambda step: 0.5, group=0)
    assert optimizer.at(3)["ema"] == 0.5 and "ema = " in repr(optimizer)
    with pytest.raises(ValueError, match=r"'ema' must lie in \[0, 1\)"):
        ct.SGD(params(), ema=1.5)


def test_without_it_there_is_none():
    optimizer = ct.SGD(params())
    with pytest.raises(ValueError, match=r"For 'SGD': there is no average; build the optimizer with ema="):
        optimizer.ema_parameters()
    assert "ema" not in optimizer.param_groups[0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("asked, kept", [(None, torch.float32), ("param", None), ("bfloat16", torch.bfloat16)], ids=str)
def test_slots_of_half_precision(dtype, asked, kept):
    own = params(dtype)
    optimizer = ct.AdamW(own, lr=0.1, **({} if asked is None else {"slot_dtype": asked}))
    for step in range(3):
        push(own, step), optimizer.step()
    assert {optimizer.state[p]["exp_avg"].dtype for p in own} == {kept or dtype}
    again = ct.AdamW(own, lr=0.1, **({} if asked is None else {"slot_dtype": asked}))
    again.load_state_dict(stored(optimizer))
    for p in own:
        assert torch.equal(again.state[p]["exp_avg_sq"], optimizer.state[p]["exp_avg_sq"])
    torch.optim.AdamW(own).load_state_dict(optimizer.state_dict())


def test_there_is_no_such_dtype():
    with pytest.raises(ValueError, match="For 'SGD': 'slot_dtype' must be one of float32, bfloat16, float16, param"):
        ct.SGD(params(), slot_dtype="int4")


def test_lbfgs_refuses():
    with pytest.raises(ValueError, match="For 'LBFGS': 'ema' must stay None: a line search visits points"):
        ct.LBFGS(params(), ema=0.9)


def test_what_a_subclass_gives_counts_where_its_caller_gives_nothing():
    class Averaged(ct.AdamW):
        def __init__(self, params, **more):
            super().__init__(params, ema=0.75, **more)

    assert Averaged(params()).param_groups[0]["ema"] == 0.75
    assert Averaged(params(), ema=0.5).param_groups[0]["ema"] == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_signatures_say_so(name):
    if name != "Optimizer":
        assert {"ema", "slot_dtype"} <= inspect.signature(getattr(ct, name)).parameters.keys()
