"""Anything becomes a schedule, every value lies in its domain, and every refusal is a sentence."""

import decimal
import fractions
from math import inf, nan

import numpy as np
import pytest

from calando.events import BUILT, OUTSIDE, SET
from calando.hyper import LARGEST, TINY, Hyper, Rounded, UnknownName, as_schedule, interval, shown
from calando.schedules import Constant, Cosine, Function, Linear, Listed, Schedule, ScheduleEnd

DOMAIN = {
    "lr": (0.0, inf),
    "beta1": (0.0, 1.0),
    "eps": (0.0, inf),
    "loss_scale": (TINY, inf),
    "dampening": (-inf, inf),
}
PLACE = "For 'Test', group 3"


def hyper(**given):
    return Hyper(PLACE, DOMAIN, given, {"beta1": "betas[0]"})


def half(step):
    return 0.5


class Callable:
    def __call__(self, step):
        return 2.0 * step


# What a value may be


@pytest.mark.parametrize(
    "value, expected",
    [
        (0.25, 0.25),
        (0, 0.0),
        (3, 3.0),
        (np.float64(0.25), 0.25),
        (np.float32(0.25), 0.25),
        (np.int64(2), 2.0),
        (np.array(0.25), 0.25),
        (np.array(2), 2.0),
        (decimal.Decimal("0.25"), 0.25),
        (fractions.Fraction(1, 4), 0.25),
        (Constant(0.25), 0.25),
        (Constant(0.25, steps=3), 0.25),
    ],
    ids=repr,
)
def test_a_number_stays_a_number(value, expected):
    found = as_schedule(value)
    assert type(found) is float and found == expected


