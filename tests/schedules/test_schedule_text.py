"""Schedules as text: what is read, and what is refused with its place."""

import functools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    Schedule,
    WarmRestarts,
    parse,
)

FALL = Cosine(0.1, 0.0, 10)
NAMES = {"epoch": 10, "total": 100, "base": 0.5, "half": np.int64(7)}

READ = [
    ("0.1", Constant(0.1)),
    ("-3", Constant(-3.0)),
    ("+3", Constant(3.0)),
    ("  2 ** 3 - 7 // 2 * 1.5 + 9 % 4 / 2 ", Constant(4.0)),
    ("base", Constant(0.5)),
    ("half // 2", Constant(3.0)),
    ("2 ** -2", Constant(0.25)),
    ("[0.1, base, -1]", Listed([0.1, 0.5, -1.0])),
    ("[1, 2].hold()", Listed([1, 2]).hold()),
    ("cosine(0.1, 0, 10)", FALL),
    ("Cosine(start=0.1, end=0, steps=10)", FALL),
    ("COSINE(0.1, steps=epoch, end=0)", FALL),
    ("constant(0.1, 5)", Constant(0.1, 5)),
    ("Constant(0.1, steps=None)", Constant(0.1)),
    ("listed([1, 2])", Listed([1, 2])),
    ("linear(0, 1, total - 5 * epoch)", Linear(0, 1, 50)),
    ("exponential(0.1, 0.9, epoch, staircase=True)", Exponential(0.1, 0.9, 10, True)),
    ("natural_exponential(0.1, 0.9)", NaturalExponential(0.1, 0.9)),
    ("naturalexponential(0.1, 0.9)", NaturalExponential(0.1, 0.9)),
    ("Inverse_Time(0.1, 0.9)", InverseTime(0.1, 0.9)),
    ("polynomial(1, 0, 10, power=2)", Polynomial(1, 0, 10, 2)),
    ("piecewise([1, 0.1], [epoch])", Piecewise([1, 0.1], [10])),
    ("piecewise((1, 0.1), (epoch,))", Piecewise([1, 0.1], [10])),
    ("linear(0, 1, 5).then(\n    cosine(0.1, 0, 10))", Linear(0, 1, 5).then(FALL)),
    ("cosine(0.1, 0, 10).then(0.01)", FALL.then(0.01)),
    ("cosine(0.1, 0, 10).then([1, 2])", FALL.then(Listed([1, 2]))),
    ("exponential(0.1, 0.9).then(0, after=epoch)", Exponential(0.1, 0.9).then(0, after=10)),
    ("cosine(0.1, 0, 10).repeat()", FALL.repeat()),
    ("cosine(0.1, 0, 10).repeat(3)", FALL.repeat(3)),
    ("cosine(0.1, 0, 10).per_epoch(epoch)", FALL.per_epoch(10)),
    ("cosine(0.1, 0, 10) * 0.5", FALL * 0.5),
    ("base * cosine(0.1, 0, 10)", 0.5 * FALL),
    ("cosine(0.1, 0, 10) + linear(0, 1, 5)", FALL + Linear(0, 1, 5)),
    ("1 - cosine(0.1, 0, 10)", 1 - FALL),
    ("-cosine(0.1, 0, 10)", -FALL),
    ("cosine(0.1, 0, 10) / 4", FALL / 4),
    ("(cosine(0.1, 0, 10) * 2).then(3)", (FALL * 2).then(3)),
    ("cosine(0.1, 0, 10).skip(3)", FALL.skip(3)),
    ("cosine_wave(0.1, 0, epoch)", CosineWave(0.1, 0, 10)),
    ("warm_restarts(0.1, 0, epoch, growth=3)", WarmRestarts(0.1, 0, 10, 3)),
    ("cyclic(0, 0.1, 5, rate=0.5, staircase=True)", Cyclic(0, 0.1, 5, rate=0.5, staircase=True)),
    ("one_cycle(0.004, 0.1, 0, total, rise=0.25)", OneCycle(0.004, 0.1, 0, 100, 0.25)),
    ("OneCycle(0, 1, 0, 9, linear=True, three_phase=True)", OneCycle(0, 1, 0, 9, linear=True, three_phase=True)),
    ("inverse_square_root(0.1, 5)", InverseSquareRoot(0.1, 5)),
    ("cumulative_product(1, piecewise([0.5, 1], [3]))", CumulativeProduct(1, Piecewise([0.5, 1], [3]))),
    ("cumulative_product(1, 0.5)", CumulativeProduct(1, Constant(0.5))),
    ("warmup_cosine(0.1, total, epoch)", Linear(0, 0.1, 10).then(Cosine(0.1, 0, 90))),
    ("warmup_cosine(0.1, total, warmup=0, end=0.01)", Cosine(0.1, 0.01, 100)),
    ("warmup_linear(0.1, total, epoch, start=0.05)", Linear(0.05, 0.1, 10).then(Linear(0.1, 0, 90))),
    ("warmup_inverse_square_root(0.1, 5)", Linear(0, 0.1, 5).then(InverseSquareRoot(0.1, 5))),
    ("noam(64, 1, scale=8)", InverseSquareRoot(1, 1)),
    (
        "warmup_stable_decay(0.1, total, epoch, 20) * 2",
        Linear(0, 0.1, 10).then(Constant(0.1, 70)).then(Linear(0.1, 0, 20)) * 2,
    ),
]


