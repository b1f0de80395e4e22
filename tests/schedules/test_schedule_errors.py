"""What schedules refuse, and in which words: one row per sentence."""

from dataclasses import dataclass

import numpy as np
import pytest

from calando.schedules import (
    Constant,
    Cosine,
    CosineWave,
    CumulativeProduct,
    Cyclic,
    Exponential,
    Function,
    Hold,
    InverseSquareRoot,
    InverseTime,
    Linear,
    Listed,
    NaturalExponential,
    OneCycle,
    PerEpoch,
    Piecewise,
    Polynomial,
    Product,
    Repeat,
    Schedule,
    ScheduleEnd,
    Skip,
    Sum,
    Then,
    WarmRestarts,
    noam,
    warmup_cosine,
    warmup_inverse_square_root,
    warmup_linear,
    warmup_stable_decay,
)
from calando.schedules.checks import shown

WARMUP = "{}: warmup must be shorter than steps, but {} is not less than {}"
FALL = Cosine(0.1, 0.0, 10)
DECAY = Exponential(0.1, 0.9)


def words(step):
    return "0.1"


class Noam:
    def __call__(self, step):
        return 1j


REFUSED = [
    # parameters
    (lambda: Cosine(1, 0, 0), ValueError, "Cosine: steps must be at least 1, not 0"),
    (lambda: Linear(1, 0, -3), ValueError, "Linear: steps must be at least 1, not -3"),
    (lambda: Cosine(1, 0, 10.0), TypeError, "Cosine: steps must be an int, not 10.0"),
    (lambda: Cosine(1, 0, True), TypeError, "Cosine: steps must be an int, not True"),
    (lambda: Cosine(1, 0, "9"), TypeError, "Cosine: steps must be an int, not '9'"),
    (
        lambda: Cosine(1, 0, 2**60),
        ValueError,
        "Cosine: steps must be at most 9007199254740992, not 1152921504606846976",
    ),
    (lambda: Cosine(1, None, 3), TypeError, "Cosine: end must be a real number, not None"),
    (lambda: Cosine(1j, 0, 3), TypeError, "Cosine: start must be a real number, not 1j"),
    (lambda: Constant(True), TypeError, "Constant: value must be a real number, not True"),
    (lambda: Constant("x" * 99), TypeError, f"Constant: value must be a real number, not '{'x' * 56}..."),
    (lambda: Constant(float("nan")), ValueError, "Constant: value must be finite, not nan"),
    (lambda: Constant(float("inf")), ValueError, "Constant: value must be finite, not inf"),
    (lambda: Constant(2**5000), ValueError, "Constant: value must fit in a float64, not an int of 5001 bits"),
    (lambda: Constant(1, 0), ValueError, "Constant: steps must be at least 1, not 0"),
    (lambda: Exponential(1, -0.5), ValueError, "Exponential: rate must not be negative, not -0.5"),
    (lambda: InverseTime(1, -0.5), ValueError, "InverseTime: rate must not be negative, not -0.5"),
    (lambda: Polynomial(1, 0, 3, power=0), ValueError, "Polynomial: power must be positive, not 0.0"),
    (lambda: Polynomial(1, 0, 3, cycle=1), TypeError, "Polynomial: cycle must be True or False, not 1"),
    (
        lambda: NaturalExponential(1, 1, 1, None),
        TypeError,
        "NaturalExponential: staircase must be True or False, not None",
    ),
    # lists
    (lambda: Listed([]), ValueError, "Listed: values must not be empty"),
    (lambda: Listed(3), TypeError, "Listed: values must be a sequence, not 3"),
    (lambda: Listed("12"), TypeError, "Listed: values must be a sequence, not '12'"),
    (lambda: Listed({1: 2}), TypeError, "Listed: values must be a sequence, not {1: 2}"),
    (lambda: Listed({1}), TypeError, "Listed: values must be a sequence, not {1}"),
    (lambda: Listed([1, "a"]), TypeError, "Listed: values[1] must be a real number, not 'a'"),
    (lambda: Listed([1.0, None]), TypeError, "Listed: values[1] must be a real number, not None"),
    (lambda: Listed(np.ones((2, 2))), TypeError, "Listed: values[0] must be a real number, not [1.0, 1.0]"),
    (lambda: Listed([1.0, float("nan")]), ValueError, "Listed: values[1] must be finite, not nan"),
    (lambda: Listed([1, float("-inf")]), ValueError, "Listed: values[1] must be finite, not -inf"),
    (
        lambda: Piecewise([1, 2], [3, 4]),
        ValueError,
        "Piecewise: values must be one more than boundaries, not 2 values for 2 boundaries",
    ),
    (
        lambda: Piecewise([1, 2, 3], [4, 4]),
        ValueError,
        "Piecewise: boundaries must rise, but boundaries[1] = 4 follows 4",
    ),
    (lambda: Piecewise([1, 2], [0]), ValueError, "Piecewise: boundaries[0] must be at least 1, not 0"),
    (lambda: Piecewise([1, 2], [1.5]), TypeError, "Piecewise: boundaries[0] must be an int, not 1.5"),
    # steps
    (lambda: FALL(-1), ValueError, "a step must not be negative, not -1"),
    (lambda: FALL(np.int64(-1)), ValueError, "a step must not be negative, not -1"),
    (lambda: FALL(1.5), ValueError, "a step must be a whole number, not 1.5"),
    (lambda: FALL(float("nan")), ValueError, "a step must be a whole number, not nan"),
    (lambda: FALL(float("inf")), ValueError, "a step must be a whole number, not inf"),
    (lambda: FALL(True), TypeError, "a step must be a whole number, not True"),
    (lambda: FALL("3"), TypeError, "a step must be a whole number or an array of them, not '3'"),
    (lambda: FALL([3]), TypeError, "a step must be a whole number or an array of them, not [3]"),
    (
        lambda: FALL(np.array([1, -2, -3])),
        ValueError,
        "a step must not be negative, but the array holds -3",
    ),
    (
        lambda: FALL(np.array([1.0, 1.5])),
        ValueError,
        "an array of steps must hold whole numbers, not 1.5",
    ),
    (
        lambda: FALL(np.array([np.inf])),
        ValueError,
        "an array of steps must hold whole numbers, not inf",
    ),
    (lambda: FALL(np.array([True])), TypeError, "an array of steps must hold whole numbers, not bool"),
    (lambda: FALL(np.array(["1"])), TypeError, "an array of steps must hold whole numbers, not <U1"),
    (
        lambda: Listed(np.ones(100))(100),
        ScheduleEnd,
        "the list ends after 100 values, so there is no value for step 100; "
        "give a longer list, or .hold() to stay at the last",
    ),
    (
        lambda: Listed([1])(np.arange(9)),
        ScheduleEnd,
        "the list ends after 1 value, so there is no value for step 8; "
        "give a longer list, or .hold() to stay at the last",
    ),
    (
        lambda: (FALL.then(Listed([1, 2]).per_epoch(5)) * 2)(23),
        ScheduleEnd,
        "(Cosine(0.1, 0, 10).then(Listed((1, 2)).per_epoch(5)) * 2) ends after 20 steps, so there is no value for "
        "step 23; give a longer list, or .hold() to stay at the last value",
    ),
    (
        lambda: Listed([1]).skip(0).per_epoch(1)(np.arange(9)),
        ScheduleEnd,
        "Listed((1,)).per_epoch(1) ends after 1 step, so there is no value for step 8; "
        "give a longer list, or .hold() to stay at the last value",
    ),
    # cycles and warm-ups
    (lambda: WarmRestarts(1, 0, 5, growth=0), ValueError, "WarmRestarts: growth must be at least 1, not 0"),
    (lambda: Cyclic(0, 1, 0), ValueError, "Cyclic: up must be positive, not 0.0"),
    (lambda: Cyclic(0, 1, 2, -1), ValueError, "Cyclic: down must be positive, not -1.0"),
    (lambda: Cyclic(0, 1, 2, rate=-1), ValueError, "Cyclic: rate must not be negative, not -1.0"),
    (lambda: OneCycle(0, 1, 0, 9, rise=1.5), ValueError, "OneCycle: rise must lie between 0 and 1, not 1.5"),
    (lambda: OneCycle(0, 1, 0, 0), ValueError, "OneCycle: steps must be at least 1, not 0"),
    (lambda: InverseSquareRoot(1, 0), ValueError, "InverseSquareRoot: steps must be at least 1, not 0"),
    (lambda: CosineWave(1, 0, 0.5), TypeError, "CosineWave: steps must be an int, not 0.5"),
    (lambda: CumulativeProduct(1, "x"), TypeError, "CumulativeProduct: factor must be a Schedule, not 'x'"),
    (lambda: warmup_cosine(1, 10, 10), ValueError, WARMUP.format("warmup_cosine", 10, 10)),
    (lambda: warmup_linear(1, 10, 12), ValueError, WARMUP.format("warmup_linear", 12, 10)),
    (lambda: warmup_linear(1, 10, -1), ValueError, "warmup_linear: warmup must be at least 0, not -1"),
    (lambda: warmup_cosine(1, 10.5, 1), TypeError, "warmup_cosine: steps must be an int, not 10.5"),
    (
        lambda: warmup_inverse_square_root(1, 0),
        ValueError,
        "warmup_inverse_square_root: warmup must be at least 1, not 0",
    ),
    (lambda: noam(0, 10), ValueError, "noam: width must be positive, not 0.0"),
    (lambda: noam(512, 0), ValueError, "noam: warmup must be at least 1, not 0"),
    (
        lambda: warmup_stable_decay(1, 10, 5, 6),
        ValueError,
        "warmup_stable_decay: warmup and decay must fit into steps, but 5 + 6 is more than 10",
    ),
    (
        lambda: warmup_stable_decay(1, 10, 5, 5, shape="square"),
        ValueError,
        "warmup_stable_decay: shape must be one of linear, cosine, not 'square'",
    ),
    # functions
    (lambda: Function(3), TypeError, "Function: call must be a function of the step, not 3"),
    (
        lambda: Function(words)(3),
        TypeError,
        f"{__name__}.words must return a number, but for step 3 it returned '0.1', a str",
    ),
    (
        lambda: Function(Noam())(np.arange(2)),
        TypeError,
        "<Noam object> must return a number, but for step 0 it returned 1j, a complex",
    ),
    (
        lambda: (0.5 * Function(words)).to_dict(),
        TypeError,
        f"Function({__name__}.words) cannot be stored, because it is code and not data; after loading "
        'give it again with optimizer.set("lr", function), or write it in closed form, such as '
        "Linear(...).then(Cosine(...))",
    ),
    # composition
    (
        lambda: DECAY.then(FALL),
        ValueError,
        "then: Exponential(0.1, 0.9) has no end, so say after how many steps to hand over: "
        ".then(Cosine(0.1, 0, 10), after=1000)",
    ),
    (lambda: FALL.then([1]), TypeError, "then: a Schedule or a number must follow, not [1]"),
    (lambda: FALL.then(FALL, after=0), ValueError, "then: after must be at least 1, not 0"),
    (lambda: FALL.then(FALL, after=2.0), TypeError, "then: after must be an int, not 2.0"),
    (
        lambda: Listed([1, 2]).then(FALL, after=5),
        ValueError,
        "then: Listed((1, 2)) ends after 2 steps, so it cannot last 5; give more values, or .hold() before .then",
    ),
    (
        lambda: Then((FALL,), (0,)),
        ValueError,
        "Then: needs two or more pieces and a start for each, the first 0, not 1 with the starts (0,)",
    ),
    (
        lambda: Then((FALL, FALL), (1, 2)),
        ValueError,
        "Then: needs two or more pieces and a start for each, the first 0, not 2 with the starts (1, 2)",
    ),
    (lambda: Then((FALL, 3), (0, 2)), TypeError, "Then: pieces[1] must be a Schedule, not 3"),
    (
        lambda: Then((FALL, FALL, FALL), (0, 2, 2)),
        ValueError,
        "Then: starts must rise, but starts[2] = 2 follows 2",
    ),
    (
        lambda: DECAY.repeat(),
        ValueError,
        "repeat: Exponential(0.1, 0.9) has no end, so there is nothing to begin anew; "
        "give it one with .then(..., after=steps), or Constant its steps",
    ),
    (lambda: FALL.repeat(0), ValueError, "Repeat: times must be at least 1, not 0"),
    (lambda: Repeat(3), TypeError, "Repeat: inner must be a Schedule, not 3"),
    (lambda: FALL.per_epoch(0), ValueError, "PerEpoch: steps_per_epoch must be at least 1, not 0"),
    (lambda: FALL.skip(-1), ValueError, "skip: steps must be at least 0, not -1"),
    (lambda: Skip(FALL, 0), ValueError, "Skip: steps must be at least 1, not 0"),
    (
        lambda: Listed([1, 2]).skip(2),
        ValueError,
        "skip: Listed((1, 2)) ends after 2 steps, so nothing is left after 2",
    ),
    (lambda: PerEpoch(3, 3), TypeError, "PerEpoch: inner must be a Schedule, not 3"),
    (
        lambda: Hold(FALL),
        ValueError,
        "Hold: Cosine(0.1, 0, 10) does not end, so there is nothing to hold",
    ),
    (lambda: Sum(FALL, 0.1), TypeError, "Sum: right must be a Schedule, not 0.1"),
    (lambda: Product(0.1, FALL), TypeError, "Product: left must be a Schedule, not 0.1"),
    (lambda: FALL + "a", TypeError, "unsupported operand type(s) for +: 'Cosine' and 'str'"),
    (lambda: True * FALL, TypeError, "unsupported operand type(s) for *: 'bool' and 'Cosine'"),
    (lambda: FALL / FALL, TypeError, "unsupported operand type(s) for /: 'Cosine' and 'Cosine'"),
    (lambda: FALL * float("nan"), ValueError, "Constant: value must be finite, not nan"),
    (
        lambda: nested(Constant(1.0), 100),
        ValueError,
        "PerEpoch: inner is nested 100 deep already, and 100 is the most",
    ),
    (lambda: Schedule()(3), NotImplementedError, "Schedule has no formula(step, words)"),
    # stored
    (lambda: Schedule.from_dict(3), ValueError, "a stored schedule is a dict, not 3"),
    (lambda: Schedule.from_dict([FALL.to_dict()] * 9), ValueError, None),
    (
        lambda: Schedule.from_dict({"start": 1}),
        ValueError,
        "a stored schedule names its class under 'schedule', but this has 'start'",
    ),
    (
        lambda: Schedule.from_dict({"schedule": 3}),
        ValueError,
        "a stored schedule names its class under 'schedule', not 3",
    ),
    (
        lambda: Schedule.from_dict({"schedule": "Cosin"}),
        ValueError,
        "there is no schedule 'Cosin'; did you mean 'Cosine'?",
    ),
    (
        lambda: Schedule.from_dict({"schedule": "Cosine", "start": 1}),
        ValueError,
        "Cosine lacks 'end', 'steps'",
    ),
    (
        lambda: Schedule.from_dict(FALL.to_dict() | {"stops": 1}),
        ValueError,
        "Cosine has no field 'stops'; it has 'start', 'end', 'steps'",
    ),
    (
        lambda: Schedule.from_dict(FALL.to_dict() | {"start": "1"}),
        ValueError,
        "Cosine: start must be a real number, not '1'",
    ),
    (
        lambda: Schedule.from_dict(FALL.to_dict() | {"start": FALL.to_dict()}),
        ValueError,
        "Cosine: start must be a real number, not Cosine(start=0.1, end=0.0, steps=10)",
    ),
    (
        lambda: Schedule.from_dict(FALL.to_dict() | {"steps": [[[1]]]}),
        ValueError,
        "Cosine: steps must be an int, not ([[1]],)",
    ),
    (
        lambda: Schedule.from_dict({"schedule": "Then", "pieces": [1], "starts": [0]}),
        ValueError,
        "Then: pieces[0] must be a Schedule, not 1",
    ),
    (
        lambda: Schedule.from_dict(nested_data(100_000)),
        ValueError,
        "a stored schedule may be nested 100 deep, and this one is deeper",
    ),
]


