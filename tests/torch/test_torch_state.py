"""State: torch's keys, files, the way to torch's class and back, pickle, deepcopy, snapshots, new processes."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch_pairs import (
    CONFIGURATIONS,
    SHAPES,
    Pair,
    everything,
    give,
    identical,
    ours,
    params,
    same,
    saved,
    theirs,
    told,
    train,
)

import calando.torch as ct
from calando import store
from calando.schedules import Cosine, Linear, Listed, Piecewise
from calando.snapshot import Snapshot

ROWS = [pytest.param(*row, id=told(row)) for row in CONFIGURATIONS]
SOME = [ROWS[i] for i in (1, 4, 6, 12, 16)]


def module_level(step):
    return 0.1 / (1 + step)


RATES = {
    "number": lambda: 0.05,
    "list": lambda: [0.1 / (i + 1) for i in range(20)],
    "warm-up": lambda: Linear(0.0, 0.1, 3).then(Cosine(0.1, 0.0, 12)) * 0.5,
    "function": lambda: module_level,
    "lambda": lambda: lambda step: 0.1 / (2 + step),
    "hold": lambda: Listed([0.1, 0.05]).hold() + Piecewise([0.01, 0.02], [4]),
}


@pytest.mark.parametrize("name, options", ROWS)
def test_keys_shapes_and_types_of_state_are_torchs(name, options):
    pair = Pair(name, options)
    for step in range(3):
        pair.step(out={1} if step < 2 else ())
        assert set(pair.ours.state) == {
            p for p, q in zip(pair.left, pair.right, strict=True) if pair.theirs.state.get(q)
        }
        for p, q in zip(pair.left, pair.right, strict=True):
            mine, original = pair.ours.state.get(p, {}), pair.theirs.state.get(q, {})
            assert list(mine) == list(original)
            for key, value in original.items():
                assert (mine[key].shape, mine[key].dtype, mine[key].stride()) == (
                    value.shape,
                    value.dtype,
                    value.stride(),
                )
                torch.testing.assert_close(mine[key], value, rtol=1e-12, atol=1e-14)
    mine, original = pair.ours.state_dict(), pair.theirs.state_dict()
    assert set(mine) == {*original, "calando"}
    assert {k: list(v) for k, v in mine["state"].items()} == {k: list(v) for k, v in original["state"].items() if v}


@pytest.mark.parametrize("way", ["itself", "fresh", "file", "pickle", "deepcopy"])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name, options", SOME)
def test_goes_on_exactly(name, options, rate, way):
    options = {**options, "lr": RATES[rate](), "max_norm": 1.0}
    whole = train(ours(name)(p := params(), **options), p, range(12))
    p = params()
    optimizer = ours(name)(p, **options)
    train(optimizer, p, range(6))
    if way == "itself":
        optimizer.load_state_dict(optimizer.state_dict())
    elif way in ("fresh", "file"):
        state = optimizer.state_dict()
        optimizer = ours(name)(p, **options)
        optimizer.load_state_dict(saved(state) if way == "file" else state)
    elif way == "pickle" and rate != "lambda":
        optimizer = pickle.loads(pickle.dumps(optimizer))
        p = optimizer.param_groups[0]["params"]
    else:
        optimizer = copy.deepcopy(optimizer)
        p = optimizer.param_groups[0]["params"]
    assert optimizer.param_groups[0]["step"] == 6
    train(optimizer, p, range(6, 12))
    identical(whole, p)
    assert optimizer.trace("lr", range(12)).tolist() == ours(name)(params(), **options).trace("lr", range(12)).tolist()


@pytest.mark.parametrize("rate", ["list", "warm-up", "hold"])
def test_schedules_travel_in_the_file(rate):
    p = params()
    optimizer = ct.AdamW([{"params": p[:2], "lr": RATES[rate]()}, {"params": p[2:]}], lr=0.5)
    train(optimizer, p, range(3))
    optimizer.set("lr", Cosine(0.3, 0.0, 9), group=1)
    train(optimizer, p, range(3))
    other = ct.AdamW([{"params": p[:2]}, {"params": p[2:]}])
    other.load_state_dict(saved(optimizer.state_dict()))
    assert other.trace("lr", range(15)).tolist() == optimizer.trace("lr", range(15)).tolist()
    assert repr(other) == repr(optimizer)


@pytest.mark.parametrize("name, options", ROWS)
def test_to_torchs_class_and_back_midway(name, options):
    pair = Pair(name, options)
    for _ in range(4):
        pair.step()
    there = theirs(name)(pair.left, **options)
    there.load_state_dict(saved(pair.ours.state_dict()))
    pair.ours = there
    for _ in range(3):
        pair.step()
        pair.same()
    back = ours(name)(pair.left, **options)
    back.load_state_dict(saved(there.state_dict()))
    pair.ours = back
    for _ in range(3):
        pair.step(out={2})
        pair.same()


@pytest.mark.parametrize("name, options", [("Adam", {"lr": 0.1}), ("AdamW", {"lr": 0.1})])
def test_a_schedule_goes_on_at_the_clock_of_the_moments_after_torchs_class(name, options):
    p, rate = params(), Linear(1.0, 0.0, 20)
    there = theirs(name)(p, **options)
    train(there, p, range(5))
    fresh = ours(name)(p, lr=rate)
    fresh.load_state_dict(there.state_dict())
    assert fresh.param_groups[0]["step"] == 5 and fresh.param_groups[0]["lr"] == rate(5)
    train(fresh, p, range(3))
    there = theirs(name)(p, **options)
    there.load_state_dict(saved(fresh.state_dict()))
    train(there, p, range(4))
    fresh = ours(name)(p, lr=rate)
    fresh.load_state_dict(saved(there.state_dict()))
    assert fresh.state[p[1]]["step"] == 12
    assert fresh.param_groups[0]["step"] == 12 and fresh.param_groups[0]["lr"] == rate(12)


def test_two_optimizers_do_not_share_what_was_loaded():
    """Where we do better than torch, whose class aliases the checkpoint's tensors (torch#147288)."""
    p, q = params(), params()
    one, two = ct.Adam(p, lr=0.1), ct.Adam(q, lr=0.1)
    train(one, p, range(3))
    state = one.state_dict()
    with torch.no_grad():
        for a, b in zip(p, q, strict=True):
            b.copy_(a)
    two.load_state_dict(state)
    train(one, p, range(3, 6))
    train(two, q, range(3, 6))
    identical(p, q)


