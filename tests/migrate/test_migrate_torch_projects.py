"""PyTorch's projects of several files: rewritten whole, stable, and proved where they are run flat."""

import ast

import pytest

from calando.migrate import Wish, migrate
from calando.migrate.prove import prove
from calando.migrate.prove.touched import by_itself
from torch_projects import PROJECTS


def rewritten(name, to):
    return migrate({path: text.encode() for path, text in PROJECTS[name].items()}, Wish(to=to))


@pytest.mark.parametrize("to", ["calando", "mindspore"])
@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_is_rewritten_whole_and_a_second_run_changes_nothing(name, to):
    done = rewritten(name, to)
    after = {result.name: result.after for result in done.results}
    for text in after.values():
        ast.parse(text)
        assert b"optim.SGD(" not in text and b"optim.Adam(" not in text.replace(b"torch_optim.Adam(", b"")
        assert to == "calando" or b"zero_grad" not in text
    assert not [f for f in done.findings if "left whole" in f.reason or "not rewritten" in f.reason]
    assert {r.name: r.after for r in migrate(after, Wish(to=to)).results} == after


@pytest.mark.parametrize("name, script", list(zip(PROJECTS, ["train.py", "main.py", "train.py"], strict=True)))
def test_the_script_that_is_run_is_found(name, script):
    done = rewritten(name, "calando")
    assert [r.name for r in done.results if by_itself(done, r)] == [script]


def test_a_project_that_is_run_flat_is_proved(torch):
    (one,) = prove(rewritten("a trainer's base class in src, rates by hand", "calando"), 120.0)
    assert one.holds and all(level.ran for level in one.levels), one.lines()
