"""``HyperMap``: a function that MindSpore applies to every gradient, as a comprehension over them."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN, Finding
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import Scope
from ..reading.mentions import step_class
from ..reading.scopes import File
from ..work import Left, Work
from .back import put, put_update
from .words import HOME, operator, said, tail, worded

GRAPH = "MultitypeFuncGraph"
PLAIN = {"Tensor", "Number", "Bool", "String", "Function", "Tuple"}  # what a function of PyTorch's is given too
MAPS = {"assign_add": "add", "assign": "assign"}


def is_map(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a call applies something to every gradient; MindSpore's training steps have ``self.hyper_map``."""
    if operator(scope, work, call.func) in ("HyperMap", "Map"):
        return True
    return ast.unparse(call.func) == "self.hyper_map" and step_class(scope.file, scope)


def mapped(work: Work, scope: Scope, statement: ast.AST) -> bool:
    """Rewrite the maps in a statement; whether there were any.

    Raises:
        Left: what they apply has no counterpart.
    """
    calls = [n for n in ast.walk(statement) if isinstance(n, ast.Call) and is_map(work, scope, n)]
    for call in calls:
        if id(call) not in work.told:
            spread(work, scope, call)
    return bool(calls)


def spread(work: Work, scope: Scope, call: ast.Call) -> None:
    """One map: a comprehension, or a loop where nobody asks for what comes of it."""
    file = scope.file
    applied, given = taken_apart(work, scope, call.args[0]) if call.args else (None, [])
    lists = [file.source.code(x) for x in call.args[1:]]
    if applied is None or not lists or call.keywords:
        raise Left(f"what is applied to every gradient in line {call.lineno} is not written out")
    statement = statement_of(file, call)
    above = file.parents[call]
    unheard = isinstance(above, ast.Expr) or (
        isinstance(above, ast.Call) and operator(scope, work, above.func) == "depend"
    )
    dotted = file.names.dotted(applied)
    if (name := tail(dotted)) in MAPS and len(lists) == 2:
        work.need(file, f"import {HOME}")
        put_update(work, scope, call, [f"{HOME}.{MAPS[name]}({', '.join(lists)})"])
        work.say(file, statement, REWRITTEN, "the same on PyTorch's tensors, in place", "step")
        return
    if name in ("_grad_scale", "grad_scale") and len(given) == 1:
        work.replace(file, call, f"[grad / {given[0]} for grad in {lists[0]}]")
    else:
        function = registered(work, scope, applied)
        names = ["grad"] if len(lists) == 1 else ["held", "grad", *(f"grad_{n}" for n in range(2, len(lists)))]
        over = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}, strict=True)"
        each = f"{function}({', '.join([*given, *names])})"
        if unheard:
            put_update(work, scope, call, [f"for {', '.join(names)} in {over}:", f"    {each}"])
        else:
            work.replace(file, call, f"[{each} for {', '.join(names)} in {over}]")
    work.say(file, statement, REWRITTEN, "applied to each of PyTorch's gradients", "step")


def taken_apart(work: Work, scope: Scope, node: ast.expr) -> tuple[ast.expr | None, list[str]]:
    """The function of ``partial(function, *arguments)``, and the arguments in PyTorch's words."""
    if isinstance(node, ast.Call) and tail(scope.file.names.dotted(node.func)) == "partial" and node.args:
        return node.args[0], [said(work, scope, x) for x in node.args[1:]]
    return (node, []) if isinstance(node, (ast.Name, ast.Attribute)) else (None, [])


