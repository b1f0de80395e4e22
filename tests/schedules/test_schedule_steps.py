"""One formula, two ways to ask: many steps at once, and one."""

import math

import numpy as np
import pytest
from drawn_schedules import EPS, defined, given, schedules, size
from hypothesis import strategies as st

from calando.schedules import (
    Constant,
    Cosine,
    Exponential,
    Function,
    Linear,
    Listed,
    NaturalExponential,
)


@given(schedules)
def test_many_steps_at_once_are_the_single_steps_to_a_few_ulp(s):
    # not exactly: numpy's vector cos and power round differently from the C library's
    steps = defined(s)
    at_once = s(steps)
    assert at_once.dtype == np.float64
    singly = [s(int(step)) for step in steps]
    assert all(type(value) is float for value in singly)
    np.testing.assert_allclose(at_once, singly, rtol=0, atol=16 * EPS * size(s))


@given(schedules, st.data())
def test_order_shape_and_kind_of_the_steps_do_not_matter(s, data):
    steps = defined(s)
    shuffled = data.draw(st.permutations(steps.tolist()))[:24]
    shuffled += shuffled[:1] * (24 - len(shuffled))
    cube = np.array(shuffled, np.uint16).reshape(2, 3, 4)
    np.testing.assert_allclose(s(cube), s(steps)[cube], rtol=0, atol=16 * EPS * size(s))
    assert s(cube).shape == (2, 3, 4)
    step = int(shuffled[0])
    assert s(step) == s(np.int32(step)) == s(float(step)) == s(np.float32(step)) == s(np.array(step)[()])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,)])
def test_even_an_odd_shape_is_kept(shape):
    steps = np.zeros(shape, np.int64)
    for s in (
        Linear(3.0, 5.0, 2),
        Linear(3.0, 5.0, 2).then(Listed([1.0])),
        Constant(3.0),
        Function(lambda _: 3),
    ):
        assert s(steps).shape == shape
        assert s(steps).dtype == np.float64
        assert (s(steps) == 3.0).all()


def test_a_result_is_the_callers_own():
    s = Listed([1.0, 2.0])
    s(np.arange(2))[:] = 7.0
    assert s(np.arange(2)).tolist() == [1.0, 2.0]


def test_growth_beyond_float64_is_infinite_both_ways():
    for s in Exponential(1.0, 2.0), NaturalExponential(1.0, -1.0):
        assert s(5000) == math.inf
        assert s(np.array([5000])).tolist() == [math.inf]


@given(st.floats(0, 1.5), st.lists(st.integers(0, 100_000), min_size=1))
def test_powers_vanish_and_overflow_alike_both_ways(rate, steps):
    s = Exponential(1.0, rate)
    np.testing.assert_allclose(s(np.array(steps)), [s(step) for step in steps], rtol=16 * EPS, atol=1e-300)


def test_a_tensor_is_a_step_or_an_array_of_steps(torch):
    s = Linear(3.0, 5.0, 4).then(Listed([1.0, 2.0]))
    for kind in torch.float32, torch.float64, torch.bfloat16, torch.int32, torch.uint8:
        assert s(torch.tensor(3, dtype=kind)) == s(3)  # as torch keeps "step" in its state
    assert s(torch.arange(6)).tolist() == s(torch.arange(6.0)).tolist() == s(np.arange(6)).tolist()
    with pytest.raises(ValueError, match=r"^a step must be a whole number, not 3\.5$"):
        s(torch.tensor(3.5))
    with pytest.raises(ValueError, match=r"^a step must not be negative, not -3$"):
        s(torch.tensor(-3.0))


@pytest.mark.parametrize("steps", [np.array([1, 2**63], np.uint64), np.array([1e19]), np.array([2.0**63])], ids=repr)
def test_no_step_of_an_array_wraps_around(steps):
    for s in Cosine(1.0, 0.0, 10), Listed([1.0]).hold(), Constant(2.0):
        with pytest.raises(ValueError, match=r"^an array of steps must hold numbers below 2⁶³, not (9\.?223|1e\+19)"):
            s(steps)
