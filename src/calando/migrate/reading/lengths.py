"""How often a loop runs, as an expression: what it runs over is followed through wrappers and generators."""

from __future__ import annotations

import ast

from .carry import stored
from .flow import Flow, arguments
from .packs import COMPREHENSIONS
from .scopes import Scope

PASSED = {"enumerate", "tqdm", "tqdm.tqdm", "tqdm.auto.tqdm", "trange", "list", "iter", "reversed", "sorted", "track"}


def length_of(flow: Flow, scope: Scope, loop: ast.AST) -> ast.expr | None:
    """How often a loop runs, as an expression; None where that is not known."""
    if isinstance(loop, COMPREHENSIONS):
        plain = len(loop.generators) == 1 and not loop.generators[0].ifs
        return counted(flow, scope, loop.generators[0].iter) if plain else None
    return counted(flow, scope, loop.iter) if isinstance(loop, ast.For) else None


def wrapped(scope: Scope, name: str) -> ast.expr | None:
    """What a name wraps in one place only: ``bar = tqdm(loader)``, ``with tqdm(loader) as bar``."""
    stores = stored(scope).get(name, [])
    if len(stores) != 1:
        return None
    target, statement = stores[0]
    value = statement.value if isinstance(statement, ast.Assign) and statement.targets == [target] else None
    for item in getattr(statement, "items", ()):
        value = item.context_expr if item.optional_vars is target else value
    called_name = scope.file.names.dotted(value.func) if isinstance(value, ast.Call) else ""
    return value if called_name in PASSED else None


def passed_on(flow: Flow, scope: Scope, call: ast.Call) -> ast.expr | None:
    """What a generator of the project yields one by one, as it is written in the call."""
    target = flow.callee(scope, call)
    node = target.node if target is not None else None
    if not isinstance(node, ast.FunctionDef) or target is None:
        return None
    loops = [s for s in ast.walk(node) if isinstance(s, (ast.For, ast.While))]
    yields = [s for s in ast.walk(node) if isinstance(s, (ast.Yield, ast.YieldFrom))]
    if len(loops) != 1 or len(yields) != 1 or not any(getattr(s, "value", None) is yields[0] for s in loops[0].body):
        return None
    loop = loops[0]
    if isinstance(loop, ast.While) or any(isinstance(n, (ast.Break, ast.Return, ast.Continue)) for n in ast.walk(loop)):
        return None
    over = loop.iter
    if isinstance(over, ast.Call) and target.file.names.dotted(over.func) in PASSED and over.args:
        over = over.args[0]
    given = arguments(target, call, 1 if target.owner is not None else 0)
    return given.get(over.id) if isinstance(over, ast.Name) else None


def counted(flow: Flow, scope: Scope, over: ast.expr) -> ast.expr | None:
    """The length of what a loop runs over, as an expression."""
    file = scope.file
    if isinstance(over, ast.Name) and (inner := wrapped(flow.home(scope, over.id), over.id)) is not None:
        return counted(flow, scope, inner)
    if isinstance(over, ast.Call):
        name = file.names.dotted(over.func)
        if name == "range" and len(over.args) == 1:
            return over.args[0]
        if name == "range":
            return called("len", over)
        if name in PASSED and over.args:
            return counted(flow, scope, over.args[0])
        if name == "zip" and over.args:
            parts = [counted(flow, scope, x) for x in over.args]
            known = [x for x in parts if x is not None]
            return called("min", *known) if len(known) == len(parts) and len(known) > 1 else None
        if isinstance(over.func, ast.Attribute) and over.func.attr in ("create_dict_iterator", "create_tuple_iterator"):
            return ast.Call(ast.Attribute(over.func.value, "get_dataset_size", ast.Load()), [], [])
        if isinstance(over.func, ast.Attribute) and over.func.attr in ("items", "keys", "values"):
            return called("len", over.func.value)
        inner = passed_on(flow, scope, over)
        return counted(flow, scope, inner) if inner is not None else None
    if isinstance(over, (ast.Name, ast.Attribute, ast.Subscript)):
        return called("len", over)
    if isinstance(over, (ast.List, ast.Tuple)):
        return ast.Constant(len(over.elts))
    return None


def called(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])