@pytest.mark.parametrize("text, schedule", READ, ids=[row[0] for row in READ])
def test_read(text, schedule):
    assert parse(text, NAMES) == schedule


KNOWN = (
    "cumulative_product, cyclic, {}exponential, {}inverse_square_root, inverse_time, linear, listed, "
    "natural_exponential, noam, one_cycle, piecewise, polynomial, warm_restarts, {}warmup_inverse_square_root, "
    "warmup_linear, warmup_stable_decay"
)
ALL = "constant, cosine, cosine_wave, " + KNOWN.format("", "", "warmup_cosine, ")
REFUSED = [
    # the text, the sentence, the word with the carets under it
    (
        "cosin(0.1, 0, 10)",
        "unknown word 'cosin'; known: cosine, cosine_wave, warmup_cosine, constant, " + KNOWN.format("", "", ""),
        "cosin",
    ),
    (
        "cosine(0.1, 0, totl)",
        "unknown word 'totl'; known: total, base, constant, cosine, cosine_wave, "
        + KNOWN.format("epoch, ", "half, ", "warmup_cosine, "),
        "totl",
    ),
    (
        "__import__('os').system('ls')",
        f"unknown word '__import__'; known: {ALL}",
        "__import__",
    ),
    ("cosine", "cosine needs its arguments: cosine(start, end, steps)", "cosine"),
    ("cosine(0.1, 0)", "cosine: missing a required argument: 'steps'; it is cosine(start, end, steps)", None),
    ("cosine(1, 2, 3, 4)", "cosine: too many positional arguments; it is cosine(start, end, steps)", None),
    (
        "cosine(1, 2, stops=3)",
        "cosine: got an unexpected keyword argument 'stops'; it is cosine(start, end, steps)",
        None,
    ),
    (
        "cosine(1, 2, 3).then()",
        "then: missing a required argument: 'following'; it is then(following, after)",
        None,
    ),
    ("cosine(1, 2, 0)", "Cosine: steps must be at least 1, not 0", None),
    ("0.5 * cosine(1, 2, 0)", "Cosine: steps must be at least 1, not 0", "cosine(1, 2, 0)"),
    (
        "cosine(1, 2, total / 10)",
        "Cosine: steps must be an int, not 10.0; divide with // to stay among whole numbers",
        None,
    ),
    ("cosine(1, 2, steps=3, steps=4)", "cosine: steps is given twice", "steps=4"),
    ("cosine([1], 2, 3)", "Cosine: start must be a real number, not (1,)", None),
    ("cosine(*[1, 2, 3])", "cosine: write the arguments one by one, without *", None),
    ("cosine(**epoch)", "cosine: write the arguments one by one, without *", None),
    ("cosine(1, 2, 3)(4)", "this cannot be called", "cosine(1, 2, 3)"),
    ("function(abs)", "Function holds code, which a text cannot; write it in Python", "function"),
    ("[1, 2].hod()", "unknown method 'hod'; known: hold, per_epoch, repeat, skip, then", "hod"),
    ("[1, 2].to_dict()", "unknown method 'to_dict'; known: hold, per_epoch, repeat, skip, then", "to_dict"),
    ("[1, 2].__class__", "a schedule is made of numbers, names, lists, calls and + - * / // % ** only", None),
    (
        "1 if epoch else 2",
        "a schedule is made of numbers, names, lists, calls and + - * / // % ** only",
        None,
    ),
    ("lambda: 1", "a schedule is made of numbers, names, lists, calls and + - * / // % ** only", None),
    ("'a'", "a schedule is made of numbers, and this is none", None),
    ("1j", "a schedule is made of numbers, and this is none", None),
    ("[]", "Listed: values must not be empty", None),
    ("[1, [2]]", "a list holds numbers only", "[2]"),
    (
        "[0.1] * 30",
        "* neither repeats nor joins lists here; write listed([...]) to compute with its values, "
        "or piecewise(values, boundaries) for a staircase",
        "[0.1]",
    ),
    ("True", "this is True and no schedule", None),
    ("None + 1", "+ needs a number or a schedule on both sides", "None"),
    ("not 1", "only a number or a schedule can have a sign, + or -", None),
    ("-[1]", "only a number or a schedule can have a sign, + or -", None),
    ("1 << 3", "the signs between numbers are + - * / // % **", None),
    ("cosine(1, 2, 3) // 2", "// is not defined here; schedules know + - * between them", None),
    ("2 / cosine(1, 2, 3)", "/ is not defined here; schedules know + - * between them", None),
    ("1 / 0", "division by zero", None),
    ("1 % 0", "division by zero", None),
    ("cosine(1, 2, 3) / 0", "division by zero", None),
    ("9**9**9", "this number is too large", None),
    ("cosine(1, 2, 9**9**9**9)", "this number is too large", "9**9**9"),
    ("10.0**400", "this number is too large", None),
    ("1e999", "this number is too large", None),
    ("(-8)**0.5", "this is not a real number", None),
    ("-" * 200 + "1", "more than 150 brackets or signs within each other", ...),
    (
        "exponential(1, 0.9).then(2)",
        "then: Exponential(1, 0.9) has no end, so say after how many steps to hand over: .then(2, after=1000)",
        None,
    ),
]


