"""What runs a network outside of the block of a backward: its gradients would end where the forward pass begins."""

from __future__ import annotations

import ast
import re

from ..reading.blocks import above, statement_of
from ..reading.bound import values_read
from ..reading.flow import OPTIMIZER, Thing, arguments
from ..reading.mentions import OTHERS
from ..reading.remembered import remembered
from ..reading.scopes import BLOCKS, Scope
from ..reading.still import flowing, still
from ..reading.touching import holds, last_name, trained
from ..work import Left, Work
from .attached import attached, flowing_in, loose
from .params import owner_networks

# Methods of a network that no gradient flows through.
QUIET = re.compile(
    r"parameters|modules|children|state|init|zero|reset|begin|^(to|cuda|cpu|half|float|double|train|eval|apply|compile)$|"
    r"register|share|size|dim|numel|get_|set_|load|save|log|count|num|cfg|config|optimizers?$",
    re.IGNORECASE,
)
DEEPEST = 2  # how many calls are followed


def refuse_lent(work: Work, scope: Scope, holder: ast.stmt, region: list[ast.stmt], loss: ast.expr, line: int) -> None:
    """Raise Left where gradients flow into a forward pass from another block, or from the caller of its function."""
    needed, around = flowing_in(work, scope, region, loss), scope.file.parents[holder]
    for node in (n for part in (*region, loss) for n in ast.walk(part)):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load) or node.id not in needed:
            continue
        for store in work.flow.reaching(scope, node) or ():
            if around not in above(scope.file, store) and carries(work, scope, store):
                told = f"the network is run in line {store.lineno}, outside of the block of the backward in line {line}"  # type: ignore[attr-defined]
                raise Left(f"{told}, and gradients flow there: put both into one block")
    for name in sorted(needed & set(scope.params) - {"self"}):
        for caller, call in scope.calls:
            given = arguments(scope, call, 1 if scope.owner is not None else 0).get(name)
            if given is not None and given_live(work, caller, given):
                told = f"{name} comes from a network that is run before line {call.lineno}"
                raise Left(f"{told}, in another function than the backward in line {line}, and gradients flow there")


@remembered
def carries(work: Work, scope: Scope, store: ast.AST) -> bool:
    """Whether gradients flow to a network through the value that a name is given at a place."""
    seen: set[ast.AST] = set()
    todo = [store]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        statement = statement_of(scope.file, at)
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or quiet(work, scope, statement):
            continue
        if runs(work, scope, statement):
            return True
        read = values_read(attached(statement))
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in read:
                todo += work.flow.reaching(scope, node) or ()
    return False


def quiet(work: Work, scope: Scope, statement: ast.Assign | ast.AnnAssign) -> bool:
    """Whether no gradient flows through what a statement computes."""
    around = [statement, *(each for each in above(scope.file, statement) if isinstance(each, ast.With))]
    still_there = any(still(work.flow, scope, each) for each in around)
    return still_there or loose(statement.value) or apart(statement.value)


def apart(value: ast.expr | None) -> bool:
    """Whether no gradient flows through a value: it is ``x.data``, or comes from a game or the like."""
    func = getattr(value, "func", None)
    cut = isinstance(value, ast.Attribute) and value.attr == "data"
    return cut or (isinstance(func, ast.Attribute) and bool(OTHERS.search(ast.unparse(func.value))))


def runs(work: Work, scope: Scope, node: ast.AST, depth: int = 0) -> bool:
    """Whether a network is called in a piece of code where gradients flow."""
    kept = {ast.unparse(n) for n in ast.walk(attached(node)) if isinstance(n, ast.Call)}
    lambdas = [each for each in ast.walk(node) if isinstance(each, ast.Lambda) and each is not node]
    later = {id(inner) for each in lambdas for inner in ast.walk(each)}
    for call in (n for n in flowing(work.flow, scope, node) if isinstance(n, ast.Call) and id(n) not in later):
        if ast.unparse(call) not in kept:
            continue
        func, inner = call.func, work.flow.callee(scope, call)
        if inner is not None and isinstance(inner.node, BLOCKS):
            trains = bool(inner.file.backwards[inner])  # what it returns is for show
            if depth < DEEPEST and not trains and runs(work, inner, inner.node, depth + 1):
                return True
            continue
        method = isinstance(func, ast.Attribute) and holds(work, scope, func.value)
        apart_from = isinstance(func, ast.Attribute) and QUIET.search(func.attr)
        if (method or holds(work, scope, func)) and not apart_from and concerned(work, scope, func):
            return True
    return False


def concerned(work: Work, scope: Scope, func: ast.expr) -> bool:
    """Whether what is called is, or is a part of, a network that an optimizer trains."""
    parts: list[ast.expr] = [func]
    while isinstance(parts[-1], (ast.Attribute, ast.Subscript)):
        parts.append(parts[-1].value)
    known = any(work.flow.things(scope, each) & trained_things(work) for each in parts)
    return known or any(last_name(each) in trained(work) for each in parts)


@remembered
def trained_things(work: Work) -> set[Thing]:
    """The networks that optimizers train."""
    owners = (each for thing in work.flow.all(OPTIMIZER) for each in owner_networks(work, thing))
    return {held for where, owner in owners for held in work.flow.things(where, owner)}


def given_live(work: Work, caller: Scope, given: ast.expr) -> bool:
    """Whether gradients flow to a network through what a function is given."""
    if not isinstance(given, ast.Name):
        return not loose(given) and runs(work, caller, given)
    return any(carries(work, caller, store) for store in work.flow.reaching(caller, given) or ())
