"""Sums over memory: in the documented order, whoever does the work."""

from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.kernels import pool, sums
from twins import lanes_sum, noise

EVERY_DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])
KINDS = {"squares": lambda x: x.astype("f8") ** 2, "elements": lambda x: x.astype("f8")}


def addresses(xs):
    return np.array([x.__array_interface__["data"][0] for x in xs], np.uint64)


@EVERY_DTYPE
@pytest.mark.parametrize("kind", KINDS)
@given(
    sizes=st.lists(st.integers(0, 600) | st.sampled_from([65_535, 65_536, 65_537, 140_000]), min_size=1, max_size=5),
    threads=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_a_sum_is_added_in_lanes_and_blocks(dtype, kind, sizes, threads, seed):
    rng = np.random.default_rng(seed)
    xs = [noise(rng, (size,), dtype) for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALANDO_NUM_THREADS", str(threads))
        patch.setattr(pool, "SMALL", 1)
        found = sums.sums(kind, addresses(xs), sums.Cut(np.array(sizes), dtype))
    terms = [KINDS[kind](x) for x in xs]
    assert found.tolist() == [lanes_sum(t) for t in terms]
    for total, t in zip(found, terms, strict=True):
        assert abs(total - fsum(t)) <= 1e-12 * fsum(np.abs(t))


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=6), block=st.integers(1, 20))
def test_blocks_cover_every_element_once(sizes, block):
    seen = [np.zeros(size, int) for size in sizes]
    for piece, start, length in zip(*sums.cut(np.array(sizes), block), strict=True):
        assert 0 < length <= block
        seen[piece][start : start + length] += 1
    assert all((s == 1).all() for s in seen)


def test_a_cut_is_shared_by_as_many_threads_as_there_are_now(monkeypatch):
    """It is kept from step to step, and the number of threads may change meanwhile."""
    whole = sums.Cut(np.array([400_000, 300_000]), "float32")
    found = []
    for count in ("1", "2", "1"):
        monkeypatch.setenv("CALANDO_NUM_THREADS", count)
        found.append(whole.ranges())
        assert [c for first, behind in found[-1] for c in range(first, behind)] == list(range(len(whole.length)))
    assert len(found[0]) == 1 < len(found[1]) and found[2] == found[0]


def test_squares_of_float32_do_not_overflow():
    x = np.array([3e38, 4e38 / 2], "f4")
    (found,) = sums.sums("squares", addresses([x]), sums.Cut(np.array([2]), "float32"))
    assert found == float(x[0]) ** 2 + float(x[1]) ** 2


def test_the_means_of_rows_keep_their_place():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert sums.row_means(x).tolist() == [[[5.5]], [[17.5]]]


def test_arrays_without_a_kernel_are_squared_in_float64():
    assert sums.square_sum(np.array([300.0, 400.0], "f2")) == 250_000  # past the largest float16
