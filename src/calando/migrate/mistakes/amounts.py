"""How many: numbers of steps as sums of products of what a script knows only when it runs."""

from __future__ import annotations

import ast
from collections import Counter
from contextlib import suppress

from ..reading.carry import constant, stored
from ..reading.flow import Flow, arguments
from ..reading.roads import default_of
from ..reading.scopes import Scope

Amount = Counter[tuple[str, ...]]  # sorted factors → how often; () is the number itself
SIZES = ("get_dataset_size", "len")
DEEPEST = 12


class Unsure(Exception):
    """How many it is cannot be said."""


def whole(number: int) -> Amount:
    """A number."""
    return Counter({(): number})


def product(one: Amount, other: Amount) -> Amount:
    """Both multiplied."""
    found: Amount = Counter()
    for a, m in one.items():
        for b, n in other.items():
            found[tuple(sorted(a + b))] += m * n
    return found


def plus(one: Amount, other: Amount, sign: int = 1) -> Amount:
    """Both added, or the other taken away."""
    found = Counter(one)
    for factors, times in other.items():
        found[factors] += sign * times
    return Counter({factors: times for factors, times in found.items() if times})


def amount(flow: Flow, scope: Scope, node: ast.expr, deep: int = 0) -> Amount:
    """How many an expression says.

    Raises:
        Unsure: it is neither a sum nor a product of whole numbers, names and sizes.
    """
    if deep > DEEPEST:
        raise Unsure
    known = constant(flow, node, scope)
    if known is not None and float(known).is_integer():
        return whole(int(known))
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
        left, right = (amount(flow, scope, each, deep + 1) for each in (node.left, node.right))
        if isinstance(node.op, ast.Mult):
            return product(left, right)
        return plus(left, right, 1 if isinstance(node.op, ast.Add) else -1)
    if isinstance(node, ast.Call):
        return of_call(flow, scope, node, deep)
    if isinstance(node, (ast.Name, ast.Attribute)):
        home, value = meant(flow, scope, node)
        with suppress(Unsure):
            if value is not None:
                return amount(flow, home, value, deep + 1)
        return Counter({(key(flow, home, node),): 1})
    raise Unsure


def of_call(flow: Flow, scope: Scope, call: ast.Call, deep: int) -> Amount:
    """``int(x)``, and the size of a data set: the option's number where there is one.

    Raises:
        Unsure: another call.
    """
    func = call.func
    if isinstance(func, ast.Name) and func.id == "int" and len(call.args) == 1:
        return amount(flow, scope, call.args[0], deep + 1)
    size = isinstance(func, ast.Attribute) and func.attr == SIZES[0] and not call.args
    over = func.value if size else call.args[0] if len(call.args) == 1 else None  # type: ignore[attr-defined]
    if not (size or (isinstance(func, ast.Name) and func.id == SIZES[1])) or over is None:
        raise Unsure
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
        if len(over.args) != 2:
            raise Unsure
        first, end = (amount(flow, scope, each, deep + 1) for each in over.args)
        return plus(end, first, -1)
    return size_of(flow, scope, over)


def size_of(flow: Flow, scope: Scope, over: ast.expr) -> Amount:
    """How many batches a data set has."""
    if (given := flow.memory.get("steps per epoch")) is not None:
        return whole(given)
    home = scope
    for _ in range(DEEPEST):
        home, value = meant(flow, home, over)
        if value is None or not isinstance(value, (ast.Name, ast.Attribute)):
            break
        over = value
    return Counter({(f"batches of {key(flow, home, over)}",): 1})


def meant(flow: Flow, scope: Scope, node: ast.expr) -> tuple[Scope, ast.expr | None]:
    """What a name stands for: its only value, or what the only caller of its function gives it; and where."""
    if not isinstance(node, ast.Name):
        return scope, None
    home = flow.home(scope, node.id)
    values = [s for _, s in stored(home).get(node.id, [])]
    if node.id in home.params and not values and len(home.calls) == 1:
        caller, call = home.calls[0]
        given = arguments(home, call, 1 if home.owner is not None else 0).get(node.id)
        return (caller, given) if given is not None else (home, default_of(home, node.id))
    if len(values) == 1 and isinstance(values[0], ast.Assign) and isinstance(values[0].targets[0], ast.Name):
        return home, values[0].value
    return home, None


def key(flow: Flow, scope: Scope, node: ast.expr) -> str:
    """A name that is the same wherever the same thing is meant."""
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    home = flow.home(scope, root.id) if isinstance(root, ast.Name) else scope
    return f"{ast.unparse(node)} \N{MIDDLE DOT} {id(home)}"


def said(found: Amount) -> str:
    """An amount for people."""
    text = ""
    for factors, times in sorted(found.items(), key=lambda each: -each[1]):
        names = [name.partition(" \N{MIDDLE DOT} ")[0] for name in factors]
        part = " × ".join([*([str(abs(times))] if abs(times) != 1 or not factors else []), *names])
        text += f" {'-' if times < 0 else '+'} {part}" if text else part
    return text or "0"


def fewer(one: Amount, other: Amount) -> bool:
    """Whether there are surely fewer of one than of the other: all that may vary is a number from 1 on.

    Either all of the difference is there whatever the names are, or the other is the one several times.
    """
    rest = plus(other, one, -1)
    if rest and all(times > 0 for times in rest.values()):
        return True
    if len(one) == 1 == len(other):
        ((small, m),), ((large, n),) = one.items(), other.items()
        return not Counter(small) - Counter(large) and n >= m and one != other
    return False
