"""Backward calls of other losses that add to the gradients an optimizer is about to take."""

from __future__ import annotations

import ast
from bisect import bisect_left

from ..reading.blocks import block_of, spot
from ..reading.bound import values_given, values_read
from ..reading.flow import OPTIMIZER
from ..reading.scopes import BLOCKS, Scope
from ..work import Left, Work
from .attached import attached
from .handed import differentiated, handed
from .params import owner_networks
from .passes import backwards, taken_in
from .update import Update

DEEP = 2  # how far calls are followed


def shared_losses(work: Work) -> dict[int, int]:
    """id of a backward that adds to the gradients of another step → the line of that step, as far as was found."""
    found: dict[int, int] = work.flow.memory.setdefault("strays", {})
    return found


def alone(work: Work, update: Update, mine: list[tuple[ast.stmt, ast.Call]], clears: list[ast.stmt]) -> None:
    """Raise Left where gradients of another loss are still there when those for a step are made, or the other way."""
    line, others = update.call.lineno, before(work, update, mine, clears)
    networks = trained(work, update) if others else (set(), set())
    for statement, call in others:
        inner = handed(work.flow, work.flow.callee(update.scope, call))
        loss = taken_in(inner, call)[0] if inner is not None else differentiated(work.flow, update.scope, call)[0]
        if loss is not None and reaches(work, update.scope, statement, loss, networks):
            shared_losses(work)[id(statement)] = line
            told = f"the backward in line {statement.lineno} adds to the gradients of the step in line {line}"
            raise Left(f"{told}: they are not cleared between")
    for statement, _ in mine:
        if id(statement) in shared_losses(work):
            other = shared_losses(work)[id(statement)]
            told = f"its backward in line {statement.lineno} adds to the gradients of the step in line {other} too"
            raise Left(f"{told}: they are not cleared between")


def before(
    work: Work, update: Update, mine: list[tuple[ast.stmt, ast.Call]], clears: list[ast.stmt]
) -> list[tuple[ast.stmt, ast.Call]]:
    """The backward calls between the last clearing and a step's own, also over the end of a turn."""
    first, own = spot(mine[0][0]), {id(statement) for statement, _ in mine}
    spots, found = backwards(work, update.scope)
    places = [spot(statement) for statement in clears]
    here = bisect_left(spots, first)
    if low := max((place for place in places if place < first), default=None):
        others = found[bisect_left(spots, low) : here]
    else:
        others = [*found[:here], *found[bisect_left(spots, max(places, default=first)) :]]
    return [(statement, call) for statement, call in others if id(statement) not in own]


def trained(work: Work, update: Update) -> tuple[set[object], set[str]]:
    """The networks whose parameters a step moves: what they are, and how they are called."""
    things: set[object] = set()
    names: set[str] = set()
    for each in update.sharers or [update]:
        for optimizer in work.flow.things(update.scope, ast.parse(each.at, mode="eval").body):
            if optimizer.kind == OPTIMIZER:
                for scope, owner in owner_networks(work, optimizer):
                    things |= work.flow.things(scope, owner)
                    names |= {ast.unparse(owner)} if scope is update.scope else set()
    return things, names


def reaches(
    work: Work, scope: Scope, statement: ast.stmt, loss: ast.expr, networks: tuple[set[object], set[str]]
) -> bool:
    """Whether gradients of a loss flow into networks: they are called in what it is made of."""
    block = block_of(scope.file, statement)
    needed = set(values_read(attached(loss)))
    parts: list[ast.AST] = [loss]
    for each in reversed(block[: block.index(statement)]):
        if values_given(each) & needed:
            parts.append(each)
            needed |= values_read(attached(each))
    return any(calls(work, scope, part, networks, 0) for part in parts)


def calls(work: Work, scope: Scope, part: ast.AST, networks: tuple[set[object], set[str]], depth: int) -> bool:
    """Whether one of the networks is called in a piece of code where gradients flow."""
    things, names = networks
    kept = {ast.unparse(n) for n in ast.walk(attached(part)) if isinstance(n, ast.Call)}
    for call in (n for n in ast.walk(part) if isinstance(n, ast.Call) and ast.unparse(n) in kept):
        func = call.func
        for asked in (func, *([func.value] if isinstance(func, ast.Attribute) else [])):
            if (depth == 0 and ast.unparse(asked) in names) or work.flow.things(scope, asked) & things:
                return True
        inner = work.flow.callee(scope, call) if depth < DEEP else None
        if inner is not None and isinstance(inner.node, BLOCKS) and calls(work, inner, inner.node, networks, depth + 1):
            return True
    return False
