"""A GradScaler as MindSpore's DynamicLossScaler."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import spot, statement_of
from ..reading.flow import SCALER, Thing
from ..reading.scopes import File, Scope
from ..work import Left, Work, uses
from .adjusted import flags, rounds
from .passes import Pass

STILL = "mindspore.amp.StaticLossScaler(1.0)"
STATE = "calando.migrate.scaler_state"


def unscaled(one: Pass, name: str) -> list[str]:
    """Gradients and loss without the scale of a GradScaler, where they are made."""
    lines = loosened(one, name)
    if one.fork is None or not lines or not one.fork.when:
        return lines
    unit = one.scope.file.source.unit
    return [] if one.fork.inside else [f"if {one.fork.when}:", *(unit + line for line in lines)]


def loosened(one: Pass, name: str) -> list[str]:
    """The lines that take the scale of a GradScaler from gradients and loss."""
    if not one.scaler:
        return []
    lines = [f"{name} = {one.scaler}.unscale({name})"]
    if one.name:
        lines.append(f"{one.name} = {one.scaler}.unscale({one.name})")
    return lines


def scalers(work: Work, found: list[Pass]) -> None:
    """A GradScaler as MindSpore's DynamicLossScaler."""
    things: set[Thing] = set()
    for one in found:
        if one.scaler and not (meant := held(work, one.scope, one.scaler)):
            raise Left(
                f"which GradScaler {one.scaler} is, for the backward in line {one.backward.lineno}, was not found"
            )
        things |= set(meant) if one.scaler else set()
    for thing in sorted(things, key=lambda thing: spot(thing.node)):
        if isinstance(thing.node, ast.Call) and id(thing.node) not in work.told:
            made(work, thing.scope.file, thing.node)  # type: ignore[union-attr]
        for scope, node in uses(work.flow, thing):
            parent = scope.file.parents[node]
            outer = scope.file.parents.get(parent)
            if isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call) and id(outer) not in work.told:
                used(work, scope.file, node, parent.attr, outer)


def held(work: Work, scope: Scope, scaler: str) -> list[Thing]:
    """The scalers that an expression may mean where a loss is scaled."""
    return [thing for thing in work.flow.things(scope, ast.parse(scaler, mode="eval").body) if thing.kind == SCALER]


def made(work: Work, file: File, call: ast.Call) -> None:
    """The call that makes it; where it is not enabled, a scale that stays 1.

    Raises:
        Left: its scale moves in a way that MindSpore's has not.
    """
    words = {w.arg: w.value for w in call.keywords if w.arg is not None}
    code = file.source.code
    growth, window = words.get("growth_factor"), words.get("growth_interval")
    factor = number(growth, 2.0)
    falls = number(words.get("backoff_factor"), 0.5)
    if None not in (factor, falls) and (factor != int(factor) or factor * falls != 1.0):  # type: ignore[arg-type, operator]
        raise Left(
            f"MindSpore's loss scale falls by what it rises by, a whole number, other than in line {call.lineno}"
        )
    rises = str(int(factor)) if factor is not None else code(growth)  # type: ignore[arg-type]
    scale = code(words["init_scale"]) if "init_scale" in words else "2.0**16"
    text = f"mindspore.amp.DynamicLossScaler({scale}, {rises}, {code(window) if window else 2000})"
    enabled = words.get("enabled")
    if isinstance(enabled, ast.Constant) and not enabled.value:
        text = STILL
    elif enabled is not None and not isinstance(enabled, ast.Constant):
        choice = f"{text} if {code(enabled)} else {STILL}"
        text = choice if isinstance(file.parents[call], (ast.Assign, ast.keyword)) else f"({choice})"
    work.need(file, "import mindspore")
    work.replace(file, call, text)
    reason = "it grows and falls as GradScaler did; autocast has no counterpart: mindspore.amp.auto_mixed_precision"
    work.say(file, call, CHECK, reason, "step")


def number(node: ast.expr | None, default: float) -> float | None:
    """The number that is written out; None where it is not."""
    if node is None:
        return default
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) else None


def used(work: Work, file: File, node: ast.expr, word: str, call: ast.Call) -> None:
    """One call of its methods."""
    at = file.source.code(node)
    scope = file.where[call]
    if word == "update" and call.args:
        raise Left(f"the scale is set by hand in line {call.lineno}")
    if word == "update" and id(call) in rounds(work, scope):
        work.replace(file, call, f"{at}.adjust({flags(work, file)[0]})")
        work.say(file, call, REWRITTEN, "the scale moves by what the update found", "step")
    elif word == "update":
        work.remove(file, statement_of(file, call))
        work.say(file, call, REWRITTEN, "the scale is adjusted beside the update", "step")
    elif word == "get_scale":
        work.replace(file, call, f"float({at}.scale_value.asnumpy())")
        work.say(file, call, REWRITTEN, "the scale is a number of the scaler", "step")
    elif word in ("state_dict", "load_state_dict"):
        given = [*call.args, *(w.value for w in call.keywords)]
        work.need(file, f"import {STATE}")
        name = "state" if word == "state_dict" else "restore"
        work.replace(file, call, f"{STATE}.{name}({', '.join([at, *map(file.source.code, given)])})")
        work.say(file, call, REWRITTEN, "the scale, and the updates since it last moved", "state")
