"""MindSpore's optimizers as ``calando.mindspore.nn``'s, in place: the same arguments, and time inside."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.flow import GROUPS, File, Scope, Thing
from ..reading.rhythm import updates
from ..work import Left, Work, uses
from .back import JIT, put
from .numbers import written

SHOWN = {
    "parameters", "global_step", "loss_scale", "get_lr", "get_weight_decay", "get_lr_parameter", "parameters_and_names",
    "get_parameters", "parameters_dict", "param_groups",
}  # fmt: skip


def in_place(work: Work, thing: Thing) -> None:
    """Make one optimizer of MindSpore's calando's.

    Raises:
        Left: MindSpore itself wants something of it that only its own have.
    """
    call, scope, name = thing.node, thing.scope, thing.name.partition(".")[2]
    assert isinstance(call, ast.Call) and scope is not None
    if thing.name.startswith(GROUPS):
        raise Left("MindSpore's experimental optimizers are torch.optim in its words, with its own schedulers")
    for where, update in updates(work.flow, thing):
        if compiled(where):
            raise Left(f"the update in line {update.lineno} is compiled by MindSpore, which compiles its own only")
    for where, node in [(scope, call), *uses(work.flow, thing)]:
        used(work, where, node)
    file = scope.file
    work.need(file, "import calando.mindspore.nn")
    work.replace(file, call.func, f"calando.mindspore.nn.{name}")
    told = f"calando.mindspore.nn.{name} takes the same arguments, MindSpore's parameters and optimizer(grads)"
    work.say(file, call, REWRITTEN, told, "optimizer")
    work.check()


def compiled(scope: Scope) -> bool:
    """Whether a function, or one around it, is compiled by MindSpore."""
    at: Scope | None = scope
    while at is not None:
        for decorator in getattr(at.node, "decorator_list", []):
            bare = decorator.func if isinstance(decorator, ast.Call) else decorator
            dotted = at.file.names.dotted(bare)
            if dotted.startswith("mindspore.") and dotted.rpartition(".")[2] in JIT:
                return True
        at = at.parent
    return False


def used(work: Work, scope: Scope, node: ast.expr) -> None:
    """One use of the optimizer.

    Raises:
        Left: calando's has no counterpart.
    """
    file = scope.file
    parent = file.parents[node]
    if isinstance(parent, ast.Attribute):
        if parent.attr == "learning_rate":
            assigned(work, file, node, parent)
        elif parent.attr not in SHOWN or (
            isinstance(file.parents[parent], ast.Attribute) and parent.attr == "parameters"
        ):
            raise Left(f"its .{parent.attr} in line {node.lineno} is MindSpore's own")
        return
    call = file.parents[parent] if isinstance(parent, ast.keyword) else parent
    abroad = isinstance(call, ast.Call) and node is not call.func and work.flow.callee(scope, call) is None
    if isinstance(call, ast.Call) and abroad and ast.unparse(call.func) not in ("print", "isinstance", "id"):
        raise Left(f"{ast.unparse(call.func)} in line {call.lineno} wants an optimizer of MindSpore's own")


def assigned(work: Work, file: File, node: ast.expr, rate: ast.Attribute) -> None:
    """``assign(optimizer.learning_rate, value)`` as ``optimizer.set("lr", value)``."""
    new = written(file, rate, file.parents[rate])
    at = file.source.code(node)
    if new is None:
        work.replace(file, rate, f"{at}.get_lr()")
        work.say(file, rate, REWRITTEN, "the rate in force", "reading")
        return
    statement, value = new
    put(work, file, statement, [f'{at}.set("lr", {value})'])
    work.say(file, statement, REWRITTEN, "the rate of all groups, from the next update on", "changing")
