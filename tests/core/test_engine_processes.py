"""Forks and threads: data loaders do the one, users the other; a step is the same step everywhere."""

import os
import threading

import numpy as np
import pytest

from calando.decay import DECOUPLED, L2
from calando.kernels import pool
from calando.rules.adam import ADAM, AMSGRAD
from calando.rules.sgd import SGD_NESTEROV
from forked import told_by_child
from twins import Case, Twin, assert_same, make, noise, state, usual


@pytest.fixture(autouse=True)
def several_threads(monkeypatch):
    monkeypatch.setenv("CALANDO_NUM_THREADS", "3")


def large(seed, rule=ADAM, decay=L2, dtype="f4"):
    """A case that really uses the pool, and gradients for three steps."""
    rng = np.random.default_rng(seed)
    shapes = [(pool.SMALL + 17,), (300, 400), (5,)]
    case = Case([noise(rng, s, dtype) for s in shapes], rule, decay, usual(rule, max_norm=5.0))
    return case, [[[noise(rng, s, dtype) for s in shapes]] for _ in range(3)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_steps_after_its_parent_has_stepped():
    case, grads = large(0)
    engine, twin = make([case]), Twin([case])
    engine.step(grads[0]), twin.step(grads[0])
    assert len(engine.parts[0].ranges) > 1 and pool._pool is not None
    twin.step(grads[1])

    def child():
        engine.step(grads[1])
        assert_same(engine, twin)
        return "same"

    assert told_by_child(child) == "'same'"
    engine.step(grads[1])
    assert_same(engine, twin)


def test_eight_threads_step_eight_engines():
    kinds = [(ADAM, L2), (ADAM, DECOUPLED), (AMSGRAD, L2), (SGD_NESTEROV, DECOUPLED)] * 2
    played = [large(seed, *kind) for seed, kind in enumerate(kinds)]
    alone, together = ([make([case]) for case, _ in played] for _ in range(2))
    for engine, (_, grads) in zip(alone, played, strict=True):
        for given in grads:
            engine.step(given)
    start, failed = threading.Barrier(8, timeout=60), []

    def play(engine, grads):
        try:
            start.wait()
            for given in grads:
                engine.step(given)
        except BaseException as problem:
            failed.append(problem)

    threads = [
        threading.Thread(target=play, args=(engine, grads)) for engine, (_, grads) in zip(together, played, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed and not any(thread.is_alive() for thread in threads)
    assert [state(engine) for engine in together] == [state(engine) for engine in alone]


def test_the_pool_grows_with_the_number_of_threads(monkeypatch):
    case, grads = large(1)
    engine, twin = make([case]), Twin([case])
    for count, given in zip(("2", "5", "3"), grads, strict=True):
        monkeypatch.setenv("CALANDO_NUM_THREADS", count)
        engine.step(given), twin.step(given)
        assert_same(engine, twin)
        assert len(engine.parts[0].ranges) >= min(int(count) * 4, len(engine.parts[0].length))


@pytest.mark.parametrize("rule, decay", [(ADAM, DECOUPLED), (SGD_NESTEROV, L2)], ids=["adam", "nesterov"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_work_large_enough_for_the_pool(rule, decay, dtype):
    case, grads = large(2, rule, decay, dtype)
    engine, twin = make([case]), Twin([case])
    grads[1][0][1] = None
    for given in grads:
        engine.step(given), twin.step(given)
        assert_same(engine, twin)
    assert len(engine.parts[0].ranges) > 1


def test_an_engine_may_be_used_from_a_thread_that_ends():
    case, grads = large(3)
    engine, twin = make([case]), Twin([case])
    for given in grads:
        thread = threading.Thread(target=engine.step, args=(given,))
        thread.start()
        thread.join(60)
        twin.step(given)
    assert_same(engine, twin)