@pytest.mark.parametrize(
    "value",
    [
        [0.5, 0.25, 0.125],
        (0.5, 0.25, 0.125),
        np.array([0.5, 0.25, 0.125]),
        np.array([0.5, 0.25, 0.125], "f2"),
        [np.float32(0.5), fractions.Fraction(1, 4), 0.125],
        iter([0.5, 0.25, 0.125]),
        (0.5 ** (i + 1) for i in range(3)),
        map(float, ["0.5", "0.25", "0.125"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_be_walked_through_is_one_value_per_step(value):
    assert as_schedule(value) == Listed([0.5, 0.25, 0.125])


def test_tensors_are_read_like_arrays(torch):
    assert as_schedule(torch.tensor(0.25)) == 0.25
    assert as_schedule(torch.tensor([0.5, 0.25])) == Listed([0.5, 0.25])
    assert as_schedule(torch.tensor([0.5])) == Listed([0.5])


def test_a_range_is_a_list():
    assert as_schedule(range(3)) == Listed([0.0, 1.0, 2.0])


@pytest.mark.parametrize("value", [half, lambda step: 0.5, Callable()], ids=["def", "lambda", "object"])
def test_what_can_be_called_is_a_function_of_the_step(value):
    assert as_schedule(value) == Function(value)


@pytest.mark.parametrize("value", [Linear(0.0, 1.0, steps=4), Listed([1.0]), Linear(0.0, 1.0, steps=4) * 2.0])
def test_a_schedule_stays_itself(value):
    assert as_schedule(value) is value


# What it may not be: one sentence each

REFUSED = [  # value, type of the error, part of the sentence
    (None, TypeError, "'lr' must be a number, a list with one number per step, a schedule or a function"),
    ("0.1", TypeError, "but got '0.1'"),
    (b"0.1", TypeError, "but got b'0.1'"),
    ({"lr": 0.1}, TypeError, "but got {'lr': 0.1}"),
    (1j, TypeError, "but got 1j"),
    (Ellipsis, TypeError, "but got Ellipsis"),
    (np.ones((2, 2)), TypeError, "but got an array of shape (2, 2)"),
    (True, TypeError, "'lr' must be a number, a list with one number per step, a schedule or a function"),
    (np.array(True), TypeError, "but got array(True)"),
    (np.bool_(False), TypeError, "'lr' must be a number"),
    (-0.1, ValueError, "'lr' must lie in [0, inf), but got -0.1"),
    (nan, ValueError, "'lr' must lie in [0, inf), but got nan"),
    (inf, ValueError, "'lr' must lie in [0, inf), but got inf"),
    (np.array(-1.0), ValueError, "but got -1.0"),
    (Constant(-1.0), ValueError, "but got -1.0"),
    ([], ValueError, "'lr' must have one number for every step, but got an empty list"),
    (iter([]), ValueError, "must not be empty"),
    ({0.1}, TypeError, "schedule or a function of the step, but got {0.1}"),
    (["0.1"], TypeError, "'lr' must have a number for every step, but got '0.1' (entry 0)"),
    ([0.1, None], TypeError, "'lr' must have a number for every step, but got None (entry 1)"),
    ([0.1, True], TypeError, "'lr' must have a number for every step, but got True (entry 1)"),
    ([0.1, nan], ValueError, "'lr' must have a finite number for every step, but got nan (entry 1)"),
    (np.array([0.1, inf]), ValueError, "'lr' must have a finite number for every step, but got inf (entry 1)"),
    ([0.1, 0.2, -0.3, -0.4], ValueError, "but got -0.3 (entry 2 of Listed("),
    (Listed([0.1, -0.2]), ValueError, "but got -0.2 (entry 1 of Listed("),
    (Linear(-0.5, 1.0, steps=4), ValueError, "but got -0.5 (step 0: Linear(-0.5, 1, 4))"),
    (lambda step: -1, ValueError, "but got -1.0 (step 0: Function(<lambda at test_hyper_values.py:"),
    (lambda step: nan, ValueError, "but got nan (step 0: "),
    (10**400, (ValueError, TypeError), "'lr'"),
    (np.complex128(1 + 2j), TypeError, "'lr' must be a number"),
    (np.array("0.1"), TypeError, "'lr' must be a number"),
    (lambda step: "0.1", TypeError, "'lr'"),
    (lambda step: None, TypeError, "for step 0 it returned None"),
]


@pytest.mark.parametrize(
    "value, kind, sentence", REFUSED, ids=[f"{i}-{shown(row[0])[:25]}" for i, row in enumerate(REFUSED)]
)
def test_a_refusal_says_where_what_and_why(value, kind, sentence):
    with pytest.raises(kind) as caught:
        hyper(lr=value)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(PLACE)


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("beta1", 1.0, "'betas[0]' must lie in [0, 1), but got 1.0"),
        ("beta1", -1e-9, "'betas[0]' must lie in [0, 1), but got -1e-09"),
        ("loss_scale", 0.0, "'loss_scale' must lie in (0, inf), but got 0.0"),
        ("dampening", -inf, "'dampening' must be a finite number, but got -inf"),
        ("dampening", nan, "'dampening' must be a finite number, but got nan"),
    ],
)
def test_bounds_are_those_of_the_mathematics(name, value, sentence):
    with pytest.raises(ValueError) as caught:
        hyper(**{name: value})
    assert str(caught.value) == f"{PLACE}: {sentence}"


@pytest.mark.parametrize(
    "name, value",
    [("beta1", 0.0), ("beta1", 1 - 2**-53), ("lr", 0), ("loss_scale", TINY), ("dampening", -9e9)],
)
def test_the_bounds_themselves(name, value):
    assert hyper(**{name: value}).at(0) == {name: value}


@pytest.mark.parametrize(
    "name, sentence",
    [
        (
            "beta_1",
            "no hyperparameter 'beta_1' (did you mean 'betas[0]'?); it has betas[0], dampening, eps, loss_scale, lr",
        ),
        ("zzz", "no hyperparameter 'zzz'; it has betas[0], dampening, eps, loss_scale, lr"),
    ],
)
def test_an_unknown_name_is_met_with_the_nearest(name, sentence):
    with pytest.raises(UnknownName) as caught:
        hyper(**{name: 1.0})
    assert str(caught.value) == f"{PLACE}: {sentence}"
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize(
    "low, high, text",
    [(0.0, 1.0, "lie in [0, 1)"), (TINY, 2.5, "lie in (0, 2.5)"), (-inf, inf, "be a finite number")],
)
def test_an_interval_in_words(low, high, text):
    assert interval(low, high) == text


def test_long_values_are_not_shown_whole():
    assert len(shown(list(range(1000)))) < 80
    assert shown([1, 2]) == "[1, 2]"


# In time


def test_a_schedule_that_leaves_its_domain_is_refused_when_it_does():
    values = hyper(beta1=Linear(0.9, 1.1, steps=4), lr=0.5)
    assert [values.at(step)["beta1"] for step in range(2)] == pytest.approx([0.9, 0.95])
    with pytest.raises(ValueError) as caught:
        values.at(2)
    assert str(caught.value).startswith(f"{PLACE}: 'betas[0]' must lie in [0, 1), but got 1.0")
    assert "(step 2: Linear(0.9, 1.1, 4))" in str(caught.value)
    assert values.at(1) == {"beta1": pytest.approx(0.95), "lr": 0.5}


def test_a_list_ends_after_its_last_value_and_not_before():
    values = hyper(lr=[0.5, 0.25, 0.125])
    assert [values.at(step)["lr"] for step in range(3)] == [0.5, 0.25, 0.125]
    with pytest.raises(ScheduleEnd, match=r"^For 'Test', group 3: 'lr': the list ends after 3 values") as caught:
        values.at(3)
    assert "no value for step 3" in str(caught.value) and ".hold()" in str(caught.value)
    with pytest.raises(ScheduleEnd, match="'lr': the list ends"):
        values.value("lr", 7)
    assert values.coming(3) == {}
    assert values.coming(2) == {"lr": 0.125}


def test_a_list_that_holds_never_ends():
    values = hyper(lr=Listed([0.5, 0.25]).hold())
    assert values.at(1000) == {"lr": 0.25}


def test_only_what_moves_is_coming():
    values = hyper(lr=Linear(0.0, 1.0, steps=4), eps=1e-8)
    assert values.coming(1) == {"lr": 0.25}
    assert values.at(1) == {"lr": 0.25, "eps": 1e-8}


def outside(values, value, step):
    """What a front end does with a number that somebody else wrote."""
    values.displace("lr", values.checked("lr", value, step), step)


@pytest.mark.parametrize("bad", [-1.0, "x", None, [0.1, -0.1], Linear(-1.0, -0.5, steps=2), []])
def test_a_refused_change_changes_nothing(bad):
    values = hyper(lr=Linear(0.0, 1.0, steps=4), eps=0.5)
    values.at(2)
    with pytest.raises((TypeError, ValueError)):
        values.set("lr", bad, 2, SET)
    with pytest.raises((TypeError, ValueError)):
        outside(values, bad, 2)
    assert [values.at(step) for step in range(5)] == [{"lr": step / 4, "eps": 0.5} for step in range(5)]
    assert values.timelines["lr"].authors == [BUILT]


def test_a_change_is_in_force_at_once_and_the_past_stays():
    values = hyper(lr=Linear(0.0, 1.0, steps=4))
    assert values.at(2) == {"lr": 0.5}
    values.set("lr", 0.125, 2, SET)
    assert values.at(2) == {"lr": 0.125}
    assert [values.value("lr", step) for step in range(5)] == [0.0, 0.25, 0.125, 0.125, 0.125]
    assert [values.past(step) for step in (0, 3)] == [{"lr": 0.0}, {"lr": 0.125}]


def test_a_schedule_set_later_sees_the_absolute_step():
    values = hyper(lr=1.0)
    values.set("lr", Linear(0.0, 1.0, steps=8), 4, SET)
    assert [values.at(step)["lr"] for step in (4, 6, 8)] == [0.5, 0.75, 1.0]


def test_a_list_set_late_counts_from_step_zero_too():
    values = hyper(lr=1.0)
    values.set("lr", [9.0, 8.0, 7.0], 2, SET)
    assert values.at(2) == {"lr": 7.0}


def test_what_is_written_from_outside_wins_until_the_schedules_own_value_comes_back():
    values = hyper(lr=Cosine(1.0, 0.0, steps=10))
    own = values.at(3)["lr"]
    outside(values, 0.75, 3)
    assert values.at(3) == values.at(9) == {"lr": 0.75}
    outside(values, own, 3)
    assert values.at(3) == {"lr": own}
    assert values.at(5)["lr"] == pytest.approx(0.5)
    assert values.timelines["lr"].authors == [BUILT, OUTSIDE]


@pytest.mark.parametrize("value", [0.75, 1.0, 0.25])
def test_the_schedule_comes_back_later_for_the_number_it_had_or_has(value):
    """0.75 it had when the number from outside displaced it, 1.0 it has now; 0.25 it has at neither step."""
    values = hyper(lr=Linear(0.0, 1.0, steps=4))
    outside(values, 0.5, 3)
    outside(values, value, 4)
    assert values.at(4) == {"lr": 0.25 if value == 0.25 else 1.0}
    assert isinstance(values.timelines["lr"].latest, Linear) == (value != 0.25)


def test_a_schedule_that_came_back_and_was_replaced_does_not_come_back_again():
    values = hyper(lr=Linear(0.0, 1.0, steps=4))
    outside(values, 0.3, 1)
    outside(values, 0.25, 1)
    assert isinstance(values.timelines["lr"].latest, Linear)
    values.set("lr", 0.75, 2, SET)
    outside(values, 0.25, 3)  # which the schedule had when it was displaced
    assert values.at(4) == {"lr": 0.25} == values.at(3)


def test_a_schedule_that_was_displaced_does_not_come_back_after_set():
    values = hyper(lr=Linear(0.0, 1.0, steps=4))
    outside(values, 0.3, 1)
    values.set("lr", 0.125, 2, SET)
    outside(values, 0.75, 3)  # which the schedule has there
    assert values.at(4) == {"lr": 0.75}


def test_what_set_has_said_is_not_undone_by_chance():
    """Only a value from outside gives way to the schedule it displaced; what ``set`` said stays."""
    values = hyper(lr=Linear(0.0, 1.0, steps=4))
    values.set("lr", 0.75, 2, SET)
    outside(values, 0.75, 3)  # the number that the first schedule has at step 3
    assert values.at(4) == {"lr": 0.75}


@pytest.mark.parametrize("name", ["beta1", "eps"])
def test_only_rates_and_decays_may_lie_below_zero_by_rounding(name):
    assert hyper(lr=-1e-16).at(0) == {"lr": -1e-16}
    with pytest.raises(ValueError, match=r"must lie in \[0, .*\), but got -1e-16"):
        hyper(**{name: -1e-16})


def rounded(**given):
    return Rounded(PLACE, DOMAIN, given)


def test_a_step_sees_float32_unless_that_leaves_the_domain():
    near = 1 - 1e-12  # 1 in float32
    values = rounded(lr=lambda step: 0.1 + step, beta1=near, loss_scale=0.1)
    assert values.at(2) == {"lr": float(np.float32(2.1)), "beta1": near, "loss_scale": 0.1}
    assert values.current(2)["lr"] == 2.1


def test_the_largest_float32_is_the_last_number_that_is_rounded():
    assert rounded(lr=LARGEST).at(0) == {"lr": LARGEST}
    with pytest.raises(ValueError, match="infinite in float32"):
        rounded(lr=LARGEST * 1.01)
    assert rounded(loss_scale=LARGEST * 1.01).at(0) == {"loss_scale": LARGEST * 1.01}


def test_functions_are_asked_once_per_step():
    asked = []

    def rate(step):
        asked.append(step)
        return 1.0 / (1 + step)

    values = hyper(lr=rate)
    asked.clear()
    for step in range(3):
        assert values.at(step) == values.at(step) == {"lr": 1.0 / (1 + step)}
    assert asked == [0, 1, 2]


def test_histories_can_be_stored_and_come_back():
    first = hyper(lr=Linear(0.0, 1.0, steps=4), eps=0.5)
    first.set("lr", 0.125, 2, SET)
    second = hyper(lr=0.0, eps=0.0)
    second.timelines = second.loaded(first.stored())
    second.sort()
    assert [second.past(step) for step in range(5)] == [first.past(step) for step in range(5)]
    assert second.at(1) == first.at(1)


def test_histories_of_another_optimizer_are_refused():
    with pytest.raises(ValueError, match=r"^For 'Test', group 3: 'rho' was stored, and is no hyperparameter here"):
        hyper(lr=0.1).loaded({"rho": [[0, 0.5, SET]]})


@pytest.mark.parametrize("rows", [[[0, -0.5, BUILT]], [[0, 0.1, BUILT], [3, -0.5, OUTSIDE]]])
def test_histories_outside_the_domain_are_refused(rows):
    with pytest.raises(ValueError, match=r"'lr' must lie in \[0, inf\), but got -0.5 \(as it was stored\)"):
        hyper(lr=0.1).loaded({"lr": rows})


def test_the_list_is_over_but_its_last_value_can_be_seen():
    values = hyper(lr=[0.5, 0.25], eps=0.5)
    assert values.current(1) == values.current(2) == {"lr": 0.25, "eps": 0.5}


def test_every_schedule_may_be_a_hyperparameter():
    assert issubclass(type(Linear(0.0, 1.0, steps=2) + 0.5), Schedule)
    assert hyper(lr=Linear(0.0, 1.0, steps=2) + 0.5).at(1) == {"lr": 1.0}
