"""What holds for every schedule, whatever its numbers."""

import copy
import json
import math
import pickle
from itertools import accumulate
from operator import mul

import hypothesis
import numpy as np
import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st

from calando.schedules import *  # noqa: F403  (eval(repr(s)) needs all the words)
from calando.schedules import (
    Constant,
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
    Piecewise,
    Polynomial,
    Product,
    Schedule,
    ScheduleEnd,
    Sum,
    Then,
    WarmRestarts,
    noam,
    parse,
    warmup_cosine,
    warmup_inverse_square_root,
    warmup_linear,
    warmup_stable_decay,
)

EPS = np.finfo(float).eps
FAR = 300  # steps looked at


def given(*strategies):
    """hypothesis.given without a deadline: a busy machine is no failure."""
    return lambda test: settings(deadline=None)(hypothesis.given(*strategies)(test))


values = st.floats(-100, 100, allow_subnormal=False)
shares = st.floats(0, 1, allow_subnormal=False)
counts = st.integers(1, 40)
moments = st.integers(0, FAR)


@st.composite
def staircases(draw):
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    return Piecewise(draw(st.lists(values, min_size=len(bounds) + 1, max_size=len(bounds) + 1)), bounds)


leaves = st.one_of(
    st.builds(Constant, values, st.none() | counts),
    st.builds(Listed, st.lists(values, min_size=1, max_size=12)),
    st.builds(Linear, values, values, counts),
    st.builds(Cosine, values, values, counts),
    st.builds(Polynomial, values, values, counts, st.floats(0.25, 4), st.booleans()),
    st.builds(Exponential, values, shares, counts, st.booleans()),
    st.builds(NaturalExponential, values, shares, counts, st.booleans()),
    st.builds(InverseTime, values, shares, counts, st.booleans()),
    staircases(),
    st.builds(CosineWave, values, values, counts),
    st.builds(WarmRestarts, values, values, counts, st.integers(1, 4)),
    st.builds(Cyclic, values, values, st.floats(0.5, 40), st.none() | st.floats(0.5, 40), shares, st.booleans()),
    st.builds(OneCycle, values, values, values, counts, shares, st.booleans(), st.booleans()),
    st.builds(InverseSquareRoot, values, counts),
    st.builds(CumulativeProduct, values, shares),
)


@st.composite
def composed(draw, inner):
    how = draw(st.sampled_from(["then", "sum", "product", "scaled", "hold", "repeat", "per_epoch", "skip", "rolled"]))
    a = draw(inner)
    if how == "then":
        longest = a.length if a.ends else 40
        after = draw(st.integers(1, longest))
        return a.then(draw(inner), after=draw(st.sampled_from([after, a.length or after])))
    if how == "sum":
        return a + draw(inner | values)
    if how == "product":
        return a * draw(inner)
    if how == "scaled":
        return draw(values) * a
    if how == "hold":
        return a.hold()
    if how == "repeat" and a.length is not None:
        return a.repeat(draw(st.none() | st.integers(1, 4)))
    if how == "skip":
        return a.skip(draw(st.integers(0, a.length - 1 if a.ends else 40)))
    if how == "rolled":
        return CumulativeProduct(draw(values), Cosine(0.5, 1.0, draw(counts)) if size(a) > 1 else a)
    return a.per_epoch(draw(st.integers(1, 5)))


schedules = st.recursive(leaves, composed, max_leaves=6)
closed = st.one_of(
    st.builds(Linear, values, values, counts),
    st.builds(Cosine, values, values, counts),
    st.builds(Polynomial, values, values, counts, st.floats(0.25, 4)),
)


def defined(s):
    """The steps, out of the first FAR, at which the schedule has a value."""
    return np.arange(min(s.length, FAR) if s.ends else FAR)