def registered(work: Work, scope: Scope, graph: ast.expr) -> str:
    """The function that ``MultitypeFuncGraph`` calls for tensors, which is called itself now; its name.

    Raises:
        Left: it was not found, or does something that has no counterpart.
    """
    if isinstance(graph, ast.Name) and (plain := work.flow.definition(scope, graph.id)) is not None:
        rewritten(work, plain)
        return graph.id
    home = work.flow.home(scope, graph.id) if isinstance(graph, ast.Name) else None
    made = [s for _, s in stored(home).get(graph.id, []) if isinstance(s, ast.Assign)] if home else []  # type: ignore[attr-defined]
    if home is None or not made or tail(home.file.names.dotted(getattr(made[0].value, "func", graph))) != GRAPH:
        raise Left(
            f"{ast.unparse(graph)}, applied to every gradient in line {graph.lineno}, was not found in this file"
        )
    file, chosen = home.file, None
    for node in file.source.tree.body:
        types = takes(node, graph.id)  # type: ignore[attr-defined]
        if types is None:
            continue
        assert isinstance(node, ast.FunctionDef)
        if chosen is None and set(types) <= PLAIN:
            chosen = node
        elif id(node) not in work.told:
            work.remove(file, node)
            work.say(file, node, REWRITTEN, "PyTorch's gradients are tensors of one kind", "step")
    if chosen is None:
        raise Left(f"{graph.id} in line {graph.lineno} has no function for tensors")  # type: ignore[attr-defined]
    plainly(work, file, chosen, made[0])
    return chosen.name


def takes(node: ast.stmt, graph: str) -> list[str] | None:
    """The types for which ``@graph.register(…)`` stands over a function; None where it does not."""
    for each in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
        if isinstance(each, ast.Call) and ast.unparse(each.func) == f"{graph}.register":
            return [str(a.value) if isinstance(a, ast.Constant) else "?" for a in each.args]
    return None


def plainly(work: Work, file: File, node: ast.FunctionDef, made: ast.stmt) -> None:
    """A registered function as a plain one; the graph that called it goes."""
    if id(node) in work.told:
        return
    for each in node.decorator_list:
        start, end = file.source.starts[each.lineno - 1], file.source.starts[each.end_lineno or each.lineno]
        work.between(file, start, end, "")
        work.say(file, each, REWRITTEN, "a plain function, called for each gradient", "step")
    if id(made) not in work.told:
        work.remove(file, made)
        work.say(file, made, REWRITTEN, "its function is called itself", "step")
    rewritten(work, file.scopes[node])


def rewritten(work: Work, scope: Scope) -> None:
    """The body of a function on one gradient, in PyTorch's words."""
    node, file = scope.node, scope.file
    assert isinstance(node, ast.FunctionDef)
    if id(node) in work.told:
        return
    work.told.append(id(node))
    first = file.source.code(node).splitlines()[0]
    work.findings.append(Finding(file.source.name, node.lineno, REWRITTEN, first, "called for each gradient", "step"))
    for statement in [n for n in ast.walk(node) if isinstance(n, ast.stmt) and n is not node]:
        if not hasattr(statement, "body"):
            each(work, scope, statement)
        elif isinstance(statement, ast.If):
            worded(work, scope, statement.test)


def each(work: Work, scope: Scope, statement: ast.stmt) -> None:
    """One statement of such a function: ``depend(x, update)`` becomes the update, then x."""
    call = next((n for n in ast.walk(statement) if isinstance(n, ast.Call)
                 and operator(scope, work, n.func) == "depend" and len(n.args) == 2), None)  # fmt: skip
    value = statement.value if isinstance(statement, ast.Assign) else None
    if isinstance(value, ast.Call) and not value.args and operator(scope, work, value):
        work.remove(scope.file, statement)  # an operator as an object
        work.say(scope.file, statement, REWRITTEN, "PyTorch's words need no object for it", "step")
        return
    if call is None:
        worded(work, scope, statement)
        return
    done = [said(work, scope, call.args[1])] if isinstance(call.args[1], ast.Call) else []
    x = said(work, scope, call.args[0])
    if done and value is call and ast.unparse(statement.targets[0]) == x:  # type: ignore[attr-defined]
        put(work, scope.file, statement, done)
    else:
        if done:
            work.before(scope.file, statement, *done)
        work.replace(scope.file, call, x)
    work.say(scope.file, statement, REWRITTEN, "PyTorch runs statements in their order", "step")