def nested(schedule, times):
    for _ in range(times):
        schedule = schedule.per_epoch(2)
    return schedule


def nested_data(times):
    data = Constant(1.0).to_dict()
    for _ in range(times):
        data = {"schedule": "PerEpoch", "inner": data, "steps_per_epoch": 2}
    return data


@pytest.mark.parametrize("act, kind, sentence", REFUSED, ids=[str(row[2]) for row in REFUSED])
def test_refused_in_so_many_words(act, kind, sentence):
    with pytest.raises(kind) as caught:
        act()
    assert caught.type is kind
    if sentence is not None:
        assert str(caught.value) == sentence


def test_a_function_is_not_read_from_data():
    with pytest.raises(ValueError, match="there is no schedule 'Function'; known are Constant, Cosine, "):
        Schedule.from_dict({"schedule": "Function", "call": "os.system"})


def test_data_that_contains_itself_is_too_deep():
    data = {"schedule": "PerEpoch", "steps_per_epoch": 2}
    data["inner"] = data
    with pytest.raises(ValueError, match="nested 100 deep"):
        Schedule.from_dict(data)


def test_as_deep_as_is_allowed_works_in_every_way():
    deep = nested(Constant(1.0, steps=1), 99)
    assert deep.depth == 100
    assert Schedule.from_dict(deep.to_dict()) == deep == eval(repr(deep))
    assert deep(2**80) == 1.0
    assert deep(np.arange(3)).tolist() == [1.0, 1.0, 1.0]


