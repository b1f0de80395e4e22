"""The pages name everything, and what they show can be typed."""

import re
import shlex
from contextlib import suppress
from pathlib import Path

import click
import pytest
from cli_runs import done

from calando import schedules
from calando.cli import main, train
from calando.schedules import Schedule
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


ROOT = DOCS.parent
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted(DOCS.glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def commands(page: Path) -> list[str]:
    """All commands on a page: in code type, in blocks, and indented."""
    text = page.read_text(encoding="utf-8")
    found = [*re.findall(r"`(calando [^`\n]+)`", text), *re.findall(r"^ *(?:\$ )?(calando [a-z].*)$", text, re.M)]
    return sorted({line.partition("  #")[0].strip() for line in found if line.split()[1] in main.commands})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_on_a_page_have_these_options(page):
    """They are read as the command would read them, and not run; what is left out ("…", "[RUN]") is anything."""
    for line in commands(page):
        name, *args = shlex.split(re.sub(r"\[\w+\]", "", line))[1:]
        with suppress(click.MissingParameter):  # a command that is only spoken of
            main.commands[name].make_context(name, args)


def test_the_readme_names_every_schedule_and_types_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (told,) = (line for line in text.splitlines() if line.startswith("| `calando.schedules` |"))
    kinds = [name for name in schedules.__all__ if isinstance(getattr(schedules, name), type)]
    made = {"Schedule", "Then", "Sum", "Product", "Repeat", "PerEpoch", "Skip", "Hold"}  # what they compose to
    named = {kind for kind in kinds if issubclass(getattr(schedules, kind), Schedule)} - made
    assert len(named) > 12 and [kind for kind in named if f"`{kind}`" not in told] == []
    assert len(commands(ROOT / "README.md")) >= 8
