"""Branches that never run for the optimizer at hand: ``if optimizer.is_group_lr:`` where no group has its own rate."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.flow import OPTIMIZER, Flow
from ..reading.parts import parts_of, spelled
from ..reading.remembered import remembered
from ..reading.scopes import File, Scope
from ..reading.thing import Thing
from ..work import Work
from .given import arguments_of


def own_rates(flow: Flow, thing: Thing) -> bool:
    """Whether a group has a learning rate of its own."""
    params = arguments_of(thing).get("params")
    if params is None or thing.scope is None:
        return False
    pieces = parts_of(flow, thing.scope, params)
    return any("lr" in (spelled(inner) or {}) for _, node in pieces for inner in ast.walk(node))


def without(flow: Flow, scope: Scope, test: ast.expr) -> bool:
    """Whether a test asks for rates of groups' own, which no optimizer there has."""
    if isinstance(test, ast.Call) and ast.unparse(test.func) == "isinstance" and len(test.args) == 2:
        rate, cls = test.args
        if not isinstance(rate, ast.Attribute) or rate.attr != "learning_rate":
            return False
        held = rate.value if scope.file.names.dotted(cls).endswith(".CellList") else None
    else:
        held = test.value if isinstance(test, ast.Attribute) and test.attr == "is_group_lr" else None
    made = [t for t in flow.things(scope, held) if t.kind == OPTIMIZER] if held is not None else []
    return bool(made) and not any(own_rates(flow, thing) for thing in made)


@remembered
def idle(flow: Flow) -> dict[ast.If, File]:
    """The conditions of which the body never runs."""
    return {
        node: file
        for file in flow.files
        for node, scope in file.where.items()
        if isinstance(node, ast.If) and without(flow, scope, node.test)
    }


@remembered
def never(flow: Flow) -> set[int]:
    """The ids of all nodes that never run, with the conditions themselves."""
    return {id(inner) for node in idle(flow) for part in (node.test, *node.body) for inner in ast.walk(part)}


def taken_out(work: Work) -> None:
    """Take the branches that never run out; what stood under ``else`` stays where it is."""
    for node, file in idle(work.flow).items():
        if id(node) in work.told:
            continue
        start = file.source.span(node)[0]
        if not node.orelse:
            work.remove(file, node)
        elif len(node.orelse) == 1 and file.source.text[file.source.span(node.orelse[0])[0] :].startswith("elif"):
            work.between(file, start, file.source.span(node.orelse[0])[0] + len("el"), "")
        else:
            last, first = file.source.span(node.body[-1])[1], file.source.span(node.orelse[0])[0]
            colon = file.source.text.index(":", last, first)
            work.between(file, start, colon, "if True")
        work.told.extend(id(inner) for part in (node.test, *node.body) for inner in ast.walk(part))
        for each in (node, *(n for part in node.body for n in ast.walk(part) if isinstance(n, ast.stmt))):
            work.say(file, each, REWRITTEN, "no group has a rate of its own: that branch never ran", "reading")
