"""Schedulers that go on as objects in MindSpore: the script's own, and those whose step is told what only it knows.

A class of the script's own keeps its lines; its base becomes calando's, which is stepped in the same way.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ..finding import KEPT, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import SCHEDULER, Thing
from ..reading.mentions import bases_of, own_classes
from ..reading.scopes import Scope
from ..schedulers.drivers import drives
from ..work import Left, Work, uses

if TYPE_CHECKING:
    from .party import Party

TORCH = "torch.optim.lr_scheduler"
ROOTS = {f"{TORCH}._LRScheduler": "LRScheduler", f"{TORCH}.LambdaLR": "LambdaLR"}
STEPPED = ("ReduceLROnPlateau", "CosineAnnealingWarmRestarts")
CHAINABLE = {
    "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR",
    "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "SequentialLR", "ChainedScheduler", "SWALR",
    "ReduceLROnPlateau",
}  # fmt: skip
INHERITED = {"_step_count", "_last_lr", "_get_lr_called_within_step", "_get_closed_form_lr"}


def stays_object(work: Work, thing: Thing) -> bool:
    """Whether a scheduler of PyTorch's stays one that is stepped: its step is given a metric, or a time of its own."""
    if thing.name not in STEPPED:
        return False
    return thing.name == "ReduceLROnPlateau" or any(
        isinstance(parent, ast.Attribute)
        and parent.attr == "step"
        and isinstance(call := scope.file.parents[parent], ast.Call)
        and bool(call.args or call.keywords)
        for scope, node in uses(work.flow, thing)
        for parent in [scope.file.parents[node]]
    )


def chainable(thing: Thing) -> bool:
    """Whether a scheduler of PyTorch's has an object that makes each rate from the last, whoever set that."""
    call = thing.node
    assert isinstance(call, ast.Call) and thing.scope is not None
    home = thing.scope.file.names.dotted(call.func)
    return thing.name in CHAINABLE and home.startswith("torch.optim.")


def own_schedulers(work: Work, optimizers: list[Thing]) -> list[Scope]:
    """The classes of the script's own, derived from PyTorch's schedulers, that are given one of these optimizers."""
    found: dict[int, Scope] = {}
    for thing in optimizers:
        for scope, _ in uses(work.flow, thing):
            if (cls := scheduler_class(work, scope)) is not None:
                found[id(cls)] = cls
    return list(found.values())


def scheduler_class(work: Work, scope: Scope) -> Scope | None:
    """The scheduler of the script's own that a method belongs to."""
    cls = scope.owner
    if cls is None:
        return None
    return cls if any(bases_of(at) & set(ROOTS) for at in work.flow.bases(cls)) else None


def rebase(work: Work, party: Party, home: str) -> None:
    """Let the script's own schedulers drive MindSpore's optimizers.

    Raises:
        Left: a class asks for more than its base in calando has, or another scheduler drives the same optimizer.
    """
    if not party.own_schedulers:
        return
    rival = [t for t in work.flow.all(SCHEDULER) if set(drives(work, t)) & set(party.optimizers)]
    for each in rival:
        if each not in party.stepped:
            line = each.node.lineno  # type: ignore[attr-defined]
            raise Left(f"the script's own scheduler and that of line {line} drive it, and only one may stay an object")
    for cls in party.own_schedulers:
        chain = list(work.flow.bases(cls))
        for at in chain:
            fits(work, at, chain)
            derive(work, at, home)
    handled = {id(at.node) for cls in party.own_schedulers for at in work.flow.bases(cls)}
    told = set(work.told)
    for key, (file, node, _) in work.mentions.items():
        if key in told or not isinstance(node, ast.Call):
            continue
        classes = own_classes(work.flow, node, file.where[node])
        if any(id(at.node) in handled for each in classes for at in work.flow.bases(each)):
            work.say(
                file, node, KEPT, "the script's own scheduler drives the new optimizer as it did the old", "scheduler"
            )


def derive(work: Work, cls: Scope, home: str) -> None:
    """Give a class calando's base in place of PyTorch's."""
    file, node = cls.file, cls.node
    assert isinstance(node, ast.ClassDef)
    for base in node.bases:
        name = ROOTS.get(file.names.dotted(base))
        if name is not None and id(base) not in work.told:
            work.need(file, f"import {home}")
            work.replace(file, base, f"{home}.{name}")
    if id(node) not in work.told:
        told = "the same class on calando's base: it sets the rate at each step, in its own formula"
        work.say(file, node, REWRITTEN, told, "scheduler")


def fits(work: Work, cls: Scope, chain: list[Scope]) -> None:
    """Raise Left where a class asks for more than its base in calando has."""
    file, node = cls.file, cls.node
    assert isinstance(node, ast.ClassDef)
    own = {n.attr for at in chain for n in ast.walk(at.node) if isinstance(n, ast.Attribute) and stored(n)}
    own |= {getattr(s, "name", "") for at in chain for s in ast.walk(at.node)}
    bases = {id(n) for base in node.bases for n in ast.walk(base)}
    for inner in ast.walk(node):
        if not isinstance(inner, ast.Attribute) or id(inner) in bases:
            continue
        line, holder = inner.lineno, ast.unparse(inner.value)
        inherited = (holder == "self" or holder.startswith("super(")) and re.match(r"_[^_]", inner.attr)
        if inherited and inner.attr not in own | INHERITED:
            raise Left(f"the script's own {node.name} uses {inner.attr} of PyTorch's base in line {line}")
        if holder.rpartition(".")[2] == "optimizer" and inner.attr != "param_groups":
            raise Left(f"the script's own {node.name} uses the optimizer's .{inner.attr} in line {line}")
        if holder == "self" and inner.attr == "optimizer" and stored(inner) and not early(file.where[inner], inner):
            raise Left(f"the script's own {node.name} sets its optimizer in line {line}, after its base did")
        if file.names.dotted(inner).startswith(TORCH):
            raise Left(f"the script's own {node.name} uses {ast.unparse(inner)} in line {line}")
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "isinstance" and "ptimizer" in ast.unparse(inner):
            raise Left(f"the script's own {node.name} asks for the optimizer's class in line {inner.lineno}")


def stored(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store)


def early(scope: Scope, node: ast.AST) -> bool:
    """Whether an assignment comes before the base's ``__init__`` in its function, which then makes it anew."""
    line = statement_of(scope.file, node).lineno
    calls = [c for c in scope.file.asked[scope] if getattr(c.func, "attr", "") == "__init__"]
    return any(line < call.lineno for call in calls)
