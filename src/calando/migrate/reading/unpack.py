"""``**options`` of an optimizer's call, where the dictionary is written out."""

from __future__ import annotations

import ast

from ...lexicon.pairs import IMPLEMENTATION
from ..work import Left, Work
from .carry import stored
from .scopes import Scope


def unpacked(work: Work, scope: Scope, call: ast.Call) -> tuple[str, dict[str, ast.expr]]:
    """A call's code with its dictionaries written out, and the arguments in them.

    Raises:
        Left: what a dictionary holds is not known here.
    """
    source = scope.file.source
    start, end = source.span(call)
    text, found = source.text[start:end], {}
    for word in reversed(call.keywords):
        if word.arg is not None:
            continue
        held = entries(work, scope, word.value)
        a, b = source.span(word)
        code = ", ".join(f"{name}={source.code(value)}" for name, value in held.items())
        if not held:  # nothing is left: its comma goes too
            a = source.text.rindex(",", start, a) if "," in source.text[start:a] else a
        text = text[: a - start] + code + text[b - start :]
        found.update(held)
    return text, found


def entries(work: Work, scope: Scope, node: ast.expr) -> dict[str, ast.expr]:
    """What a dictionary holds."""
    if isinstance(node, ast.IfExp):
        both = [entries(work, scope, each) for each in (node.body, node.orelse)]
        if all(name in IMPLEMENTATION for each in both for name in each):
            return {}  # they choose an implementation, not a path
    found: dict[str, ast.expr] = {}
    if isinstance(node, ast.Dict) and all(k is None or isinstance(getattr(k, "value", None), str) for k in node.keys):
        for key, value in zip(node.keys, node.values, strict=True):
            found.update(entries(work, scope, value) if key is None else {key.value: value})  # type: ignore[attr-defined]
        return found
    if isinstance(node, ast.Call) and scope.file.names.dotted(node.func) == "dict" and not node.args:
        for word in node.keywords:
            found.update(entries(work, scope, word.value) if word.arg is None else {word.arg: word.value})
        return found
    if isinstance(node, ast.Name) and node.id in scope.local:
        stores = [s for _, s in stored(scope).get(node.id, [])]
        if not stores and no_more(scope, node.id):
            return {}
        if len(stores) == 1 and isinstance(stores[0], ast.Assign) and not changed(scope, node.id):
            return entries(work, scope, stores[0].value)
    raise Left("its arguments are not written out (**)")


def no_more(scope: Scope, name: str) -> bool:
    """Whether a name is a function's ``**more``, and every call of it in the project gives nothing for that."""
    args = getattr(scope.node, "args", None)
    if args is None or args.kwarg is None or args.kwarg.arg != name or not scope.calls or changed(scope, name):
        return False
    known = {a.arg for a in (*args.args, *args.kwonlyargs)}
    return all(word.arg in known for _, call in scope.calls for word in call.keywords)


def changed(scope: Scope, name: str) -> bool:
    """Whether a dictionary gets other entries later."""
    for node in ast.walk(scope.node):
        if not isinstance(node, (ast.Subscript, ast.Attribute)) or ast.unparse(node.value) != name:
            continue
        if isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            return True
    return False
