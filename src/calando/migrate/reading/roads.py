"""Ways from the top of a script to a place in it: through calls, loops and conditions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from .carry import default_of
from .flow import Flow, arguments
from .packs import COMPREHENSIONS
from .scopes import File, Scope

LOOPS = (ast.For, ast.AsyncFor, ast.While)
TURNS = (*LOOPS, *COMPREHENSIONS)


MOST_ROADS = 8


@dataclass(eq=False)
class Road:
    """One way from the top of a script to a place: the loops on it, outermost first.

    Args:
        stations: where the way leaves each scope.
        start: the scope it begins in: the script, or a function that nothing known calls.
    """

    loops: list[tuple[ast.AST, Scope]]
    stations: dict[Scope, ast.AST] = field(default_factory=dict)
    start: Scope | None = None


def roads(flow: Flow, scope: Scope, node: ast.AST, depth: int = 0) -> list[Road]:
    """All ways to a node, through the calls of the functions around it."""
    own = [(loop, scope) for loop in enclosing(scope, node)]
    at: Scope | None = scope
    while at is not None and not isinstance(at.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)):
        at = at.parent
    if at is None or isinstance(at.node, ast.Module) or not at.calls or depth > 6:
        return [Road(own, {scope: node}, at)]
    found = []
    for caller, call in at.calls[:MOST_ROADS]:
        for outer in roads(flow, caller, call, depth + 1):
            found.append(Road([*outer.loops, *own], {**outer.stations, scope: node}, outer.start))
    return found[:MOST_ROADS]


def taken(flow: Flow, scope: Scope, node: ast.AST) -> list[Road]:
    """The ways to an update that can be gone: none on which a function asks for an optimizer that it is not given."""
    return [way for way in roads(flow, scope, node) if not barred(way)]


def barred(way: Road) -> bool:
    """Whether a condition on a way, such as ``if optimizer is not None``, cannot hold for the call before it."""
    for scope, station in way.stations.items():
        for caller, call in scope.calls:
            if way.stations.get(caller) is not call:
                continue
            given = arguments(scope, call, 1 if scope.owner is not None else 0)
            for branch, otherwise in conditions(scope.file, station, scope.node):
                name = wanted(branch.test)
                value = given.get(name, default_of(scope, name)) if name in scope.params else ast.Name("")
                if not otherwise and isinstance(value, ast.Constant) and not value.value:
                    return True
    return False


def wanted(test: ast.expr) -> str:
    """The name that ``if optimizer:``, or ``if optimizer is not None:``, asks for; empty for another condition."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot) and len(test.ops) == 1:
        asked = (
            test.left if isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None else test
        )
        return asked.id if isinstance(asked, ast.Name) else ""
    return test.id if isinstance(test, ast.Name) else ""


@lru_cache(maxsize=4096)
def enclosing(scope: Scope, node: ast.AST) -> list[ast.AST]:
    """The loops and comprehensions around a node inside its scope, outermost first."""
    found: list[ast.AST] = []
    parents = scope.file.parents
    while node is not scope.node and node in parents:
        above = parents[node]
        if isinstance(above, TURNS) and node in getattr(above, "body", (node,)) and type(node) is not ast.comprehension:
            found.append(above)
        node = above
    return found[::-1]


def conditions(file: File, node: ast.AST, until: ast.AST) -> Iterator[tuple[ast.If, bool]]:
    """The conditions a node stands under, inside ``until``, and whether it is in the ``else``."""
    while node is not until and node in file.parents:
        above = file.parents[node]
        if isinstance(above, ast.If) and node is not above.test:
            yield above, node in above.orelse
        node = above
