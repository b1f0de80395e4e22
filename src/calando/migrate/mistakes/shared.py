"""Networks that were meant to be copies and share their memory."""

from __future__ import annotations

import ast
import re

from ..reading.flow import OPTIMIZER, Flow
from ..reading.scopes import Scope
from .about import Found, looped, of_mindspore
from .gradients import first

STILL = re.compile(r"target|teacher|(^|_)(ema|old|ref|key)|copy|frozen|momentum|best|snapshot", re.IGNORECASE)
LISTS = {"trainable_params", "get_parameters"}
SHARED = (
    "MindSpore lets both share one memory, so the copy moves with every update of the network it was taken from: "
    "use ops.assign"
)


def shared_memory(flow: Flow) -> Found:
    """``q.set_data(p)`` and ``load_param_into_net(copy, net.parameters_dict())`` of a network that is trained."""
    trained = {(t.scope.file, first(t)) for t in filter(of_mindspore, flow.all(OPTIMIZER)) if t.scope is not None}
    for file in {file for file, _ in trained}:
        told = " ".join(text for where, text in trained if where is file)
        for scope, call in file.methods.get("set_data", ()):
            owner = network_of(scope, call.args[0]) if len(call.args) == 1 else ""
            copy = network_of(scope, call.func.value)  # type: ignore[attr-defined]
            if owner and f"{owner}.trainable_params" in told and STILL.search(copy):
                yield file, call, SHARED
        for _, call in file.tails.get("load_param_into_net", ()):
            given = call.args[1] if len(call.args) > 1 else None
            func = given.func if isinstance(given, ast.Call) else None
            source = (
                ast.unparse(func.value) if isinstance(func, ast.Attribute) and func.attr == "parameters_dict" else ""
            )
            if source and f"{source}.trainable_params" in told and STILL.search(ast.unparse(call.args[0])):
                yield file, call, SHARED


def network_of(scope: Scope, node: ast.expr) -> str:
    """The network whose very parameter, or its ``data``, an expression is; empty for a copy."""
    if isinstance(node, ast.Attribute) and node.attr == "data":
        node = node.value
    if isinstance(node, ast.Attribute) and node.attr in ("weight", "bias"):
        return ast.unparse(node.value)
    for loop in looped(scope.file, node) if isinstance(node, ast.Name) else ():
        over = loop.iter if isinstance(loop, ast.For) else None
        zipped = isinstance(over, ast.Call) and ast.unparse(over.func) == "zip"
        targets = loop.target.elts if zipped and isinstance(loop.target, ast.Tuple) else []  # type: ignore[attr-defined]
        for target, each in zip(targets, over.args if zipped else (), strict=False):  # type: ignore[union-attr]
            func = each.func if isinstance(each, ast.Call) else None
            named = isinstance(target, ast.Name) and target.id == node.id  # type: ignore[attr-defined]
            if named and isinstance(func, ast.Attribute) and func.attr in LISTS:
                return ast.unparse(func.value)
    return ""