def test_old_checkpoints_of_torch():
    """SGD of torch 1.x wrote ``momentum_buffer: None``; Adam of 1.11 wrote ``step`` as an int and fewer keys."""
    p, q = params(), params()
    for cls, side in ((torch.optim.SGD, q), (ct.SGD, p)):
        optimizer = cls(side, lr=0.1, momentum=0.9)
        state = optimizer.state_dict()
        state["state"] = {i: {"momentum_buffer": None} for i in range(4)}
        optimizer.load_state_dict(state)
        train(optimizer, side, range(3))
    same(p, q)
    p, q = params(), params()
    first, second = ct.Adam(p, lr=0.1), torch.optim.Adam(q, lr=0.1)
    train(second, q, range(3))
    state = copy.deepcopy(second.state_dict())
    for found in state["state"].values():
        found["step"] = 3
    for key in ("maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"):
        state["param_groups"][0].pop(key)
    with torch.no_grad():
        for a, b in zip(p, q, strict=True):
            a.copy_(b)
    first.load_state_dict(state)
    train(first, p, range(3, 6))
    train(second, q, range(3, 6))
    same(p, q)


def test_adamw_stays_decoupled_whatever_is_loaded():
    for room in (ct, torch.optim):
        p = params()
        optimizer = room.AdamW(p)
        optimizer.load_state_dict(room.Adam(params()).state_dict())
        assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


