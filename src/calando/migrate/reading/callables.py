"""Functions of the project under another name: handed over as an argument, or read as a property."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .scopes import Scope

if TYPE_CHECKING:
    from .flow import Flow

DEEP = 3  # through how many calls a function is followed


def parameter(flow: Flow, scope: Scope, name: str, depth: int = 0) -> Scope | None:
    """The one function that every caller hands over under a parameter's name; None where there is none, or several."""
    home = flow.home(scope, name)
    if name not in home.params or depth > DEEP:
        return None
    found: set[Scope | None] = set()
    for caller, call in home.calls:
        given = arguments(home, call, 1 if home.owner is not None else 0).get(name)
        each = None
        if isinstance(given, ast.Name):
            each = flow.definition(caller, given.id, given) or parameter(flow, caller, given.id, depth + 1)
        elif isinstance(given, ast.Attribute):
            each = flow.abroad(caller.file.names.dotted(given), caller.file)
        found.add(each)
    return found.pop() if len(found) == 1 else None


def read_as_property(method: Scope | None) -> bool:
    """Whether a method is read like an attribute."""
    decorators = getattr(method.node, "decorator_list", []) if method is not None else []
    return any(ast.unparse(each).rpartition(".")[2] in ("property", "cached_property") for each in decorators)


def skipped(target: Scope, call: ast.Call) -> int:
    """How many of a function's parameters a call does not write: 1 for a method's ``self``."""
    if target.owner is None:
        return 0
    return 1 if isinstance(call.func, ast.Attribute) or calls_object(target) else 0


def calls_object(target: Scope) -> bool:
    """Whether a function is called by calling its object."""
    return target.owner is not None and getattr(target.node, "name", "") == "__call__"


def arguments(target: Scope, call: ast.Call, skipped: int = 0) -> dict[str, ast.expr]:
    """Which expression of a call goes to which parameter of a function."""
    names = target.params[skipped:]
    found: dict[str, ast.expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        found[name] = value
    found.update({word.arg: word.value for word in call.keywords if word.arg is not None})
    return found


def fields(cls: Scope, call: ast.Call) -> dict[str, ast.expr]:
    """What a call gives the fields of a dataclass or named tuple, which have no ``__init__`` that could be read."""
    body = getattr(cls.node, "body", ())
    names = [s.target.id for s in body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
    found = dict(zip(names, call.args, strict=False))
    return found | {str(word.arg): word.value for word in call.keywords if word.arg in names}
