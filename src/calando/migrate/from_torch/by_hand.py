"""Loops of the script's own over the gradients that parameters hold: what they make of each gradient."""

from __future__ import annotations

import ast
import copy

from ..reading.flow import OPTIMIZER
from ..reading.scopes import File, Scope
from ..work import Work
from .params import owner_networks, owners_of

IN_PLACE = {"mul_": "*", "div_": "/", "add_": "+", "sub_": "-"}
WORDS = {ast.Mult: "*", ast.Div: "/", ast.Add: "+", ast.Sub: "-"}


def changed(file: File, loop: ast.For) -> str:
    """What ``for p in …: p.grad = …`` makes of a gradient ``g`` of ``p``; empty for another loop.

    A test whether there is a gradient goes: here each parameter has one.
    """
    name, body = parameter_of(loop), list(loop.body)
    if not name:
        return ""
    if isinstance(body[0], ast.If) and not body[0].orelse:
        test, inner = ast.unparse(body[0].test), body[0].body
        if test == f"{name}.grad is None" and len(inner) == 1 and isinstance(inner[0], ast.Continue):
            body = body[1:]
        elif len(body) == 1 and test in (f"{name}.grad is not None", f"{name}.requires_grad"):
            body = inner
    made = becomes(file, name, body[0]) if len(body) == 1 else None
    if made is None:
        return ""
    text = ast.unparse(Held(name).visit(made))
    return "" if "torch." in text or text == "g" else text


def parameter_of(loop: ast.For) -> str:
    """How a loop calls each parameter; empty where it also wants its name, or an ``else``."""
    target = loop.target
    if (
        isinstance(target, ast.Tuple)
        and len(target.elts) == 2
        and ast.unparse(loop.iter).endswith(".named_parameters()")
    ):
        first, target = target.elts
        if any(isinstance(n, ast.Name) and n.id == getattr(first, "id", "") for s in loop.body for n in ast.walk(s)):
            return ""
    return target.id if isinstance(target, ast.Name) and not loop.orelse else ""


def becomes(file: File, name: str, statement: ast.stmt) -> ast.expr | None:
    """The value that a statement gives the gradient of ``name``; None where it does something else."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and held(name, statement.targets[0]):
        return copy.deepcopy(statement.value)
    if isinstance(statement, ast.AugAssign) and held(name, statement.target) and type(statement.op) in WORDS:
        return ast.BinOp(read(name), copy.deepcopy(statement.op), copy.deepcopy(statement.value))
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not held(name, call.func.value):
        return None
    given = [*call.args, *(word.value for word in call.keywords)]
    scaled = call.func.attr in ("add_", "sub_") and [word.arg for word in call.keywords] == ["alpha"]
    if call.func.attr in IN_PLACE and len(call.args) == 1 and (scaled or not call.keywords):
        text = f"g {IN_PLACE[call.func.attr]} ({file.source.code(call.args[0])})"
        text += f" * ({file.source.code(call.keywords[0].value)})" if scaled else ""
        return ast.parse(text, mode="eval").body
    if call.func.attr == "clamp_" and given:
        bounds = ", ".join(file.source.code(a) for a in call.args)
        named = ", ".join(f"{w.arg}={file.source.code(w.value)}" for w in call.keywords)
        return ast.parse(f"g.clamp({', '.join(x for x in (bounds, named) if x)})", mode="eval").body
    return None


def held(name: str, node: ast.AST) -> bool:
    """Whether an expression is ``p.grad`` or ``p.grad.data``."""
    return ast.unparse(node) in (f"{name}.grad", f"{name}.grad.data")


def read(name: str) -> ast.expr:
    return ast.parse(f"{name}.grad", mode="eval").body


class Held(ast.NodeTransformer):
    """``p.grad`` and ``p.grad.data`` become ``g``, and ``p.data`` the parameter."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if held(self.name, node):
            return ast.Name("g", node.ctx)
        if ast.unparse(node) == f"{self.name}.data":
            return ast.Name(self.name, node.ctx)
        return self.generic_visit(node)


def anew(loop: ast.For, each: str, gradients: str, weights: str) -> str:
    """The line that makes all gradients anew, of what a loop makes of each."""
    name, tree = parameter_of(loop), ast.parse(each, mode="eval").body
    if isinstance(tree, ast.Call) and ast.unparse(tree.func) == "g.clamp":
        given = {**dict(zip(("min", "max"), tree.args, strict=False)), **{str(w.arg): w.value for w in tree.keywords}}
        if set(given) == {"min", "max"}:
            bounds = ", ".join(ast.unparse(given[key]) for key in ("min", "max"))
            return f"{gradients} = mindspore.ops.clip_by_value({gradients}, {bounds})"
    alone = all(n.id != name for n in ast.walk(tree) if isinstance(n, ast.Name))
    turn = f"for g in {gradients}" if alone else f"for {name}, g in zip({weights}, {gradients})"
    return f"{gradients} = tuple({each} {turn})"


def partly(work: Work, scope: Scope, params: ast.expr, at: str) -> bool:
    """Whether an expression means a part of an optimizer's parameters for certain, as ``net.head.parameters()``."""
    held_here = [t for t in work.flow.things(scope, ast.parse(at, mode="eval").body) if t.kind == OPTIMIZER]
    if all(ast.unparse(params) in map(ast.unparse, t.node.args[:1]) for t in held_here):  # type: ignore[attr-defined]
        return False  # the very expression that it was given
    theirs = [pair for t in held_here for pair in owner_networks(work, t)]
    whole = {ast.unparse(owner) for _, owner in theirs}
    ours = {ast.unparse(owner) for _, owner in owners_of(work, scope, params)}
    if not ours & whole:
        return any(one.startswith(f"{each}.") for one in ours for each in whole)
    others = [work.flow.things(where, owner) for where, owner in theirs if ast.unparse(owner) not in ours]
    known = {thing for where, owner in theirs if ast.unparse(owner) in ours for thing in work.flow.things(where, owner)}
    return any(things and not things & known for things in others)
