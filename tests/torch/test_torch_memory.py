"""Autograd's counters, memory that is let go, processes and threads, and the compiler."""

import gc
import os
import threading
import weakref

import pytest
import torch
from torch_pairs import Pair, copies, give, identical, params, same, train

import calando.torch as ct
from calando.schedules import Linear, ScheduleEnd
from forked import told_by_child


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_autograd_notices_a_step_between_forward_and_backward(dtype):
    w = torch.nn.Parameter(torch.ones(3, dtype=dtype))
    optimizer = ct.SGD([w], lr=0.1)
    w.grad = torch.ones_like(w)
    loss = (w * w).sum()
    before = w._version
    optimizer.step()
    assert w._version > before
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_counters_of_parameters_that_sit_out_and_of_skipped_steps_stand_still():
    p, q = params([(3,), (3,)])
    optimizer = ct.SGD([p, q], lr=0.1, on_nonfinite="skip")
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert (p._version, q._version) == (1, 0)
    p.grad[0] = torch.inf
    optimizer.step()
    assert (p._version, q._version) == (1, 0)


@pytest.mark.parametrize("layout", ["plain", "turned", "half"])
def test_gradients_are_not_kept_alive(layout):
    p = torch.nn.Parameter(torch.ones(64, 32, dtype=torch.bfloat16 if layout == "half" else torch.float32))
    optimizer = ct.AdamW([p], lr=0.1, max_norm=1.0)
    for _ in range(2):
        p.grad = torch.ones(32, 64, dtype=p.dtype).t() if layout == "turned" else torch.ones_like(p)
        gone = weakref.ref(p.grad)
        optimizer.step()
        optimizer.zero_grad()
        assert gone() is None


def test_gradients_are_not_kept_alive_after_an_error():
    p = params([(3,)])[0]
    optimizer = ct.SGD([p], lr=[0.1])
    p.grad = torch.ones_like(p)
    optimizer.step()
    with pytest.raises(ScheduleEnd):
        optimizer.step()
    gone = weakref.ref(p.grad)
    optimizer.zero_grad()
    gc.collect()
    assert gone() is None


def test_the_optimizer_goes_when_nobody_holds_it():
    p = params()
    optimizer = train(ct.AdamW(p, lr=Linear(0, 1, 4)), p, []) and ct.AdamW(p)
    train(optimizer, p, range(2))
    gone, slot = weakref.ref(optimizer), weakref.ref(optimizer.state[p[1]]["exp_avg"])
    gc.collect()
    gc.disable()
    try:
        del optimizer
        assert gone() is None and slot() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_steps_after_its_parent_has():
    # The child only steps: torch's own large operations may hang there, as OpenMP's threads do not survive a fork.
    def run():
        tensors = params([(400_000,), (7,)], dtype=torch.float32)
        give(tensors, 1)
        return tensors, ct.AdamW(tensors, lr=Linear(0.1, 0.0, 9), max_norm=1.0)

    def bits(tensors):
        return [p.detach().numpy().tobytes() for p in tensors]

    tensors, optimizer = run()
    expected, twin = run()
    for step in range(4):
        twin.step()
        if step < 2:
            optimizer.step()

    def child():
        optimizer.step(), optimizer.step()
        return bits(tensors) == bits(expected)

    assert told_by_child(child) == "True"
    optimizer.step(), optimizer.step()
    assert bits(tensors) == bits(expected)


def test_eight_threads_step_eight_optimizers():
    shapes = [(120_000,), (33, 5), ()]
    alone = [params(shapes, seed, torch.float32) for seed in range(8)]
    side = [copies(tensors) for tensors in alone]
    for tensors in alone:
        train(ct.AdamW(tensors, lr=Linear(0.1, 0.0, 20), max_norm=1.0), tensors, range(8))
    problems = []
    together = threading.Barrier(8, timeout=60)

    def work(tensors):
        try:
            optimizer = ct.AdamW(tensors, lr=Linear(0.1, 0.0, 20), max_norm=1.0)
            together.wait()
            train(optimizer, tensors, range(8))
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(tensors,), daemon=True) for tensors in side]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems and not any(thread.is_alive() for thread in threads)
    for a, b in zip(alone, side, strict=True):
        identical(a, b)


