"""MindSpore's optimizers as ``calando.mindspore.nn``'s, in place: the same arguments, and time inside."""

from __future__ import annotations

import ast

from ..finding import REWRITTEN
from ..reading.flow import GROUPS, File, Scope, Thing
from ..reading.rhythm import updates
from ..work import Left, Work, uses
from .back import JIT, put
from .tensors import assigned as new_value

SHOWN = {
    "parameters", "global_step", "loss_scale", "get_lr", "get_weight_decay", "get_lr_parameter", "parameters_and_names",
    "get_parameters", "parameters_dict", "param_groups",
}  # fmt: skip
DRIVERS = ("Model", "TrainOneStepCell", "TrainOneStepWithLossScaleCell")
FILES = ("save_checkpoint", "load_param_into_net")


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
        named = getattr(at.node, "name", "")
        for call in (call for word in JIT for _, call in at.file.tails.get(word, ()) if call.args):
            if ast.unparse(call.args[0]) == named and at.file.names.dotted(call.func).startswith("mindspore."):
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
    if isinstance(call, ast.Call) and node is not call.func and theirs(work, scope, call):
        return
    abroad = isinstance(call, ast.Call) and node is not call.func and work.flow.callee(scope, call) is None
    if isinstance(call, ast.Call) and abroad and ast.unparse(call.func) not in ("print", "isinstance", "id"):
        raise Left(f"{ast.unparse(call.func)} in line {call.lineno} wants an optimizer of MindSpore's own")


def theirs(work: Work, scope: Scope, call: ast.Call) -> bool:
    """What of MindSpore's takes calando's optimizers: its Model and one-step Cells; its files, by calando's function.

    Raises:
        Left: MindSpore compiles the whole step.
    """
    file = scope.file
    dotted = file.names.dotted(call.func) if not above(call) else base_of(scope)
    name = dotted.rpartition(".")[2]
    if not dotted.startswith("mindspore."):
        return False
    if name in DRIVERS and not eager(work):
        raise Left(f"{name} in line {call.lineno} compiles the whole step in GRAPH_MODE, with MindSpore's own only")
    if name in FILES:
        work.need(file, "import calando.mindspore")
        work.replace(file, call.func, f"calando.mindspore.{name}")
        work.say(file, call, REWRITTEN, "the same file, of calando's optimizer", "state")
    return name in {*DRIVERS, *FILES}


def above(call: ast.Call) -> bool:
    """``super().__init__(…)``."""
    return ast.unparse(call.func).startswith("super(") and ast.unparse(call.func).endswith(").__init__")


def base_of(scope: Scope) -> str:
    """What the class of a method derives from; empty where it is no method, or derives from several."""
    bases = scope.owner.node.bases if scope.owner is not None else []  # type: ignore[attr-defined]
    return scope.file.names.dotted(bases[0]) if len(bases) == 1 else ""


def eager(work: Work) -> bool:
    """Whether MindSpore runs the scripts line by line, as it does where nothing is said."""
    modes = [
        word.value
        for file in work.flow.files
        for _, call in file.tails.get("set_context", ())
        for word in call.keywords
        if word.arg in ("mode", None)
    ]
    return all(ast.unparse(mode).rpartition(".")[2] in ("PYNATIVE_MODE", "1") for mode in modes)


def assigned(work: Work, file: File, node: ast.expr, rate: ast.Attribute) -> None:
    """``assign(optimizer.learning_rate, value)`` as ``optimizer.set("lr", value)``."""
    new = new_value(file, rate, file.parents[rate])
    at = file.source.code(node)
    if new is None:
        work.replace(file, rate, f"{at}.get_lr()")
        work.say(file, rate, REWRITTEN, "the rate in force", "reading")
        return
    statement, value = new
    put(work, file, statement, [f'{at}.set("lr", {value})'])
    work.say(file, statement, REWRITTEN, "the rate of all groups, from the next update on", "changing")
