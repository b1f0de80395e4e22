"""Rates and decays of MindSpore's that move: lists, and Cells that are asked step by step."""

from __future__ import annotations

import ast

from ..finding import KEPT, REWRITTEN, Finding
from ..reading.carry import constant, giving
from ..reading.flow import Scope, Thing
from ..reading.parts import parts_of, spelled
from ..work import Work, uses

SCHEDULES = ("DecayLR", "WarmUpLR", "LearningRateSchedule")


def moves(work: Work, thing: Thing, given: dict[str | None, ast.expr]) -> bool:
    """Whether an optimizer's learning rate may be a list or schedule, or its clock is asked for."""
    scope = thing.scope
    assert scope is not None
    rate = given.get("learning_rate")
    if rate is not None and not surely_number(work, scope, rate):
        return True
    for where, node in parts_of(work.flow, scope, given["params"]) if "params" in given else ():
        for inner in ast.walk(node):
            for key, value in (spelled(inner) or {}).items():
                if key == "lr" and not surely_number(work, where, value):
                    return True
                if key == "weight_decay" and schedule(work, where, value):
                    return True
    decay = given.get("weight_decay")
    if decay is not None and schedule(work, scope, decay):
        return True
    return any(getattr(s.file.parents[n], "attr", "") == "global_step" for s, n in uses(work.flow, thing))


def schedule(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is a Cell that is asked step by step."""
    return made(work, scope, node) is not None


def surely_number(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is one number."""
    if constant(work.flow, node, scope) is not None:
        return True
    text = ast.unparse(node)
    if isinstance(node, ast.Attribute) and text.rpartition(".")[2] in ("lr", "learning_rate", "base_lr"):
        return True
    return isinstance(node, ast.Call) and text.startswith("float(")


def made(work: Work, scope: Scope, node: ast.expr) -> tuple[Scope, ast.expr] | None:
    """Where a Cell that is asked step by step is made, by its name or in place; None where an expression is none."""
    if isinstance(node, ast.Name):
        home = work.flow.home(scope, node.id)
        values = [s.value for _, s in giving(work.flow, scope, node) if isinstance(s, ast.Assign)]
        return next(((home, value) for value in values if is_schedule(work, home, value)), None)
    return (scope, node) if is_schedule(work, scope, node) else None


def schedule_text(work: Work, scope: Scope, node: ast.expr, statement: ast.stmt, word: str) -> str:
    """A Cell of MindSpore's as a function of the step; empty where it is none."""
    found = made(work, scope, node)
    if found is None:
        return ""
    told(work, *found)
    name = node.id if isinstance(node, ast.Name) else scope.file.names.free(f"{word}_of")
    if not isinstance(node, ast.Name):
        work.before(scope.file, statement, f"{name} = {scope.file.source.code(node)}")
    work.need(scope.file, "import mindspore")
    return f"lambda step: float({name}(mindspore.Tensor(step, mindspore.int32)).asnumpy())"


def grouped_schedule(work: Work, scope: Scope, node: ast.expr) -> None:
    """A Cell of MindSpore's in a group, where a function of the step must be one expression."""
    found = made(work, scope, node)
    if found is None or id(node) in work.told:
        return
    told(work, *found)
    work.need(scope.file, "import calando.migrate.asked")
    work.replace(scope.file, node, f"calando.migrate.asked.Asked({scope.file.source.code(node)})")
    work.say(scope.file, node, REWRITTEN, "asked at every update, as a function of the step", "schedule")


def told(work: Work, scope: Scope, call: ast.expr) -> None:
    """Say of a class of the script's own that it stays, and is no network."""
    target = work.flow.callee(scope, call) if isinstance(call, ast.Call) else None
    if target is not None and id(target.node) not in work.told:
        work.told.append(id(target.node))
        text, line = target.file.source.code(target.node).splitlines()[0], target.node.lineno  # type: ignore[attr-defined]
        why = "a schedule that is asked step by step"
        work.findings.append(Finding(target.file.source.name, line, KEPT, text, why, "schedule"))


def is_schedule(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression makes a LearningRateSchedule."""
    if not isinstance(node, ast.Call):
        return False
    dotted = scope.file.names.dotted(node.func)
    if dotted.endswith(SCHEDULES):
        return True
    target = work.flow.callee(scope, node)
    if target is None or not isinstance(target.node, ast.ClassDef):
        return False
    return work.flow.is_network(target) or any(
        target.file.names.dotted(base).endswith("LearningRateSchedule") for base in target.node.bases
    )
