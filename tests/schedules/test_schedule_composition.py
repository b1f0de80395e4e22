"""The laws of composition: then, sums, products, and other paces."""

import numpy as np
import pytest
from drawn_schedules import closed, counts, defined, given, moments, schedules, values
from hypothesis import assume
from hypothesis import strategies as st

from calando.schedules import (
    Constant,
    Cosine,
    Exponential,
    Linear,
    Listed,
    ScheduleEnd,
)


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