def test_a_function_overridden_from_outside_can_be_loaded_into_its_own_optimizer():
    """accelerate.prepare loads an optimizer's state into itself; a scheduler has written lr before."""
    p = params()
    optimizer = ct.SGD(p, lr=module_level)
    train(optimizer, p, range(2))
    optimizer.param_groups[0]["lr"] = 0.25
    train(optimizer, p, range(2))
    expected = optimizer.trace("lr", range(6)).tolist()
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.trace("lr", range(6)).tolist() == expected
    optimizer.restore(optimizer.snapshot())
    assert optimizer.trace("lr", range(6)).tolist() == expected


def test_two_functions_one_after_the_other_are_told_apart():
    p = params()
    optimizer = ct.SGD(p, lr=module_level)
    train(optimizer, p, range(2))
    optimizer.set("lr", lambda step: 0.5)
    train(optimizer, p, range(2))
    expected = optimizer.trace("lr", range(6)).tolist()
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.trace("lr", range(6)).tolist() == expected


def test_functions_are_not_in_the_file_and_the_sentence_says_so():
    p = params()
    optimizer = ct.SGD(p, lr=lambda step: 0.1)
    train(optimizer, p, range(3))
    state = saved(optimizer.state_dict())
    other = ct.SGD(params(), lr=0.5)
    before = everything(other)
    with pytest.raises(
        ValueError,
        match=r"For 'SGD', group 0: 'lr' was Function\(<lambda at test_torch_state.py:\d+>\) when it was stored; "
        "that is code, which is not in the file. Build the optimizer with it, then load",
    ):
        other.load_state_dict(state)
    assert everything(other) == before


def test_pickling_a_lambda_says_what_to_do():
    optimizer = ct.SGD(params(), lr=lambda step: 0.1)
    with pytest.raises(
        pickle.PicklingError, match=r"Function\(<lambda at test_torch_state.py:\d+>\) cannot be pickled"
    ):
        pickle.dumps(optimizer)
    assert copy.deepcopy(optimizer).at(3)["lr"] == 0.1


@pytest.mark.parametrize("rate", ["number", "list", "warm-up", "hold", "function"])
@pytest.mark.parametrize("name, options", SOME)
def test_snapshot_through_a_file_goes_on_exactly(tmp_path, name, options, rate):
    options = {**options, "lr": RATES[rate]()}
    whole = train(ours(name)(p := params(), **options), p, range(12))
    p = params()
    optimizer = ours(name)(p, **options)
    train(optimizer, p, range(6))
    store.write(tmp_path / "file", *optimizer.snapshot().to_plain())
    fresh = ours(name)(p, **{**options, **({"lr": 0.5} if rate != "function" else {})})
    fresh.restore(Snapshot.from_plain(*store.read(tmp_path / "file")))
    assert repr(fresh) == repr(optimizer)
    train(fresh, p, range(6, 12))
    identical(whole, p)


def test_snapshot_and_state_dict_in_a_new_process(run, tmp_path):
    rows = [("SGD", {"momentum": 0.9, "dampening": 0.2}), ("AdamW", {"amsgrad": True, "max_norm": 1.0})]
    code = """
import sys; sys.path.insert(0, {here!r})
import torch
from torch_pairs import params, ours, train
from calando import store
from calando.snapshot import Snapshot
for i, (name, options) in enumerate({rows!r}):
    for way in ("store", "torch"):
        p = params()
        with torch.no_grad():
            for a, b in zip(p, torch.load(f"{folder}/params{{i}}", weights_only=True), strict=True):
                a.copy_(b)
        optimizer = ours(name)(p, **options)
        if way == "store":
            optimizer.restore(Snapshot.from_plain(*store.read(f"{folder}/store{{i}}")))
        else:
            optimizer.load_state_dict(torch.load(f"{folder}/torch{{i}}", weights_only=True))
        train(optimizer, p, range(6, 12))
        print("".join(x.detach().numpy().tobytes().hex() for x in p))
"""
    expected = []
    for i, (name, options) in enumerate(rows):
        p = params()
        optimizer = ours(name)(p, lr=Linear(0.0, 0.1, 3).then(Cosine(0.1, 0.0, 12)), **options)
        train(optimizer, p, range(6))
        store.write(tmp_path / f"store{i}", *optimizer.snapshot().to_plain())
        torch.save(optimizer.state_dict(), tmp_path / f"torch{i}")
        torch.save([x.detach() for x in p], tmp_path / f"params{i}")
        train(optimizer, p, range(6, 12))
        expected += ["".join(x.detach().numpy().tobytes().hex() for x in p)] * 2
    from pathlib import Path

    told = run(code.format(here=str(Path(__file__).parent), rows=rows, folder=str(tmp_path)))
    assert told.split() == expected


