"""Every row of docs/bad_input.md, in calando and in MindSpore: the sentence, and that nothing has changed before it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bad_input.md"
ROW = re.compile(r"^\| `(?P<code>[^|]+)` \| (?P<theirs>[^|]+) \| (?P<ours>[^|]+) \|$", re.MULTILINE)
ROWS = [found.groupdict() for found in ROW.finditer(PAGE.read_text())]
ABORTS = "ends the process"


def namespace(ms, nn, ops):
    """What the rows are written with."""

    def named(name, size=2):
        return ms.Parameter(ms.Tensor(np.ones(size, "f4")), name=name)

    schedule = getattr(nn, "LearningRateSchedule", None) or nn.learning_rate_schedule.LearningRateSchedule

    class Falling(schedule):
        def construct(self, global_step):
            return 0.1 - 0.1 * global_step

    class Text(schedule):
        def construct(self, global_step):
            return "0.1"

    class Nothing(schedule):
        def construct(self, global_step):
            pass

    class Fading(nn.Cell):
        def construct(self, global_step):
            return 0.1 / (1 + global_step)

    class Sinking(nn.Cell):
        def construct(self, global_step):
            return -0.1

    def each(change):
        return lambda grads: tuple(ms.Tensor(change(g.asnumpy())) for g in grads)

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = params

    params = [named("a"), named("b"), named("c", 3)]
    grads = tuple(ms.Tensor(np.ones(size, "f4")) for size in (2, 2, 3))
    words = {"half": each(lambda g: g.astype("f2")), "zeros": each(lambda g: 0 * g), "named": named, "np": np,
             "net": Net(), "zero": lambda name: ms.Parameter(ms.Tensor(np.zeros(2, "f4")), name=name)}  # fmt: skip
    cells = {cell.__name__: cell for cell in (Falling, Text, Nothing, Fading, Sinking)}
    return {**words, **cells, "a": params[0], "grads": grads, "ms": ms, "nn": nn,
            "ops": ops, "params": params}  # fmt: skip


def state(words):
    """All that a refused statement might have changed."""
    optimizer = words.get("opt")
    seen = [p.asnumpy().tobytes() for p in words["params"]]
    if optimizer is None:
        return seen
    plain, arrays = optimizer.snapshot().to_plain()
    return seen, plain, {name: array.tobytes() for name, array in arrays.items()}, repr(optimizer)


@pytest.fixture
def words(torch):
    import calando.mindspore as ms
    from calando.mindspore import nn, ops

    return namespace(ms, nn, ops)


def test_there_are_rows():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS) >= 80
    assert len({row["code"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_what_calando_says(words, row):
    *before, last = row["code"].split("; ")
    for statement in before:
        exec(statement, words)
    if row["ours"] == "works":
        exec(last, words)
        return
    name, sentence = re.fullmatch(r"`(\w+)`: `(.+)`", row["ours"]).groups()
    kept = None if "ops.assign" in row["code"] else state(words)
    with pytest.raises(Exception) as problem:
        exec(last, words)
    assert (type(problem.value).__name__, str(problem.value).strip("'\"")) == (name, sentence.strip("'\""))
    assert sentence.startswith("For '")
    if kept is not None:
        assert state(words) == kept


@pytest.mark.parametrize("row", [row for row in ROWS if "ops.assign" in row["code"]], ids=lambda row: row["code"])
def test_what_was_assigned_and_refused_is_gone(words, row):
    """The parameters stand still, and the next step goes on with what was in force before."""
    with pytest.raises(ValueError):
        exec(row["code"], words)
    assert [p.asnumpy().tolist() for p in words["params"]] == [[1, 1], [1, 1], [1, 1, 1]]
    assert words["opt"](words["grads"])
    assert words["opt"].global_step.asnumpy().tolist() == [1]
    assert words["params"][0].asnumpy().tolist() == [np.float32(1) - np.float32(0.1)] * 2


THEIRS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mindspore as ms
from mindspore import nn, ops
from mindspore_front.test_ms_bad_input import namespace

for code in json.loads(sys.stdin.read()):
    words = namespace(ms, nn, ops)
    try:
        exec(code, words)
        [p.asnumpy() for p in words["params"]]
        print("\\nOUTCOME", json.dumps([code, "takes it"]))
    except Exception as problem:
        print("\\nOUTCOME", json.dumps([code, f"`{type(problem).__name__}`"]))
"""


def played(codes):
    """What MindSpore does with these rows, in a process of its own: code → outcome; and the return code."""
    done = subprocess.run(
        [sys.executable, "-c", THEIRS],
        input=json.dumps(codes),
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    lines = [line[8:] for line in done.stdout.splitlines() if line.startswith("OUTCOME ")]
    return dict(map(json.loads, lines)), done.returncode


def test_what_mindspore_does(mindspore):
    codes = [row["code"] for row in ROWS if not row["theirs"].startswith(ABORTS)]
    found, _ = played(codes)
    assert found == {row["code"]: row["theirs"].partition(":")[0] for row in ROWS if row["code"] in codes}


@pytest.mark.parametrize("row", [row for row in ROWS if row["theirs"].startswith(ABORTS)], ids=lambda row: row["code"])
def test_what_ends_mindspores_process(mindspore, row):
    found, code = played([row["code"]])
    assert not found and code != 0
