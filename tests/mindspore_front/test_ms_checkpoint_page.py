"""docs/checkpoints.md says what runs, and names the slots that MindSpore has."""

import doctest
import re
from pathlib import Path

import pytest

from calando.mindspore import nn

PAGE = Path(__file__).parents[2] / "docs" / "checkpoints.md"


@pytest.mark.usefixtures("torch")
def test_the_page_runs():
    text = re.sub(r"^(```.*|<!--|-->)$", "", PAGE.read_text(encoding="utf-8"), flags=re.M)
    parsed = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    found = doctest.DocTestRunner(verbose=False).run(parsed)
    assert found.attempted > 10 and found.failed == 0


def test_the_page_names_every_slot():
    text = PAGE.read_text(encoding="utf-8")
    for name in nn.__all__:
        made = getattr(nn, name)
        if isinstance(made, type) and issubclass(made, nn.Optimizer):
            rows = [row for row in text.splitlines() if row.startswith("| ") and f"`{name}`" in row.split("|")[1]]
            patterns = made.STORED.patterns()
            assert not patterns or rows, name
            assert [p for p in patterns if f"`{p.removesuffix('{}')}`" not in "".join(rows)] == [], name
