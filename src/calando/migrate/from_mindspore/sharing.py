"""Optimizers that may make the same update, one here and another there: what stands at it must be right for all."""

from __future__ import annotations

import ast

from ..reading.blocks import above
from ..reading.flow import NETWORK, OBJECT, OPTIMIZER, Thing
from ..reading.parts import asked, parts_of
from ..reading.remembered import remembered
from ..reading.rhythm import updates
from ..reading.roads import LOOPS
from ..reading.scopes import BLOCKS
from ..work import Work
from .cells import BUILT, READY, calls_with
from .given import arguments_of
from .handed import trainings


def trained(work: Work, thing: Thing) -> list[ast.Call]:
    """The calls that update by an optimizer, or that make what does."""
    return acting(work, thing) + [call for _, call in calls_with(work, thing, "Model")]


def acting(work: Work, thing: Thing) -> list[ast.Call]:
    """Those of them that are sure to: not a Model that may only evaluate."""
    made = [found for tail in (*READY, BUILT) for found in calls_with(work, thing, tail)]
    driven = calls_with(work, thing, "Model")
    handed = [found for _, call in driven for found in trainings(work.flow, call)]
    return [call for _, call in (*updates(work.flow, thing), *made, *handed)]


def torn(work: Work, done: set[Thing], left: dict[Thing, str]) -> dict[Thing, str]:
    """Optimizers that were rewritten beside one that was not, where either may make the same update."""
    lost: dict[int, Thing] = {}
    for other in left:
        for call in trained(work, other):
            lost.setdefault(id(call), other)
    found = {}
    for thing in done:
        beside = next((lost[id(call)] for call in trained(work, thing) if id(call) in lost), None)
        if beside is not None:
            line = beside.node.lineno  # type: ignore[attr-defined]
            found[thing] = f"the same update may be that of line {line}, which cannot be rewritten: {left[beside]}"
        elif (near := next((o for o in left if together(work, thing, o) or alike(work, thing, o)), None)) is not None:
            line = near.node.lineno  # type: ignore[attr-defined]
            same = "updates in the same step" if together(work, thing, near) else "trains the same network"
            found[thing] = f"that of line {line} {same}, and cannot be rewritten: {left[near]}"
    return found


def alike(work: Work, one: Thing, other: Thing) -> bool:
    """Whether two optimizers train the same network, which cannot be PyTorch's and MindSpore's."""
    if one.scope is None or other.scope is None or one.scope.file is not other.scope.file:
        return False  # scripts of one project call the same factory, each for a network of its own
    return bool(acting(work, other)) and not owners(work, one).isdisjoint(owners(work, other))


@remembered
def owners(work: Work, thing: Thing) -> frozenset[Thing]:
    """The networks whose parameters an optimizer is given where it is made."""
    params = arguments_of(thing).get("params")
    if params is None or thing.scope is None:
        return frozenset()
    return frozenset(
        held
        for scope, node in parts_of(work.flow, thing.scope, params)
        for owner in asked(node)
        for held in work.flow.things(scope, owner)
        if held.kind in (NETWORK, OBJECT)
    )


def together(work: Work, one: Thing, other: Thing) -> bool:
    """Whether two optimizers update in one function, or in one loop of a module: parts of one training step."""
    mine = [(scope, call) for scope, call in updates(work.flow, one)]
    theirs = dict(updates(work.flow, other))
    for scope, call in mine:
        if scope in theirs and isinstance(scope.node, BLOCKS):
            return True
        if scope in theirs:
            loops = {id(node) for node in above(scope.file, call) if isinstance(node, LOOPS)}
            return any(id(node) in loops for node in above(scope.file, theirs[scope]))
    return False


@remembered
def sharers(work: Work) -> dict[int, list[Thing]]:
    """The id of every call that updates, or makes what does → the optimizers that it may be of."""
    found: dict[int, list[Thing]] = {}
    for thing in work.flow.all(OPTIMIZER):
        for call in trained(work, thing):
            found.setdefault(id(call), []).append(thing)
    return found


def rivals(work: Work, thing: Thing) -> list[Thing]:
    """The other optimizers that may make an update of this one's."""
    held = (other for call in trained(work, thing) for other in sharers(work)[id(call)])
    return [other for other in dict.fromkeys(held) if other is not thing]
