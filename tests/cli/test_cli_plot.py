"""``calando plot``: schedules as text and as pictures."""

import numpy as np
import pytest
from cli_runs import call, done

from calando.show.chart import chart


def test_one_schedule_as_text():
    out = done("plot", "linear(0, 1, epoch).then(cosine(1, 0, total - epoch))", "--steps", 100).output
    lines = out.splitlines()
    assert lines[0].startswith("   1 |") and lines[11].startswith("   0 |") and lines[13].endswith("99")
    assert lines[14].startswith("  * Linear(0, 1, 10).then(Cosine(1, 0, 90)): 0 … ")
    assert "at most 1 (step 10)" in lines[14]
    assert all(len(line) <= 80 for line in lines[:14])


def test_several_schedules_with_names_one_of_which_ends():
    out = done("plot", "a=[3, 2, 1]", "b=0.5", "--steps", 6).output
    assert "  * a: 3 … 1" in out and "  o b: 0.5 … 0.5" in out


@pytest.mark.parametrize(
    "steps, told",
    [(2, "3 … 2, ends after 3 steps"), (3, "3 … 1, ends after 3 steps"), (9, "3 … 1, ends after 3 steps")],
)
def test_a_list_says_where_it_ends_however_much_of_it_is_drawn(steps, told):
    out = done("plot", "[3, 2, 1]", "b=[1].hold()", "--steps", steps).output.splitlines()
    assert out[-2:] == [f"  * Listed((3, 2, 1)): {told}", "  o b: 1 … 1"]


@pytest.mark.parametrize(
    "texts, last",
    [
        (["linear(0, 1, 10).then(cosine(1, 0, 90))"], 100),
        (["[3, 2, 1]"], 2),
        (["a=[3, 2, 1].hold()", "b=linear(0, 1, 40)"], 40),
        (["0.1"], 999),
        (["linear(0, 1, 10)", "exponential(1, 0.9)"], 999),
        (["linear(0, 1, total // 2)"], 999),
        (["total=linear(0, 1, 20)"], 20),
    ],
)
def test_drawn_to_the_end_of_the_longest(texts, last):
    assert done("plot", *texts).output.splitlines()[13].split()[-1] == str(last)


@pytest.mark.parametrize("columns, widest", [("50", 50), ("10", 29), ("300", 77)])
def test_a_chart_fits_the_terminal(monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", columns)
    lines = done("plot", "linear(1e-7, 0.123456, 90)").output.splitlines()[:14]
    assert widest - 8 <= max(map(len, lines)) <= widest


def drawn(values, **size):
    """The rows of a chart, without what stands below."""
    text = chart({"line": np.array(values)}, **size).splitlines()
    return text[: size["height"]]


def test_a_steep_line_is_one_line_and_up_and_down_are_mirrored():
    down = drawn([4.0, 0.0, 0.0], width=3, height=5)
    assert down == ["   4 |*", "     | *", "   2 | *", "     | *", "   0 | **"]
    assert drawn([0.0, 4.0, 4.0], width=3, height=5) == ["   4 | **", "     | *", "   2 | *", "     | *", "   0 |*"]


def test_what_is_far_above_zero_is_not_read_against_it():
    assert drawn([3.0, 4.0], width=2, height=3)[-1].startswith("   3 |")
    assert drawn([1.0, 4.0], width=2, height=3)[-1].startswith("   0 |")
    assert drawn([-1.0, 4.0], width=2, height=3)[-1].startswith("  -1 |")


def test_long_numbers_do_not_bend_the_axis():
    text = chart({"line": np.array([-0.123456, 12345.678])}, width=4, height=4).splitlines()
    assert {row.index("|") for row in text[:4]} == {text[4].index("+")}
    assert text[0].startswith("1.235e+04 |")


def test_an_epoch_has_a_step_at_least():
    assert "Linear(0, 1, 1)" in done("plot", "linear(0, 1, epoch)", "--steps", 5, "--epochs", 10).output


def test_a_constant_and_a_single_step():
    assert "*" in chart({"flat": np.full(10, 0.0)}) and "*" in chart({"one": np.array([2.0])})


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture(tmp_path, extra, ending):
    place = tmp_path / f"rate.{ending}"
    assert done("plot", "cosine(1, 0, total)", "0.3", "[1,2,3]", "--out", place).output == f"{place}\n"
    assert place.stat().st_size > 5000


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["cosin(1, 0, total)"], "unknown word 'cosin'; known: cosine"),
        (["exponential(10, 1e10)"], "is inf at step 31 and cannot be drawn"),
        ([], "Missing argument"),
        (["1", "--steps", "0"], "--steps"),
        (["1", "--out", "no/such/folder/x.png"], "x.png: No such file or directory; nothing was written"),
        (["1", "--out", "."], ": the ending says the format, such as .png, .svg or .pdf"),
        (["1", "--out", "rate"], "rate: the ending says the format"),
        (["1", "--out", "rate.xyz"], "Format 'xyz' is not supported"),
    ],
)
def test_mistakes(args, words):
    result = call("plot", *args)
    assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.stderr


def test_ctrl_c_ends_any_command_with_130_and_no_traceback(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("calando.show.lines.lines", interrupted)
    result = call("plot", "0.1")
    assert (result.exit_code, result.stderr.strip()) == (130, "calando: stopped")


def test_a_picture_that_fails_leaves_nothing(tmp_path, extra):
    (tmp_path / "rate.png").mkdir()
    for name, words in (("rate.png", "is a folder; give the name of a file"), ("rate.xyz", "Format 'xyz'")):
        result = call("plot", "1", "--out", tmp_path / name)
        assert result.exit_code == 2 and words in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rate.png"]
