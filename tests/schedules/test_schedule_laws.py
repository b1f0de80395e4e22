"""The mathematics of each schedule, whatever its numbers."""

import math
from itertools import accumulate
from operator import mul

import numpy as np
import pytest
from drawn_schedules import EPS, FAR, closed, counts, defined, given, moments, schedules, shares, staircases, values
from hypothesis import assume
from hypothesis import strategies as st

from calando.schedules import (
    Cosine,
    CosineWave,
    CumulativeProduct,
    Cyclic,
    Exponential,
    Function,
    InverseSquareRoot,
    InverseTime,
    Linear,
    Listed,
    NaturalExponential,
    OneCycle,
    Polynomial,
    ScheduleEnd,
    WarmRestarts,
    noam,
    warmup_cosine,
    warmup_inverse_square_root,
    warmup_linear,
    warmup_stable_decay,
)
from calando.schedules.words import Arrays, Numbers


@given(values, values, counts, st.integers(0, 1000))
def test_linear_is_exact_at_both_ends_and_stays(start, end, steps, more):
    s = Linear(start, end, steps)
    assert s(0) == start
    assert s(steps) == s(steps + more) == end
    assert s(np.array([0, steps, steps + more])).tolist() == [start, end, end]


@given(values, values, counts, st.floats(0.25, 4), st.integers(0, 1000))
def test_cosine_and_polynomial_end_exactly_and_stay(start, end, steps, power, more):
    for s in Cosine(start, end, steps), Polynomial(start, end, steps, power):
        # end + (start - end), as MindSpore has it: two roundings, each of half a unit of the larger
        assert abs(s(0) - start) <= EPS * max(abs(start), abs(start - end))
        assert s(steps) == s(steps + more) == end


@given(closed)
def test_monotone_and_between_start_and_end(s):
    walk = s(np.arange(s.steps + 2))
    sign = math.copysign(1.0, s.end - s.start)
    room = 0.0 if isinstance(s, Linear) else 4 * EPS * max(abs(s.start), abs(s.end))
    assert (sign * np.diff(walk) >= -room).all()
    assert walk.min() >= min(s.start, s.end) - room
    assert walk.max() <= max(s.start, s.end) + room


@given(values, values, counts)
def test_linear_and_cosine_cross_in_the_middle(start, end, half):
    middle = (start + end) / 2
    for s in Linear(start, end, 2 * half), Cosine(start, end, 2 * half):
        assert s(half) == pytest.approx(middle, rel=0, abs=4 * EPS * (abs(start) + abs(end)))


@given(values, values, counts, moments)
def test_cosine_is_point_symmetric(start, end, steps, step):
    s = Cosine(start, end, steps)
    step = min(step, steps)
    total = s(step) + s(steps - step)
    assert total == pytest.approx(start + end, rel=0, abs=8 * EPS * (abs(start) + abs(end)))