@pytest.mark.filterwarnings("default")  # the compiler warns about its own parts
def test_a_compiled_step_of_a_compiled_model():
    """Traced and differentiated ahead of time, without C++: that takes a minute and is no business of ours."""
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        net = torch.nn.Linear(4, 3).double()
        optimizer = ct.AdamW(net.parameters(), lr=Linear(0.1, 0.0, 6), max_norm=1.0)
        x = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(2, 4)

        def once(net=net, optimizer=optimizer, x=x):
            optimizer.zero_grad()
            loss = net(x).square().sum()
            loss.backward()
            optimizer.step()
            return loss

        once = torch.compile(once, backend="aot_eager") if compiled else once
        for _ in range(4):
            once()
        assert optimizer.param_groups[0]["step"] == 4
        found.append([p.detach().clone() for p in net.parameters()])
    same(*found)


@pytest.mark.parametrize("shift", [1, 3])
def test_memory_that_does_not_begin_at_a_vector(shift):
    for dtype in (torch.float32, torch.float64):
        pair = Pair("AdamW", {"lr": 0.1}, shapes=[(100,)], dtype=dtype)
        raw = torch.zeros(100 + shift, dtype=dtype)
        raw[shift:] = pair.left[0].detach()
        pair.left[0].data = raw[shift:]
        for _ in range(3):
            pair.step()
        pair.same(*((1e-12, 1e-14) if dtype == torch.float64 else (2e-6, 2e-6)))
        assert not raw[:shift].any()


def test_views_of_one_flat_tensor():
    flat = torch.linspace(-1, 1, 60, dtype=torch.float64)
    parts = [torch.nn.Parameter(flat[:20]), torch.nn.Parameter(flat[20:60].view(8, 5))]
    twins = copies(parts)
    first, second = ct.Adam(parts, lr=0.1), torch.optim.Adam(twins, lr=0.1)
    for step in range(3):
        give(parts, step), give(twins, step)
        first.step(), second.step()
    same(parts, twins)
    assert torch.equal(flat[:20], parts[0].detach())


def test_inference_mode_and_no_grad_around_the_step():
    for around in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        pair = Pair("SGD", {"lr": 0.1, "momentum": 0.9})
        for _ in range(2):
            pair.grads()
            with around():
                pair.ours.step(), pair.theirs.step()
        pair.same()


@pytest.mark.parametrize("name", ["AdamW", "LBFGS", "SparseAdam"])  # the three that call a closure
def test_a_closure_has_gradients_whatever_is_around_the_step(name):
    paths = []
    for library in (ct, torch.optim):
        table = torch.nn.Embedding(4, 2, sparse=name == "SparseAdam", _weight=torch.ones(4, 2, dtype=torch.float64))
        optimizer = getattr(library, name)(table.parameters(), lr=0.1)

        def closure(table=table, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (table(torch.tensor([0, 2])) - 3).square().sum()
            loss.backward()
            return loss

        with torch.no_grad():
            loss = optimizer.step(closure)
            assert not torch.is_grad_enabled() and float(loss) == 16.0
        paths.append(table.weight.detach())
    torch.testing.assert_close(*paths, rtol=1e-12, atol=1e-12)


def test_a_subclass_of_ours():
    class Mine(ct.AdamW):
        def step(self, closure=None):
            found = super().step(closure)
            return found

    pair = Pair("AdamW", {"lr": 0.1})
    pair.ours = Mine(pair.left, lr=0.1)
    for _ in range(2):
        pair.step()
    pair.same()
    assert repr(pair.ours).startswith("Mine: 1 group")


def test_a_parameter_of_a_subclass_of_tensor():
    class Marked(torch.Tensor):
        pass

    p = torch.nn.Parameter(torch.ones(4).as_subclass(Marked))
    optimizer = ct.AdamW([p], lr=0.1)
    p.grad = torch.ones(4).as_subclass(Marked)
    optimizer.step()
    assert p.detach().as_subclass(torch.Tensor).tolist() == pytest.approx([0.899] * 4)