@pytest.mark.parametrize("text, sentence, word", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_with_its_place(text, sentence, word):
    names = {} if "__import__" in text or "cosin(" in text else NAMES
    with pytest.raises(ValueError) as caught:
        parse(text, names)
    said, line, carets = str(caught.value).split("\n")
    assert said == sentence
    if word is not ...:
        place = carets.index("^")
        assert line[place : place + carets.count("^")] == (word or text)


@pytest.mark.parametrize(
    "text, start",
    [
        ("", "there is no schedule in an empty text; write one, such as 0.1 or cosine(0.1, 0, 1000)"),
        ("0.1 +", "this is no schedule (invalid syntax)"),
        (
            "cosine(0.1, 0, 10",
            "this is no schedule ('(' was never closed)\n    cosine(0.1, 0, 10\n          ^",
        ),
        ("\0", "this is no schedule ("),
        ("9" * 5000, "this is no schedule ("),
        ("(" * 300 + "1" + ")" * 300, "this is no schedule (too many nested parentheses)"),
        ("-" * 100_000 + "1", "this schedule is nested too deeply to be read: '-----"),
        ("[1]" + ".hold()" * 100_000, "this schedule is nested too deeply to be read: '[1].hold()"),
    ],
)
def test_what_python_cannot_read_either(text, start):
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value).startswith(start)


