"""Arguments and attributes under the other framework's name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...lexicon import GROUPED, MINDSPORE, TORCH
from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, File, Flow, Scope
from ..reading.parts import spelled
from .about import Found, calls, counter, head, looped, of_calando, of_mindspore

HINTS = {
    "lr": "learning_rate", "betas": "beta1 and beta2", "learning_rate": "lr", "beta1": "betas", "beta2": "betas",
    "epsilon": "eps", "eps": "epsilon", "alpha": "decay", "amsgrad": "use_amsgrad", "use_nesterov": "nesterov",
}  # fmt: skip
NAME, PARAM = re.compile(r"name|^n$|key", re.IGNORECASE), re.compile(r"param|^p$|weight|tensor", re.IGNORECASE)
LISTS = {"parameters_and_names", "named_parameters", "named_params"}


def wrong_names(flow: Flow) -> Found:
    """An argument under the other framework's name."""
    for thing in flow.all(OPTIMIZER):
        framework, _, name = thing.name.rpartition(".")
        table = {"mindspore": MINDSPORE, "mindspore.experimental": GROUPED}.get(framework, TORCH)[name]
        call = thing.node
        assert isinstance(call, ast.Call) and thing.scope is not None
        known = {*table.order, *table.keywords, "use_lazy", "use_offload"}
        if framework == "mindspore" and not of_calando(thing):
            yield from (
                (thing.scope.file, value, f"{name}'s {at} is one number here; it has beta1 and beta2")
                for at, value in zip(table.order, call.args, strict=False)
                if at in ("beta1", "beta2") and isinstance(value, (ast.Tuple, ast.List))
            )
        for word in written_out(flow, thing.scope, call) if not of_calando(thing) else ():
            if word.arg is not None and word.arg not in known:
                hint = HINTS.get(word.arg, "")
                told = f"; it is called {hint} there" if set(hint.split(" and ")) <= known and hint else ""
                yield thing.scope.file, word, f"{name} has no argument {word.arg!r}{told}"


def written_out(flow: Flow, scope: Scope, call: ast.Call) -> list[ast.keyword]:
    """A call's arguments by name, those of a dictionary it is given among them."""
    found = [word for word in call.keywords if word.arg is not None]
    for word in call.keywords:
        value = word.value if word.arg is None else None
        if isinstance(value, ast.Name):
            held = [
                s.value for _, s in stored(flow.home(scope, value.id)).get(value.id, []) if isinstance(s, ast.Assign)
            ]
            value = held[0] if len(held) == 1 else None
        for name, inner in (spelled(value) or {}).items():
            found.append(ast.copy_location(ast.keyword(name, inner), inner))
    return found


def wrong_attribute(flow: Flow) -> Found:
    """``optimizer.parameter``."""
    for file in flow.files:
        for node, scope in file.where.items():
            held = flow.things(scope, node.value) if getattr(node, "attr", "") == "parameter" else frozenset()  # type: ignore[attr-defined]
            if any(t.kind == OPTIMIZER and of_mindspore(t) for t in held):
                yield file, node, "an optimizer has no attribute parameter; it is called parameters"


def swapped_names(flow: Flow) -> Found:
    """``for param, name in net.parameters_and_names()``: the name comes first, in both frameworks."""
    for file in flow.files:
        for node in file.where:
            if not isinstance(node, (ast.For, ast.comprehension)) or not isinstance(node.iter, ast.Call):
                continue
            of, target = node.iter.func, node.target
            if not isinstance(of, ast.Attribute) or of.attr not in LISTS:
                continue
            names = [n.id for n in target.elts if isinstance(n, ast.Name)] if isinstance(target, ast.Tuple) else []
            if len(names) == 2 and PARAM.search(names[0]) and NAME.search(names[1]) and not NAME.search(names[0]):
                yield file, target, f"{of.attr} gives the name first and then the parameter"


def first_of_all(flow: Flow) -> Found:
    """A rate that divides by a power of the step, asked at step 0."""
    for file, scope, call in calls(flow):
        for place, function, argument in asked(call):
            target = flow.definition(scope, function)
            if target is None or not isinstance(target.node, ast.FunctionDef) or not target.params:
                continue
            at = target.params[0]
            if sinks(target.node, at) and (argument is None or from_zero(file, call, argument)):
                yield file, place, f"the first step is 0, and {function} raises it to a negative power: count from 1"
    for file in flow.files:
        for node, scope in file.scopes.items():
            bases = node.bases if isinstance(node, ast.ClassDef) else []
            method = flow.method(scope, "construct") if bases else None
            if method is None or not any(file.names.dotted(b).endswith("LearningRateSchedule") for b in bases):
                continue
            if isinstance(method.node, ast.FunctionDef) and sinks(method.node, [*method.params, "", ""][1]):
                told = "the first step is 0, raised to a negative power here: count from 1"
                yield method.file, head(method.node), told


def asked(call: ast.Call) -> Iterator[tuple[ast.AST, str, ast.Name | None]]:
    """A function of the step and what it is asked with: a call of it, or LambdaLR, which begins at 0."""
    if isinstance(call.func, ast.Name) and len(call.args) >= 1 and isinstance(call.args[0], ast.Name):
        yield call, call.func.id, call.args[0]
    if ast.unparse(call.func).rpartition(".")[2] == "LambdaLR":
        given = (
            call.args[1] if len(call.args) > 1 else next((w.value for w in call.keywords if w.arg == "lr_lambda"), None)
        )
        if isinstance(given, ast.Name):
            yield call, given.id, None


def sinks(function: ast.FunctionDef, name: str) -> bool:
    """Whether a function raises its argument to a negative power as it is."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return False
        if isinstance(node, (ast.If, ast.IfExp)) and any(
            isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.test)
        ):
            return False
    for node in ast.walk(function):
        base = power = None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, power = node.left, node.right
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("pow") and len(node.args) == 2:
            base, power = node.args
        below = isinstance(power, ast.UnaryOp) and isinstance(power.op, ast.USub)
        if below and isinstance(base, ast.Name) and base.id == name and isinstance(power.operand, ast.Constant):  # type: ignore[union-attr]
            return True
    return False


def from_zero(file: File, call: ast.Call, argument: ast.Name) -> bool:
    """Whether a name is a loop's counter that begins at 0."""
    return any(counter(loop) == argument.id for loop in looped(file, call))