@given(values, st.floats(0.5, 1), counts, st.integers(0, 60))
def test_exponential_multiplies_by_the_rate(start, rate, steps, step):
    for staircase in False, True:
        s = Exponential(start, rate, steps, staircase)
        assert s(step + steps) == pytest.approx(rate * s(step), rel=1e-12)
        assert s(steps * (step // steps)) == pytest.approx(Exponential(start, rate, steps)(steps * (step // steps)))


@given(values, shares, counts, st.integers(0, 60))
def test_natural_exponential_is_an_exponential(start, rate, steps, step):
    s = NaturalExponential(start, rate, steps)
    assert s(step) == pytest.approx(Exponential(start, math.exp(-rate), steps)(step), rel=1e-12)


@given(st.floats(0.1, 100), shares, counts, moments)
def test_the_inverse_of_inverse_time_is_a_straight_line(start, rate, steps, step):
    s = InverseTime(start, rate, steps)
    assert start / s(step) == pytest.approx(1 + rate * step / steps, rel=1e-12)


@given(values, values, counts)
def test_a_power_of_one_is_a_straight_line(start, end, steps):
    line, power = Linear(start, end, steps), Polynomial(start, end, steps)
    scale = abs(start) + abs(end)
    np.testing.assert_allclose(line(np.arange(FAR)), power(np.arange(FAR)), rtol=0, atol=4 * EPS * scale)


@given(values, values, counts, st.floats(0.25, 4), st.integers(1, 8))
def test_cycle_returns_to_the_end_at_every_multiple(start, end, steps, power, turns):
    s = Polynomial(start, end, steps, power, cycle=True)
    assert s(turns * steps) == end
    plain = Polynomial(start, end, steps, power)
    assert [s(step) for step in range(steps + 1)] == [plain(step) for step in range(steps + 1)]


@given(staircases(), moments)
def test_piecewise_changes_at_the_boundary_itself(s, step):
    passed = sum(boundary <= step for boundary in s.boundaries)
    assert s(step) == s.values[passed]


@given(values, values, st.integers(1, 70) | counts, st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1))
def test_the_heights_of_many_rises_are_those_asked_for_one_by_one(start, end, steps, first, rises):
    """Torch's rounding is kept, which begins anew in each trough: exactly, in order and in any order."""
    s = CosineWave(start, end, steps)
    for rise in (np.arange(first, first + 5), np.array(rises)):
        found = Arrays.distinct(lambda some: s._height(some, Arrays), rise)
        assert found.tolist() == [s._height(one, Numbers) for one in rise.tolist()]


@given(values, values, counts, moments)
def test_a_wave_comes_back(start, end, steps, step):
    wave, fall = CosineWave(start, end, steps), Cosine(start, end, steps)
    near = {"rel": 0, "abs": 1e-10 * (abs(start) + abs(end))}  # torch's rises, and π · step / steps of late steps
    assert [wave(each) for each in range(steps + 1)] == pytest.approx([fall(each) for each in range(steps + 1)], **near)
    assert wave(step + 2 * steps) == pytest.approx(wave(step), **near)
    assert wave(2 * steps + step) == pytest.approx(wave(abs(2 * steps - step)), **near)


@given(values, values, counts, st.integers(1, 5))
def test_restarts_are_cosines_one_after_the_other(start, end, steps, growth):
    row, turn = Cosine(start, end, steps), steps * growth
    for _ in range(3):
        row, turn = row.then(Cosine(start, end, turn)), turn * growth
    seen = np.arange(min(row.length, 2000))
    near = 8 * EPS * (abs(start) + abs(end))
    np.testing.assert_allclose(WarmRestarts(start, end, steps, growth)(seen), row(seen), rtol=0, atol=near)


@given(values, values, st.integers(1, 30), st.none() | st.integers(1, 30), shares, st.booleans())
def test_triangles_are_lines_one_after_the_other(start, end, up, down, rate, staircase):
    once = Linear(0.0, 1.0, up).then(Linear(1.0, 0.0, down or up)).repeat()
    height = (end - start) * Exponential(1.0, rate, once.inner.length if staircase else 1, staircase)
    expected = start + once * height
    near = 1e-11 * (abs(start) + abs(end))  # torch counts turns in floating point, and so does Cyclic
    cyclic = Cyclic(start, end, up, down, rate, staircase)
    np.testing.assert_allclose(cyclic(np.arange(FAR)), expected(np.arange(FAR)), rtol=0, atol=near)


@given(values, values, values, st.integers(2, 40), st.integers(1, 20), st.booleans(), st.booleans())
def test_one_cycle_is_two_or_three_curves(start, peak, end, rise, rest, linear, three_phase):
    """Where the phases end at whole steps. The peak is at rise - 1, as in torch."""
    curve, up = Linear if linear else Cosine, rise - 1
    steps = rise + rest + (up if three_phase else 0)
    middle = [curve(peak, start, up), curve(start, end, rest)] if three_phase else [curve(peak, end, rest)]
    expected = curve(start, peak, up)
    for piece in middle:
        expected = expected.then(piece)
    cycle = OneCycle(start, peak, end, steps, rise / steps, linear, three_phase)
    near = 1e-12 * (abs(start) + abs(peak) + abs(end))
    np.testing.assert_allclose(cycle(np.arange(FAR)), expected(np.arange(FAR)), rtol=0, atol=near)
    assert cycle.length == steps


@given(st.floats(0.01, 10), counts, moments)
def test_inverse_square_root_is_one_over_a_straight_line_under_a_root(start, steps, step):
    s = InverseSquareRoot(start, steps)
    assert (start / s(step)) ** 2 == pytest.approx(1 + step / steps, rel=1e-12)
    assert s(3 * steps) == pytest.approx(start / 2, rel=1e-15)


@given(st.floats(-2, 2), st.lists(st.floats(-1.1, 1.1), min_size=1, max_size=60), st.data())
def test_a_cumulative_product_is_what_accumulate_makes_in_any_order(start, factors, data):
    expected = list(accumulate([start, *factors[1:]], mul))
    s = CumulativeProduct(start, Listed(factors))
    for step in data.draw(st.lists(st.integers(0, len(factors) - 1), max_size=9)):
        assert s(step) == expected[step]
    assert s(np.arange(len(factors))).tolist() == expected
    assert (s.length, s.ends) == (len(factors), True)
    with pytest.raises(ScheduleEnd, match=f"ends after {len(factors)} step"):
        s(len(factors))
    assert s(0) == start


def test_threads_may_lengthen_a_cumulative_product_together():
    from concurrent.futures import ThreadPoolExecutor

    s = CumulativeProduct(1.0, Exponential(1.0, 0.9999))
    expected = list(accumulate([1.0, *(0.9999**step for step in range(1, 3000))], mul))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(s, range(2999, -1, -1))) == expected[::-1]


