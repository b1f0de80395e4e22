"""A function of the epoch that reads what changes while it trains: no schedule can know its values ahead."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import Flow, Thing
from ..reading.remembered import remembered
from ..reading.scopes import BLOCKS, File, Scope

FUNCTIONS = ("LambdaLR", "MultiplicativeLR")


def unsteady(flow: Flow, thing: Thing) -> str:
    """What a scheduler's function reads that is given another value after the scheduler was made; empty for none."""
    call, scope = thing.node, thing.scope
    if thing.name not in FUNCTIONS or not isinstance(call, ast.Call) or scope is None:
        return ""
    line = statement_of(scope.file, call).lineno
    for given in (*call.args[1:], *(word.value for word in call.keywords)):
        for inner in functions(flow, scope, given):
            for node in ast.walk(inner.node):
                if at := changed(flow, scope, inner, node, line):
                    return f"its function reads {ast.unparse(node)}, which line {at} changes"
    return ""


def functions(flow: Flow, scope: Scope, given: ast.expr) -> Iterator[Scope]:
    """The functions of the project that an argument is, or is made of."""
    for node in ast.walk(given):
        if isinstance(node, ast.Lambda):
            yield scope.file.scopes[node]
        elif isinstance(node, (ast.Name, ast.Attribute)):
            inner = flow.callee(scope, ast.copy_location(ast.Call(node, [], []), node))
            if inner is not None and isinstance(inner.node, BLOCKS):
                yield inner


def changed(flow: Flow, scope: Scope, inner: Scope, node: ast.AST, line: int) -> int:
    """The line that gives what a function reads another value, once the scheduler was made in a line; 0 for none."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        stores = attribute_stores(flow, inner.file).get(ast.unparse(node), ())
        late = (at for where, at in stores if (at > line if where is scope else begun(node, where)))
        return next(late, 0)
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return 0
    home = flow.home(inner.file.where[node], node.id)
    own = home is inner or home in within(inner)
    lines = [statement.lineno for _, statement in stored(home).get(node.id, ())] if not own else []  # type: ignore[attr-defined]
    if home is scope:
        return next((at for at in lines if at > line), 0)
    return lines[-1] if len(lines) > 1 else 0


def begun(node: ast.Attribute, where: Scope) -> bool:
    """Whether a method other than ``__init__`` gives an attribute of its object a value."""
    own = isinstance(node.value, ast.Name) and node.value.id == "self"
    return own and getattr(where.node, "name", "") != "__init__"


def within(inner: Scope) -> set[Scope]:
    """The scopes inside a function."""
    nodes = set(ast.walk(inner.node))
    return {scope for node, scope in inner.file.scopes.items() if node in nodes}


@remembered
def attribute_stores(flow: Flow, file: File) -> dict[str, list[tuple[Scope, int]]]:
    """Where attributes are given a value in a file, by their text."""
    found: dict[str, list[tuple[Scope, int]]] = {}
    for node, scope in file.where.items():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.setdefault(ast.unparse(node), []).append((scope, node.lineno))
    return found