def test_the_place_is_found_in_a_long_text_on_its_line_and_after_wide_letters():
    many = " + ".join(["cosine(0.1, 0, 10)"] * 40)
    for text in f"{many} + cosin(3)", f"linear(0, 1, 5).then(\n  {many} + cosin(3))", "[ä, cosin]":
        names = {"ä": 3}
        with pytest.raises(ValueError) as caught:
            parse(text, names)
        _, line, carets = str(caught.value).split("\n")
        assert line[carets.index("^") :].startswith("cosin") and carets.count("^") == 5
        assert len(line) < 110


TOKENS = (  # noqa: SIM905
    "cosine( linear( listed( piecewise( constant( exponential( ( [ ) ] ) ] , , .then( .hold() .repeat( "
    ".per_epoch( steps= after= 0 1 2 3 -1 0.5 1e308 7e-320 9 + - * / // % ** True None x total ' \\ \n # ä"
).split(" ")


@given(st.lists(st.sampled_from(TOKENS), max_size=25).map("".join) | st.text(max_size=30))
@settings(deadline=None, max_examples=1000)
def test_any_text_is_a_schedule_or_a_value_error(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            schedule = parse(text, {"total": 100, "huge": 10**400})
        except ValueError:
            return
    assert isinstance(schedule, Schedule)
    assert parse(repr(schedule)) == schedule


def test_a_long_list_is_not_deep():
    values = np.random.default_rng(0).standard_normal(20_000) * 1e-7
    assert parse(repr(0.5 * Listed(values))) == 0.5 * Listed(values)


def test_a_long_chain_is_not_deep():
    assert parse("linear(0, 1, 3)" + ".then(linear(0, 1, 3))" * 250).length == 753


@pytest.mark.parametrize(
    "act, sentence",
    [
        (lambda: parse(3), "parse: a schedule is written as a str, not 3"),
        (lambda: parse("x", {"x": "1"}), "parse: the name 'x' must stand for a number, not '1'"),
    ],
)
def test_what_is_no_text_is_a_mistake_of_the_caller(act, sentence):
    with pytest.raises(TypeError) as caught:
        act()
    assert str(caught.value) == sentence


# What schedules say of themselves.


class Noam:
    def rate(self, step):
        return 1.0

    def __call__(self, step):
        return 1.0


def test_a_function_is_named_as_one_would_type_it():
    def inside(step):
        return 1.0

    line = inside.__code__.co_firstlineno
    here = "test_schedule_text.py"
    assert repr(Function(math.sqrt)) == "Function(math.sqrt)"
    assert repr(Function(abs)) == "Function(abs)"
    assert repr(Function(np.sqrt)).startswith("Function(") and "sqrt" in repr(Function(np.sqrt))
    assert repr(Function(inside)) == f"Function(<inside at {here}:{line}>)"
    assert repr(Function(lambda step: 1.0)) == f"Function(<lambda at {here}:{line + 9}>)"
    assert repr(Function(Noam())) == "Function(<Noam object>)"
    assert repr(Function(Noam().rate)) == f"Function({__name__}.Noam.rate)"
    assert repr(Function(functools.partial(math.pow, 0.5))) == "Function(<partial of math.pow>)"
    assert repr(Function(FALL)) == "Function(Cosine(start=0.1, end=0.0, steps=10))"


PRINTED = [
    (FALL, "Cosine(start=0.1, end=0.0, steps=10)", "Cosine(0.1, 0, 10)"),
    (Constant(1 / 3), "Constant(value=0.3333333333333333)", "0.333333"),
    (Constant(0.1, 5), "Constant(value=0.1, steps=5)", "Constant(0.1, 5)"),
    (
        Linear(0, 0.1, 5).then(FALL),
        "Linear(start=0.0, end=0.1, steps=5).then(Cosine(start=0.1, end=0.0, steps=10))",
        "Linear(0, 0.1, 5).then(Cosine(0.1, 0, 10))",
    ),
    (
        Constant(1).then(FALL, after=3).then(0, after=9),
        "Constant(value=1.0).then(Cosine(start=0.1, end=0.0, steps=10), after=3).then(Constant(value=0.0), after=9)",
        "Constant(1).then(Cosine(0.1, 0, 10), after=3).then(Constant(0), after=9)",
    ),
    (FALL * 0.5, "(Cosine(start=0.1, end=0.0, steps=10) * 0.5)", "(Cosine(0.1, 0, 10) * 0.5)"),
    (-0.5 * FALL, "(-0.5 * Cosine(start=0.1, end=0.0, steps=10))", "(-0.5 * Cosine(0.1, 0, 10))"),
    (Constant(1) + 2, "(Constant(value=1.0) + 2.0)", "(Constant(1) + 2)"),
    (
        (FALL + 1).repeat(3),
        "(Cosine(start=0.1, end=0.0, steps=10) + 1.0).repeat(3)",
        "(Cosine(0.1, 0, 10) + 1).repeat(3)",
    ),
    (Listed([1, 2]).hold(), "Listed(values=(1.0, 2.0)).hold()", "Listed((1, 2)).hold()"),
    (Listed([1]), "Listed(values=(1.0,))", "Listed((1,))"),
    (Exponential(1, 0.5), "Exponential(start=1.0, rate=0.5)", "Exponential(1, 0.5)"),
    (
        Exponential(1, 0.5, staircase=True),
        "Exponential(start=1.0, rate=0.5, staircase=True)",
        "Exponential(1, 0.5, staircase=True)",
    ),
    (
        Piecewise([1, 2], [3]).per_epoch(4),
        "Piecewise(values=(1.0, 2.0), boundaries=(3,)).per_epoch(4)",
        "Piecewise((1, 2), (3,)).per_epoch(4)",
    ),
]


@pytest.mark.parametrize("schedule, in_full, short", PRINTED, ids=[row[2] for row in PRINTED])
def test_print_and_description(schedule, in_full, short):
    assert repr(schedule) == in_full
    assert schedule.describe() == short
    assert parse(in_full) == schedule


def test_a_long_list_is_described_by_its_ends():
    assert Listed(np.linspace(0.1, 0.001, 1000)).describe() == "Listed(1000 values, 0.1 … 0.001)"
    assert (0.5 * Listed(range(7))).describe() == "(0.5 * Listed(7 values, 0 … 6))"
    stairs = Piecewise(range(9), range(1, 9))
    assert stairs.describe() == "Piecewise((0 … 8: 9 values), (1 … 8: 8 values))"


def test_carets_stand_below_what_is_shown_of_a_long_piece():
    text = f"constant(1, {'x' * 200})"
    with pytest.raises(ValueError) as error:
        parse(text)
    _, line, carets = str(error.value).splitlines()
    assert carets.strip() == "^" * (len(line) - line.index("x")) and len(carets) <= len(line) <= 94


def test_the_end_of_a_long_text_is_shown_whole():
    text = "linear(0, 1, 10)" + ".skip(0)" * 20 + ".thn(1)"
    with pytest.raises(ValueError) as error:
        parse(text)
    _, line, carets = str(error.value).splitlines()
    assert line == "    " + text[-90:] and line[carets.index("^") :].startswith("thn(1)")


def test_what_follows_a_left_out_argument_has_its_name():
    saw = Cyclic(0.0, 1.0, up=2, rate=0.5)
    assert saw.describe() == "Cyclic(0, 1, 2, rate=0.5)" and parse(saw.describe()) == saw