# 2b. What is written by hand everywhere, by the formulas in which it is written.


@given(st.floats(0.01, 10), st.integers(2, 90), st.integers(0, 89), st.floats(0, 0.01))
def test_warm_ups_as_one_writes_them_by_hand(peak, steps, warmup, end):
    assume(warmup < steps)
    for step in range(steps + 20):
        share = min(1.0, (step - warmup) / (steps - warmup))
        cosine = end + (peak - end) * 0.5 * (1 + math.cos(math.pi * share))
        linear = peak + (end - peak) * share
        if step < warmup:
            cosine = linear = peak * step / warmup
        assert warmup_cosine(peak, steps, warmup, end)(step) == pytest.approx(cosine, rel=1e-12)
        assert warmup_linear(peak, steps, warmup, end)(step) == pytest.approx(linear, rel=1e-12)
        if warmup:
            root = peak * min(step / warmup, math.sqrt(warmup / max(step, warmup)))
            assert warmup_inverse_square_root(peak, warmup)(step) == pytest.approx(root, rel=1e-12)


@given(st.integers(1, 2048), st.integers(1, 60), st.floats(0.1, 4), moments)
def test_noam_is_the_equation_of_the_paper(width, warmup, scale, step):
    n = step + 1
    expected = scale * width**-0.5 * min(n**-0.5, n * warmup**-1.5)
    assert noam(width, warmup, scale)(step) == pytest.approx(expected, rel=1e-12)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.sampled_from(["linear", "cosine"]))
def test_warmup_stable_decay(warmup, flat, decay, shape):
    steps = warmup + flat + decay
    s = warmup_stable_decay(2.0, steps, warmup, decay, end=0.5, shape=shape)
    for step in range(steps + 9):
        gone = (step - warmup - flat) / decay
        down = 2.0 - 1.5 * (gone if shape == "linear" else 0.5 * (1 - math.cos(math.pi * gone)))
        expected = 2.0 * step / warmup if step < warmup else 2.0 if gone <= 0 else 0.5 if gone >= 1 else down
        assert s(step) == pytest.approx(expected, rel=1e-12)
    assert s.length == steps


@given(st.lists(values, min_size=1, max_size=20))
def test_a_list_is_its_values_and_then_ends(given_values):
    s = Listed(given_values)
    assert [s(step) for step in range(s.length)] == given_values
    assert s(np.arange(s.length)).tolist() == given_values
    for step in s.length, np.arange(s.length + 1):
        with pytest.raises(ScheduleEnd):
            s(step)


@given(schedules)
def test_a_function_sees_what_a_schedule_would(s):
    steps = defined(s)
    assert Function(s)(steps).tolist() == [s(int(step)) for step in steps]
