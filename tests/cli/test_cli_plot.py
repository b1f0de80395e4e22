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
        (["1", "--out", "no/such/folder/x.png"], "no/such/folder"),
    ],
)
def test_mistakes(args, words):
    result = call("plot", *args)
    assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.stderr
