"""docs/mindspore_training.md says what runs."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "mindspore_training.md"


def test_every_example_runs_in_order(torch):
    text = "\n".join("" if line.startswith("```") else line for line in PAGE.read_text(encoding="utf-8").splitlines())
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert result.attempted > 30 and result.failed == 0


@pytest.mark.parametrize("module", ["train", "amp", "dataset", "nn", "ops"])
def test_names_in_code_exist(module, torch):
    """What the page writes as ``nn.Something`` is there."""
    import re
    from importlib import import_module

    words = set(re.findall(rf"\b{module}\.([A-Za-z_]+)", PAGE.read_text(encoding="utf-8")))
    room = import_module(f"calando.mindspore.{module}")
    assert [word for word in words if module != "dataset" and not hasattr(room, word)] == []
