"""PyTorch's threads at our work: every range once, Ctrl-C or not, and its team is whole afterwards."""

import os
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.kernels import pool, team
from entries import entry, pieces
from forked import told_by_child
from interruption import Interruption

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it has no threads to be asked")
if team.openmp() is None:
    pytest.skip("this PyTorch has another OpenMP library than GNU's", allow_module_level=True)

COUNT = 3


@pytest.fixture(scope="module", autouse=True)
def three():
    """PyTorch uses three threads, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(COUNT)
    yield
    torch.set_num_threads(before)


def parallel():
    """How many threads PyTorch's own operations are shared by, as its team says."""
    assert team.openmp().omp_get_level() == 0
    return torch.get_num_threads(), float(torch.ones(1_000_000).sum())


def share(work, count):
    pool.share(entry(work), (), pieces(count), COUNT)


@given(count=st.integers(0, 30))
def test_every_range_is_worked_on_once(count):
    seen = []
    share(lambda start, stop: seen.append((start, stop)), count)
    assert sorted(seen) == pieces(count)
    assert parallel() == (COUNT, 1_000_000)


def test_the_team_works_at_the_same_time_and_is_not_ours(monkeypatch):
    monkeypatch.setattr(pool, "helped", None)
    found = []
    for _ in range(2):
        meeting, names = threading.Barrier(COUNT), set()

        def work(start, stop, names=names, meeting=meeting):
            with suppress(threading.BrokenBarrierError):
                meeting.wait(20)  # passes only when all are inside at once
                names.add(threading.get_native_id())

        share(work, COUNT)
        found.append(names)
    assert len(found[0]) == COUNT and found[0] == found[1]  # nobody is started anew


def test_another_number_of_threads_is_not_pytorchs():
    assert team.ready(COUNT) and not team.ready(COUNT + 1) and not team.ready(COUNT - 1)


def test_interrupted_before_any_line_the_team_is_whole_and_nobody_at_work():
    inside = []

    def work(start, stop):
        inside.append(start)
        inside.remove(start)

    with Interruption() as counting:
        share(work, 8)
    for at in range(1, counting.lines + 1):
        with Interruption(at), pytest.raises(KeyboardInterrupt):
            share(work, 8)
        assert not inside and parallel() == (COUNT, 1_000_000), at
    assert counting.lines > 10


def test_from_eight_threads_at_once():
    seen, lock = [], threading.Lock()

    def work(start, stop):
        with lock:
            seen.append(start)

    def play():
        torch.set_num_threads(COUNT)
        for _ in range(50):
            share(work, 6)

    threads = [threading.Thread(target=play) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == sorted(list(range(6)) * 8 * 50)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_threads_of_its_own():
    share(lambda *_: None, 4)

    def child():
        seen = []
        share(lambda start, stop: seen.append((start, stop)), 9)
        return team.forked, sorted(seen) == pieces(9)

    assert told_by_child(child) == "(True, True)"


def test_a_step_uses_as_many_threads_as_pytorch(monkeypatch):
    monkeypatch.delenv("CALANDO_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # PyTorch has read it when it was imported
    assert pool.threads() == COUNT
    torch.set_num_threads(1)
    assert pool.threads() == 1
    torch.set_num_threads(COUNT)
    monkeypatch.setenv("CALANDO_NUM_THREADS", "5")
    assert pool.threads() == 5


def test_without_pytorch_there_is_no_team(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    assert team.size() == 0 and not team.ready(COUNT)


LIBRARIES = """
import {first}
import torch
from calando.kernels import pool, team
from entries import entry, pieces
def loaded():
    return {{line.split()[-1] for line in open("/proc/self/maps") if "gomp" in line}}
torch.set_num_threads(2)
torch.ones(1_000_000).sum()
before, seen = loaded(), []
pool.share(entry(lambda start, stop: seen.append(start)), (), pieces(4), 2)
print(team.ready(2), sorted(seen), loaded() == before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries are looked up as Linux shows them")
@pytest.mark.parametrize("first", ["torch", "mindspore", "sklearn.cluster"])
def test_the_library_is_the_one_that_pytorch_calls(first, run):
    """MindSpore and scikit-learn bring one of their own; where theirs came first, PyTorch may call it."""
    if find_spec(first.partition(".")[0]) is None:
        pytest.skip(f"{first} is not installed")
    assert run(LIBRARIES.format(first=first)).splitlines()[-1] == "True [0, 1, 2, 3] True"
