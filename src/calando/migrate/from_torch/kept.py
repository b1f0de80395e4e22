"""Names whose values a forward pass keeps from before, or from one turn of the loop to the next."""

from __future__ import annotations

import ast

from ..reading.blocks import above, block_of, spot
from ..reading.carry import stored
from ..reading.flow import Flow
from ..reading.remembered import remembered
from ..reading.roads import enclosing
from ..reading.scopes import Scope
from ..reading.unsure import unsure
from ..work import Work
from .passes import Pass


def keep(work: Work, one: Pass, read: set[str], inner: set[str], used: set[str]) -> tuple[set[str], set[str]]:
    """What goes in and comes out of a forward pass besides, because it may not be given a value in it.

    Args:
        read: the names that are read in it before they are given a value.
        inner: the names that it gives a value.
        used: those of them that are read after it.
    """
    loops = enclosing(one.scope, one.backward)
    region = [*one.again, *one.region]
    inside, _ = unsure(region, {"": one.loss})
    out = {name for name in inside | (read & inner) if loops and carried(work, one, name, loops[-1])}
    _, late = unsure(region, dict.fromkeys((used | out) - {one.name}))
    entering = {name for name in inside | late if before(work, one, name)}
    if anew := sorted((inside | late) - entering):
        lines = [f"{name} = None" for name in anew]
        if loops:
            start = one.scope.file.source.starts[loops[0].lineno - 1]  # type: ignore[attr-defined]
            have = [edit.text for _, edit in work.edits.near(one.scope.file, start, start)]
            work.before(one.scope.file, loops[0], *(each for each in lines if not any(each in text for text in have)))  # type: ignore[arg-type]
            entering |= set(anew)
            out |= inside & set(anew)
        else:
            one.start = lines
    return entering, out


def carried(work: Work, one: Pass, name: str, loop: ast.AST) -> bool:
    """Whether the value that a name has in a forward pass may be that of the turn before."""
    file, targets = one.scope.file, {n for each in enclosing(one.scope, one.backward) for n in goes_over(each)}
    own = {id(n) for s in one.region for n in ast.walk(s)}
    turn = {id(n) for n in ast.walk(loop)}
    for node in file.loads(one.scope).get(name, ()):
        if id(node) not in own or file.where[node] is not one.scope:
            continue
        reached = work.flow.reaching(one.scope, node)
        if reached is None:
            return name not in targets
        if any(id(store) not in turn or (id(store) in own and spot(store) > spot(node)) for store in reached):
            return True
    return False


@remembered
def deleted(flow: Flow, scope: Scope) -> set[str]:
    """The names that a function deletes, and that must have a value for it."""
    return {n.id for n in scope.file.nodes[scope] if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Del)}


def goes_over(loop: ast.AST) -> set[str]:
    """The names that a loop gives a value at each turn."""
    target = getattr(loop, "target", None)
    return {n.id for n in ast.walk(target) if isinstance(n, ast.Name)} if target is not None else set()


def before(work: Work, one: Pass, name: str) -> bool:
    """Whether a name has got a value before a forward pass: before the loops around it, or in each of their turns."""
    scope, file = one.scope, one.scope.file
    loops = enclosing(scope, one.backward)
    own = {id(n) for s in (*one.again, *one.region, *one.later) for n in ast.walk(s)}
    turn = {id(n) for n in ast.walk(loops[0])} if loops else set()
    around = {one.backward, *above(file, one.backward)}
    for store, statement in stored(work.flow.home(scope, name)).get(name, ()):
        if id(store) in own or spot(store) > spot(one.backward):
            continue
        if id(store) not in turn or statement in around or around & set(block_of(file, statement)):  # type: ignore[arg-type]
            return True
    return name in scope.params
