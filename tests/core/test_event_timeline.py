"""A timeline: causes are stored, values are computed, and the past stays what it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.events import BUILT, OUTSIDE, SET, Timeline
from calando.schedules import Constant, Cosine, Function, Linear, Listed

numbers = st.floats(0, 10)
entries = st.one_of(
    numbers,
    st.builds(Linear, numbers, numbers, st.integers(1, 20)),
    st.builds(Cosine, numbers, numbers, st.integers(1, 20)),
    st.builds(lambda values: Listed(values).hold(), st.lists(numbers, min_size=1, max_size=5)),
)
changes = st.lists(
    st.tuples(st.integers(0, 30), entries, st.sampled_from([BUILT, SET, OUTSIDE])), min_size=1, max_size=8
)
FAR = 40


def value(entry, step):
    return entry(step) if callable(entry) else entry


def rate(step):
    return 1 / (1 + step)


@given(changes)
def test_a_change_holds_from_its_step_on_and_forgets_what_was_to_come(said):
    line = Timeline()
    expected: list[float] = []
    for step, entry, author in said:
        line.change(step, entry, author)
        start = step if expected else 0  # the first thing said holds from the beginning
        expected[start:] = [value(entry, at) for at in range(start, FAR)]
        assert [line.at(at) for at in range(FAR)] == expected
    assert line.steps == sorted(set(line.steps))
    assert line.steps[0] == 0


@given(changes)
def test_plain_data_and_back(said):
    line = Timeline()
    for change in said:
        line.change(*change)
    rows = json.loads(json.dumps(line.to_list()))
    back = Timeline.from_list(rows)
    assert back == line
    assert [back.at(step) for step in range(FAR)] == [line.at(step) for step in range(FAR)]


def test_what_is_in_force_now():
    line = Timeline()
    line.change(0, Linear(0.0, 1.0, steps=4), BUILT)
    assert line.schedule == line.latest == Linear(0.0, 1.0, steps=4)
    line.change(2, 0.5, SET)
    assert line.latest == 0.5
    assert line.schedule == Constant(0.5)


def test_a_list_in_the_past_may_have_ended():
    line = Timeline()
    line.change(0, Listed([3.0, 2.0]), BUILT)
    line.change(2, 1.0, SET)
    assert [line.at(step) for step in range(4)] == [3.0, 2.0, 1.0, 1.0]


def test_a_function_is_kept_as_its_description():
    line = Timeline()
    line.change(0, Function(rate), BUILT)
    assert line.to_list() == [[0, {"code": f"Function({__name__}.rate)"}, BUILT]]


def test_a_function_comes_from_what_is_in_force():
    line = Timeline()
    line.change(0, 0.5, BUILT)
    line.change(3, Function(rate), SET)
    present = Timeline()
    present.change(0, Function(rate), BUILT)
    back = Timeline.from_list(json.loads(json.dumps(line.to_list())), present)
    assert back == line


def test_a_function_inside_a_schedule_is_code_too():
    line = Timeline()
    line.change(0, Function(rate) * 0.5, BUILT)
    json.dumps(line.to_list())
    assert Timeline.from_list(line.to_list(), line) == line


@pytest.mark.parametrize("present", [None, 0.5, Linear(0.0, 1.0, steps=3)])
def test_a_function_that_is_nowhere_cannot_come_back(present):
    line, now = Timeline(), Timeline()
    line.change(0, Function(rate), BUILT)
    if present is not None:
        now.change(0, present, BUILT)
    with pytest.raises(
        ValueError, match=r"that is code, which is not in the file\. Build the optimizer with it, then load"
    ):
        Timeline.from_list(line.to_list(), now if present is not None else None)


@pytest.mark.parametrize(
    "rows",
    [
        [[0, {"schedule": "Nothing"}, SET]],
        [[0, {"schedule": "Linear", "start": 0.0}, SET]],
        [[0, {}, SET]],
        [["first", 0.1, SET]],
        [[0, 0.1]],
        [[0, "0.1", SET]],
        [[0, None, SET]],
        [[0, [0.1], SET]],
        [],
    ],
    ids=str,
)
def test_data_that_is_not_ours_is_refused(rows):
    with pytest.raises(ValueError):
        Timeline.from_list(rows)
