"""Collections that optimizers and schedulers are kept in, and what a loop over one gets in each turn."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .thing import PACK, Thing

if TYPE_CHECKING:
    from .flow import Flow, Scope

EACH = "each"  # the only key of a collection whose entries are alike: any index finds what all of them may be
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
SAME = ("list", "tuple", "reversed", "sorted", "iter", "set")
ADDED = {"append": 0, "add": 0, "insert": 1, "setdefault": 1}


def alike(flow: Flow, node: ast.AST, found: frozenset[Thing]) -> frozenset[Thing]:
    """A collection each entry of which may be one of these things."""
    if not found:
        return frozenset()
    flow.collected |= {thing.key for thing in found}
    return frozenset({Thing(PACK, node, id(node), parts=(found,), keys=(EACH,))})


def comprehended(flow: Flow, scope: Scope, node: ast.expr) -> frozenset[Thing]:
    """What ``[make(m) for m in models]`` is."""
    value = node.value if isinstance(node, ast.DictComp) else node.elt  # type: ignore[attr-defined]
    return alike(flow, node, flow.things(scope, value))


def entry(thing: Thing, index: object) -> frozenset[Thing]:
    """An entry of a collection; ``index`` is None where it is not written out."""
    if thing.keys == (EACH,):
        return thing.parts[0]
    if index is not None and index in thing.keys:
        return thing.parts[thing.keys.index(index)]
    if not thing.keys and isinstance(index, int) and -len(thing.parts) <= index < len(thing.parts):
        return thing.parts[index]
    return frozenset() if index is not None else frozenset().union(*thing.parts)


def taken_out(flow: Flow, scope: Scope, call: ast.Call) -> frozenset[Thing]:
    """What ``pack.get("optimizer")`` and ``pack.pop("optimizer")`` are."""
    func, key = call.func, getattr(call.args[0], "value", None) if call.args else None
    if not isinstance(func, ast.Attribute) or func.attr not in ("get", "pop") or not isinstance(key, str):
        return frozenset()
    packs = [thing for thing in flow.things(scope, func.value) if thing.kind == PACK and key in thing.keys]
    return frozenset().union(*(entry(thing, key) for thing in packs))


def further(flow: Flow, scope: Scope, call: ast.Call, words: list[str]) -> frozenset[Thing]:
    """What a function's ``**more`` holds in one call of it."""
    given = {word.arg: flow.things(scope, word.value) for word in call.keywords if word.arg in words}
    if not any(given.values()):
        return frozenset()
    return frozenset({Thing(PACK, call, id(call), parts=tuple(given.values()), keys=tuple(given))})


def gathered_as(target: Scope) -> str | None:
    """The name of a function's ``**more``."""
    more = getattr(getattr(target.node, "args", None), "kwarg", None)
    return more.arg if more is not None else None


def elements(flow: Flow, scope: Scope, over: ast.expr) -> frozenset[Thing]:
    """What a loop gets in each turn: from a collection, or from ``zip``, ``enumerate``, ``items`` and the like."""
    if isinstance(over, ast.Call):
        func = over.func
        name = func.id if isinstance(func, ast.Name) else ""
        if name in SAME and over.args:
            return elements(flow, scope, over.args[0])
        if name == "enumerate" and over.args:
            return rows(over, frozenset(), elements(flow, scope, over.args[0]))
        if name == "zip":
            return rows(over, *(elements(flow, scope, each) for each in over.args))
        if isinstance(func, ast.Attribute) and func.attr in ("values", "items") and not over.args:
            entries = elements(flow, scope, func.value)
            return entries if func.attr == "values" else rows(over, frozenset(), entries)
    found: frozenset[Thing] = frozenset()
    for thing in flow.things(scope, over):
        if thing.kind == PACK:
            found = found.union(*thing.parts)
    return found


def rows(node: ast.AST, *parts: frozenset[Thing]) -> frozenset[Thing]:
    """What a loop gets that runs over several things at once."""
    return frozenset({Thing(PACK, node, id(node), parts=parts)}) if any(parts) else frozenset()


def put_in(flow: Flow, scope: Scope, call: ast.Call) -> tuple[ast.expr, frozenset[Thing]] | None:
    """The collection that a call such as ``optimizers.append(…)`` changes, and what it is from then on."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in ADDED or len(call.args) <= ADDED[func.attr]:
        return None
    found = alike(flow, call, flow.things(scope, call.args[ADDED[func.attr]]))
    return (func.value, found) if found else None
