"""Where parameters come from: every piece of code that a list of them is made of, and what a group is spelled as."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .carry import giving, stored
from .flow import Flow, arguments
from .remembered import remembered
from .scopes import BLOCKS, Scope

MOST = 400  # pieces of code that are looked at


def parts_of(flow: Flow, scope: Scope, node: ast.AST, seen: set[int] | None = None) -> Iterator[tuple[Scope, ast.AST]]:
    """Every piece of code that parameters come from: the expression, what its names are, the functions it calls."""
    seen = set() if seen is None else seen
    if id(node) in seen or len(seen) > MOST:
        return
    seen.add(id(node))
    yield scope, node
    whose = owners(node)
    for inner in ast.walk(node):
        if id(inner) in whose:
            continue
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            if bound(scope, inner):
                continue
            home = flow.home(scope, inner.id)
            for caller, given in handed(flow, home, inner.id):
                yield from parts_of(flow, caller, given, seen)
            for _, statement in giving(flow, scope, inner):
                if isinstance(statement, (ast.Assign, ast.AugAssign)) and statement.value is not node:
                    yield from parts_of(flow, home, statement.value, seen)
                    yield from around(flow, home, statement, seen)
            yield from appended(flow, scope, inner, seen)
        elif isinstance(inner, ast.Call):
            target = flow.callee(scope, inner)
            if target is not None and isinstance(target.node, ast.FunctionDef):
                yield from parts_of(flow, target, target.node, seen)
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load):
            for home, value in kept_as(scope, inner):
                yield from parts_of(flow, home, value, seen)


def bound(scope: Scope, name: ast.Name) -> bool:
    """Whether a comprehension around a name gives it its value: elsewhere the name is another's."""
    node: ast.AST = name
    while node in scope.file.parents and not isinstance(node, ast.stmt):
        node = scope.file.parents[node]
        for part in getattr(node, "generators", ()):
            if any(isinstance(n, ast.Name) and n.id == name.id for n in ast.walk(part.target)):
                return True
    return False


def kept_as(scope: Scope, node: ast.Attribute) -> Iterator[tuple[Scope, ast.expr]]:
    """What the methods of a class keep as ``self.name``; nothing where it is something else's attribute."""
    at: Scope | None = scope
    while at is not None and at.owner is None:
        at = at.parent
    if at is None or at.owner is None or ast.unparse(node.value) != "self":
        return
    text = ast.unparse(node)
    for inner in ast.walk(at.owner.node):
        if isinstance(inner, ast.Assign) and any(ast.unparse(target) == text for target in inner.targets):
            yield scope.file.where[inner], inner.value


LAYERS = ("modules", "named_modules", "children", "named_children")
ASKED = (
    "parameters", "named_parameters", *LAYERS, "trainable_params", "get_parameters", "parameters_and_names",
)  # fmt: skip


def owners(node: ast.AST) -> set[int]:
    """What stands for a network in a piece of code: the ids of all nodes in ``net`` of ``net.parameters()``."""
    return {id(inner) for each in asked(node) for inner in ast.walk(each)}


def asked(node: ast.AST) -> list[ast.expr]:
    """The networks that a piece of code asks for their parameters or layers."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return [func.value for func in calls if func.attr in ASKED]


def handed(flow: Flow, home: Scope, name: str) -> Iterator[tuple[Scope, ast.expr]]:
    """What the callers of a function give it under a name."""
    if name in home.params and isinstance(home.node, BLOCKS) and name != "self":
        for caller, call in home.calls:
            value = arguments(home, call, 1 if home.owner is not None else 0).get(name)
            known = isinstance(value, ast.Name) and value.id in stored(flow.home(caller, value.id))
            if value is not None and (known or not isinstance(value, (ast.Name, ast.Attribute, ast.Constant))):
                yield caller, value


def appended(flow: Flow, scope: Scope, name: ast.Name, seen: set[int]) -> Iterator[tuple[Scope, ast.AST]]:
    """What is put into a list by its methods, or into a dictionary by its keys, and the loops around."""
    home = flow.home(scope, name.id)
    if name.id in home.params:
        return
    for call in appends(flow, home).get(name.id, ()):
        if same_list(flow, home, name, call.func):
            yield from parts_of(flow, home, call, seen)
            yield from around(flow, home, call, seen)
    for statement in entries(flow, home).get(name.id, ()):
        if same_list(flow, home, name, statement.targets[0]):
            yield from parts_of(flow, home, statement.value, seen)
            yield from around(flow, home, statement, seen)


@remembered
def entries(flow: Flow, home: Scope) -> dict[str, list[ast.Assign]]:
    """The assignments of a scope that put something into a dictionary, by its name."""
    held: dict[str, list[ast.Assign]] = {}
    for node in home.file.nodes[home]:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            held.setdefault(target.value.id, []).append(node)  # type: ignore[arg-type]
    return held


@remembered
def appends(flow: Flow, home: Scope) -> dict[str, list[ast.Call]]:
    """The calls of a scope that put something into a list, by the names in it."""
    held: dict[str, list[ast.Call]] = {}
    for call in home.file.asked[home]:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "extend", "insert"):
            for each in ast.walk(call.func.value):
                if isinstance(each, ast.Name):
                    held.setdefault(each.id, []).append(call)
    return held


def same_list(flow: Flow, home: Scope, name: ast.Name, place: ast.expr) -> bool:
    """Whether a name may stand for the list that is changed at a place."""
    held = next(n for n in ast.walk(place) if isinstance(n, ast.Name) and n.id == name.id)
    here, there = flow.reaching(home, name), flow.reaching(home, held)
    return here is None or there is None or any(each in there for each in here)


def around(flow: Flow, home: Scope, node: ast.AST, seen: set[int]) -> Iterator[tuple[Scope, ast.AST]]:
    """What the loops around a place run over."""
    while node in home.file.parents and node is not home.node:
        node = home.file.parents[node]
        if isinstance(node, ast.For):
            yield from parts_of(flow, home, node.iter, seen)


def spelled(item: ast.AST | None) -> dict[str, ast.expr] | None:
    """A group's keys and values, of ``{…}`` or ``dict(…)``; None for something else."""
    if isinstance(item, ast.Dict):
        return {str(ast.literal_eval(k)): v for k, v in zip(item.keys, item.values, strict=True)
                if isinstance(k, ast.Constant)}  # fmt: skip
    if isinstance(item, ast.Call) and ast.unparse(item.func) == "dict" and not item.args:
        return {word.arg: word.value for word in item.keywords if word.arg is not None}
    return None
