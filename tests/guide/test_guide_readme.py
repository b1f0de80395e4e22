"""README.zh-CN.md beside README.md: the same code, which runs; every optimizer is named; links lead somewhere."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "README.zh-CN.md"
FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.S | re.M)


def bare(code):
    """Code without its comments."""
    return re.sub(r" +# .*$", "", code, flags=re.M)


def test_it_runs(torch):
    text = re.sub(r"^```.*$", "", PAGE.read_text(encoding="utf-8"), flags=re.M)
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted > 20 and result.failed == 0


def test_both_languages_have_the_same_code():
    """Whoever changes README.md changes README.zh-CN.md too."""
    english, chinese = (
        [bare(code) for code in FENCE.findall(page.read_text(encoding="utf-8"))] for page in (ROOT / "README.md", PAGE)
    )
    assert chinese == english


@pytest.mark.parametrize("module", ["torch", "mindspore.nn"])
def test_every_optimizer_is_named(torch, module):
    from importlib import import_module

    room = import_module(f"calando.{module}")
    classes = [name for name in room.__all__ if isinstance(getattr(room, name), type)]
    ours = [name for name in classes if issubclass(getattr(room, name), room.Optimizer) and name != "Optimizer"]
    (row,) = (
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `calando.{module}` |")
    )
    assert len(ours) >= 20
    assert [name for name in ours if f"`{name}`" not in row] == [], f"{PAGE.name} does not name them"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)", PAGE.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
