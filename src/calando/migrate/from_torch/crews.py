"""Optimizers that are stepped in one function, kept in one class, or move one network: all are rewritten, or none."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable

from ..finding import HUMAN
from ..reading.flow import NETWORK, OBJECT, OPTIMIZER, SCALER, Thing
from ..reading.mentions import bases_of
from ..reading.rhythm import updates
from ..reading.scopes import Scope
from ..work import Left, Work
from .belonging import unknown_step
from .params import owner_networks
from .party import Party


def crews(work: Work, parties: list[Party]) -> list[list[Party]]:
    """Parties in groups: those of which one could not be left without breaking another."""
    found: dict[int, tuple[list[int], set[Hashable]]] = {}  # the parties of each crew and what they touch
    crew_of: dict[Hashable, int] = {}
    for number, party in enumerate(parties):
        members, keys = [number], places(work, party)
        for crew in sorted({crew_of[key] for key in keys if key in crew_of}):
            others, theirs = found.pop(crew)
            members, keys = members + others, keys | theirs
        found[number] = members, keys
        crew_of |= dict.fromkeys(keys, number)
    return [[parties[each] for each in sorted(members)] for members, _ in found.values()]


def places(work: Work, party: Party) -> set[Hashable]:
    """The functions that optimizers are stepped in, their scalers and class, the networks of their file they move."""
    found: set[Hashable] = set()
    for optimizer in party.optimizers:
        found |= {scope for scope, _ in updates(work.flow, optimizer)}
        found |= scalers_of(work, optimizer)
        found |= {("made in", optimizer.scope.owner)} if optimizer.scope and optimizer.scope.owner else set()
        for scope, owner in owner_networks(work, optimizer):
            moved = {t for t in work.flow.things(scope, owner) if t.kind in (NETWORK, OBJECT)}
            found |= {(thing, optimizer.scope.file) for thing in moved}  # type: ignore[union-attr]
    return found


def scalers_of(work: Work, optimizer: Thing) -> set[Hashable]:
    """The GradScalers that step an optimizer."""
    steps = [(scope, call.func.value) for scope, call in updates(work.flow, optimizer) if call.args]  # type: ignore[attr-defined]
    return {thing for scope, held in steps for thing in work.flow.things(scope, held) if thing.kind == SCALER}


def carried(
    work: Work, crew: list[Party], able: Callable[[Party], None], change: Callable[[Party], None]
) -> list[Thing]:
    """Rewrite all parties of a crew, or none; the optimizers that are left.

    Args:
        able: asked of each before any is changed, so that the reason is the one that matters.
    """
    at = crew[0]

    def every() -> None:
        nonlocal at
        for at in crew:
            able(at)
        at = crew[0]
        strangers(work, crew)
        for at in crew:
            work.patience.ask()
            change(at)

    why = work.attempt(every)
    if not why:
        return []
    line = at.optimizers[0].node.lineno  # type: ignore[attr-defined]
    for party in crew:
        mine = why if party is at else f"it goes with the optimizer of line {line}, which is left: {why}"
        for thing in party.optimizers:
            work.say(thing.scope.file, thing.node, HUMAN, f"left whole: {mine}", "optimizer")  # type: ignore[union-attr]
    return [thing for party in crew for thing in party.optimizers]


def strangers(work: Work, crew: list[Party]) -> None:
    """Raise Left where a function steps something that may be an optimizer, and is not known here."""
    scopes = {scope for party in crew for thing in party.optimizers for scope, _ in updates(work.flow, thing)}
    for scope in sorted(scopes, key=lambda scope: getattr(scope.node, "lineno", 0)):
        for call in scope.file.asked[scope]:
            if own_step(work, scope, call):
                raise Left(f"line {call.lineno} steps an optimizer of the script's own in the same function")
            if unknown_step(work, scope, call):
                raise Left(f"what line {call.lineno} steps in the same function is not known here")


def own_step(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a call steps an optimizer whose class the script defines."""
    func = call.func
    if not isinstance(func, ast.Attribute) or not func.attr.endswith("step"):
        return False
    held = work.flow.things(scope, func.value)
    classes = [t.scope for t in held if t.kind == OBJECT and t.scope is not None]
    own = any("torch.optim.Optimizer" in bases_of(at) for cls in classes for at in work.flow.bases(cls))
    return own and not any(t.kind == OPTIMIZER for t in held)