def size(s):
    """A bound of the values, cancellation not counted: what rounding errors are measured by."""
    if isinstance(s, Sum):
        return size(s.left) + size(s.right)
    if isinstance(s, Product):
        return size(s.left) * size(s.right)
    if isinstance(s, CumulativeProduct):
        return abs(s.start) * FAR
    if s.parts:
        return max(map(size, s.parts))
    data = s.to_dict()
    told = [data.get(name, 0.0) for name in ("value", "start", "peak", "end")] + data.get("values", [])
    return 2 * max(map(abs, told))


# 1. One formula, two ways to ask.


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


# 2. The mathematics of each piece.


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


# 3. The laws of composition.


@given(schedules, schedules, counts)
def test_then_is_the_first_and_then_the_second(a, b, after):
    after = min(after, a.length) if a.ends else after
    s = a.then(b, after=after)
    for step in range(after):
        assert s(step) == a(step)
    for step in defined(b)[:30].tolist():
        assert s(after + step) == b(step)
    assert s.length == (None if b.length is None else after + b.length)


@given(closed, closed, schedules)
def test_then_is_associative(a, b, c):
    assert a.then(b).then(c) == a.then(b.then(c))
    assert hash(a.then(b).then(c)) == hash(a.then(b.then(c)))


@given(closed, closed, schedules, counts)
def test_then_forgets_what_never_plays(a, b, c, after):
    assert a.then(b).then(c, after=min(after, a.length)) == a.then(c, after=min(after, a.length))


@given(schedules, schedules)
def test_sum_and_product_are_taken_at_each_step(a, b):
    together = min(len(defined(a)), len(defined(b)))
    for step in range(0, together, 7):
        assert (a + b)(step) == a(step) + b(step)
        assert (a * b)(step) == a(step) * b(step)
        assert (0.1 * a)(step) == 0.1 * a(step) == (a * 0.1)(step)
        assert (a + 2)(step) == a(step) + 2.0 == (2 + a)(step)
        assert (a - b)(step) == a(step) - b(step)
        assert (1.0 - a)(step) == 1.0 - a(step)
        assert (-a)(step) == -a(step)


@given(schedules, values)
def test_division_by_a_number_is_multiplication_by_its_inverse(s, divisor):
    assume(abs(divisor) > 1e-3)
    assert s / divisor == s * (1 / divisor)
    assert (s / 4)(0) == s(0) / 4


@given(schedules)
def test_hold_changes_nothing_before_the_end_and_never_ends(s):
    held = s.hold()
    steps = defined(s)
    np.testing.assert_array_equal(held(steps), s(steps))
    if s.ends:
        for step in s.length, s.length + 1, s.length + 1000:
            assert held(step) == s(s.length - 1)
    else:
        assert held is s


@given(schedules)
def test_past_its_last_step_a_schedule_stays_or_ends(s):
    if s.ends:
        assert s.last == s.length - 1
        s(s.last)
        with pytest.raises(ScheduleEnd):
            s(s.length)
    elif s.last is not None:
        for step in s.last + 1, s.last + 17:
            assert s(step) == s(s.last)


@given(schedules, st.integers(1, 5), moments)
def test_repeat_is_periodic(s, times, step):
    assume(s.length is not None)
    for_ever, some = s.repeat(), s.repeat(times)
    assert for_ever(step) == s(step % s.length) == for_ever(step + s.length)
    assert for_ever.length is None
    assert some.length == times * s.length
    if step < some.length:
        assert some(step) == for_ever(step)
    elif not s.ends:
        assert some(step) == s(step - (times - 1) * s.length)


