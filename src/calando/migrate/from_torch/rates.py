"""A schedule as the list that MindSpore's own optimizers take."""

from __future__ import annotations

import ast

from ..reading.carry import carry
from ..reading.flow import Thing
from ..reading.rhythm import grouped, total
from ..reading.scopes import Scope
from ..schedulers.place import BASE, Placed, per_epoch
from ..to_calando import arguments_of, moved
from ..work import Left, Work
from .later import final


def frozen(work: Work, place: Placed, scope: Scope, line: int) -> bool:
    """Whether all that a schedule is made of is known at an earlier line."""
    if any(moved(work, tree, scope, line) for tree in arguments_of(place)):
        return False
    count = place.rhythm.count
    if count is None:
        return True
    return place.rhythm.scope is None or carry(work.flow, count, place.rhythm.scope, scope, line) is not None


def guide_list(work: Work, place: Placed, thing: Thing, base: str, scope: Scope, line: int, read: bool) -> str:
    """One number per update.

    Raises:
        Left: how many updates there are is not known.
    """
    steps = total(work.flow, thing, scope, line)
    if steps is None:
        raise Left("how many updates the training makes is not known, and a list needs it")
    if read:
        steps = f"{grouped(steps)} + 1"  # who looks after the last update sees what would come
    count = place.rhythm.count
    epoch = "1"
    if count is not None:
        there = count if place.rhythm.scope is None else carry(work.flow, count, place.rhythm.scope, scope, line)
        if there is None:
            raise Left("how long an epoch is cannot be said where the optimizer is made; say --steps-per-epoch")
        epoch = ast.unparse(there)
    if work.wish.style == "guide" and place.form.guide:
        text = place.form.guide.format(total=steps, epoch=epoch)
        return f"mindspore.nn.{text.replace(BASE, base)}"
    if place.form.plain:
        k = "step" if count is None else f"(step // {grouped(epoch)})"
        text = place.form.plain.format(k=k).replace(f"({k})", k if k.startswith("(") else f"({k})")
        at = grouped(base) if f"{BASE} *" in text or f"* {BASE}" in text else base
        return f"[{text.replace(BASE, at)} for step in range({steps})]"
    rate = per_epoch(work, final(work, scope, place.form.rate, base), count, place.rhythm.scope, scope, line)
    return f"[{grouped(rate)}(step) for step in range({steps})]"
