"""A schedule for an optimizer that is there already: where the scheduler was made, or later."""

from __future__ import annotations

import ast

from ...lexicon import TORCH
from ..finding import REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import Thing
from ..reading.remembered import remembered
from ..reading.rhythm import grouped, outer_loops
from ..reading.roads import conditions
from ..reading.scopes import File, Scope
from ..schedulers.place import BASE, Placed, per_epoch
from ..schedulers.same_rate import one_rate
from ..work import Left, Work


def set_later(work: Work, place: Placed, groups: str) -> None:
    """Set a schedule where the scheduler was made; else keep it there under the scheduler's name until the loop.

    Args:
        groups: how an optimizer shows its groups: ``param_groups`` or ``current()``.

    Raises:
        Left: neither can be.
    """
    scope = place.thing.scope
    assert scope is not None
    statement = statement_of(scope.file, place.thing.node)
    why = work.attempt(lambda: leave_none(work, place, statement, here(work, place, groups, statement)))
    if why:
        keep(work, place, groups, statement, why)


def set_when_told(work: Work, place: Placed, groups: str) -> None:
    """A scheduler whose step is given the epoch: its name holds the schedule, and each step sets a number of it.

    Raises:
        Left: groups have rates of their own, or the optimizer has no name where the step is.
    """
    scope, (where, step), at = place.thing.scope, place.step, place.optimizer
    assert scope is not None and place.moment is not None and isinstance(step.func, ast.Attribute)
    file, held = where.file, where.file.source.code(step.func.value)
    optimizer = name_in(work, where, set(place.optimizers))
    if several(work, place) or not optimizer:
        raise Left("its step is given an argument, and its groups or its optimizer's name there are not known")
    statement = statement_of(scope.file, place.thing.node)
    text = final(work, scope, place.form.rate, f'{at}.{groups}[0]["lr"]')
    work.replace(scope.file, place.thing.node, text)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if target is None or statement.value is not place.thing.node:  # type: ignore[attr-defined]
        raise Left("its step is given an argument, and what it is made for was not recognised")
    after = scope.file.source.span(statement)[1]
    first = f'{at}.set("lr", {scope.file.source.code(target)}(0))'
    work.between(scope.file, after, after, f"\n{scope.file.source.indent(statement)}{first}")
    work.replace(file, step, f'{optimizer}.set("lr", {held}({file.source.code(place.moment)}))')
    work.say(file, step, REWRITTEN, "the rate of this epoch is set", "scheduler")


def here(work: Work, place: Placed, groups: str, statement: ast.stmt) -> list[str]:
    """Lines that set a schedule, for the place where the scheduler was made."""
    scope, at = place.thing.scope, place.optimizer
    assert scope is not None
    count, where = place.rhythm.count, place.rhythm.scope
    file = scope.file

    def timed(form: str, base: str) -> str:
        return per_epoch(work, final(work, scope, form, base), count, where, scope, statement.lineno)

    if place.form.each:
        shown = f'{at}.{groups}[{{}}]["lr"]'
        forms = enumerate(place.form.each)
        lines = [f'{at}.set("lr", {timed(form, shown.format(n))}, group={n})' for n, form in forms]
    elif several(work, place):
        group, number = file.names.free("group"), file.names.free("number")
        lines = [f"for {number}, {group} in enumerate({at}.{groups}):"]
        lines.append(f'    {at}.set("lr", {timed(place.form.rate, f"""{group}["lr"]""")}, group={number})')
    else:
        base = f'{at}.{groups}[0]["lr"]'
        lines = [f'{at}.set("lr", {timed(place.form.rate, base)})']
    if place.form.momentum:
        lines.append(f'{at}.set("{momentum_name(place)}", {timed(place.form.momentum, "")})')
    return lines


def several(work: Work, place: Placed) -> bool:
    """Whether the schedule starts from each group's own rate, and they may differ."""
    alone = all(one_rate(work, optimizer) for optimizer in place.optimizers)
    return not alone and BASE in place.form.rate


def momentum_name(place: Placed) -> str:
    """What the optimizers call the momentum that a scheduler moves."""
    found = {"momentum" if "momentum" in TORCH[o.name.partition(".")[2]].order else "beta1" for o in place.optimizers}
    if len(found) > 1:
        raise Left("the optimizers it drives call the momentum by different names")
    return found.pop()


