"""Learning rates that are computed while it trains, and never reach the optimizer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...lexicon import MINDSPORE
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, SCHEDULER, Flow, Thing
from ..reading.rhythm import updates
from ..reading.roads import enclosing
from ..reading.scopes import File, Scope
from .about import Found, head, of_mindspore, reads
from .unused import ADJUST

SHOWN = {"print", "info", "debug", "warning", "write", "log", "format", "add_scalar", "str", "float", "round", "append"}
LOST = "the learning rate is changed here and never given to the optimizer, which keeps the one it was made with"
THROWN = "what this function returns is thrown away: the learning rate never changes"
UNWRITTEN = "this function is given the optimizer and does nothing with it: the rate that it computes is lost"
OPTIMIZERS = re.compile(r"(^|_)opt(im|imizer)?s?(_|$)", re.IGNORECASE)
RATE = re.compile(r"(\w+_)?(lr|learning_rate)", re.IGNORECASE)
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


def unwritten(flow: Flow) -> Found:
    """``def adjust_learning_rate(optimizer, epoch)`` that computes a rate and never looks at the optimizer."""
    for file in flow.files:
        for node, scope in file.scopes.items():
            if not isinstance(node, ast.FunctionDef) or not ADJUST.search(node.name) or not reads(flow, node.name):
                continue
            given = [name for name in scope.params if OPTIMIZERS.search(name)]
            idle = given and not any(name in file.loads(scope) for name in given)
            if idle and any(RATE.fullmatch(name) for name in stored(scope)) and not gives(file.nodes[scope]):
                yield file, head(node), UNWRITTEN


def gives(nodes: list[ast.AST]) -> bool:
    """Whether a function gives something back, or leaves it on an object."""
    kept = (isinstance(n, (ast.Attribute, ast.Subscript)) and isinstance(n.ctx, ast.Store) for n in nodes)
    return any(kept) or any(isinstance(n, ast.Return) and n.value is not None for n in nodes)


def in_vain(flow: Flow) -> Found:
    """``lr = get_lr(step)`` in the training loop of a project in which nothing ever gives an optimizer a rate."""
    optimizers = flow.all(OPTIMIZER)
    if not optimizers or flow.all(SCHEDULER) or any(map(moved, flow.files)):
        return
    trained = [each for thing in optimizers for each in updates(flow, thing)]
    for home in {scope for scope, _ in trained}:
        loops = {loop for place, call in trained if place is home for loop in enclosing(home, call)}
        for name in filter(RATE.fullmatch, list(stored(home))):
            made = [s for _, s in stored(home)[name] if isinstance(s, ast.Assign) and loops & set(enclosing(home, s))]
            computed = [statement for statement in made if scheduled(flow, home, statement.value)]
            if computed and only_shown(home, ast.Name(name), [*made]):
                yield from ((home.file, statement, LOST) for statement in computed)


def scheduled(flow: Flow, scope: Scope, value: ast.expr) -> bool:
    """Whether a value is what a function of the project, named as a rate, makes of a count."""
    calls = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    named = [c for c in calls if RATE.search(ast.unparse(c.func)) and flow.callee(scope, c) is not None]
    return any(all(not flow.things(scope, a) for a in c.args) and c.args for c in named) and len(calls) == len(named)


def moved(file: File) -> bool:
    """Whether a script gives an optimizer a rate while it trains, as far as can be seen."""
    if any("assign" in name or "set_" in name for name in file.methods if "lr" in name or "assign" in name):
        return True
    keys = (n.slice for n in file.where if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
    return any(isinstance(key, ast.Constant) and key.value in ("lr", "learning_rate") for key in keys)


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
