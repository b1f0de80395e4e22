"""Schedulers of PyTorch's that count epochs and are stepped at every batch, or the other way."""

from __future__ import annotations

import ast
from contextlib import suppress

from ..reading.flow import SCHEDULER, Flow, Thing
from ..reading.lengths import length_of
from ..reading.roads import LOOPS, enclosing
from ..reading.scopes import Scope
from .about import Found
from .amounts import Amount, Unsure, amount, product, said

WHOLE = {"CosineAnnealingLR": ("T_max", 1), "PolynomialLR": ("total_iters", 1), "OneCycleLR": ("total_steps", 2)}


def other_clock(flow: Flow) -> Found:
    """A schedule over the whole training, in epochs where the scheduler is stepped at every batch; or in batches."""
    for file in flow.files:
        for scope, call in file.methods.get("step", ()):
            loops = [loop for loop in enclosing(scope, call) if isinstance(loop, LOOPS)]
            made = [t for t in flow.things(scope, call.func.value) if t.kind == SCHEDULER]  # type: ignore[attr-defined]
            if call.args or call.keywords or len(made) != 1 or not loops:
                continue
            with suppress(Unsure):
                have, turns = lasting(flow, made[0]), [amount_of(flow, scope, loop) for loop in loops]
                yield from told(flow, scope, call, have, turns)


def told(flow: Flow, scope: Scope, call: ast.Call, have: Amount, turns: list[Amount]) -> Found:
    """What is wrong with a scheduler that lasts for ``have`` steps and is stepped in these loops.

    Raises:
        Unsure: a loop cannot be counted.
    """
    if len(turns) == 2 and have == turns[0] and turns[1] != {(): 1}:
        yield scope.file, call, f"the schedule is {said(have)} epochs long, and it is stepped at every batch"
    if len(turns) == 1:
        loop = enclosing(scope, call)[0]
        inner = [
            n for n in ast.walk(loop) if isinstance(n, LOOPS) and n is not loop and enclosing(scope, n)[-1:] == [loop]
        ]
        for each in inner:
            with suppress(Unsure):
                if have == product(turns[0], amount_of(flow, scope, each)) and have != turns[0]:
                    yield (
                        scope.file,
                        call,
                        f"the schedule is {said(have)} batches long, and it is stepped once per epoch",
                    )
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
