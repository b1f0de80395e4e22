"""Callbacks of a script's own: the loop drives them, where they only look at what it knows."""

from __future__ import annotations

import ast

from .back import Back
from .scopes import Scope
from .work import Work

KNOWN = {"cur_epoch_num", "cur_step_num", "batch_num", "epoch_num", "net_outputs", "mode"}
CONTEXT = {"original_args", "request_stop", "get_stop_requested"}
UNDRIVEN = {"__enter__", "__exit__"}


def drivable(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether all that a callback asks of the training is what the loop can tell it."""
    target = work.flow.callee(scope, call)
    if target is None:
        return False
    for cls in work.flow.bases(target):
        for method in (n for n in ast.walk(cls.node) if isinstance(n, (ast.FunctionDef, ast.Lambda))):
            if getattr(method, "name", "") in UNDRIVEN or not modest(method, cls):
                return False
    return True


def modest(method: ast.FunctionDef | ast.Lambda, cls: Scope) -> bool:
    """Whether a method asks a run's context, and its parameters, for what is known only."""
    contexts, told = {a.arg for a in method.args.args if "context" in a.arg or a.arg == "ctx"}, set()
    for node in ast.walk(method):
        if isinstance(node, ast.Assign) and gives(node.value, contexts):
            told |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    for node in ast.walk(method):
        if isinstance(node, ast.Name) and node.id in contexts | told and isinstance(node.ctx, ast.Load):
            above = cls.file.parents[node]
            wanted = KNOWN if node.id in told else CONTEXT
            if not (isinstance(above, ast.Attribute) and above.attr in wanted and isinstance(above.ctx, ast.Load)):
                return False
        elif isinstance(node, ast.Attribute) and gives(node.value, contexts) and node.attr not in KNOWN:
            return False
    return True


def gives(node: ast.expr, contexts: set[str]) -> bool:
    """``run_context.original_args()``."""
    func = node.func if isinstance(node, ast.Call) else None
    return isinstance(func, ast.Attribute) and func.attr == "original_args" and ast.unparse(func.value) in contexts


def stops(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a callback may end the training."""
    target = work.flow.callee(scope, call)
    return target is not None and any("request_stop" in ast.unparse(c.node) for c in work.flow.bases(target))


def lines(back: Back, scope: Scope, name: str, callbacks: ast.expr, epochs: str, data: str) -> list[str]:
    """Where the callbacks are gathered, before the loop."""
    back.work.need(scope.file, "import calando.migrate.watched")
    text = scope.file.source.code(callbacks)
    made = f"calando.migrate.watched.Watched({text}, {epochs}, {data}.get_dataset_size())"
    return [f"{name} = {made}", f"{name}.begin()"]
