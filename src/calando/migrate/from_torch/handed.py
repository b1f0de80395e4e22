"""A backward in a function that is handed the loss: ``def update(loss, optimizer): …; loss.backward(); …``.

Its callers have the forward pass, so they get the gradients, and hand them on.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..finding import REWRITTEN, Finding
from ..reading.callables import calls_object, skipped
from ..reading.flow import SCALER, Flow, arguments
from ..reading.remembered import remembered
from ..reading.roads import conditions, enclosing
from ..reading.scopes import File, Scope
from ..work import Left, Work

BACKWARD = ("backward", "manual_backward")


@dataclass(frozen=True)
class Handed:
    """A function that differentiates what it is given.

    Args:
        scope: the function.
        statement: its ``loss.backward()``.
        loss: the name of the loss.
        scaler: how the GradScaler is called there, where there is one.
    """

    scope: Scope
    statement: ast.stmt
    loss: str
    scaler: ast.expr | None


@remembered
def handed(flow: Flow, scope: Scope | None) -> Handed | None:
    """What a function that is handed a loss does with it; None for another function."""
    return read(flow, scope) if scope is not None and isinstance(scope.node, ast.FunctionDef) else None


@remembered
def all_handed(flow: Flow) -> list[Handed]:
    """The functions of the project that are handed the loss."""
    scopes = [scope for file in flow.files for scope in file.scopes.values()]
    return [found for scope in scopes if (found := handed(flow, scope)) is not None]


def read(flow: Flow, scope: Scope) -> Handed | None:
    """Look at a function's only backward."""
    file = scope.file
    calls = [
        c for c in file.asked[scope] if getattr(c.func, "attr", "") in BACKWARD
        and not file.names.dotted(c.func).startswith("torch.autograd")
    ]  # fmt: skip
    statement = file.parents[calls[0]] if len(calls) == 1 else None
    if not isinstance(statement, ast.Expr) or enclosing(scope, statement):
        return None
    if list(conditions(file, statement, scope.node)):
        return None
    loss, scaler = differentiated(flow, scope, calls[0])
    stored = {n.id for n in ast.walk(scope.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if not isinstance(loss, ast.Name) or loss.id not in scope.params or loss.id in stored or loss.id == "self":
        return None
    return Handed(scope, statement, loss.id, scaler)


def differentiated(flow: Flow, scope: Scope, call: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    """What a backward differentiates, and the GradScaler that scales it."""
    assert isinstance(call.func, ast.Attribute)
    loss: ast.expr = call.func.value
    if given_loss(call):
        loss = call.args[0]
    elif call.args or not all(keeps(word) for word in call.keywords):
        return None, None
    held = loss.func.value if isinstance(loss, ast.Call) and isinstance(loss.func, ast.Attribute) else None
    if isinstance(loss, ast.Call) and held is not None and SCALER in flow.kinds(scope, held) and loss.args:
        return loss.args[0], held
    return loss, None


def keeps(word: ast.keyword) -> bool:
    """Whether an argument of ``backward`` changes no gradient."""
    value = word.value.value if isinstance(word.value, ast.Constant) else None
    if word.arg == "create_graph":
        return value is not True
    return word.arg == "retain_graph" or (value is None and isinstance(word.value, ast.Constant))


def given_loss(call: ast.Call) -> bool:
    """Whether a backward is given the loss: ``accelerator.backward(loss)``, ``self.manual_backward(loss)``."""
    assert isinstance(call.func, ast.Attribute)
    if len(call.args) != 1 or call.keywords:
        return False
    owner = ast.unparse(call.func.value).rpartition(".")[2]
    return call.func.attr == "manual_backward" or owner in ("accelerator", "fabric")


def callers(work: Work, found: Handed) -> list[tuple[Scope, ast.Call]]:
    """Where such a function is called.

    Raises:
        Left: nowhere, or its name is used for something else than to call it.
    """
    name = found.scope.node.name  # type: ignore[attr-defined]
    for file in work.flow.files:
        for node in file.where:
            held = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            parent = file.parents.get(node)
            called = isinstance(parent, ast.Call) and parent.func is node
            if held == name and isinstance(node.ctx, ast.Load) and not called:  # type: ignore[attr-defined]
                line = node.lineno  # type: ignore[attr-defined]
                raise Left(f"{name}, which is handed the loss, is used in line {line} without being called")
    if not found.scope.calls:
        raise Left(f"the call of {name}, which is handed the loss, was not found")
    return found.scope.calls


def take_backward(work: Work, found: Handed) -> None:
    """The backward goes from the function: its callers make the gradients."""
    if id(found.statement) not in work.told:
        work.remove(found.scope.file, found.statement)
        work.say(found.scope.file, found.statement, REWRITTEN, "its caller makes the gradients", "step")


def there(scope: Scope, call: ast.Call, text: str) -> str:
    """An expression of a function as its caller writes it.

    Raises:
        Left: the caller has no name for a part of it.
    """
    names = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
    given = arguments(scope, call, skipped(scope, call))
    found: dict[str, ast.expr] = {}
    for name in names & set(scope.params):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        owner = call.func if calls_object(scope) else owner
        value = owner if name == "self" and scope.owner is not None else given.get(name)
        if value is None:
            raise Left(f"what {name} is in the call in line {call.lineno} is not written there")
        found[name] = value
    if names & scope.local - set(scope.params):
        raise Left(f"{text}, in the function called in line {call.lineno}, has no name outside of it")

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return found.get(node.id, node)

    return ast.unparse(Put().visit(ast.parse(text, mode="eval")).body)


def add_parameter(work: Work, scope: Scope, name: str) -> bool:
    """Give a function one more parameter; whether it can be given by its place."""
    assert isinstance(scope.node, ast.FunctionDef)
    args, file = scope.node.args, scope.file
    shown = file.source.line(scope.node.lineno).strip()
    told = "it is given the gradients"
    work.findings.append(Finding(file.source.name, scope.node.lineno, REWRITTEN, shown, told, "step"))
    ends = [*args.posonlyargs, *args.args, *args.defaults, *([args.vararg] if args.vararg else []), *args.kwonlyargs]
    ends += [default for default in args.kw_defaults if default is not None]
    plain = not (args.vararg or args.kwonlyargs or args.kwarg or args.defaults)
    if not ends:
        if args.kwarg:
            raise Left(f"the function in line {scope.node.lineno} cannot be given the gradients")
        start = file.source.text.index("(", file.source.span(scope.node)[0]) + 1
        work.between(file, start, start, name)
        return True
    end = max(file.source.span(each)[1] for each in ends)
    star = "" if plain or args.vararg or args.kwonlyargs else "*, "
    work.between(file, end, end, f", {star}{name}")
    return plain


def add_argument(work: Work, file: File, call: ast.Call, name: str, value: str, placed: bool) -> None:
    """Give a call one more argument, by its place where that can be."""
    start, end = file.source.span(call)
    inside = file.source.text[start : end - 1]
    trailing = inside.rstrip().endswith(",")
    bare = placed and not call.keywords and not any(isinstance(a, ast.Starred) for a in call.args)
    text = value if bare else f"{name}={value}"
    last = [*call.args, *(w.value for w in call.keywords)]
    if not last:
        work.between(file, end - 1, end - 1, text)
        return
    at = max(file.source.span(each)[1] for each in last)
    lone = isinstance(last[0], ast.GeneratorExp) and len(last) == 1 and not inside.rstrip().endswith(")")
    if lone:
        raise Left(f"the call in line {call.lineno} cannot be given the gradients")
    work.between(file, end - 1, end - 1, f" {text}") if trailing else work.between(file, at, at, f", {text}")