def test_distributed_checkpoint_leaves_schedules_and_weights_alone():
    """get_optimizer_state_dict makes a false step: all lr 0, gradients 0, then lr as before (torch_contracts §0.6)."""
    pytest.importorskip("torch.distributed.checkpoint.state_dict", reason="torch is built without distributed")
    from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

    for name in ("SGD", "AdamW"):
        net = torch.nn.Linear(2, 2)
        rate = Linear(1.0, 0.0, 10)
        optimizer = ours(name)(net.parameters(), lr=rate, weight_decay=0.5)
        before = [p.detach().clone() for p in net.parameters()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = get_optimizer_state_dict(net, optimizer)
            same(net.parameters(), before, 0, 0)
            assert optimizer.trace("lr", range(1, 8), group=0).tolist() == rate(np.arange(1, 8)).tolist()
            train(optimizer, list(net.parameters()), range(3))
            fresh = ours(name)(net.parameters(), lr=rate, weight_decay=0.5)
            state = get_optimizer_state_dict(net, optimizer)
            set_optimizer_state_dict(net, fresh, state)
        assert fresh.param_groups[0]["step"] == optimizer.param_groups[0]["step"]
        assert fresh.trace("lr", range(3, 8), group=0).tolist() == rate(np.arange(3, 8)).tolist()


def test_lr_written_and_put_back_before_the_first_step_gives_the_schedule_back():
    """Finders of learning rates and DCP do so."""
    rate = Linear(1.0, 0.0, 10)
    optimizer = ct.SGD(params(), lr=rate)
    group = optimizer.param_groups[0]
    held, group["lr"] = group["lr"], 0.0
    optimizer.current()
    group["lr"] = held
    optimizer.current()
    assert optimizer.trace("lr", range(5), group=0).tolist() == rate(np.arange(5)).tolist()


def test_built_from_the_groups_of_another():
    """DeepSpeed and ZeroRedundancyOptimizer build an optimizer from filled groups."""
    pair = Pair("AdamW", {"lr": 0.1}, [{"params": [0, 1]}, {"params": [2, 3], "lr": 0.3, "name": "head"}])
    rebuilt = ct.AdamW(torch.optim.AdamW(pair.grouped(pair.left), lr=0.1).param_groups)
    again = ct.AdamW(rebuilt.param_groups, lr=5.0)
    pair.ours = again
    for _ in range(2):
        pair.step()
    pair.same()
    assert again.titles() == ["0", "head"]


def test_a_state_dict_is_plain_and_small():
    p = params()
    optimizer = ct.AdamW(p, lr=Linear(0, 1, 5), betas=([0.9] * 5, 0.99))
    train(optimizer, p, range(2))
    state = optimizer.state_dict()
    json.dumps(state["calando"]), json.dumps(state["param_groups"])
    assert state["param_groups"][0]["params"] == [0, 1, 2, 3]
    assert len(SHAPES) == len(state["state"])
    give(p, 1)


def test_ages_go_on_where_float32_cannot_count_any_further():
    """torch shows an age as float32, and its own stays at 2²⁴ for ever."""
    p = params()
    optimizer = ct.AdamW(p)
    train(optimizer, p, range(1))
    for entry in optimizer.state.values():
        entry["step"].fill_(2.0**24 - 1)
    train(optimizer, p, range(1, 5))
    assert optimizer.engine.parts[0].ages.tolist() == [2**24 + 3] * len(p)
    assert {entry["step"].item() for entry in optimizer.state.values()} == {2.0**24 + 4}  # 2²⁴ + 3, rounded
