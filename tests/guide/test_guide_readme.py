"""README.zh-CN.md beside README.md: the same code, which runs, and the same names; links lead somewhere."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH = ROOT / "README.md"
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
        [bare(code) for code in FENCE.findall(page.read_text(encoding="utf-8"))] for page in (ENGLISH, PAGE)
    )
    assert chinese == english


def words(text):
    """What stands in code type, and where links lead, outside the code."""
    text = FENCE.sub("", text)
    return set(re.findall(r"`([^`\n]+)`", text)) | set(re.findall(r"\]\(((?!https?:)[^)#]+)", text))


def test_both_languages_name_the_same_things():
    """Whoever adds a name to README.md adds it to README.zh-CN.md too; the table of speeds stands in one of them."""
    english, chinese = (page.read_text(encoding="utf-8") for page in (ENGLISH, PAGE))
    table = re.compile(r"<!-- bench:begin -->.*<!-- bench:end -->", re.S)
    pages = {ENGLISH.name, PAGE.name}  # each leads to the other
    assert len(words(english)) > 60
    assert words(table.sub("", english)) - words(chinese) <= pages
    assert words(chinese) - words(english) <= pages


@pytest.mark.parametrize("page", [ENGLISH, PAGE], ids=["en", "zh"])
@pytest.mark.parametrize("row, module", [("torch", "torch"), ("mindspore", "mindspore.nn")])
def test_every_optimizer_is_named(torch, page, row, module):
    from importlib import import_module

    room = import_module(f"calando.{module}")
    classes = [name for name in room.__all__ if isinstance(getattr(room, name), type)]
    ours = [name for name in classes if issubclass(getattr(room, name), room.Optimizer) and name != "Optimizer"]
    start = f"| `calando.{row}` |"
    (told,) = (line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(start))
    assert len(ours) >= 20
    assert [name for name in ours if f"`{name}`" not in told] == [], f"{page.name} does not name them"


@pytest.mark.parametrize("page", [ENGLISH, PAGE], ids=["en", "zh"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)", page.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
