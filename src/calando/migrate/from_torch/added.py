"""Groups that join an optimizer right after it is made: they belong into its constructor."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.blocks import block_of, statement_of
from ..reading.carry import stored
from ..reading.flow import Thing
from ..reading.scopes import Scope
from ..work import Left, Work, uses
from .params import said
from .params import to_mindspore as params_to_mindspore


def added(work: Work, thing: Thing) -> list[ast.Call]:
    """The calls of ``add_param_group`` that follow the constructor in its own block, or the condition that chose it.

    Raises:
        Left: one stands elsewhere, so that it happens while the training runs.
    """
    scope = thing.scope
    assert scope is not None
    file, maker = scope.file, statement_of(scope.file, thing.node)
    found: list[ast.Call] = []
    for where, node in uses(work.flow, thing):
        held = where.file.parents[node]
        if not (isinstance(held, ast.Attribute) and held.attr == "add_param_group"):
            continue
        call = where.file.parents[held]
        statement = statement_of(where.file, call)
        holder: ast.stmt = maker
        while statement not in block_of(file, holder) and isinstance(branch := file.parents[holder], ast.If):
            holder = branch
        block = block_of(file, holder)
        if where is not scope or statement not in block or not isinstance(call, ast.Call) or len(call.args) != 1:
            raise Left(f".add_param_group in line {node.lineno} has no counterpart in MindSpore")
        between = block[block.index(holder) + 1 : block.index(statement)]
        names = {n.id for n in ast.walk(call.args[0]) if isinstance(n, ast.Name)}
        if any(s in between for name in names for _, s in stored(scope).get(name, [])):
            raise Left(f"the group added in line {node.lineno} is made after the optimizer")
        found.append(call)
    return found


def whole(work: Work, scope: Scope, params: str, calls: list[ast.Call], grouped: bool) -> str:
    """All groups of an optimizer as one list; the calls go."""
    first = f"*{params}" if grouped else f'{{"params": {params}}}'
    parts = [first]
    for call in calls:
        params_to_mindspore(work, scope, call.args[0])
        parts.append(said(call.args[0], scope.file.source.code(call.args[0])))
        work.remove(scope.file, statement_of(scope.file, call))
        work.say(scope.file, call, REWRITTEN, "the group stands in the constructor", "groups")
    return f"[{', '.join(parts)}]"