@given(schedules, st.integers(1, 9), moments)
def test_per_epoch_moves_once_per_epoch(s, steps_per_epoch, step):
    slow = s.per_epoch(steps_per_epoch)
    assume(not s.ends or step // steps_per_epoch < s.length)
    assert slow(step) == s(step // steps_per_epoch)
    assert slow.length == (None if s.length is None else s.length * steps_per_epoch)


@given(schedules, st.integers(1, 50), st.integers(1, 50), moments)
def test_skip_begins_further_on(s, more, yet_more, step):
    assume(not s.ends or more + yet_more + step < s.length)
    assert s.skip(more)(step) == s(step + more)
    assert s.skip(more).skip(yet_more) == s.skip(more + yet_more)
    assert s.skip(0) is s
    if s.length is not None and s.length > more:
        assert s.skip(more).length == s.length - more


def test_what_never_changes_has_no_say_in_the_length():
    fall = Cosine(1.0, 0.0, 10)
    for s in (
        fall * 0.5,
        0.5 * fall,
        fall + 1,
        fall * (Constant(2.0) * 3.0),
        fall * Constant(2.0).per_epoch(3),
    ):
        assert (s.length, s.last, s.ends) == (10, 10, False)
    assert (Constant(1.0) * 2.0).length is None
    assert (fall + Linear(0.0, 1.0, 30)).length == 30
    assert (fall * Exponential(1.0, 0.9)).length is None
    assert (fall + Listed([1.0, 2.0])).length == 2
    assert (Exponential(1.0, 0.9) * Listed([1.0, 2.0])).last == 1
    assert (fall * Listed([1.0, 2.0])).hold()(100) == fall(1) * 2.0


def test_numpy_numbers_scale_a_schedule_too():
    fall = Cosine(1.0, 0.0, 10)
    for number in np.float64(0.5), np.float32(0.5), np.int64(2):
        assert number * fall == float(number) * fall
        assert fall + number == fall + float(number)


# 4. A schedule is a value.


@given(schedules)
def test_it_can_be_read_back_from_what_it_prints(s):
    assert eval(repr(s)) == s
    assert parse(repr(s)) == s
    assert repr(parse(repr(s))) == repr(s)


@given(schedules)
def test_it_can_be_read_back_from_plain_data(s):
    data = s.to_dict()
    assert Schedule.from_dict(data) == s
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert Schedule.from_dict(json.loads(json.dumps(data))) == s


@given(schedules)
def test_copies_are_equal(s):
    s(defined(s)[:1])  # what is cached on the way must not hinder
    for twin in pickle.loads(pickle.dumps(s)), copy.deepcopy(s), copy.copy(s):
        assert twin == s
        assert hash(twin) == hash(s)
        np.testing.assert_array_equal(twin(defined(s)), s(defined(s)))


@given(schedules)
def test_a_description_is_one_line_that_says_no_more_than_the_print(s):
    assert "\n" not in s.describe()
    assert len(s.describe()) <= len(repr(s))


@given(schedules, schedules)
def test_equal_schedules_have_equal_values_and_hashes(a, b):
    assert (a == b) == (repr(a) == repr(b)) or "0.0" in repr(a)  # 0.0 == -0.0
    if a == b:
        assert hash(a) == hash(b)


def test_parameters_become_plain_python_numbers():
    s = Cosine(np.float64(0.1), np.float32(0.5), np.int64(10))
    assert (type(s.start), type(s.end), type(s.steps)) == (float, float, int)
    assert repr(s) == "Cosine(start=0.1, end=0.5, steps=10)"
    assert Linear(1, 0, 3) == Linear(1.0, 0.0, 3)
    assert repr(Constant(1)) == "Constant(value=1.0)"


@pytest.mark.parametrize(
    "given_values",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        range(1, 4),
        np.array([1, 2, 3], np.int8),
        iter([1, 2, 3]),
        map(float, "123"),
    ],
)
def test_a_list_may_be_anything_ordered(given_values):
    assert Listed(given_values) == Listed(values=(1.0, 2.0, 3.0))


def test_frozen():
    with pytest.raises(AttributeError):
        Cosine(1.0, 0.0, 3).steps = 4
    with pytest.raises(AttributeError):
        Then((Constant(1.0), Constant(2.0)), (0, 3)).starts = (0, 4)