def keep(work: Work, place: Placed, groups: str, statement: ast.stmt, why: str) -> None:
    """Leave a schedule that counts epochs under the scheduler's name; the loop that knows their length sets it.

    Raises:
        Left: no loop knows it, with ``why``.
    """
    scope, at, count = place.thing.scope, place.optimizer, place.rhythm.count
    assert scope is not None
    file = scope.file
    if count is None or place.form.momentum or place.form.each or place.lent:
        raise Left(why)
    owner, loop, rate, optimizer, length = knows(work, place, why)
    if several(work, place):
        group = file.names.free("group")
        text = final(work, scope, place.form.rate, f'{group}["lr"]')
        work.replace(file, place.thing.node, f"[{text} for {group} in {at}.{groups}]")
        each, number = owner.file.names.free("each"), owner.file.names.free("number")
        lines = [f"for {number}, {each} in enumerate({rate}):"]
        lines.append(f'    {optimizer}.set("lr", {each}.per_epoch({length}), group={number})')
    else:
        text = final(work, scope, place.form.rate, f'{at}.{groups}[0]["lr"]')
        work.replace(file, place.thing.node, text)
        lines = [f'{optimizer}.set("lr", {rate}.per_epoch({length}))']
    if perhaps(place, statement):
        lines = [f"if {rate} is not None:", *(f"{file.source.unit}{line}" for line in lines)]
    if lines not in [said for held, said in work.set if held is loop]:
        work.set.append((loop, lines))
        work.before(owner.file, loop, *lines)


def knows(work: Work, place: Placed, why: str) -> tuple[Scope, ast.stmt, str, str, str]:
    """The outermost loop before which an epoch's length, the schedule and the optimizer all have names."""
    from ..reading.carry import carry

    count, where = place.rhythm.count, place.rhythm.scope
    assert count is not None
    for loop, owner in outer_loops(work.flow, place.step):
        there = count if where is None else carry(work.flow, count, where, owner, loop.lineno)
        rate, optimizer = name_in(work, owner, {place.thing}), name_in(work, owner, set(place.optimizers))
        if there is not None and rate and optimizer:
            return owner, loop, rate, optimizer, ast.unparse(there)
    raise Left(why)


def name_in(work: Work, scope: Scope, wanted: set[Thing]) -> str:
    """How a thing is called in a scope; empty where it has no name there."""
    for name in [*scope.params, *sorted(scope.local)]:
        if wanted & work.flow.home(scope, name).env.get(name, frozenset()):
            return name
    if scope.owner is not None and scope.params:
        own = [at.node for at in work.flow.bases(scope.owner)]
        for cls, attribute in (key for thing in wanted for key in work.flow.keepers(thing)):
            if cls in own:
                return f"{scope.params[0]}.{attribute}"
    names = (name for thing in wanted for name in top_names(work, scope.file).get(thing, ()))
    return next((name for name in names if name not in scope.local), "")


@remembered
def top_names(work: Work, file: File) -> dict[Thing, list[str]]:
    """The names at the top of a file, by what they may stand for."""
    found: dict[Thing, list[str]] = {}
    for name, held in file.top.env.items():
        for each in held:
            found.setdefault(each, []).append(name)
    return found


def perhaps(place: Placed, statement: ast.stmt) -> bool:
    """Whether the scheduler may be None: it is made, or stepped, only under a condition."""
    scope, (where, step) = place.thing.scope, place.step
    assert scope is not None
    whole = isinstance(getattr(statement, "value", None), ast.IfExp)
    made = whole or any(conditions(scope.file, statement, scope.node))
    asked = [branch.test for branch, _ in conditions(where.file, step, where.node)]
    own = ast.unparse(step.func.value)  # type: ignore[attr-defined]
    return made or any(own in ast.unparse(test) for test in asked)


def final(work: Work, scope: Scope, form: str, base: str) -> str:
    """A closed form with the schedules' module and the learning rate it starts from."""
    beside = any(f"{BASE} {sign}" in form or f"{sign} {BASE}" in form for sign in "*/")
    text = form.replace(f"({BASE})", f"({base})").replace(BASE, grouped(base) if beside and base else base)
    return text.replace("{S}", work.schedules(scope.file))


def stands_alone(place: Placed) -> bool:
    """Whether a scheduler is all that its statement makes, so that the statement may go."""
    scope = place.thing.scope
    assert scope is not None
    value = getattr(statement_of(scope.file, place.thing.node), "value", None)
    return value is place.thing.node or (isinstance(value, ast.Tuple) and place.thing.node in value.elts)


def leave_none(work: Work, place: Placed, statement: ast.stmt, lines: list[str]) -> None:
    """Put lines where the scheduler was made; None, or the optimizer, under its name where that is still asked for."""
    file = place.thing.scope.file  # type: ignore[union-attr]
    value = getattr(statement, "value", None)
    left = place.optimizer if place.lent or place.tested else "None"
    if isinstance(statement, ast.Return) and isinstance(value, ast.Tuple) and place.thing.node in value.elts:
        work.replace(file, place.thing.node, left)
        if lines:
            work.before(file, statement, *lines)
        return
    if value is not place.thing.node:
        raise Left("it is made inside a larger expression")
    if isinstance(statement, ast.Return):
        work.replace(file, statement, f"\n{file.source.indent(statement)}".join([*lines, f"return {left}"]))
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if place.kept or place.lent or place.tested or len(targets) != 1:
            lines = [*lines, f"{' = '.join(file.source.code(t) for t in targets)} = {left}"]
        if lines:
            work.replace(file, statement, f"\n{file.source.indent(statement)}".join(lines))
        else:
            work.remove(file, statement)
    else:
        raise Left("what it is made for was not recognised")
