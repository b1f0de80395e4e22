"""Callbacks that the loop drives: a script's own, where they only look at what it knows, and those that wait."""

from __future__ import annotations

import ast

from ..finding import CHECK, KEPT, REWRITTEN
from ..reading.scopes import Scope
from ..work import Work, off
from .back import Back
from .tensors import untensored

KNOWN = {"cur_epoch_num", "cur_step_num", "batch_num", "epoch_num", "net_outputs", "mode"}
CONTEXT = {"original_args", "request_stop", "get_stop_requested"}
UNDRIVEN = {"__enter__", "__exit__"}
OPTIMIZERS = {"optimizer", "train_network.optimizer"}
WAITING = ("EarlyStopping", "ReduceLROnPlateau")  # calando has them, and they need no MindSpore
WAITS = "calando's of that name, as MindSpore documents it, is driven by the loop"
LATE = ("set_data", "assign_value")
SET = "the rate of all groups, by way of the loop"
SET_LATE = f"{SET}; MindSpore's set_data had no effect once the optimizer had made a step"


def drivable(back: Back, scope: Scope, call: ast.Call) -> bool:
    """Whether all that a callback asks of the training is what the loop can tell it."""
    target = back.work.flow.callee(scope, call)
    if target is None:
        return False
    for cls in back.work.flow.bases(target):
        for method in (n for n in ast.walk(cls.node) if isinstance(n, (ast.FunctionDef, ast.Lambda))):
            if getattr(method, "name", "") in UNDRIVEN or not modest(method, cls, back.moving):
                return False
    return True


def modest(method: ast.FunctionDef | ast.Lambda, cls: Scope, moving: bool) -> bool:
    """Whether a method asks a run's context, its parameters and optimizer for what is known only."""
    contexts, told, held = addressed(method)
    if not all(written_last(method, cls, call, rate) for call, rate, _ in rate_writes(method, cls, held)):
        return False
    for node in ast.walk(method):
        above = cls.file.parents.get(node)
        if ast.unparse(node) in held and isinstance(getattr(node, "ctx", None), ast.Load):
            if not looks(cls, node, moving):
                return False
        elif isinstance(node, ast.Name) and node.id in contexts | told and isinstance(node.ctx, ast.Load):
            wanted = KNOWN | {"optimizer", "train_network"} if node.id in told else CONTEXT
            if not (isinstance(above, ast.Attribute) and above.attr in wanted and isinstance(above.ctx, ast.Load)):
                return False
        elif isinstance(node, ast.Attribute) and gives(node.value, contexts):
            if node.attr not in KNOWN | {"optimizer", "train_network"}:
                return False
        elif isinstance(node, ast.Attribute) and node.attr == "train_network" and ast.unparse(above) not in held:  # type: ignore[arg-type]
            return False
    return True


def addressed(method: ast.FunctionDef | ast.Lambda) -> tuple[set[str], set[str], set[str]]:
    """What a method calls a run's context, its parameters, and the optimizer in them."""
    contexts, told = {a.arg for a in method.args.args if "context" in a.arg or a.arg == "ctx"}, set()
    assigned = [n for n in ast.walk(method) if isinstance(n, ast.Assign)]
    for each in assigned:
        if gives(each.value, contexts):
            told |= {t.id for t in each.targets if isinstance(t, ast.Name)}
    heads = {*told, *(f"{name}.original_args()" for name in contexts)}
    held = {f"{head}.{tail}" for head in heads for tail in OPTIMIZERS}
    names = {t.id for n in assigned if ast.unparse(n.value) in held for t in n.targets if isinstance(t, ast.Name)}
    return contexts, told, held | names


def looks(cls: Scope, node: ast.AST, moving: bool) -> bool:
    """Whether a place only looks at an optimizer's rate, or whether there is one."""
    above = cls.file.parents[node]
    if isinstance(above, ast.Attribute):
        outer = cls.file.parents[above]
        asked = isinstance(outer, ast.Call) and outer.func is above
        return (above.attr == "get_lr" and asked) or (above.attr == "learning_rate" and not moving and not asked)
    return isinstance(above, (ast.Compare, ast.If, ast.UnaryOp, ast.BoolOp, ast.Assign))


