"""``GradOperation``: the gradients of a network by a list of weights, which are those of its loss in PyTorch."""

from __future__ import annotations

import ast

from ..finding import KEPT, REWRITTEN
from ..reading.flow import GRADIENT, Scope
from ..work import Left, Work, off
from .back import Back, put, seen
from .words import said

FILLS = {"fill", "Fill", "full", "full_like", "ones_like", "OnesLike"}
FLAGS = ("get_all", "get_by_list", "sens_param")


def stores(node: ast.Assign, name: str) -> bool:
    """Whether an assignment gives a name its value."""
    return any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
        for t in node.targets
        for n in ast.walk(t)
    )


def is_operation(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is a ``GradOperation``; TrainOneStepCell calls its own one ``self.grad``."""
    things = work.flow.things(scope, node)
    if things:
        return any(t.kind == GRADIENT and t.name == "GradOperation" for t in things)
    return ast.unparse(node) == "self.grad"


def operation(back: Back, scope: Scope, node: ast.Assign, value: ast.Call, known: set[int], at: str) -> ast.expr | None:
    """``grads = self.grad(network, weights)(inputs, sens)``: the gradients of the loss; what it was multiplied by.

    Raises:
        Left: they are also those of inputs, or what the loss is multiplied by is not written out.
    """
    work, file = back.work, scope.file
    assert isinstance(value.func, ast.Call)
    inputs = list(value.args)
    sens = factor_of(work, scope, node, inputs, known) if has_sens(work, scope, value.func.func) else None
    weights(work, scope, value.func)
    loss, lines = loss_of(scope, node, value.func, inputs)
    factor, _ = back.scales(scope, node.lineno, sens)
    if back.way.loose and factor and sens is not None:
        factor = said(work, scope, sens)
    put(work, file, node, [*lines, *back.gradients(node, at, loss, factor)])
    work.say(file, node, REWRITTEN, "the gradients of the loss, into the parameters", "step")
    for made in work.flow.things(scope, value.func.func):
        if made.scope is not None and made.scope.owner is None and id(made.node) not in work.told:
            work.say(made.scope.file, made.node, KEPT, "nothing calls it any more", "step")
    return sens


def has_sens(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether the last thing given to an operation's function is what the loss is multiplied by.

    Raises:
        Left: it gives the gradients of inputs too.
    """
    things = [t for t in work.flow.things(scope, node) if t.kind == GRADIENT]
    for made in things:
        call = made.node
        assert isinstance(call, ast.Call)
        given = {**dict(zip(FLAGS, call.args, strict=False)), **{str(w.arg): w.value for w in call.keywords}}
        if not off(given.get("get_all")):
            raise Left(f"the GradOperation in line {call.lineno} gives the gradients of inputs too")
        return not off(given.get("sens_param"))
    return True


def factor_of(work: Work, scope: Scope, node: ast.Assign, inputs: list[ast.expr], known: set[int]) -> ast.expr | None:
    """What the loss is multiplied by, taken off the inputs; None where it is 1.

    Raises:
        Left: it is not written out.
    """
    if not inputs or isinstance(inputs[-1], ast.Starred):
        raise Left(f"what the loss is multiplied by in line {node.lineno} is not written out")
    last = inputs.pop()
    if not isinstance(last, ast.Name):
        return number(last)
    for each in ahead(scope, node):
        if stores(each, last.id) and fills(each.value):
            if not any(id(n) not in known and n is not last for n in seen(scope, last.id)):
                work.remove(scope.file, each)
                work.say(scope.file, each, REWRITTEN, "what the loss is multiplied by goes with it", "step")
            return number(each.value)
    return last


def fills(node: ast.expr) -> bool:
    """Whether an expression is a number spread over the shape of a loss."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return fills(node.left) or fills(node.right)
    return isinstance(node, ast.Call) and last_name(node) in FILLS


def number(node: ast.expr) -> ast.expr | None:
    """The number that is spread over the shape of a loss, in the loss's own precision; None where it is 1."""
    if isinstance(node, ast.BinOp) and fills(node):
        left, right = number(node.left), number(node.right)
        return ast.BinOp(left, ast.Mult(), right) if left and right else left or right
    if isinstance(node, ast.Call) and last_name(node) in FILLS:
        return None if last_name(node) in ("ones_like", "OnesLike") else node.args[-1]
    if isinstance(node, ast.Call) and last_name(node).lower() == "cast" and node.args:
        return number(node.args[0])
    return node


def last_name(call: ast.Call) -> str:
    """The last part of what is called, as ``Fill`` of ``ops.Fill()(…)``."""
    return ast.unparse(call.func).removesuffix("()").rpartition(".")[2]


def loss_of(scope: Scope, node: ast.Assign, call: ast.Call, inputs: list[ast.expr]) -> tuple[str, list[str]]:
    """The loss whose gradients are taken, and the line that computes it where none did before."""
    network = ast.unparse(call.args[0]) if call.args else ""
    for each in reversed(ahead(scope, node)):
        called = isinstance(each.value, ast.Call) and ast.unparse(each.value.func) == network
        if called and isinstance(each.targets[0], ast.Name):
            return each.targets[0].id, []
    if not network or any(isinstance(each, ast.Lambda) for each in call.args):
        raise Left(f"the loss whose gradients are taken in line {node.lineno} was not found")
    name, file = scope.file.names.free("loss_value"), scope.file
    return name, [f"{name} = {file.source.code(call.args[0])}({', '.join(map(file.source.code, inputs))})"]


def ahead(scope: Scope, node: ast.AST) -> list[ast.Assign]:
    """The assignments that stand before a node, in order."""
    found = [n for n in ast.walk(scope.node) if isinstance(n, ast.Assign) and n.lineno < node.lineno]  # type: ignore[attr-defined]
    return sorted(found, key=lambda n: n.lineno)


def weights(work: Work, scope: Scope, call: ast.Call) -> None:
    """``weights = self.weights`` for a gradient operation goes with it."""
    given = call.args[1] if len(call.args) > 1 else None
    if not isinstance(given, ast.Name) or len(seen(scope, given.id)) > 1:
        return
    for node in ast.walk(scope.node):
        if isinstance(node, ast.Assign) and stores(node, given.id) and scope.file.where[node] is scope:
            work.remove(scope.file, node)
            work.say(scope.file, node, REWRITTEN, "PyTorch takes gradients from the loss", "step")
