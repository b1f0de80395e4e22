"""Where a GradScaler's scale moves: at its ``update``, by what the steps before it found."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..reading.blocks import spot
from ..reading.flow import SCALER
from ..reading.remembered import remembered
from ..reading.roads import conditions, enclosing
from ..reading.scopes import File, Scope
from ..work import Work


@dataclass(frozen=True, eq=False)
class Round:
    """The steps that one ``scaler.update()`` looks back on, of which the first is made whenever it is called."""

    update: ast.Call
    steps: list[ast.Call]


@remembered
def rounds(work: Work, scope: Scope) -> dict[int, Round]:
    """id of a step or of an ``update`` → the round it belongs to; those that belong to none are not there."""
    calls: dict[str, list[ast.Call]] = {}
    for call in scope.file.asked[scope]:
        func = call.func
        named = isinstance(func, ast.Attribute) and func.attr in ("step", "update")
        if named and SCALER in work.flow.kinds(scope, func.value):  # type: ignore[attr-defined]
            calls.setdefault(ast.unparse(func.value), []).append(call)  # type: ignore[attr-defined]
    found: dict[int, Round] = {}
    for held in calls.values():
        steps: list[ast.Call] = []
        for call in sorted(held, key=spot):
            if call.func.attr == "step":  # type: ignore[attr-defined]
                steps.append(call)
                continue
            if steps and follows(scope, call, steps):
                found |= {id(each): Round(call, steps) for each in (call, *steps)}
            steps = []
    return found


def follows(scope: Scope, update: ast.Call, steps: list[ast.Call]) -> bool:
    """Whether the first step was made whenever the scale is adjusted, and all in one turn of the loops."""
    turns = [enclosing(scope, each) for each in (update, *steps)]
    return all(each == turns[0] for each in turns) and under(scope, steps[0]) <= under(scope, update)


def under(scope: Scope, node: ast.AST) -> set[tuple[ast.If, bool]]:
    return set(conditions(scope.file, node, scope.node))


def flags(work: Work, file: File) -> tuple[str, str]:
    """The names of whether all gradients of a round, and those of a further step, are finite."""
    memory = work.flow.memory
    if ("flags", file) not in memory:
        memory["flags", file] = file.names.free("finite"), file.names.free("also_finite")
    found: tuple[str, str] = memory["flags", file]
    return found


def scaled_step(work: Work, scope: Scope, call: ast.Call, update: str, grads: str, scaler: str) -> list[str]:
    """The lines of an update that is left out where a gradient is not finite.

    Args:
        update: the update itself.
    """
    whole, other = flags(work, scope.file)
    round_ = rounds(work, scope).get(id(call))
    later = round_ is not None and round_.steps[0] is not call
    name = other if later else whole
    lines = [f"{name} = mindspore.amp.all_finite({grads})", f"if {name}:", f"{scope.file.source.unit}{update}"]
    if later:
        return [*lines, f"{whole} = {whole} and {name}"]
    return lines if round_ is not None else [*lines, f"{scaler}.adjust({name})"]
