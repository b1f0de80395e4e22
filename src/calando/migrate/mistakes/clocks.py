"""Schedulers of PyTorch's that count epochs and are stepped at every batch, or the other way."""

from __future__ import annotations

import ast
from contextlib import suppress

from ..reading.flow import SCHEDULER, Flow, Thing
from ..reading.lengths import length_of
from ..reading.rhythm import updates
from ..reading.roads import LOOPS, Road, roads
from ..reading.scopes import Scope
from .about import Found
from .amounts import Amount, Unsure, amount, product, said
from .timing import driven

WHOLE = {"CosineAnnealingLR": ("T_max", 1), "PolynomialLR": ("total_iters", 1), "OneCycleLR": ("total_steps", 2)}


def other_clock(flow: Flow) -> Found:
    """A schedule over the whole training, in epochs where the scheduler is stepped at every batch; or in batches."""
    for file in flow.files:
        for scope, call in file.methods.get("step", ()):
            made = [t for t in flow.things(scope, call.func.value) if t.kind == SCHEDULER]  # type: ignore[attr-defined]
            ways = roads(flow, scope, call) if len(made) == 1 and not call.args and not call.keywords else []
            loops = counted(ways[0]) if len(ways) == 1 else []
            if not loops:
                continue
            with suppress(Unsure):
                have, turns = lasting(flow, made[0]), [amount_of(flow, at, loop) for loop, at in loops[1:]]
                yield from told(flow, scope, call, have, whole(flow, *loops[0]), turns, deeper(flow, made[0], loops))


def counted(way: Road) -> list[tuple[ast.AST, Scope]]:
    """The loops on a way, without comprehensions."""
    return [(loop, at) for loop, at in way.loops if isinstance(loop, LOOPS)]


def deeper(flow: Flow, scheduler: Thing, loops: list[tuple[ast.AST, Scope]]) -> list[tuple[ast.AST, Scope]]:
    """The loops in which updates are made, one deeper than those in which the scheduler is stepped."""
    calls = [each for thing in driven(flow, scheduler) for each in updates(flow, thing)]
    ways = [counted(way) for place, update in calls for way in roads(flow, place, update)]
    return [way[-1] for way in ways if len(way) == len(loops) + 1 and way[:-1] == loops]


def whole(flow: Flow, loop: ast.AST, scope: Scope) -> list[Amount]:
    """How many epochs a loop over them means: all its turns, and for ``range(start, end)`` the end, too.

    Raises:
        Unsure: it cannot be counted.
    """
    over = getattr(loop, "iter", None)
    found = [amount_of(flow, scope, loop)]
    if isinstance(over, ast.Call) and ast.unparse(over.func) == "range" and len(over.args) == 2:
        found.append(amount(flow, scope, over.args[1]))
    return found


def told(
    flow: Flow,
    scope: Scope,
    call: ast.Call,
    have: Amount,
    epochs: list[Amount],
    turns: list[Amount],
    inner: list[tuple[ast.AST, Scope]],
) -> Found:
    """What is wrong with a scheduler that lasts for ``have`` steps and is stepped in these loops."""
    if len(turns) == 1 and have in epochs and turns[0] != {(): 1}:
        yield scope.file, call, f"the schedule is {said(have)} epochs long, and it is stepped at every batch"
    for loop, at in inner if not turns and have not in epochs else ():
        with suppress(Unsure):
            if have in [product(each, amount_of(flow, at, loop)) for each in epochs]:
                yield scope.file, call, f"the schedule is {said(have)} batches long, and it is stepped once per epoch"
                return


def lasting(flow: Flow, scheduler: Thing) -> Amount:
    """How many steps a schedule over the whole training lasts.

    Raises:
        Unsure: it is another kind of schedule, or that is not known.
    """
    call, name = scheduler.node, scheduler.name.rpartition(".")[2]
    assert isinstance(call, ast.Call)
    if name not in WHOLE or scheduler.scope is None:
        raise Unsure
    word, at = WHOLE[name]
    given = next((w.value for w in call.keywords if w.arg == word), call.args[at] if len(call.args) > at else None)
    if given is None:
        raise Unsure
    return amount(flow, scheduler.scope, given)


def amount_of(flow: Flow, scope: Scope, loop: ast.AST) -> Amount:
    """How many turns a loop makes.

    Raises:
        Unsure: that cannot be counted.
    """
    length = length_of(flow, scope, loop)
    if length is None:
        raise Unsure
    return amount(flow, scope, length)
