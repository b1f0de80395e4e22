"""docs/pytorch.md says what runs, and names every class."""

import doctest
import re
from pathlib import Path

import calando.torch as ct

PAGE = Path(__file__).parents[2] / "docs" / "pytorch.md"


def test_the_page_runs():
    text = re.sub(r"^```.*$", "", PAGE.read_text(encoding="utf-8"), flags=re.M)
    parsed = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    found = doctest.DocTestRunner(verbose=False).run(parsed)
    assert found.attempted > 20 and found.failed == 0


def test_the_page_names_every_class():
    text = PAGE.read_text(encoding="utf-8")
    classes = [name for name in ct.__all__ if isinstance(getattr(ct, name), type) and name != "Optimizer"]
    assert len(classes) > 20 and [name for name in classes if f"`{name}`" not in text] == []
