"""Ctrl-C anywhere in a step: parameters, slots, ages and clocks are of one step, and training goes on."""

import contextlib

import numpy as np
import pytest

from calando.decay import DECOUPLED, L2
from calando.ending import TornStep
from calando.kernels import compile, pool
from calando.kernels.entry import Order
from calando.rules.adam import ADAM
from calando.rules.ftrl import FTRL_POWER
from calando.rules.lamb import LAMB
from calando.rules.sgd import SGD_MOMENTUM
from interruption import Interruption
from twins import Case, make, noise, state, usual


def cases():
    """Kernels in float32, float64 and half precision, array expressions, sums and norms."""
    rng = np.random.default_rng(0)
    return [
        Case([noise(rng, (9,), "f4"), noise(rng, (2, 3), "f8")], ADAM, L2, usual(ADAM, max_norm=1.0), False, True),
        Case([noise(rng, (5,), "f2")], SGD_MOMENTUM, DECOUPLED, usual(SGD_MOMENTUM)),
        Case([noise(rng, (5,), "f4")], FTRL_POWER, L2, usual(FTRL_POWER)),
        Case([noise(rng, (4, 2), "f4")], LAMB, L2, usual(LAMB, lr=lambda step: 0.1 / (1 + step))),
        Case([noise(rng, (7,), "f4"), noise(rng, (3, 4), "f4").T], ADAM, L2, usual(ADAM), slot_dtype="float16"),
    ]


def gradients(step):
    rng = np.random.default_rng(step)
    return [[noise(rng, p.shape, p.dtype.name) for p in case.params] for case in cases()]


def seen(engine):
    """The state; zeros that wait for a first update are as good as nothing."""
    clocks, *members = state(engine)
    return clocks, [(p, age, slots if age else {}) for p, age, slots in members]


def played(steps):
    engine = make(cases())
    for step in range(steps):
        engine.step(gradients(step))
    return engine


@pytest.mark.parametrize("first, stride", [(0, 5), (2, 7)], ids=["first step", "third step"])
def test_before_any_line(first, stride):
    """The step has been made whole or not at all, and the next ones are as if nothing had been."""
    path = [seen(played(first + n)) for n in range(3)]
    with Interruption() as counting:
        played_on = played(first)
        counting.lines = 0
        played_on.step(gradients(first))
    made = []
    for at in range(1, counting.lines + 1, stride):
        engine = played(first)
        with pytest.raises(KeyboardInterrupt), Interruption(at):
            engine.step(gradients(first))
        found = seen(engine)
        made.append(found[0][0] - first)
        assert found == path[made[-1]], at
        for step in range(first + made[-1], first + 2):
            engine.step(gradients(step))
        assert seen(engine) == path[2], at
    assert set(made) == {0, 1} and made == sorted(made)


@pytest.mark.parametrize("threads", [1, 3])
def test_between_any_two_ranges(threads, monkeypatch):
    """Large work is shared out; who is interrupted with a part of it done does the rest, each chunk once."""
    monkeypatch.setattr(pool, "SMALL", 1)
    monkeypatch.setattr(pool, "helped", lambda entry, order, others: entry(order))
    monkeypatch.setenv("CALANDO_NUM_THREADS", str(threads))
    rng = np.random.default_rng(1)
    case = Case([noise(rng, (300_000,), "f4")], ADAM, L2, usual(ADAM))
    grads = [[noise(rng, (300_000,), "f4")]]
    alone = make([case])
    alone.step(grads)
    kernel, calls = compile.kernel(ADAM, L2, "float32", "float32", False), []

    def interrupted(order):
        tables, ranges = order.held
        calls.append(int((tables[1] > 0).sum()))
        kernel(Order(tables, ranges[: len(calls)].tolist()) if len(calls) < 4 else order)
        if len(calls) < 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(compile, "kernel", lambda *_: interrupted)
    engine = make([case])
    with pytest.raises(KeyboardInterrupt):
        engine.step(grads)
    assert len(calls) == 4 and (threads == 1 or calls[0] > calls[1] > calls[2] > calls[3] > 0)
    assert state(engine) == state(alone)


def test_interrupted_twice_at_once_the_step_is_finished_by_whoever_comes_next():
    engine = played(1)
    after = state(played(2))
    ending = None

    class Twice(BaseException):
        pass

    def told():
        nonlocal ending
        ending = engine.ending
        if told.times:
            told.times -= 1
            raise Twice

    told.times = 1
    with pytest.raises(Twice):
        engine.step(gradients(1), told=told)
    assert state(engine) == after and engine.ending is None
    # as if the second had come outside of what can be caught
    engine = played(1)
    whole = type(ending).to_the_end
    type(ending).to_the_end = lambda self: (_ for _ in ()).throw(Twice())
    try:
        with pytest.raises(Twice):
            engine.step(gradients(1))
    finally:
        type(ending).to_the_end = whole
    assert engine.ending is not None
    assert state(engine) == after and engine.ending is None


