"""Several ``Model``s under one name: which of them a training means, and where one loop can be that of all.

Scripts for several platforms make one in each branch of a condition; they may differ in how they scale the loss.
"""

from __future__ import annotations

import ast

from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, Flow
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .back import Back, loss_scale
from .chosen_scale import ratio
from .model_words import arguments
from .scale import Scaling, scaling


def uses_of(flow: Flow, scope: Scope, target: ast.expr) -> list[ast.Attribute]:
    """Every ``model.something`` that may be of the Model that is given this name."""
    text, file = ast.unparse(target), scope.file
    found = [n for n in file.where if isinstance(n, ast.Attribute) and ast.unparse(n.value) == text]
    return [n for n in found if means(flow, scope, target, n.value)]


def means(flow: Flow, scope: Scope, target: ast.expr, read: ast.expr) -> bool:
    """Whether a name may have, where it is read, what it was given at a place."""
    if not isinstance(target, ast.Name) or not isinstance(read, ast.Name):
        return True
    where = scope.file.where[read]
    reached = flow.reaching(where, read)
    return flow.home(where, read.id) is flow.home(scope, target.id) and (reached is None or target in reached)


def rivals(flow: Flow, file: File, call: ast.Call, read: ast.expr) -> list[tuple[Scope, ast.Call]]:
    """The other Models that a training may mean."""
    found = []
    for scope, other in file.tails.get("Model", ()):
        above = file.parents[other]
        target = above.targets[0] if isinstance(above, ast.Assign) else None
        if other is call or target is None or ast.unparse(target) != ast.unparse(read):
            continue
        if means(flow, scope, target, read):
            found.append((scope, other))
    return found


def scale_of(work: Work, scope: Scope, given: dict[str, ast.expr]) -> tuple[str, ...]:
    """What decides how a Model's loss and its gradients are scaled, as it is written."""
    manager = given.get("loss_scale_manager")
    scales = {ast.unparse(manager) if manager is not None else ""}
    held = [t for t in work.flow.things(scope, given.get("optimizer")) if t.kind == OPTIMIZER]
    scales |= {f"/{loss_scale(thing)[0]}" for thing in held}
    return tuple(sorted(scales))


def agree(back: Back, scope: Scope, call: ast.Call, reads: list[ast.expr]) -> bool:
    """Whether one loop scales for every Model that these trainings may mean; else each says by a number how.

    Raises:
        Left: they train different things, or one of them watches for overflow and another does not.
    """
    work, file, mine, equal = back.work, scope.file, arguments(call), True
    for where, other in {id(o): (s, o) for read in reads for s, o in rivals(work.flow, file, call, read)}.values():
        its, lines = arguments(other), f"lines {call.lineno} and {other.lineno}"
        for word in ("network", "loss_fn", "optimizer"):
            if ast.dump(mine.get(word, ast.Constant(0))) != ast.dump(its.get(word, ast.Constant(0))):
                raise Left(f"the Models in {lines} have one name and another {word}: give each a loop of its own")
        network = mine.get("network")
        if isinstance(network, ast.Name) and given_between(work.flow, scope, network, call, other):
            raise Left(f"the Models in {lines} have one name, and {network.id} is another network in each")
        if scale_of(work, scope, mine) != scale_of(work, where, its):
            equal = False
            for place, each in ((scope, mine), (where, its)):
                if "loss_scale_manager" in each and scaling(work, place, each["loss_scale_manager"]).scaler:
                    raise Left(f"of the Models in {lines}, which have one name, one leaves updates out on overflow")
    return equal


def given_between(flow: Flow, scope: Scope, network: ast.Name, call: ast.Call, other: ast.Call) -> bool:
    """Whether a network's name has another value at one of two Models than at the other."""
    theirs = arguments(other).get("network")
    assert isinstance(theirs, ast.Name)
    here, there = (flow.reaching(scope.file.where[n], n) for n in (network, theirs))
    return here is not None and there is not None and {id(n) for n in here} != {id(n) for n in there}


def numbered(back: Back, scope: Scope, call: ast.Call, how: Scaling, target: ast.expr) -> tuple[Scaling, str]:
    """A scaling by a number that is set where the Model was made: the scaling, and the line that sets it.

    Raises:
        Left: there is no name for the number.
    """
    factor, divisor = back.scales(scope, call.lineno, how.sens)
    name = f"{ast.unparse(target)}_scale"
    if not isinstance(target, ast.Name) or stored(scope).get(name):
        raise Left(f"the Models of line {call.lineno} have one name and scale the loss in several ways")
    return Scaling(number=name), f"{name} = {ratio(factor, divisor)}"
