"""What goes with a scheduler that is taken out: its parts, its steps, its state."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.rhythm import early_end, updates
from ..reading.scopes import File
from ..work import Left, Work
from .place import Placed, has_state, loaded


def taken(work: Work, place: Placed) -> None:
    """Take out all that belongs to a scheduler whose schedule is inside the optimizer, and say so."""
    scope = place.thing.scope
    assert scope is not None
    file, statement = scope.file, statement_of(scope.file, place.thing.node)
    for part in place.parts:
        assert part.scope is not None
        whole = statement_of(part.scope.file, part.node)
        if whole is not statement:
            work.remove(part.scope.file, whole)
        work.say(part.scope.file, part.node, REWRITTEN, "a part of the schedule inside the optimizer", "scheduler")
    epoch = "" if place.rhythm.count is None else f"; an epoch is {said_count(place)} steps, from {place.rhythm.source}"
    note = (
        "; where GradScaler skips an update the schedule waits too, PyTorch's moved on" if scaled(work, place) else ""
    )
    if place.rhythm.count is not None and (line := early_end(work.flow, place.optimizers)):
        note += f"; a run that line {line} ends early has shorter epochs"
    line = loaded(work, place.optimizers)
    if line and not has_state(place):
        note += f"; it goes on where the optimizer's state is loaded in line {line}, PyTorch's began anew"
    certainty = CHECK if note else REWRITTEN
    work.say(file, place.thing.node, certainty, f"a schedule inside the optimizer{epoch}{note}", "scheduler")
    for where, gone in place.gone if place.moment is None else ():
        work.remove(where.file, gone)
        work.say(where.file, gone, REWRITTEN, "time passes inside the optimizer", "scheduler")
    for where, held, index in place.items:
        drop_item(work, where.file, held, index)


def said_read(work: Work, file: File, node: ast.AST, unsure: bool | None, reason: str) -> None:
    """Report a read of a rate.

    Args:
        unsure: None where it shows the number that PyTorch showed; else whether the scheduler is stepped before
            the update.
        reason: what is said where it does.
    """
    certainty = REWRITTEN if unsure is None else CHECK
    if unsure is not None:
        shown = "before the scheduler's first step PyTorch showed the one before"
        shown = shown if unsure else "PyTorch showed the last one's until the scheduler was stepped"
        reason = f"this is always the coming update's number; {shown}"
    work.say(file, node, certainty, reason, "reading")


def scaled(work: Work, place: Placed) -> bool:
    """Whether a GradScaler steps the optimizer."""
    calls = [call for optimizer in place.optimizers for _, call in updates(work.flow, optimizer)]
    return any(call.args for call in calls if isinstance(call.func, ast.Attribute))


def said_count(place: Placed) -> str:
    return ast.unparse(place.rhythm.count) if place.rhythm.count is not None else "1"


def drop_item(work: Work, file: File, held: ast.Dict, index: int) -> None:
    """Take an entry out of a dictionary that is written out."""
    key, value = held.keys[index], held.values[index]
    if key is None:
        raise Left("its state is stored in a way that was not recognised")
    start, end = file.source.span(key)[0], file.source.span(value)[1]
    text = file.source.text
    work.say(file, value, REWRITTEN, "the schedule is stored with the optimizer", "state")
    if index:  # from the end of the entry before it
        start = file.source.span(held.values[index - 1])[1]
        work.between(file, start, end, "")
        return
    after = end
    while after < len(text) and text[after] in ", \t":
        after += 1
    work.between(file, start, after, "")
