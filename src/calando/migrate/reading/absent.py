"""``scaler = None``: a GradScaler that is not there, whose branches are written out all the same."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .scopes import Scope
from .thing import SCALER, Thing

if TYPE_CHECKING:
    from .flow import Flow

CALLED_SCALER = re.compile(r"(^|_)(loss|grad|amp)_?scaler$|^scaler$", re.IGNORECASE)


def absent_scalers(flow: Flow) -> None:
    """Names of scalers that are given None, or have it as a default, may hold one: what is called on them is its."""
    for file in flow.files:
        for node, scope in file.where.items():
            target = node.targets[0] if isinstance(node, ast.Assign) and none(node.value) else None
            if isinstance(target, ast.Name) and CALLED_SCALER.search(target.id):
                flow._assign(scope, target, frozenset({absent(flow, scope, node.value)}))  # type: ignore[attr-defined]
        for scope in file.scopes.values():
            for name, default in defaults(scope):
                if CALLED_SCALER.search(name) and none(default):
                    flow._put(scope, name, frozenset({absent(flow, scope, default)}))


def absent(flow: Flow, scope: Scope, node: ast.expr) -> Thing:
    """The scaler that is not there."""
    return flow.made.setdefault(id(node), Thing(SCALER, node, id(node), "", scope))


def defaults(scope: Scope) -> list[tuple[str, ast.expr]]:
    """The parameters of a function that have a default, and what it is."""
    args = getattr(scope.node, "args", None)
    if args is None:
        return []
    placed = [*args.posonlyargs, *args.args]
    pairs = [
        *zip(reversed(placed), reversed(args.defaults), strict=False),
        *zip(args.kwonlyargs, args.kw_defaults, strict=True),
    ]
    return [(each.arg, default) for each, default in pairs if default is not None]


def none(node: ast.expr) -> bool:
    """Whether an expression is None, written out."""
    return isinstance(node, ast.Constant) and node.value is None
