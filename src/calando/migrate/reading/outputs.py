"""How many values a function gives: what ``value_and_grad`` without ``has_aux`` takes the gradient of, added up."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .carry import stored
from .flow import OBJECT, Flow
from .scopes import Scope

DEEP = 4  # names for a name, and functions that make functions


def outputs(flow: Flow, scope: Scope, fn: ast.expr | None, deep: int = DEEP) -> int:
    """How many values a function returns; 0 where that is not seen."""
    if isinstance(fn, ast.Lambda):
        if isinstance(fn.body, ast.Call) and flow.callee(scope, fn.body) is not None:
            return outputs(flow, scope, fn.body.func, deep)
        return len(fn.body.elts) if isinstance(fn.body, ast.Tuple) else 0
    if isinstance(fn, ast.Call) and ast.unparse(fn.func) in ("partial", "functools.partial") and fn.args:
        return outputs(flow, scope, fn.args[0], deep)
    if not isinstance(fn, (ast.Name, ast.Attribute, ast.Call)) or not deep:
        return 0
    target = flow.callee(scope, ast.Call(fn, [], [])) if not isinstance(fn, ast.Call) else None
    for cell in flow.things(scope, fn) if target is None else ():
        target = flow.method(cell.scope, "construct") if cell.kind == OBJECT else target
    if target is not None and isinstance(target.node, ast.FunctionDef):
        return max((len(v.elts) for v in returned(target) if isinstance(v, ast.Tuple)), default=0)
    return max((outputs(flow, home, value, deep - 1) for home, value in meant(flow, scope, fn)), default=0)


def returned(target: Scope) -> list[ast.expr]:
    """What a function returns, and what the names mean that it returns."""
    found = [n.value for n in target.file.nodes[target] if isinstance(n, ast.Return) and n.value is not None]
    for value in [v for v in found if isinstance(v, ast.Name)]:
        held = [s.value for _, s in stored(target).get(value.id, []) if isinstance(s, ast.Assign)]
        found += held if len(held) == 1 else []
    return found


def meant(flow: Flow, scope: Scope, fn: ast.expr) -> Iterator[tuple[Scope, ast.expr]]:
    """The function that a name was given, or that a function makes; and where it is called so."""
    if isinstance(fn, ast.Name):
        home = flow.home(scope, fn.id)
        held = [s.value for _, s in stored(home).get(fn.id, []) if isinstance(s, ast.Assign)]
        yield from ((home, value) for value in held if len(held) == 1)
        return
    maker = flow.callee(scope, fn) if isinstance(fn, ast.Call) else None
    if maker is not None and isinstance(maker.node, ast.FunctionDef):
        yield from ((maker, value) for value in returned(maker) if isinstance(value, ast.Name))
