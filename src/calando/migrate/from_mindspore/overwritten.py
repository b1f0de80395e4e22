"""Weights that a script writes itself: clamps, copies to another network, moving averages.

``ops.assign(p, value)`` in a loop over parameters becomes the same of PyTorch's, which those parameters are now.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..finding import HUMAN, REWRITTEN
from ..reading.blocks import above
from ..reading.carry import stored
from ..reading.flow import NETWORK, OBJECT, OPTIMIZER, arguments
from ..reading.parts import kept_as
from ..reading.rhythm import updates
from ..reading.roads import LOOPS
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .params import TAKEN
from .words import HOME, operator, said

STAYS = "a weight that the script writes: of a network of PyTorch's it is `with torch.no_grad(): weight.copy_(value)`"
WRAPS = {"zip", "enumerate", "list", "tuple", "sorted", "ParameterTuple"}


@dataclass
class Sources:
    """Where the parameters of a loop come from.

    Args:
        taken: ``net.trainable_params()`` and the like, with their scopes.
        cloned: ``weights.clone(…)``, likewise.
        wrapped: ``ParameterTuple(…)``, likewise.
    """

    taken: list[tuple[Scope, ast.Call]] = field(default_factory=list)
    cloned: list[tuple[Scope, ast.Call]] = field(default_factory=list)
    wrapped: list[tuple[Scope, ast.Call]] = field(default_factory=list)


def overwritten(work: Work) -> None:
    """Every weight that is assigned to in a loop over parameters; others are listed."""
    for file in work.flow.files:
        for scope, call, held, value in writes(work, file):
            if id(call) in work.told or not isinstance(file.parents[call], ast.Expr):
                continue
            if not isinstance(held, ast.Name) or work.attempt(
                lambda scope=scope, call=call, held=held, value=value: assigned(work, scope, call, held, value)  # type: ignore[misc]
            ):
                work.say(file, call, HUMAN, STAYS, "network")
        for scope, call in file.methods.get("clone", ()):
            if id(call) not in work.told:
                work.attempt(lambda scope=scope, call=call: rewrite(work, scope, call))  # type: ignore[misc]


def writes(work: Work, file: File) -> Iterator[tuple[Scope, ast.Call, ast.expr, ast.expr]]:
    """Where a weight may be written: ``ops.assign(p, value)``, and ``p.set_data(value)`` while it trains.

    Networks set their own weights when they are made, and converters those of files; that is theirs.
    """
    for scope, call in file.calls:
        if operator(scope, work, call.func) == "assign" and len(call.args) == 2 and isinstance(call.args[0], ast.Name):
            yield scope, call, call.args[0], call.args[1]
    trains = any(at.file is file for made in work.flow.all(OPTIMIZER) for at, _ in updates(work.flow, made))
    for name in ("set_data", "assign_value") if trains else ():
        for scope, call in file.methods.get(name, ()):
            made = call.args[0] if len(call.args) == 1 and not call.keywords else None
            first = isinstance(made, ast.Call) and "init" in ast.unparse(made.func).lower()
            own = scope.owner is not None and work.flow.is_network(scope.owner)
            held: ast.expr = call.func.value  # type: ignore[attr-defined]
            parts = work.flow.things(scope, held.value) if isinstance(held, ast.Attribute) else ()
            weight = isinstance(held, ast.Name) or any(
                t.kind == NETWORK or (t.kind == OBJECT and t.scope and work.flow.is_network(t.scope)) for t in parts
            )
            looped = any(isinstance(x, LOOPS) for x in above(file, call))
            if made is not None and weight and looped and not first and not own:
                yield scope, call, held, made


def assigned(work: Work, scope: Scope, call: ast.Call, held: ast.Name, value: ast.expr) -> None:
    """One assignment, and what its loop runs over.

    Raises:
        Left: that is not known, or the value has no counterpart.
    """
    file = scope.file
    if isinstance(call.func, ast.Attribute) and call.func.attr == "set_data" and isinstance(value, ast.Name):
        raise Left("set_data shares the memory of what it is given")
    loop = loop_of(file, scope, held)
    rewrite(work, scope, loop.iter)
    work.need(file, f"import {HOME}")
    work.replace(file, call, f"{HOME}.write({said(work, scope, held)}, {said(work, scope, value)})")
    work.say(file, call, REWRITTEN, "the same on PyTorch's weights, in place", "changing")


def rewrite(work: Work, scope: Scope, node: ast.expr) -> None:
    """Where parameters come from, in PyTorch's words.

    Raises:
        Left: that is not known.
    """
    found = Sources()
    sources(work, scope, node, found, set())
    if not found.taken and not found.cloned:
        raise Left("where these parameters come from is not known")
    for way, places in ((taken, found.taken), (cloned, found.cloned), (plain, found.wrapped)):
        for where, made in places:
            if id(made) not in work.told:
                way(work, where, made)


def loop_of(file: File, scope: Scope, held: ast.Name) -> ast.For:
    """The loop that gives a name its values."""
    node: ast.AST = held
    while node in file.parents and node is not scope.node:
        node = file.parents[node]
        if isinstance(node, ast.For) and held.id in {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}:
            return node
    raise Left("no loop over parameters gives the name its value")


def sources(work: Work, scope: Scope, node: ast.expr, found: Sources, seen: set[int]) -> None:
    """Where an expression takes parameters from.

    Raises:
        Left: from something that is not known.
    """
    if id(node) in seen:
        return
    seen.add(id(node))
    values: list[tuple[Scope, ast.expr]] = []
    func = node.func if isinstance(node, ast.Call) else None
    if isinstance(node, ast.Call) and isinstance(func, ast.Attribute) and func.attr in TAKEN:
        found.taken.append((scope, node))
        return
    if isinstance(node, ast.Call) and isinstance(func, ast.Attribute) and func.attr == "clone":
        found.cloned.append((scope, node))
        values = [(scope, func.value)]
    elif isinstance(node, ast.Call) and func is not None and ast.unparse(func).rpartition(".")[2] in WRAPS:
        values = [(scope, each) for each in node.args]
        if ast.unparse(func).endswith("ParameterTuple"):
            found.wrapped.append((scope, node))
    elif isinstance(node, ast.Name):
        values = named(work, scope, node)
    elif isinstance(node, ast.Attribute):
        held = work.flow.things(scope, node.value)
        if node.attr == "parameters" and any(t.kind == OPTIMIZER for t in held):
            return
        values = list(kept_as(scope, node))
        if not values and node.attr == "weights" and ast.unparse(node.value) == "self":
            return  # which a training step of PyTorch's has kept
    if not values:
        raise Left("what the loop runs over is not known")
    for where, value in values:
        sources(work, where, value, found, seen)


def named(work: Work, scope: Scope, node: ast.Name) -> list[tuple[Scope, ast.expr]]:
    """What a name is given, here or by the callers of its function."""
    home = work.flow.home(scope, node.id)
    values = [(home, s.value) for _, s in stored(home).get(node.id, []) if isinstance(s, ast.Assign)]
    if not values and node.id in home.params:
        skipped = 1 if home.owner is not None else 0
        given = [(caller, arguments(home, call, skipped).get(node.id)) for caller, call in home.calls]
        values = [(caller, value) for caller, value in given if value is not None]
    return values


def taken(work: Work, scope: Scope, call: ast.Call) -> None:
    """``net.trainable_params()`` in PyTorch's words."""
    assert isinstance(call.func, ast.Attribute)
    file, way = scope.file, call.func.attr
    if way == "parameters_and_names":
        work.need(file, "import calando.migrate.whole")
    work.replace(file, call, TAKEN[way].format(file.source.code(call.func.value)))
    work.say(file, call, REWRITTEN, "the parameters that are written to", "changing")


def cloned(work: Work, scope: Scope, call: ast.Call) -> None:
    """``weights.clone(prefix, init)``.

    Raises:
        Left: the copies do not start as the weights are.
    """
    file = scope.file
    words = {w.arg: w.value for w in call.keywords}
    init = words.get("init", call.args[1] if len(call.args) > 1 else ast.Constant("same"))
    if not isinstance(init, ast.Constant) or init.value != "same":
        raise Left(f"the copies in line {call.lineno} do not start as the weights are")
    assert isinstance(call.func, ast.Attribute)
    work.need(file, f"import {HOME}")
    work.between(file, *start_of(file, call), f"{HOME}.copies(")
    end = file.source.span(call.func.value)[1]
    work.between(file, end, file.source.span(call)[1], ")")
    work.say(file, call, REWRITTEN, "copies of PyTorch's weights", "changing")


def plain(work: Work, scope: Scope, call: ast.Call) -> None:
    """``ParameterTuple(weights)``."""
    work.within(scope.file, call.func, "tuple")
    work.say(scope.file, call, REWRITTEN, "PyTorch takes them as they are", "groups")


def start_of(file: File, call: ast.Call) -> tuple[int, int]:
    """The place before a call."""
    start = file.source.span(call)[0]
    return start, start
