"""Whether a name that an optimizer is updated by always stands for an optimizer that is known here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..work import Left, Work
from .carry import default_of, giving, picked
from .flow import Thing, arguments
from .remembered import remembered
from .rhythm import updates
from .scopes import File, Scope
from .thing import OPTIMIZER

DEEPEST = 6  # how many functions are followed


def sure(work: Work, thing: Thing) -> None:
    """Raise Left where the name that is stepped may hold something that was not followed: it would not be rewritten."""
    for scope, call in updates(work.flow, thing):
        held = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        if call.args and OPTIMIZER not in work.flow.kinds(scope, held):
            held = call.args[0]  # a GradScaler steps it
        for where, value in values(work, scope, held):
            for each in branches(value):
                if not known(work, where, each):
                    told = f"{ast.unparse(held)}, stepped in line {call.lineno}, may be what line {each.lineno} makes"
                    raise Left(f"{told}, which is not known here")


def values(work: Work, scope: Scope, held: ast.expr) -> Iterator[tuple[Scope, ast.expr]]:
    """All that a name or attribute is given."""
    if isinstance(held, ast.Name):
        home = work.flow.home(scope, held.id)
        for name, statement in giving(work.flow, scope, held):
            value = picked(statement, name) if isinstance(statement, ast.Assign) else None
            value = statement.value if isinstance(statement, ast.AnnAssign) else value
            if value is not None and not isinstance(value, ast.Subscript):
                yield home, value
        inside = work.flow.reaching(scope, held) is not None
        if not inside and held.id in home.params and isinstance(home.node, ast.FunctionDef):
            for caller, call in home.calls:
                value = arguments(home, call, 1 if home.owner is not None else 0).get(held.id) or default_of(
                    home, held.id
                )
                if value is not None:
                    yield caller, value
    elif isinstance(held, ast.Attribute) and isinstance(held.value, ast.Name) and held.value.id == "self":
        own = set(work.flow.bases(scope.owner)) if scope.owner is not None else set()
        for cls in own:
            for where, node in given_attributes(work, scope.file).get((cls, ast.unparse(held)), ()):
                yield where, node.value


@remembered
def given_attributes(work: Work, file: File) -> dict[tuple[Scope, str], list[tuple[Scope, ast.Assign]]]:
    """Where methods of a file give an attribute a value, by their class and its text."""
    found: dict[tuple[Scope, str], list[tuple[Scope, ast.Assign]]] = {}
    for node, where in file.where.items():
        if where.owner is not None and isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            found.setdefault((where.owner, ast.unparse(node.targets[0])), []).append((where, node))
    return found


def branches(value: ast.expr) -> Iterator[ast.expr]:
    """The values that an expression may have."""
    if isinstance(value, ast.IfExp):
        yield from branches(value.body)
        yield from branches(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for each in value.values:
            yield from branches(each)
    else:
        yield value


def known(work: Work, scope: Scope, value: ast.expr, depth: int = 0) -> bool:
    """Whether an optimizer that was followed, or nothing, is given: by a function, in all its returns."""
    if isinstance(value, ast.Constant) and not value.value:
        return True
    if not work.flow.kinds(scope, value):
        return False
    target = work.flow.callee(scope, value) if isinstance(value, ast.Call) else None
    if target is None or not isinstance(target.node, ast.FunctionDef) or depth > DEEPEST:
        return True
    returns = [n.value for n in target.file.nodes[target] if isinstance(n, ast.Return)]
    found = [each for given in returns if given is not None for each in branches(given)]
    return all(
        isinstance(each, (ast.Name, ast.Tuple, ast.Dict)) or known(work, target, each, depth + 1) for each in found
    )