def test_a_machine_that_fails_again_and_again_is_told_with_what_it_has_done(monkeypatch):
    from calando.arrays import numpy as arrays

    rng = np.random.default_rng(2)
    told = [
        Case([np.ones(3, "f4")], ADAM, L2, usual(ADAM)),
        Case([np.ones(3, "f4"), np.ones(2, "f4")], FTRL_POWER, L2, usual(FTRL_POWER)),
    ]
    engine = make(told)
    write = arrays.write

    def failing(x, array):
        if x.shape == (2,):
            raise MemoryError("no more")
        write(x, array)

    monkeypatch.setattr(arrays, "write", failing)
    grads = [[noise(rng, p.shape, p.dtype.name) for p in case.params] for case in told]
    sentence = (
        r"a step stopped half-way \(MemoryError\('no more'\)\): updated are parameter 'p0' of group 0; "
        r"not, or only in part, parameter 'p0' of group 1, parameter 'p1' of group 1; load a checkpoint"
    )
    with pytest.raises(TornStep, match=sentence):
        engine.step(grads)


STORM = """
import faulthandler, random, signal, sys, time
import torch
from calando.schedules import Linear
from calando.torch import AdamW

def built():
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(n).to(dtype)) for n, dtype in
              [(150_000, torch.float32), (7, torch.float64), (30, torch.float16)]]
    return params, AdamW(params, lr=Linear(0.1, 0.01, 400), max_norm=1.0, ema=0.9)

def give(params, step):
    for i, p in enumerate(params):
        p.grad = torch.full_like(p, 0.5 - (step * 7 + i) % 11 / 10)

def seen(params, optimizer):
    known = [optimizer.state.get(p, {}) for p in params]
    ages = [float(face.get("step", 0)) for face in known]
    for p, face, age in zip(params, known, ages):
        if not age:  # slots that were made for a step which wrote nothing then are as if they were not
            assert not any(face[key].any() for key in ("exp_avg", "exp_avg_sq") if key in face)
            assert torch.equal(face.get("ema", p), p)
    slots = [face.get(key) for face, age in zip(known, ages) if age for key in ("exp_avg", "exp_avg_sq", "ema")]
    numbers = [float(x.detach().double().sum()) for x in (*params, *[s for s in slots if s is not None])]
    return numbers, ages, optimizer.param_groups[0]["step"], optimizer.param_groups[0]["lr"]

params, optimizer = built()
path, times = [seen(params, optimizer)], []
for step in range(LAST):
    give(params, step)
    times.append(-time.perf_counter())
    optimizer.step()
    times[-1] += time.perf_counter()
    path.append(seen(params, optimizer))

span = sorted(times)[LAST // 2]
faulthandler.dump_traceback_later(100, exit=True)
random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
shots = []

def shoot(*_):
    if shots:
        shots.pop()
        raise KeyboardInterrupt

signal.signal(signal.SIGALRM, shoot)
interrupted = within = rounds = 0
while not (interrupted > 10 and within) and rounds < 20:  # a busy machine is slow to be interrupted
    params, optimizer = built()
    rounds += 1
    while optimizer.engine.clocks[0] < LAST:
        before = optimizer.engine.clocks[0]
        give(params, before)
        try:
            try:
                shots[:] = [1] * random.choice([1, 2])
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.05, 2.0) * span, 1e-4)
                optimizer.step()
            except KeyboardInterrupt:
                interrupted += 1
            shots.clear()
        except KeyboardInterrupt:
            shots.clear()
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        optimizer.current()  # whoever looks finishes what two at once have stopped
        now = optimizer.engine.clocks[0]
        assert now - before in (0, 1), (before, now)
        within += now == before
        assert seen(params, optimizer) == path[now], (now, seen(params, optimizer), path[now])
print(interrupted > 10, within > 0)
"""


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize("threads", [{"CALANDO_NUM_THREADS": "3"}, {"OMP_NUM_THREADS": "3"}], ids=["ours", "PyTorch's"])
def test_signals_at_random_moments(threads, run, torch):
    """What torch's front end shows (state, groups, clocks, rates) is of one step, too."""
    assert run(STORM.replace("LAST", "60"), **threads).split() == ["True", "True"]


@pytest.mark.parametrize("line", range(1, 700, 23))
def test_a_choice_that_is_taken_over_when_it_is_interrupted(line):
    """Whatever was arranged anew by then, the next step finds all its parameters."""
    torch = pytest.importorskip("torch")
    from calando.torch import AdamW

    params = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    optimizer = AdamW([{"params": [p]} for p in params], lr=0.1)

    def step():
        for p in params:
            p.grad = torch.ones(3)
        optimizer.step()

    step()
    optimizer.param_groups[0]["amsgrad"] = True
    with contextlib.suppress(KeyboardInterrupt), Interruption(line):
        optimizer.current()
    step(), step()
    assert [float(optimizer.state[p]["step"]) for p in params] == [3.0, 3.0]
    assert "max_exp_avg_sq" in optimizer.state[params[0]]
    torch.testing.assert_close(params[0], params[1])