def rate_writes(method: ast.AST, cls: Scope, held: set[str]) -> list[tuple[ast.Call, ast.expr, str]]:
    """``assign(optimizer.learning_rate, …)`` in a method: the call, what it names the rate, and whose it is.

    The rate may have been given a name, and be written by ``set_data``.

    Args:
        held: what the method calls the optimizer of the training.
    """
    assigned = [n for n in ast.walk(method) if isinstance(n, ast.Assign)]
    given = {t.id: n.value for n in assigned for t in n.targets if isinstance(t, ast.Name)}
    found = []
    for call in (n for n in ast.walk(method) if isinstance(n, ast.Call) and n.args):
        place = call.args[0]
        if isinstance(call.func, ast.Attribute) and call.func.attr in LATE:
            place = call.func.value
        elif cls.file.names.dotted(call.func).rpartition(".")[2] != "assign" or len(call.args) != 2:
            continue
        rate = given.get(place.id) if isinstance(place, ast.Name) else place
        if isinstance(rate, ast.Attribute) and rate.attr == "learning_rate" and ast.unparse(rate.value) in held:
            found.append((call, place, ast.unparse(rate.value)))
    return found


def written_last(method: ast.AST, cls: Scope, call: ast.Call, rate: ast.expr) -> bool:
    """Whether a write is a statement of its own, after which the rate is not looked at under a name it had before."""
    after = [n for n in ast.walk(method) if isinstance(n, ast.Name) and n.lineno > (call.end_lineno or 0)]
    later = isinstance(rate, ast.Name) and any(n.id == rate.id for n in after)
    return isinstance(cls.file.parents[call], ast.Expr) and not later


def looked(work: Work, scope: Scope, call: ast.Call) -> None:
    """Say of each place where a driven callback asks for the rate that it stays; where it assigns to it, it is told."""
    target = work.flow.callee(scope, call)
    for cls in work.flow.bases(target):
        methods = [n for n in ast.walk(cls.node) if isinstance(n, (ast.FunctionDef, ast.Lambda))]
        for write, _, whose in [w for method in methods for w in rate_writes(method, cls, addressed(method)[2])]:
            late = isinstance(write.func, ast.Attribute) and write.func.attr in LATE
            work.replace(cls.file, write, f'{whose}.set("learning_rate", {untensored(cls.file, write.args[-1])})')
            work.say(cls.file, write, CHECK if late else REWRITTEN, SET_LATE if late else SET, "changing")
        for node in ast.walk(cls.node):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("get_lr", "learning_rate")
                and id(node) not in work.told
            ):
                above = cls.file.parents[node]
                asked = above if isinstance(above, ast.Call) and above.func is node else node
                work.say(cls.file, asked, KEPT, "the loop tells it the rate in force", "reading")


def gives(node: ast.expr, contexts: set[str]) -> bool:
    """``run_context.original_args()``."""
    func = node.func if isinstance(node, ast.Call) else None
    return isinstance(func, ast.Attribute) and func.attr == "original_args" and ast.unparse(func.value) in contexts


def stops(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a callback may end the training."""
    target = work.flow.callee(scope, call)
    return target is not None and any("request_stop" in ast.unparse(c.node) for c in work.flow.bases(target))


def waits(back: Back, scope: Scope, call: ast.Call, name: str, at: str, measured: str) -> bool:
    """Rewrite a callback that waits for a figure; whether the loop can drive it.

    Args:
        at: how the optimizer is called in the loop.
        measured: the metrics of the Model, where the training evaluates.
    """
    words = {str(w.arg): w.value for w in call.keywords}
    monitor = words.get("monitor", call.args[0] if call.args else ast.Constant("eval_loss"))
    text = monitor.value if isinstance(monitor, ast.Constant) else None
    known = text == "loss" or (bool(measured) and isinstance(text, str) and (text != "eval_loss" or "loss" in measured))
    if not at or not known or not off(words.get("restore_best_weights")) or back.moving or len(call.args) > 6:
        return False
    back.work.need(scope.file, "import calando.mindspore.train")
    back.work.replace(scope.file, call.func, f"calando.mindspore.train.{name}")
    back.work.say(scope.file, call, CHECK, WAITS, "loop")
    return True


def lines(back: Back, scope: Scope, name: str, callbacks: ast.expr, epochs: str, data: str, more: str) -> list[str]:
    """Where the callbacks are gathered, before the loop."""
    back.work.need(scope.file, "import calando.migrate.watched")
    text = scope.file.source.code(callbacks)
    made = f"calando.migrate.watched.Watched({text}, {epochs}, {data}.get_dataset_size(){more})"
    return [f"{name} = {made}", f"{name}.begin()"]
