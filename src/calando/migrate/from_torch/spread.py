"""``for o in optimizers: o.step()`` behind one backward: each takes its part of the gradients."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import SCHEDULER
from ..reading.rhythm import over_optimizers
from ..reading.roads import enclosing
from ..reading.scopes import Scope
from ..work import Left, Work
from .passes import passes
from .update import Update


def each_in_turn(work: Work, scope: Scope, call: ast.Call) -> ast.For | None:
    """The loop from one optimizer to the next around a step, where the backward stands before it."""
    loops = enclosing(scope, call)
    loop = loops[-1] if loops else None
    if not isinstance(loop, ast.For) or not over_optimizers(loop, call):
        return None
    inside = {id(node) for node in ast.walk(loop)}
    return None if any(id(statement) in inside for statement, _ in passes(work, scope)) else loop


def spread(work: Work, scope: Scope, call: ast.Call, over: ast.For, given: tuple[str, str, str]) -> Update:
    """``for o in optimizers: o.step()``: each takes its part of the gradients.

    Raises:
        Left: more than the steps happens in the loop.
    """
    at, name, scaler = given
    file = scope.file
    others = [each for each in over.body if each is not statement_of(file, call)]
    alone = len(others) < len(over.body) and all(moves_rates(work, scope, each) for each in others)
    if scaler or over.orelse or not alone:
        raise Left(f"the loop in line {over.lineno} does more than to step each of several optimizers")
    work.before(file, over, f"{name} = iter({name})")
    work.replace(file, call, f"{at}(tuple(next({name}) for _ in {at}.parameters))")
    work.say(file, call, REWRITTEN, "each optimizer takes its part of the gradients", "step")
    return Update(scope, call, at, name, over=over)


def moves_rates(work: Work, scope: Scope, statement: ast.stmt) -> bool:
    """Whether a statement is the step of a scheduler and nothing more."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    func = call.func if isinstance(call, ast.Call) else None
    return isinstance(func, ast.Attribute) and work.flow.kinds(scope, func.value) == {SCHEDULER}
