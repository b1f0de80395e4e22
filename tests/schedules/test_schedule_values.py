"""A schedule is a value: compared, printed, stored, copied."""

import copy
import json
import pickle

import numpy as np
import pytest
from drawn_schedules import defined, given, schedules

from calando.schedules import *  # noqa: F403  (eval(repr(s)) needs all the words)
from calando.schedules import (
    Constant,
    Cosine,
    Linear,
    Listed,
    Schedule,
    Then,
    parse,
)


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
