"""What the tables of docs/schedules.md say: defaults, ends, the twins of torch's schedulers, first and last updates."""

import re
import warnings
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import pytest

from calando import schedules as room
from calando.schedules import Exponential, Linear, Schedule, ScheduleEnd, noam, parse, warmup_inverse_square_root
from calando.schedules.text import CALLS

TEXT = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8")
WORDS = {name: getattr(room, name) for name in room.__all__}


def table(title):
    """The rows of the first table below a title, as lists of cells."""
    body = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = [re.split(r"(?<!\\) \| ", row.strip("| ")) for row in body.splitlines() if row.startswith("| `")]
    assert found
    return found


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", [*table("Words")[1:], *table("What is written by hand everywhere")], ids=lambda r: r[0])
def test_the_defaults_are_those_that_the_page_says(row):
    word, arguments = re.fullmatch(r"(\w+)\((.*)\)", code(row[0])[-1]).groups()
    told = dict(x.strip().split("=") if "=" in x else (x.strip(), "needed") for x in arguments.split(","))
    real = {name: p.default for name, p in signature(CALLS[word]).parameters.items()}
    assert {n: "needed" if value == "needed" else eval(value) for n, value in told.items()} == {
        n: "needed" if value is Parameter.empty else value for n, value in real.items()
    } or word == "listed"


GIVEN = {
    "constant": "constant(0.5, 10)",
    "inverse_square_root": "inverse_square_root(1, 10)",
    "polynomial": "polynomial(1, 0.25, 10)",
    "one_cycle": "one_cycle(0.1, 1, 0.01, 10)",
    "piecewise": "piecewise([1, 0.5], [10])",
}


@pytest.mark.parametrize("row", [row for row in table("Words")[1:] if row[-1] != "as `factor`"], ids=str)
def test_what_comes_past_the_end(row):
    word = code(row[0])[-1].partition("(")[0]
    if row[-1].startswith("an error"):
        with pytest.raises(ScheduleEnd):
            parse("[0.1, 0.05]")(2)
        assert parse("[0.1, 0.05].hold()")(2) == 0.05
        return
    s = parse(GIVEN.get(word, f"{word}(1, 0.25, 10)"))
    late = s(np.arange(10, 60))
    assert row[-1].startswith("stays") == bool((late == s(10)).all())


TORCH = {  # the class → the letters of its row
    "LambdaLR": [{"f": lambda epoch: 1 / (1 + epoch)}],
    "MultiplicativeLR": [{"f": lambda epoch: 0.93, "factor": 0.93}],
    "StepLR": [{"n": 7, "gamma": 0.3}],
    "MultiStepLR": [{"a": 5, "b": 20, "gamma": 0.3}],
    "ConstantLR": [{"factor": 0.25, "n": 7}],
    "LinearLR": [{"a": 0.1, "b": 0.7, "n": 17}],
    "ExponentialLR": [{"gamma": 0.93}],
    "PolynomialLR": [{"n": 40, "power": 1.7}],
    "CosineAnnealingLR": [{"n": 40, "low": 0.01}],
    "CosineAnnealingWarmRestarts": [{"n": 7, "m": 1, "low": 0.01}, {"n": 7, "m": 2, "low": 0.01}],
    "CyclicLR": [{"low": 0.01, "high": 0.3, "up": 5, "down": 8, "max_momentum": 0.9, "base_momentum": 0.8}],
    "OneCycleLR": [{"top": 0.5, "n": 60}],
    "SequentialLR": [{"n": 9}],
    "ChainedScheduler": [{}],
    "SWALR": [{"low": 0.05, "n": 12}],
}
LR, STEPS = 0.3, 60
PARTS = {  # what a and b are where they are schedulers
    "SequentialLR": ("LinearLR(0.1, 1.0, 9)", "ExponentialLR(0.9)", Linear(0.1 * LR, LR, 9), Exponential(LR, 0.9)),
    "ChainedScheduler": ("ExponentialLR(0.97)", "StepLR(7, 0.5)", Exponential(LR, 0.97), Exponential(1, 0.5, 7, True)),
}
ENDS = {"CosineAnnealingLR": "Cosine("}  # the twin that stays at the end, where torch's rises again


