"""LBFGS beside torch's, call by call: the same bits in parameters and state; and what only ours can."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lbfgs_problems import (
    CALLS,
    PROBLEMS,
    SEARCHES,
    closure_of,
    equal,
    everything,
    network,
    quadratic,
    rosenbrock,
    same_path,
    same_state,
    through_file,
    walk,
)

import calando.torch as ct
from calando.schedules import Cosine, Linear, ScheduleEnd
from calando.snapshot import Snapshot

# The same path.


@PROBLEMS
@SEARCHES
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("max_iter", [1, 12])
@pytest.mark.parametrize(
    "options",
    [{}, {"lr": 0.1, "history_size": 2}, {"tolerance_grad": 1e-3, "tolerance_change": 0.0, "max_eval": 7}],
    ids=str,
)
def test_the_same_bits_as_torch(problem, search, dtype, max_iter, options):
    options = {**options, "max_iter": max_iter, "line_search_fn": search}
    ours, mine = walk(ct, problem, dtype, **options)
    theirs, torchs = walk(torch.optim, problem, dtype, **options)
    same_path(ours, theirs)
    same_state(mine, torchs)
    assert torchs.param_groups[0].keys() == mine.param_groups[0].keys() - {"step", "max_norm"}
    assert mine.param_groups[0]["step"] == CALLS


@SEARCHES
@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64])
def test_complex_parameters_are_pairs(search, dtype):
    def problem(dtype):
        torch.manual_seed(4)
        w, target = torch.nn.Parameter(torch.randn(3, 2, dtype=dtype)), torch.randn(3, 2, dtype=dtype)
        return [w], lambda: ((w - target).abs() ** 2 + (w * w).real).sum()

    ours, mine = walk(ct, problem, dtype, max_iter=4, line_search_fn=search)
    theirs, torchs = walk(torch.optim, problem, dtype, max_iter=4, line_search_fn=search)
    same_path(ours, theirs)
    same_state(mine, torchs)


@SEARCHES
def test_half_precision_goes_as_torch_goes(search):
    options = {"max_iter": 3, "line_search_fn": search}
    for dtype in (torch.bfloat16, torch.float16):
        same_path(walk(ct, network, dtype, **options)[0], walk(torch.optim, network, dtype, **options)[0])


def odd(dtype):
    """A 0-d, an empty, a transposed, a channels-last and an idle parameter, of two dtypes."""
    torch.manual_seed(5)
    params = [
        torch.nn.Parameter(torch.tensor(2.0, dtype=dtype)),
        torch.nn.Parameter(torch.zeros(0, 3, dtype=dtype)),
        torch.nn.Parameter(torch.randn(4, 3, dtype=torch.float32).t()),
        torch.nn.Parameter(torch.randn(2, 3, 2, 2, dtype=dtype).to(memory_format=torch.channels_last)),
        torch.nn.Parameter(torch.ones(2, dtype=dtype)),
    ]
    return params, lambda: sum(((p - 1) ** 4).sum().double() for p in params[:4])


@SEARCHES
def test_odd_parameters(search, monkeypatch):
    theirs_of = torch.optim.LBFGS._gather_flat_grad
    ours, _ = walk(ct, odd, max_iter=4, line_search_fn=search)
    # torch flattens with view, which a transposed gradient refuses: it gets contiguous ones
    monkeypatch.setattr(torch.optim.LBFGS, "_gather_flat_grad", lambda self: theirs_of(contiguous(self)))
    theirs, _ = walk(torch.optim, odd, max_iter=4, line_search_fn=search)
    same_path(ours, theirs)


def contiguous(optimizer):
    for p in optimizer._params:
        p.grad = None if p.grad is None else p.grad.contiguous()
    return optimizer


def test_sparse_gradients_are_made_dense():
    def problem(dtype):
        torch.manual_seed(6)
        table = torch.nn.Embedding(6, 3, sparse=True).to(dtype)
        return list(table.parameters()), lambda: (table(torch.tensor([1, 4, 4])) ** 2 - 1).square().sum()

    options = {"max_iter": 5, "line_search_fn": "strong_wolfe"}
    same_path(walk(ct, problem, **options)[0], walk(torch.optim, problem, **options)[0])


@pytest.mark.parametrize("tolerance", [0.0, 1e-3])
def test_a_search_narrows_as_far_as_torch_does_whatever_tolerance_change_is(tolerance):
    """On a loss with a kink, where no point has the second Wolfe condition: it ends at 1e-9, a constant in torch."""

    def problem(dtype):
        params = [torch.nn.Parameter(torch.zeros(1, dtype=dtype))]
        return params, lambda: (params[0] - 0.3).abs().sum()

    options = {"max_eval": 300, "line_search_fn": "strong_wolfe", "tolerance_change": tolerance}
    ours, mine = walk(ct, problem, **options)
    theirs, torchs = walk(torch.optim, problem, **options)
    same_path(ours, theirs)
    same_state(mine, torchs)


@given(
    shapes=st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    search=st.sampled_from([None, "strong_wolfe"]),
    max_iter=st.integers(1, 6),
    history=st.integers(1, 4),
)
def test_drawn_shapes(shapes, seed, search, max_iter, history):
    if not any(np.prod(shape) for shape in shapes):
        shapes = [*shapes, [2]]

    def problem(dtype):
        torch.manual_seed(seed)
        params = [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes]
        return params, lambda: sum((p**4 - 3 * p**2 + p).sum() for p in params)

    options = {"max_iter": max_iter, "history_size": history, "line_search_fn": search, "lr": 0.05}
    ours, mine = walk(ct, problem, **options)
    theirs, torchs = walk(torch.optim, problem, **options)
    same_path(ours, theirs)
    same_state(mine, torchs)


@pytest.mark.parametrize("lr", [torch.tensor(0.25), torch.tensor([0.25]), 1], ids=str)
def test_lr_may_be_a_tensor(lr):
    same_path(walk(ct, network, lr=lr, max_iter=3)[0], walk(torch.optim, network, lr=lr, max_iter=3)[0])


@SEARCHES
def test_a_scheduler_of_torch_drives_it(search):
    def run(library):
        params, loss = network(torch.float64)
        optimizer = library.LBFGS(params, lr=0.5, max_iter=3, line_search_fn=search)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
        for _ in range(4):
            optimizer.step(closure_of(optimizer, loss))
            scheduler.step()
        return params

    assert all(map(torch.equal, run(ct), run(torch.optim)))


# The run goes on.


@SEARCHES
@pytest.mark.parametrize("max_iter", [1, 4])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("sides", [(ct, ct), (ct, torch.optim), (torch.optim, ct)], ids=["ours", "to torch", "back"])
def test_a_run_may_change_sides(search, max_iter, dtype, sides):
    options = {"max_iter": max_iter, "line_search_fn": search}
    whole, _ = walk(torch.optim, network, dtype, **options)
    same_path(walk(sides[0], network, dtype, other=sides[1], **options)[0], whole)


def snapshot(old, new):
    meta, arrays = old.snapshot().to_plain()
    new.restore(Snapshot.from_plain(meta, {name: array.copy() for name, array in arrays.items()}))


WAYS = {
    "state_dict": None,
    "snapshot": snapshot,
    "deepcopy": lambda old, new: new.restore(copy.deepcopy(old).snapshot()),
    "pickle": lambda old, new: new.load_state_dict(pickle.loads(pickle.dumps(old)).state_dict()),
}


@SEARCHES
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("problem, dtype", [(network, torch.float32), (quadratic, torch.float64)])
def test_resume_is_exact_with_schedules(search, way, at, problem, dtype):
    options = {"max_iter": 2, "line_search_fn": search, "lr": Linear(0.1, 1.0, steps=2).then(Cosine(1.0, 0.0, steps=8))}
    whole, first = walk(ct, problem, dtype, **options)
    parts, second = walk(ct, problem, dtype, other=ct, at=at, moved=WAYS[way], **options)
    same_path(parts, whole)
    assert [second.at(step) for step in range(8)] == [first.at(step) for step in range(8)]
    assert second.param_groups[0]["step"] == CALLS


def test_a_deep_copy_has_a_path_of_its_own():
    params, loss = network(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=2)
    optimizer.step(closure_of(optimizer, loss))
    twin = copy.deepcopy(optimizer)
    before = through_file(twin.state_dict())
    optimizer.step(closure_of(optimizer, loss))
    after = twin.state_dict()
    assert torch.equal(after["state"][0]["d"], before["state"][0]["d"])
    assert not torch.equal(optimizer.state[params[0]]["d"], before["state"][0]["d"])


def test_a_loaded_state_is_a_copy():
    params, loss = network(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=2)
    optimizer.step(closure_of(optimizer, loss))
    stored = optimizer.state_dict()
    kept = copy.deepcopy(stored["state"][0])
    other = ct.LBFGS(params, max_iter=2)
    other.load_state_dict(stored)
    other.state[params[0]]["d"].zero_()
    equal(stored["state"][0]["d"], kept["d"], "d")


# Time.


def test_the_clock_counts_steps_and_shows_the_rate():
    params, loss = network(torch.float64)
    optimizer = ct.LBFGS(params, lr=[1.0, 0.5, 0.25], max_iter=4, tolerance_change=Linear(0.0, 1e-3, steps=2))
    assert optimizer.trace("lr", range(3), group=0).tolist() == [1.0, 0.5, 0.25]
    seen = []
    for _ in range(3):
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["tolerance_change"]))
        optimizer.step(closure_of(optimizer, loss))
    assert seen == [(1.0, 0.0), (0.5, 5e-4), (0.25, 1e-3)]
    before = everything(optimizer)
    with pytest.raises(ScheduleEnd, match="For 'LBFGS', group 0: 'lr'"):
        optimizer.step(closure_of(optimizer, loss))
    assert everything(optimizer) == before
    assert "lr = Listed((1, 0.5, 0.25))" in repr(optimizer).replace("1.0", "1")


def test_a_schedule_is_the_rate_written_each_step():
    def run(scheduled):
        params, loss = rosenbrock(torch.float64)
        lr = (lambda step: 0.5 / (1 + step)) if scheduled else 0.5
        optimizer = ct.LBFGS(params, lr=lr, max_iter=3, line_search_fn="strong_wolfe")
        for step in range(5):
            if not scheduled:
                optimizer.param_groups[0]["lr"] = 0.5 / (1 + step)
            optimizer.step(closure_of(optimizer, loss))
        return params[0]

    assert torch.equal(run(True), run(False))


def test_set_and_group_writes_take_effect():
    params, loss = rosenbrock(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=2)
    optimizer.step(closure_of(optimizer, loss))
    optimizer.set("lr", 0.0)
    before = params[0].detach().clone()
    optimizer.step(closure_of(optimizer, loss))
    assert torch.equal(params[0], before) and optimizer.current()["lr"] == 0.0
    optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["max_iter"] = 0.3, 1
    count = optimizer.state[params[0]]["n_iter"]
    optimizer.step(closure_of(optimizer, loss))
    assert optimizer.state[params[0]]["n_iter"] == count + 1 and not torch.equal(params[0], before)
    optimizer.param_groups[0]["history_size"] = 1
    optimizer.step(closure_of(optimizer, loss))
    assert len(optimizer.state[params[0]]["old_dirs"]) == 1 == len(optimizer.state[params[0]]["al"])


def test_retyped_parameters_take_their_memory_along():
    params, loss = rosenbrock(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=3)
    optimizer.step(closure_of(optimizer, loss))
    params[0].data = params[0].data.float()
    params[0].grad = None
    optimizer.step(closure_of(optimizer, loss))
    assert optimizer.state[params[0]]["d"].dtype == torch.float32


def test_autograd_sees_the_writes():
    params, loss = rosenbrock(torch.float64)
    for search in (None, "strong_wolfe"):
        optimizer, version = ct.LBFGS(params, max_iter=1, line_search_fn=search), params[0]._version
        optimizer.step(closure_of(optimizer, loss))
        assert params[0]._version > version
