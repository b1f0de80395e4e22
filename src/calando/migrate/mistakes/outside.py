"""A loss that is computed before the function that is differentiated: its gradients are zero, and nothing is said."""

from __future__ import annotations

import ast

from ..reading.carry import stored
from ..reading.flow import GRADIENT, Flow
from ..reading.scopes import Scope
from .about import Found
from .gradients import argument

NAMES = ("value_and_grad", "grad")
OUTSIDE = "this function computes nothing, its loss was computed outside: all gradients are zero"


def computed_outside(flow: Flow) -> Found:
    """``value_and_grad(lambda: loss, None, weights)``: MindSpore follows what is computed inside the function alone."""
    for made in flow.all(GRADIENT):
        scope, fn = made.scope, argument(made, 0, "fn")
        if scope is None or made.name not in NAMES or fn is None:
            continue
        named = flow.definition(scope, fn.id, fn) if isinstance(fn, ast.Name) else None
        function = named if named is not None else scope.file.scopes.get(fn)
        if function is not None and gives_a_name(function):
            yield scope.file, made.node, OUTSIDE


def gives_a_name(function: Scope) -> bool:
    """Whether a function only returns what a name outside it holds."""
    node = function.node
    if isinstance(node, ast.Lambda):
        value: ast.expr | None = node.body
    elif isinstance(node, ast.FunctionDef):
        body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    else:
        return False
    args = node.args
    given = {arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)} | set(stored(function))
    return isinstance(value, ast.Name) and value.id not in given