def torchs(text, name, letters):
    """The schedulers' words, bound to an optimizer, and what the row makes of them."""
    torch = pytest.importorskip("torch", reason="needs PyTorch to compare with")
    from torch.optim.swa_utils import SWALR

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR, momentum=0.9)
    kinds = {**vars(torch.optim.lr_scheduler), "SWALR": SWALR}
    bound = {kind: lambda *x, k=kind: kinds[k](optimizer, *x) for kind in TORCH}
    bound["ChainedScheduler"] = kinds["ChainedScheduler"]
    if name in PARTS:
        letters = {**letters, **dict(zip("ab", (eval(part, bound) for part in PARTS[name][:2]), strict=True))}
    return optimizer, eval(text, {**bound, **letters})


def rows():
    """Scheduler, its twins, and which number it moves."""
    for left, right in table("From PyTorch's schedulers")[:-1]:  # the last one is a controller
        yield left, right, "lr"
    up, one = re.findall(r"^\| its momentum \| (.*) \|$", TEXT, re.M)
    yield from [("`CyclicLR(low, high, up, down)`", up, "momentum"), ("`OneCycleLR(top, n)`", one, "momentum")]


@pytest.mark.parametrize("left, right, number", list(rows()))
def test_each_twin_is_on_torchs_path(left, right, number):
    (text,) = code(left)
    name = text.partition("(")[0]
    for letters in TORCH[name]:
        optimizer, scheduler = torchs(text, name, letters)
        seen = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no optimizer makes steps here
            for _ in range(STEPS):
                seen.append(optimizer.param_groups[0][number])
                scheduler.step()
        parts = dict(zip("ab", PARTS.get(name, ())[2:], strict=False))
        twins = [expression for expression in code(right) if re.match(r"(lr \* )?[A-Z]\w+\(.*\)|a[ .]", expression)]
        twins = [twin for twin in twins if "Linear" not in twin or name != "SWALR"]
        assert twins
        for twin in twins if letters.get("m", 1) == 1 else twins[:1]:
            ours = eval(twin, {**WORDS, "lr": LR, **letters, **parts})
            assert isinstance(ours, Schedule)
            steps = np.arange(letters["n"] + 1 if twin.startswith(ENDS.get(name, " ")) else STEPS)
            np.testing.assert_allclose(ours(steps), np.array(seen)[steps], rtol=0, atol=1e-12, err_msg=twin)


def test_the_formulas_of_what_is_written_by_hand():
    s, t = warmup_inverse_square_root(0.5, 10), noam(64, 10, scale=2.0)
    for step in (10, 25, 1000):
        assert s(step) == pytest.approx(0.5 * (10 / step) ** 0.5, rel=1e-12)
    for step in (0, 3, 9, 10, 500):
        n = step + 1
        assert t(step) == pytest.approx(2.0 * 64**-0.5 * min(n**-0.5, n * 10**-1.5), rel=1e-12)


FIRST_AND_LAST = [(0, 0.0, "past"), (0, 1 / 4, "past"), (0, 1.0, "last"), (0, 1 / 4, "last")]  # of peak 1, end 0


@pytest.mark.parametrize("number", range(4))
def test_the_first_update_and_the_last(number):
    body = TEXT.partition("\n## The first update and the last\n")[2].partition("\n## ")[0]
    texts = [code(row)[-1] for row in body.splitlines() if row.startswith("| ") and "`" in row]
    n = 20
    s = eval(texts[number], {"n": n, "peak": 1.0, "end": 0.0, "warmup": 4, "total": n,
                             "cosine": CALLS["cosine"], "warmup_cosine": CALLS["warmup_cosine"]})  # fmt: skip
    first, value, where = FIRST_AND_LAST[number]
    assert s(first) == value
    assert s(n) == 0.0 and (s(n - 1) == 0.0) == (where == "last")
