"""The pool: every range is worked on once, and whoever is interrupted leaves nobody at work."""

import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.kernels import pool, team
from entries import entry, pieces
from interruption import Interruption


@given(
    lengths=st.lists(st.integers(1, 50), max_size=40),
    threads=st.integers(1, 6),
    small=st.integers(1, 300),
)
def test_ranges_cover_all_chunks_in_order(lengths, threads, small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALANDO_NUM_THREADS", str(threads))
        patch.setattr(pool, "SMALL", small)
        found = pool.ranges(np.array(lengths, np.int64))
    covered = [c for start, stop in found for c in range(start, stop)]
    assert covered == list(range(len(lengths)))
    assert all(start < stop for start, stop in found)
    if sum(lengths) < small or threads == 1:
        assert len(found) <= 1
    assert len(found) <= threads * pool.PARTS_PER_THREAD


@pytest.fixture
def ours(monkeypatch):
    """No thread is PyTorch's."""
    monkeypatch.setattr(team, "ready", lambda _: False)


@given(count=st.integers(0, 30), workers=st.integers(1, 6))
def test_every_range_is_worked_on_once(count, workers):
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(team, "ready", lambda _: False)
        pool.share(entry(lambda start, stop: seen.append((start, stop))), (), pieces(count), workers)
    assert sorted(seen) == pieces(count)


def test_several_threads_work_at_the_same_time(ours):
    meeting, met = threading.Barrier(3), []

    def work(start, stop):
        with suppress(threading.BrokenBarrierError):
            met.append(meeting.wait(20))  # passes only when three are inside at once

    pool.share(entry(work), (), pieces(3), 3)
    assert sorted(met) == [0, 1, 2]


def test_one_thread_is_the_callers_own():
    names = set()
    pool.share(entry(lambda start, stop: names.add(threading.current_thread())), (), pieces(2), 1)
    assert names == {threading.current_thread()}


def test_interrupted_before_any_line_nobody_is_at_work(ours):
    inside, done = [], []

    def work(start, stop):
        inside.append(start)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.002)
        done.append(inside.remove(start))

    with Interruption() as counting:
        pool.share(entry(work), (), pieces(8), 3)
    interrupted = 0
    for at in range(1, counting.lines + 1):
        with Interruption(at), suppress(KeyboardInterrupt):  # how many lines are the caller's differs a little
            pool.share(entry(work), (), pieces(8), 3)
            interrupted -= 1
        interrupted += 1
        assert not inside, at
        before = len(done)
        pool.share(entry(work), (), pieces(8), 3)
        assert len(done) == before + 8
    assert interrupted > 10


def test_who_comes_late_to_an_interrupted_order_finds_nothing(ours, monkeypatch):
    late, done = [], []
    works = entry(lambda start, stop: done.append(start))

    class Interrupted:
        calls = 0

        def __call__(self, order):
            self.calls += 1
            if self.calls == 1:
                raise KeyboardInterrupt
            works(order)

    monkeypatch.setattr(pool, "helpers", lambda count: SimpleNamespace(tasks=SimpleNamespace(put=late.append)))
    with pytest.raises(KeyboardInterrupt):
        pool.share(Interrupted(), (), pieces(3), 3)
    for help_out in late:
        help_out()
    assert len(late) == 2 and done == []


def test_interrupted_again_while_it_leaves(ours, monkeypatch):
    """Whoever waits for those at work goes on waiting."""
    running, inside = threading.Event(), []

    def work(start, stop):
        if threading.current_thread() is threading.main_thread():
            assert running.wait(20)
        else:
            inside.append(start)
            running.set()
            time.sleep(0.05)
            inside.remove(start)

    naps = []

    def nap(seconds):
        naps.append(seconds)
        time.sleep(seconds)
        if len(naps) < 3:
            raise KeyboardInterrupt("later")

    class Impatient(pool.SimpleQueue):
        def get(self, *args, **kwargs):
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt("first")
            return super().get(*args, **kwargs)

    monkeypatch.setattr(pool, "sleep", nap)
    monkeypatch.setattr(pool, "SimpleQueue", Impatient)
    with pytest.raises(KeyboardInterrupt, match="first"):
        pool.share(entry(work), (), pieces(3), 3)
    assert not inside and len(naps) >= 3


@pytest.mark.parametrize(
    "own, openmp, expected",
    [("3", "5", 3), ("", "5", 5), ("0", "5", 5), ("many", "5", 5), ("-2", "5", 5), ("3", "", 3)],
)
def test_how_many_threads(own, openmp, expected, monkeypatch):
    monkeypatch.setenv("CALANDO_NUM_THREADS", own)
    monkeypatch.setenv("OMP_NUM_THREADS", openmp)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert pool.threads() == expected


def test_without_a_word_there_is_a_thread_for_each_core(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.delenv("CALANDO_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(pool.os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert pool.threads() == 3
