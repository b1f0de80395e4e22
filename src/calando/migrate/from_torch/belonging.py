"""Which backward calls a step takes its gradients from, and whether they gather."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right

from ..reading.blocks import spot, statement_of
from ..reading.either import Either
from ..reading.mentions import OTHERS
from ..reading.remembered import remembered
from ..reading.rhythm import either, updates_of_all
from ..reading.roads import LOOPS, conditions
from ..reading.scopes import BLOCKS, File, Scope
from ..work import Left, Work
from .forks import alternatives
from .handed import handed
from .passes import backwards, passes
from .update import Update

RATES = re.compile(r"sched|warmup|(^|[._])lr", re.IGNORECASE)  # what else has a step


@remembered
def known_steps(work: Work, scope: Scope) -> list[tuple[int, int]]:
    """Where optimizers are stepped in a function, those that are not known here too, in order."""
    steps = [call for call in updates_of_all(work.flow).get(scope, ()) if getattr(call.func, "attr", "") == "step"]
    return sorted(map(spot, [*steps, *(call for call in scope.file.asked[scope] if unknown_step(work, scope, call))]))


def around(spots: list[tuple[int, int]], at: tuple[int, int]) -> list[tuple[int, int]]:
    """The place before another one, and the place after it."""
    low, high = bisect_left(spots, at), bisect_right(spots, at)
    return [*spots[max(low - 1, 0) : low], *spots[high : high + 1]]


def unknown_step(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a call may be the step of an optimizer that is not known here: the gradients before it are its own."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr != "step" or call.args or call.keywords:
        return False
    held = ast.unparse(func.value)
    return not (work.flow.things(scope, func.value) or RATES.search(held) or OTHERS.search(held))


def belonging(work: Work, update: Update, others: list[tuple[int, int]]) -> list[tuple[ast.stmt, ast.Call]]:
    """The backward calls whose gradients a step uses: those after the step before it."""
    scope = update.scope
    own, last = spot(update.call), spot(update.last)
    steps = sorted({*others, own, *around(known_steps(work, scope), own), *around(known_steps(work, scope), last)})
    low = max((each for each in steps if each < own), default=(0, 0))
    spots, calls = backwards(work, scope)
    found = calls[bisect_right(spots, low) : bisect_right(spots, own)]
    following = [each for each in steps if each > last]
    if handed(work.flow, work.flow.callee(scope, update.call)) is not None:
        return [(s, c) for s, c in passes(work, scope) if c is update.call]
    if following and bisect_right(spots, last) == bisect_right(spots, following[0]):
        raise Left(f"the steps in lines {last[0]} and {following[0][0]} share one backward")
    if update.twins and (own_ways := either(work.flow, scope, update.call)) is not None:
        there = [one for one in alternatives(work, scope, passes(work, scope)) if one.branch is own_ways.branch]
        inside = {statement for one in there for statement in one.statements}
        found = [(s, c) for s, c in passes(work, scope) if s in inside or (s, c) in found]
    if not found:
        told = f"the backward that belongs to the step in line {own[0]} was not found, or is another step's too"
        raise Left(told)
    return found


def accumulates(
    update: Update,
    mine: list[tuple[ast.stmt, ast.Call]],
    clears: list[tuple[Scope, ast.stmt]],
    ways: list[Either],
) -> bool:
    """Whether gradients of several backward calls are added before a step.

    Args:
        ways: the conditions of which every branch has one of them.
    """
    file, statement = update.scope.file, mine[0][0]
    if len(mine) > 1 and not any(len(one.statements) == len(mine) for one in ways):
        return True
    holder = statement_of(file, update.holder)
    loops = {id(node) for node in chain(file, statement)}
    own = {id(node) for node in chain(file, holder)}
    if loops != own:
        return True
    if not own or not clears or any(where is not update.scope for where, _ in clears):
        return False
    return not all(any(each_turn(file, clear, each) for _, clear in clears) for each, _ in mine)


def each_turn(file: File, clear: ast.stmt, backward: ast.stmt) -> bool:
    """Whether gradients are cleared in every turn of a loop in which a backward is made."""
    if chain(file, clear) != chain(file, backward):
        return False
    loop = chain(file, clear)[0]
    under = {(branch, other) for branch, other in conditions(file, backward, loop)}
    between = [n for n in ast.walk(loop) if isinstance(n, ast.Continue) and spot(backward) < spot(n) < spot(clear)]
    skips = any(chain(file, node)[0] is loop for node in between)
    return not skips and all(each in under for each in conditions(file, clear, loop))


def chain(file: File, node: ast.AST) -> list[ast.AST]:
    """The loops around a node, up to its function."""
    found: list[ast.AST] = []
    while node in file.parents and not isinstance(node, BLOCKS):
        node = file.parents[node]
        if isinstance(node, LOOPS):
            found.append(node)
    return found
