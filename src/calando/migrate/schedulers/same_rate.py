"""Whether all groups of an optimizer surely have the same learning rate."""

from __future__ import annotations

import ast

from ...lexicon import TORCH
from ..reading.carry import carry, giving, picked
from ..reading.flow import Thing, arguments
from ..reading.remembered import remembered
from ..reading.scopes import Scope
from ..work import Work, uses


def argument(call: ast.Call, order: tuple[str, ...], name: str) -> ast.expr | None:
    """An argument of a call, by name or position."""
    for word in call.keywords:
        if word.arg == name:
            return word.value
    if name in order and order.index(name) < len(call.args):
        value = call.args[order.index(name)]
        return None if isinstance(value, ast.Starred) else value
    return None


@remembered
def one_rate(work: Work, optimizer: Thing) -> bool:
    """Whether all groups of an optimizer surely have the same learning rate."""
    call, scope = optimizer.node, optimizer.scope
    assert isinstance(call, ast.Call) and scope is not None
    params = argument(call, TORCH[optimizer.name.partition(".")[2]].order, "params")
    if params is None:
        return False
    for where, node in uses(work.flow, optimizer):
        held = where.file.parents[node]
        if isinstance(held, ast.Attribute) and held.attr == "add_param_group":
            return False
    seen = carry(work.flow, params, scope, scope, call.lineno) or params
    return certainly_one(work, scope, seen, 0)


def certainly_one(work: Work, scope: Scope, node: ast.expr, depth: int) -> bool:
    """Whether an expression surely gives parameters, or groups without rates of their own."""
    if depth > 6:
        return False
    text = ast.unparse(node)
    if text.endswith(("parameters()", "trainable_params()")):
        return True
    if isinstance(node, ast.Dict):
        keys = {k.value for k in node.keys if isinstance(k, ast.Constant)}
        return len(keys) == len(node.keys) and "lr" not in keys
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(certainly_one(work, scope, x, depth + 1) for x in node.elts)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return not any(isinstance(n, ast.Call) for n in ast.walk(node.elt)) and certainly_one(
            work, scope, node.elt, depth + 1
        )
    if isinstance(node, ast.BinOp):
        return all(certainly_one(work, scope, x, depth + 1) for x in (node.left, node.right))
    if isinstance(node, ast.Call):
        name = scope.file.names.dotted(node.func)
        if name in ("filter", "list", "itertools.chain", "tuple"):
            rest = node.args[1:] if name == "filter" else node.args
            return all(certainly_one(work, scope, x, depth + 1) for x in rest)
        target = work.flow.callee(scope, node)
        if target is not None and isinstance(target.node, ast.FunctionDef):
            inside = list(ast.walk(target.node))
            if any(isinstance(n, ast.Constant) and n.value in ("lr", "lr_scale") for n in inside):
                return False
            returns = [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
            return bool(returns) and all(certainly_one(work, target, x, depth + 1) for x in returns)
        return False
    if isinstance(node, ast.Name):
        home = work.flow.home(scope, node.id)
        stores = giving(work.flow, scope, node)
        if not stores and node.id in home.params and home.calls:
            given = [(c, arguments(home, call, 1 if home.owner else 0).get(node.id)) for c, call in home.calls]
            return all(v is not None and certainly_one(work, c, v, depth + 1) for c, v in given)
        if not stores:
            return node.id in ("p", "param", "parameter", "v", "w")
        if rated(work, home):
            return False
        values = [picked(s, t) for t, s in stores if isinstance(s, ast.Assign)]
        return all(v is None or certainly_one(work, home, v, depth + 1) for v in values)
    return isinstance(node, (ast.Attribute, ast.IfExp, ast.Starred))


@remembered
def rated(work: Work, home: Scope) -> bool:
    """Whether groups with a rate of their own are written out in a scope."""
    inside = list(ast.walk(home.node))
    keys = (n for n in inside if isinstance(n, ast.Constant) and n.value in ("lr", "lr_scale"))
    words = (n for n in inside if isinstance(n, ast.keyword) and n.arg in ("lr", "lr_scale"))
    return any(keyed(home, n) for n in keys) or any(beside_params(home, n) for n in words)


def beside_params(scope: Scope, word: ast.keyword) -> bool:
    """Whether a keyword is one of ``dict(params=…, …)``."""
    call = scope.file.parents.get(word)
    return isinstance(call, ast.Call) and any(other.arg == "params" for other in call.keywords)


def keyed(scope: Scope, node: ast.AST) -> bool:
    """Whether a text is a key of a dictionary that is written out, ``params`` beside it."""
    parent = scope.file.parents.get(node)
    return isinstance(parent, ast.Dict) and any(
        isinstance(k, ast.Constant) and k.value == "params" for k in parent.keys
    )