def test_a_long_chain_is_flat():
    chain = Linear(0.0, 1.0, 3)
    for _ in range(500):
        chain = chain.then(Linear(0.0, 1.0, 3))
    assert chain.depth == 2
    assert chain.length == 1503
    assert Schedule.from_dict(chain.to_dict()) == chain


def test_a_schedule_of_ones_own():
    @dataclass(frozen=True, repr=False)
    class InverseRoot(Schedule):
        start: float

        def formula(self, step, words):
            return self.start * words.power(step + 1.0, -0.5)

    own = InverseRoot(2.0)
    assert own(3) == 1.0
    assert own(np.array([0, 3])).tolist() == [2.0, 1.0]
    assert repr(0.5 * own) == "(0.5 * InverseRoot(start=2.0))"
    assert Schedule.from_dict((0.5 * own).to_dict()) == 0.5 * own


def test_a_schedule_of_ones_own_cannot_take_the_place_of_ours():
    with pytest.raises(TypeError, match="Cosine is a schedule of calando's; give your class another name"):
        type("Cosine", (Schedule,), {"__module__": "elsewhere"})


def test_a_redefined_class_is_not_stored_under_the_name_of_the_new_one():
    old, new = (dataclass(frozen=True, repr=False)(type("Mine", (Schedule,), {})) for _ in range(2))
    assert new().to_dict() == {"schedule": "Mine"}
    with pytest.raises(TypeError, match=r"Mine\(\) cannot be stored: Mine is not the class known by that name"):
        old().to_dict()


@pytest.mark.parametrize("length, seen", [(60, 60), (61, 60), (5000, 60)])
def test_a_value_is_shown_on_one_line(length, seen):
    assert len(shown("x" * (length - 2))) == seen
