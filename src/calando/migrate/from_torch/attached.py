"""Through which names gradients flow, and the parts of statements that none flows through."""

from __future__ import annotations

import ast
import copy

from ..reading.blocks import spot
from ..reading.bound import attributes, names_stored, values_given, values_read
from ..reading.scopes import Scope
from ..reading.still import still
from ..work import Work


def flowing_in(work: Work, scope: Scope, region: list[ast.stmt], loss: ast.expr) -> set[str]:
    """The names from outside a forward pass through which gradients of its loss may flow."""
    needed = set(values_read(attached(loss)))
    for statement in sorted(region, key=spot, reverse=True):
        if not values_given(statement) & needed:
            continue
        quiet = still(work.flow, scope, statement)
        if quiet or isinstance(statement, ast.Assign):
            needed -= values_stored(statement)
        if not quiet:
            needed |= values_read(attached(statement))
    return needed


def values_stored(statement: ast.AST) -> frozenset[str]:
    """The names, and the attributes of names, that a statement gives a value."""
    return names_stored(statement) | attributes(statement, stored=True)


def loose(node: ast.AST | None) -> bool:
    """Whether an expression's value carries no gradient: detached, a plain number, or under ``no_grad``."""
    func = getattr(node, "func", None)
    return isinstance(func, ast.Attribute) and func.attr in ("detach", "item", "numpy", "argmax")


def attached(node: ast.AST) -> ast.AST:
    """A statement without the parts that no gradient flows through."""
    if not any(loose(each) for each in ast.walk(node)):
        return node

    class Without(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.AST:
            return ast.Constant(None) if loose(call) else self.generic_visit(call)

    return Without().visit(copy.deepcopy(node))
