"""Rates that are infinite at step 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..reading.carry import stored
from ..reading.flow import File, Flow
from ..reading.scopes import Scope
from .about import Found, calls, counter, head, looped

COUNT = "raised to a negative power: count from 1"


def first_of_all(flow: Flow) -> Found:
    """A rate that divides by a power of the step, asked at step 0."""
    for file, scope, call in calls(flow):
        for place, function, argument in asked(call):
            target = flow.definition(scope, function)
            if target is None or not isinstance(target.node, ast.FunctionDef) or not target.params:
                continue
            at = target.params[0]
            if sinks(target.node, at) and (argument is None or from_zero(file, scope, call, argument)):
                yield file, place, f"the first step is 0, and {function} raises it to a negative power: count from 1"
        for written in lambdas(call):
            if written.args.args and sinks(written, written.args.args[0].arg):
                yield file, written, f"the first step is 0, {COUNT.replace(':', ' here:')}"
    for file in flow.files:
        for node, scope in file.scopes.items():
            bases = node.bases if isinstance(node, ast.ClassDef) else []
            method = flow.method(scope, "construct") if bases else None
            if method is None or not any(file.names.dotted(b).endswith("LearningRateSchedule") for b in bases):
                continue
            if isinstance(method.node, ast.FunctionDef) and sinks(method.node, [*method.params, "", ""][1]):
                yield method.file, head(method.node), f"the first step is 0, {COUNT.replace(':', ' here:')}"


def in_the_loop(flow: Flow) -> Found:
    """The same, written where it is used: ``lr = base * step ** -0.5`` in a loop that counts from 0."""
    for file in flow.files:
        for node, scope in file.where.items():
            base = sunk(node)
            if isinstance(base, ast.Name) and from_zero(file, scope, node, base) and not tested(file, node, base.id):
                yield file, node, f"{base.id} is 0 at the first step, {COUNT.replace(':', ' here:')}"


def tested(file: File, node: ast.AST, name: str) -> bool:
    """Whether a place stands under a condition that asks for a name."""
    while node in file.parents:
        node = file.parents[node]
        if isinstance(node, (ast.If, ast.IfExp)) and any(
            isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.test)
        ):
            return True
    return False


def asked(call: ast.Call) -> Iterator[tuple[ast.AST, str, ast.Name | None]]:
    """A function of the step and what it is asked with: a call of it, or LambdaLR, which begins at 0."""
    if isinstance(call.func, ast.Name) and len(call.args) >= 1 and isinstance(call.args[0], ast.Name):
        yield call, call.func.id, call.args[0]
    for given in factors(call):
        if isinstance(given, ast.Name):
            yield call, given.id, None


def factors(call: ast.Call) -> list[ast.expr]:
    """The functions of the step that ``LambdaLR`` is given; none of another call."""
    if ast.unparse(call.func).rpartition(".")[2] != "LambdaLR":
        return []
    given = call.args[1] if len(call.args) > 1 else next((w.value for w in call.keywords if w.arg == "lr_lambda"), None)
    return given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given] if given is not None else []


def lambdas(call: ast.Call) -> list[ast.Lambda]:
    """Those of them that are written in place."""
    return [given for given in factors(call) if isinstance(given, ast.Lambda)]


def sinks(function: ast.FunctionDef | ast.Lambda, name: str) -> bool:
    """Whether a function raises its argument to a negative power as it is."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return False
        if isinstance(node, (ast.If, ast.IfExp)) and any(
            isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.test)
        ):
            return False
    return any(isinstance(base := sunk(node), ast.Name) and base.id == name for node in ast.walk(function))


def sunk(node: ast.AST) -> ast.expr | None:
    """What an expression raises to a negative power: x of ``x ** -0.5``, ``pow(x, -2)`` and ``1 / sqrt(x)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        root = node.right
        if isinstance(root, ast.Call) and ast.unparse(root.func).endswith("sqrt") and len(root.args) == 1:
            return root.args[0]
        whole = isinstance(root, ast.BinOp) and isinstance(root.op, ast.Pow) and isinstance(root.right, ast.Constant)
        return root.left if whole else None  # type: ignore[attr-defined]
    base = power = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = node.left, node.right
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("pow") and len(node.args) == 2:
        base, power = node.args
    below = isinstance(power, ast.UnaryOp) and isinstance(power.op, ast.USub)
    return base if below and isinstance(power.operand, ast.Constant) else None  # type: ignore[union-attr]


def from_zero(file: File, scope: Scope, node: ast.AST, argument: ast.Name) -> bool:
    """Whether a name is a loop's counter that begins at 0, or one that is counted up by hand after this place."""
    loops = looped(file, node)
    if any(counter(loop) == argument.id for loop in loops):
        return True
    held = [s for _, s in stored(scope).get(argument.id, ())]
    first = [s for s in held if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant) and s.value.value == 0]
    more = [s for s in held if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add)]
    if len(first) != 1 or len(more) != len(held) - 1 or not more or set(looped(file, first[0])) & set(loops):
        return False
    inside = [s for s in more if set(looped(file, s)) & set(loops)]
    return len(inside) == len(more) and all(s.lineno > node.lineno for s in inside)  # type: ignore[attr-defined]
