"""Parameters that are picked from layers: ``for m in model.modules()``, ``isinstance(m, nn.BatchNorm2d)``."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import above, statement_of
from ..reading.bound import names_read, names_stored
from ..reading.parts import LAYERS
from ..reading.scopes import Scope
from ..work import Left, Work

HOME = "calando.migrate.layers"
PARAMETER = ("torch.nn.Parameter", "torch.nn.parameter.Parameter")


def walks(node: ast.AST) -> bool:
    """Whether a network is asked for its layers."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LAYERS


def layer_call(work: Work, scope: Scope, node: ast.AST, inside: bool) -> None:
    """One place in code that picks parameters from layers.

    Args:
        inside: whether it stands in the optimizer's own call, which is written anew.

    Raises:
        Left: it stands where it cannot be changed, or a layer is asked for something that hides its class.
    """
    if not isinstance(node, ast.Call) or id(node) in work.told:
        return
    file, func = scope.file, node.func
    if walks(node):
        classes_asked(work, scope, node)
    named = isinstance(func, ast.Attribute) and func.attr == "named_parameters"
    partly = isinstance(func, ast.Attribute) and func.attr == "parameters" and bool(node.args or node.keywords)
    if not isinstance(func, ast.Attribute) or not (walks(node) or named or partly):
        return
    if inside:
        raise Left(f"layers are picked inside the optimizer's own call in line {node.lineno}: give the list a name")
    work.need(file, f"import {HOME}")
    rest = file.source.text[file.source.span(func)[1] + 1 : file.source.span(node)[1]]
    owner = file.source.code(func.value)
    work.replace(file, node, f"{HOME}.{func.attr}({owner}{', ' if rest.strip() != ')' else ''}{rest}")
    told = (
        "layers and parameters under PyTorch's names; classes in isinstance are the network's own (nn.Dense for Linear)"
    )
    work.say(file, node, CHECK, told, "groups")


def classes_asked(work: Work, scope: Scope, node: ast.Call) -> None:
    """What the loop over layers, or the function around, asks of classes.

    Raises:
        Left: the type() or class of something is asked for, which is not a Cell's here.
    """
    file = scope.file
    loops = [each for each in above(file, node) if isinstance(each, ast.For)]
    region: ast.AST = loops[-1] if loops else statement_of(file, node)
    kept = names_stored(region) if not loops else frozenset()
    later = [each for each in file.nodes[scope] if isinstance(each, ast.For) and names_read(each.iter) & kept]
    for inner in (inner for part in (region, *later) for inner in ast.walk(part)):
        if isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            raise Left(f"the class of a layer is asked for in line {inner.lineno}: ask isinstance")
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name) or id(inner) in work.told:
            continue
        if inner.func.id == "type":
            raise Left(f"the type() of a layer is asked for in line {inner.lineno}: ask isinstance")
        if inner.func.id == "isinstance" and file.names.dotted(inner.args[-1]) in PARAMETER:
            work.need(file, "import mindspore")
            work.replace(file, inner.args[-1], "mindspore.Parameter")
            work.say(file, inner, REWRITTEN, "MindSpore's parameters", "groups")
