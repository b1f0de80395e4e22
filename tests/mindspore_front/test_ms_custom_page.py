"""docs/custom_optimizers.md says what runs, and lists what there is."""

import doctest
import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "custom_optimizers.md"


def test_the_code_of_the_page_runs(torch):
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 15 and found.failed == 0


def test_the_page_lists_every_primitive_with_its_arguments(torch):
    from inspect import signature

    from calando.mindspore.network import updates

    listed = dict(re.findall(r"^\| `(\w+)\(.*?\)` \| `\((.*?)\)` \|", PAGE.read_text(), re.M))
    classes = {name: getattr(updates, name) for name in updates.__all__}
    known = {name: ", ".join(list(signature(cls.__call__).parameters)[1:]) for name, cls in classes.items()}
    assert listed == known


def test_the_page_lists_what_a_construct_has(torch):
    from calando.mindspore.custom import Optimizer
    from calando.mindspore.flags import Flags, Shown

    section = PAGE.read_text().partition("## What a `construct` has")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`[\w()]+`(?:, )?)+) \|", section, re.M)
    names = {name.partition("(")[0] for row in rows for name in re.findall(r"`([\w()]+)`", row)}
    shown = {name for name, thing in vars(Flags).items() if isinstance(thing, Shown)}
    assert shown <= names and len(shown) > 15
    optimizer = Optimizer(0.1, [np.zeros(2)])
    assert [name for name in names if not hasattr(optimizer, name)] == []
