"""Learning rates that are computed while it trains, and never reach the optimizer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...lexicon import MINDSPORE
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, Flow, Thing
from ..reading.rhythm import updates
from ..reading.roads import enclosing
from ..reading.scopes import Scope
from .about import Found, of_mindspore
from .unused import ADJUST

SHOWN = {"print", "info", "debug", "warning", "write", "log", "format", "add_scalar", "str", "float", "round", "append"}
LOST = "the learning rate is changed here and never given to the optimizer, which keeps the one it was made with"
THROWN = "what this function returns is thrown away: the learning rate never changes"
PURE = ("math.", "numpy.")
BUILTIN = {"min", "max", "int", "float", "len", "range", "abs", "pow", "round", "print", "sum", "enumerate"}


def lost_rates(flow: Flow) -> Found:
    """``lr *= 0.1`` in the training loop, of a name that the optimizer was given as a number."""
    for thing in flow.all(OPTIMIZER):
        scope, given = thing.scope, rate_of(thing)
        if scope is None or not isinstance(given, ast.Name) or enclosing(scope, thing.node):
            continue
        home = flow.home(scope, given.id)
        if home is not scope or given.id in home.params:
            continue
        loops = {loop for place, call in updates(flow, thing) for loop in around(place, call, home)}
        changed = [s for _, s in stored(home).get(given.id, []) if loops & set(enclosing(home, s))]
        moved = [s for s in changed if isinstance(s, (ast.Assign, ast.AugAssign)) and by_itself(s, given.id, loops)]
        if moved and len(moved) == len(changed) and only_shown(home, given, moved):
            yield from ((home.file, statement, LOST) for statement in moved)


def rate_of(thing: Thing) -> ast.expr | None:
    """What an optimizer is given as its learning rate."""
    call, name = thing.node, thing.name.rpartition(".")[2]
    assert isinstance(call, ast.Call)
    said = {w.arg: w.value for w in call.keywords}
    at = MINDSPORE[name].order.index("learning_rate") if of_mindspore(thing) and name in MINDSPORE else 1
    return said.get("lr") or said.get("learning_rate") or (call.args[at] if len(call.args) > at else None)


def around(scope: Scope, call: ast.AST, home: Scope) -> Iterator[ast.AST]:
    """The loops of ``home`` in which a call is made, there or in a function that is called there."""
    if scope is home:
        yield from enclosing(home, call)
    for caller, site in scope.calls if scope is not home else ():
        if caller is home:
            yield from enclosing(home, site)


def by_itself(statement: ast.Assign | ast.AugAssign, name: str, loops: set[ast.AST]) -> bool:
    """Whether a statement makes a rate from itself, or from what a loop counts."""
    counted = {n.id for loop in loops if isinstance(loop, ast.For) for n in ast.walk(loop.target)
               if isinstance(n, ast.Name)}  # fmt: skip
    used = {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}
    return isinstance(statement, ast.AugAssign) or bool(used & {name, *counted})


def only_shown(home: Scope, given: ast.Name, moved: list[ast.Assign | ast.AugAssign]) -> bool:
    """Whether a name is looked at where it is changed, shown or compared, and where the optimizer is made, alone."""
    file = home.file
    for node in ast.walk(home.node):
        if not isinstance(node, ast.Name) or node.id != given.id or not isinstance(node.ctx, ast.Load):
            continue
        statement = statement_of(file, node)
        if node is given or statement in moved or isinstance(file.parents[node], ast.Compare):
            continue
        calls = []
        at: ast.AST = node
        while at is not statement:
            at = file.parents[at]
            calls += [at] if isinstance(at, ast.Call) else []
        if not calls or not all(ast.unparse(c.func).rpartition(".")[2] in SHOWN for c in calls):
            return False
    return True


def thrown_rates(flow: Flow) -> Found:
    """``adjust_learning_rate(epoch)`` as a statement, of a function that only returns a rate."""
    for file in flow.files:
        for scope, call in file.calls:
            target = flow.callee(scope, call) if isinstance(file.parents[call], ast.Expr) else None
            node = target.node if target is not None else None
            if isinstance(node, ast.FunctionDef) and ADJUST.search(node.name) and returns_only(flow, target):  # type: ignore[arg-type]
                yield file, call, THROWN


def returns_only(flow: Flow, function: Scope) -> bool:
    """Whether a function gives something back and changes nothing."""
    nodes = function.file.nodes[function]
    stores = [n for n in nodes if isinstance(getattr(n, "ctx", None), (ast.Store, ast.Del))]
    if any(not isinstance(n, ast.Name) for n in stores) or any(
        isinstance(n, (ast.Global, ast.Nonlocal)) for n in nodes
    ):
        return False
    for call in (n for n in nodes if isinstance(n, ast.Call)):
        dotted = function.file.names.dotted(call.func)
        if not dotted.startswith(PURE) and dotted not in BUILTIN:
            return False
    return any(isinstance(n, ast.Return) and n.value is not None for n in nodes)
