"""The pool: every range is worked on once, and an error reaches the caller."""

import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.kernels import pool


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


@given(count=st.integers(0, 30), workers=st.integers(1, 6))
def test_every_range_is_worked_on_once(count, workers):
    seen = []
    pool.share(lambda start, stop: seen.append((start, stop)), [(i, i + 1) for i in range(count)], workers)
    assert sorted(seen) == [(i, i + 1) for i in range(count)]


def test_several_threads_work_at_the_same_time():
    meeting = threading.Barrier(3, timeout=20)  # passes only when three are inside at once
    names = set()

    def work(start, stop):
        names.add(threading.current_thread().name)
        meeting.wait()

    pool.share(work, [(0, 1), (1, 2), (2, 3)], 3)
    assert len(names) == 3


def test_one_thread_is_the_callers_own():
    names = set()
    pool.share(lambda start, stop: names.add(threading.current_thread()), [(0, 1), (1, 2)], 1)
    assert names == {threading.current_thread()}


@pytest.mark.parametrize("guilty", range(4))
def test_an_error_in_any_range_is_raised_here(guilty):
    def work(start, stop):
        if start == guilty:
            raise FloatingPointError(f"range {start}")

    with pytest.raises(FloatingPointError, match=f"range {guilty}"):
        pool.share(work, [(i, i + 1) for i in range(4)], 3)


def test_after_an_error_nobody_is_still_at_work():
    running, release = threading.Event(), threading.Event()
    done = []

    def work(start, stop):
        if threading.current_thread() is threading.main_thread():
            assert running.wait(20)
            threading.Timer(0.05, release.set).start()
            raise ValueError("first")
        running.set()
        assert release.wait(20)
        done.append(start)

    with pytest.raises(ValueError, match="first"):
        pool.share(work, [(0, 1), (1, 2)], 2)
    assert len(done) == 1


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
