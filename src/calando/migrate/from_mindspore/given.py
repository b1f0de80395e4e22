"""An optimizer's arguments."""

from __future__ import annotations

import ast

from ...lexicon import GROUPED, MINDSPORE
from ..reading.flow import GROUPS, Thing


def grouped(thing: Thing) -> bool:
    """Whether an optimizer is one of ``mindspore.experimental.optim`` or ``mint.optim``."""
    return thing.name.startswith(GROUPS)


def arguments_of(thing: Thing) -> dict[str | None, ast.expr]:
    """An optimizer's arguments by their names."""
    call, name = thing.node, thing.name.rpartition(".")[2]
    assert isinstance(call, ast.Call)
    given: dict[str | None, ast.expr] = dict(
        zip((GROUPED if grouped(thing) else MINDSPORE)[name].order, call.args, strict=False)
    )
    given.update({w.arg: w.value for w in call.keywords})
    return given
