"""The pages name everything, and what they show can be typed."""

import re
import shlex
from pathlib import Path

import pytest
from cli_runs import done

from calando.cli import train
from calando.schedules.text import CALLS, METHODS, SIGNS, parse
from calando.train.options import DECAYS, GROUPS, OPTIMIZERS, Options, plan

DOCS = Path(__file__).parents[2] / "docs"
SCHEDULES, TRAIN = (DOCS / f"{name}.md" for name in ("schedules", "train"))
NAMES = {"epoch": 90, "epochs": 20, "total": 1800}


def shown(page: Path) -> list[str]:
    """The indented lines of a page."""
    return [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]


def test_every_word_is_named():
    text = SCHEDULES.read_text(encoding="utf-8")
    assert all(f"`{word}(" in text or f" {word}(" in text for word in CALLS)
    assert all(f".{method}(" in text for method in METHODS)
    assert all(sign in text for sign, _ in SIGNS.values())
    assert all(f"| `{name}` |" in text for name in NAMES)


def test_every_option_is_named():
    text = TRAIN.read_text(encoding="utf-8")
    flags = [flag for param in train.params for flag in param.opts if flag.startswith("--")]
    assert len(flags) == 14 and all(f"`{flag}" in text for flag in flags)
    assert all(f"`{name}`" in text for name in (*OPTIMIZERS, *GROUPS))


def test_the_words_take_the_arguments_that_the_page_says():
    rows = re.findall(r"^\| `([a-z_]+)\(([^)]*)\)`", SCHEDULES.read_text(encoding="utf-8"), re.MULTILINE)
    assert {word for word, _ in rows} == set(CALLS) - {"listed"}
    from inspect import signature

    for word, arguments in rows:
        told = [argument.partition("=")[0].strip() for argument in arguments.split(",")]
        assert told == list(signature(CALLS[word]).parameters)


@pytest.mark.parametrize("text", [x for x in shown(SCHEDULES) if not re.match(r"calando|\w+ = ", x)])
def test_the_schedules_shown_can_be_read(text):
    parse(text, NAMES)


@pytest.mark.parametrize("line", [line for line in shown(TRAIN) if line.startswith("calando plot")])
def test_the_plots_shown_can_be_typed(line, tmp_path, monkeypatch, extra):
    monkeypatch.chdir(tmp_path)
    done(*shlex.split(line)[1:])


def test_the_table_of_defaults_is_true():
    asked = Options("torch", "momentum", 20, (), (), 16, None, 0, 1)
    found = plan(asked, 1437)
    text = TRAIN.read_text(encoding="utf-8")
    for group in ("conv", "bn", "dense", "other"):
        (row,) = re.findall(rf"^\| `{group}` \|[^|]*\| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
        rate, decay = (cell.strip("` ").partition(",  ")[0] for cell in row)
        rate = rate.removesuffix(", the optimizer's own")
        assert parse(rate, NAMES) == found.lr[group]
        assert float(decay.removesuffix(", the optimizer's own")) == float(DECAYS[group])
