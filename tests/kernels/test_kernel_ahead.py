"""Kernels made in the background at construction: there for the first step, in nobody's way."""

import os
import signal

import pytest

BUILT = """
import os, threading, time
import numpy as np
from calando.kernels import ahead, compile, sums
from calando.mindspore import nn

def built(**more):
    return nn.Momentum([np.full(3, 4.0, "f4")], 0.5, 0.0, **more)

def stepped(optimizer):
    optimizer([np.full(3, 2.0, "f4")])
    return optimizer.parameters[0].tolist()

def done():
    while ahead.worker is not None:
        time.sleep(0.01)
"""
ON = {"CALANDO_BACKGROUND": "1"}


def test_the_first_step_finds_its_kernels(run, tmp_path):
    code = BUILT + (
        "optimizer = built(max_norm=100.0); done()\n"
        "made = compile.kernel.cache_info().misses, sums.kernel.cache_info().misses\n"
        "print(stepped(optimizer), made == (compile.kernel.cache_info().misses, sums.kernel.cache_info().misses), made)"
    )
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), **ON).strip() == "[3.0, 3.0, 3.0] True (1, 1)"


def test_a_step_that_comes_before(run, tmp_path):
    code = BUILT + "print(stepped(built())); done(); print(compile.kernel.cache_info().currsize)"
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), **ON).split("\n")[:2] == ["[3.0, 3.0, 3.0]", "1"]


def test_a_constructor_does_not_wait(run, tmp_path):
    code = BUILT + (
        "compile.loading.acquire()\n"  # as if something else took long
        "optimizer = built(); print(ahead.worker.is_alive(), compile.kernel.cache_info().currsize)\n"
        "compile.loading.release(); done(); print(compile.kernel.cache_info().currsize)"
    )
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), **ON).split() == ["True", "0", "1"]


def test_constructors_in_eight_threads_ask_once(run, tmp_path):
    code = BUILT + (
        "threads = [threading.Thread(target=built) for _ in range(8)]\n"
        "[t.start() for t in threads], [t.join() for t in threads]\n"
        "done(); print(compile.kernel.cache_info().misses, len(ahead.asked), stepped(built()))"
    )
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), **ON).strip() == "1 1 [3.0, 3.0, 3.0]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_forked_in_the_middle_steps(run, tmp_path):
    """Numba's locks and Python's import locks are free in the child, whenever the fork comes."""
    code = BUILT + (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "optimizer = built(); time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else DELAY)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    import numba, signal; signal.alarm(60)\n"
        "    os._exit(0 if stepped(optimizer) == [3.0] * 3 else 1)\n"
        "print(os.waitpid(child, 0)[1], stepped(optimizer))"
    )
    for n, delay in enumerate((0.0, 0.05, 0.3)):
        folder = str(tmp_path / str(n))
        assert run(code.replace("DELAY", str(delay)), CALANDO_CACHE_DIR=folder, **ON).strip() == "0 [3.0, 3.0, 3.0]"


def test_the_interpreter_may_end_at_any_moment(run, tmp_path):
    for n, delay in enumerate((0.0, 0.2, 0.6)):
        code = BUILT + f"built(max_norm=1.0); nn.Adam([np.ones(3)], 0.1); time.sleep({delay}); print('end')"
        assert run(code, CALANDO_CACHE_DIR=str(tmp_path / str(n)), **ON).strip() == "end"


def test_a_kernel_that_cannot_be_made_is_told_by_the_step(run, tmp_path):
    code = BUILT + (
        "compile.source = lambda *_, **__: 'raise ZeroDivisionError'\n"
        "optimizer = built(); done()\n"
        "try: stepped(optimizer)\n"
        "except ZeroDivisionError: print('told')"
    )
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), **ON).strip() == "told"


def test_switched_off_nothing_is_loaded(run, tmp_path):
    code = BUILT + "built(); print(ahead.worker, 'numba' in __import__('sys').modules)"
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), CALANDO_BACKGROUND="0").split() == ["None", "False"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer that signals")
def test_a_handler_builds_an_optimizer_in_the_middle_of_a_constructor(run, tmp_path):
    code = BUILT + (
        "import faulthandler, signal; faulthandler.dump_traceback_later(60, exit=True)\n"
        "told = []\n"
        "def handler(*_):\n"
        "    if not told or told[-1]:\n"
        "        told.append(0); built(); told[-1] = 1\n"
        "    if time.monotonic() < until: signal.setitimer(signal.ITIMER_REAL, 0.002)\n"
        "built(); until = time.monotonic() + 2\n"
        "signal.signal(signal.SIGALRM, handler); signal.setitimer(signal.ITIMER_REAL, 0.001)\n"
        "while time.monotonic() < until: ahead.ahead([(lambda: None, ())])\n"
        "print(len(told) > 9)"
    )
    assert run(code, CALANDO_CACHE_DIR=str(tmp_path), **ON).strip() == "True"
