"""``mindspore.experimental.optim`` and ``mint.optim`` as what they copy: ``torch.optim`` and its schedulers.

Arguments, groups and defaults are PyTorch's already. Adam alone follows another formula.
"""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.flow import GROUPS, GROUPS_SCHEDULER, Scope, Thing
from ..work import Left, Work, off, uses
from .back import Back, put
from .params import parameters
from .tensors import untensored

READ = ("asnumpy", "value", "item")
MINT = "mindspore.mint has no kernel for the CPU, where its SGD and Adam change nothing: a proof there means nothing"


def construct_grouped(back: Back) -> None:
    """The call that makes the optimizer, and its schedulers.

    Raises:
        Left: an argument has no counterpart.
    """
    work, call, scope = back.work, back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    file, name = scope.file, back.thing.name.removeprefix(GROUPS)
    exact = name == "Adam" and work.wish.style == "exact"
    back.target = f"calando.torch.mindspore_nn.{name}" if exact else f"torch.optim.{name}"
    for word in call.keywords if name == "Adam" else ():
        if word.arg in ("amsgrad", "maximize") and not off(word.value):
            raise Left(f"MindSpore's experimental Adam ignores {word.arg}, or the class that follows it has none")
    new = parameters(work, scope, back.given["params"], None)
    work.need(file, f"import {back.target.rpartition('.')[0]}" if exact else "import torch")
    work.replace(file, call.func, back.target)
    if new != file.source.code(back.given["params"]):
        work.replace(file, back.given["params"], new)
    told = f"{back.target} takes the same arguments and follows the same path"
    mint = ".mint." in file.names.dotted(call.func)
    if name == "Adam" and not exact:
        told = f"{back.target} is not equal: {back.form.why}"
    certain = CHECK if mint or (name == "Adam" and not exact) else REWRITTEN
    work.say(file, call, certain, f"{told}; {MINT}" if mint else told, "optimizer")
    schedulers(work, back.thing)


def schedulers(work: Work, thing: Thing) -> None:
    """The schedulers over an optimizer, which PyTorch calls the same; what they are asked is a number there."""
    for made in work.flow.all(GROUPS_SCHEDULER):
        call, scope = made.node, made.scope
        assert isinstance(call, ast.Call) and scope is not None
        words = {w.arg: w.value for w in call.keywords}
        held = call.args[0] if call.args else words.get("optimizer")
        if thing not in work.flow.things(scope, held) or id(call.func) in work.told:
            continue
        file = scope.file
        work.need(file, "import torch")
        work.replace(file, call.func, f"torch.optim.lr_scheduler.{made.name}")
        if made.name == "CyclicLR" and "cycle_momentum" not in words:
            end = file.source.span(call)[1] - 1
            ended = file.source.text[:end].rstrip().endswith(",")
            work.between(file, end, end, " cycle_momentum=False" if ended else ", cycle_momentum=False")
        work.say(file, call.func, REWRITTEN, "the scheduler that this one copies", "scheduler")
        work.told.append(id(call))
        for where, node in uses(work.flow, made):
            asked(work, where, node)


def asked(work: Work, scope: Scope, node: ast.expr) -> None:
    """One use of a scheduler."""
    file = scope.file
    method = file.parents[node]
    call = file.parents.get(method)
    if not isinstance(method, ast.Attribute) or not isinstance(call, ast.Call) or call.func is not method:
        return
    if method.attr == "step":
        work.say(file, call, REWRITTEN, "the same call", "scheduler")
    elif method.attr == "get_last_lr":
        inner: ast.AST = call
        if isinstance(file.parents[inner], ast.Subscript):
            inner = file.parents[inner]
        plain(work, scope, inner, "the rates in force, as numbers")


def plain(work: Work, scope: Scope, node: ast.AST, told: str) -> None:
    """What is a Parameter in MindSpore and a number in PyTorch, with what makes a number of it there."""
    file, whole = scope.file, node
    outer = file.parents[whole]
    while isinstance(outer, ast.Attribute) and outer.attr in READ:
        whole = file.parents[outer]
        outer = file.parents[whole]
    if whole is not node:
        work.replace(file, whole, file.source.code(node))
    work.say(file, whole, REWRITTEN, told, "reading")


def group_numbers(back: Back) -> None:
    """Numbers in ``param_groups``: read, assigned to, or assigned by ``ops.assign``."""
    work = back.work
    for scope, node in uses(work.flow, back.thing):
        holder = scope.file.parents[node]
        if isinstance(holder, ast.Attribute) and holder.attr == "param_groups":
            for entry in entries(scope, holder):
                number(work, scope, entry)
            if id(holder) not in work.told:
                work.say(scope.file, holder, REWRITTEN, "the same groups", "groups")


def entries(scope: Scope, holder: ast.Attribute) -> list[ast.Subscript]:
    """Every ``group["lr"]`` of ``param_groups``: by its number, or in a loop over them."""
    file = scope.file
    parent = file.parents[holder]
    found: list[ast.AST] = []
    if isinstance(parent, ast.Subscript):
        found = [file.parents[parent]]
    loop = parent if isinstance(parent, (ast.For, ast.comprehension)) else None
    if isinstance(parent, ast.Call) and ast.unparse(parent.func) == "enumerate":
        loop = file.parents[parent]  # type: ignore[assignment]
    if loop is not None:
        names = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
        around = loop if isinstance(loop, ast.For) else file.parents[loop]
        found = [
            n for n in ast.walk(around)
            if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name) and n.value.id in names
        ]  # fmt: skip
    return [n for n in found if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant)]


def number(work: Work, scope: Scope, entry: ast.Subscript) -> None:
    """One number of a group."""
    file = scope.file
    call = file.parents[entry]
    if isinstance(call, ast.Call) and file.names.dotted(call.func).endswith("assign") and call.args[0] is entry:
        statement = file.parents[call]
        if not isinstance(statement, ast.Expr):
            raise Left(f"the assignment in line {call.lineno} is part of a larger expression")
        put(work, file, statement, [f"{file.source.code(entry)} = {untensored(file, call.args[1])}"])
        work.say(file, statement, REWRITTEN, "a number of the group", "changing")
    elif isinstance(call, ast.Assign) and entry in call.targets:
        if untensored(file, call.value) != file.source.code(call.value):
            work.replace(file, call.value, untensored(file, call.value))
        told = "a number of the group; MindSpore's scheduler no longer moved a rate that was assigned so"
        work.say(file, call, CHECK if entry.slice.value == "lr" else REWRITTEN, told, "changing")  # type: ignore[attr-defined]
    else:
        plain(work, scope, entry, "a number of the group")
