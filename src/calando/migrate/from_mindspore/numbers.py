"""An optimizer's numbers and files of MindSpore's as PyTorch's."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import outermost, statement_of
from ..reading.flow import Thing
from ..reading.rhythm import updates
from ..reading.scopes import File, Scope
from ..work import Left, Work, uses
from .asking import flag, flags, rate
from .back import Back, put
from .idle import never, taken_out
from .plain import READ, bare, follow
from .tensors import assigned

WITHOUT = {
    "momentum": "assigning has an effect only when compiled: say ops.assign(optimizer.momentum, …), or take it out",
}
LOADED = "moments, clock, schedule and weights go on where they were saved"
LATE = "MindSpore's, once it has made a step, does not see what is loaded"


def numbers(back: Back) -> None:
    """Reading and changing an optimizer's numbers.

    Raises:
        Left: a use that has no counterpart.
    """
    work = back.work
    for scope, node in uses(work.flow, back.thing):
        file = scope.file
        parent = file.parents[node]
        if id(parent) in never(work.flow):
            taken_out(work)
            continue
        if not isinstance(parent, ast.Attribute) or (id(parent) in work.told and edited(work, file, parent)):
            continue
        at = file.source.code(node)
        if parent.attr in ("learning_rate", "get_lr"):
            rate(back, scope, parent, at)
        elif parent.attr in ("dynamic_lr", "is_group_lr"):
            flag(back, file, parent, flags(back, parent.attr, at))
        elif parent.attr == "momentum" and not isinstance(parent.ctx, ast.Store):
            momentum(work, scope, parent, at)
        elif parent.attr == "global_step":
            clock(back, scope, parent, at)
        elif parent.attr == "set":
            set_anew(work, file, parent, at)
        elif parent.attr == "update_parameters_name":
            names(work, file, parent)
        elif parent.attr == "parameters":
            held(work, scope, parent, at)
        elif parent.attr not in ("step", "zero_grad", "param_groups"):
            why = WITHOUT.get(parent.attr, "it has no counterpart")
            raise Left(f"its .{parent.attr} in line {node.lineno}: {why}")


def edited(work: Work, file: File, node: ast.AST) -> bool:
    """Whether a place was written anew already; a finding about the statement around it is not enough."""
    start, end = file.source.span(node)
    first = file.source.span(outermost(file, node))[0]
    return any(end <= edit.end for _, edit in work.edits.near(file, first, start))


def momentum(work: Work, scope: Scope, node: ast.Attribute, at: str) -> None:
    """``assign(optimizer.momentum, value)``, or reading it."""
    file = scope.file
    new = assigned(file, node, file.parents[node])
    if new is None:
        raise Left(f"its momentum is looked at in line {node.lineno}; PyTorch has one per group")
    group = file.names.free("group")
    put(work, file, new[0], [f"for {group} in {at}.param_groups:", f'    {group}["momentum"] = {new[1]}'])
    work.say(file, new[0], REWRITTEN, "the momentum of all groups", "changing")


def set_anew(work: Work, file: File, node: ast.Attribute, at: str) -> None:
    """``optimizer.set("lr", value)`` of one of ``calando.mindspore``'s."""
    call = file.parents[node]
    given = call.args if isinstance(call, ast.Call) and not call.keywords else []
    if len(given) != 2 or not isinstance(given[0], ast.Constant) or not isinstance(file.parents[call], ast.Expr):
        raise Left(f"its .set in line {node.lineno} is used in a way that was not recognised")
    group, statement = file.names.free("group"), statement_of(file, call)
    value = file.source.code(given[1])
    put(
        work,
        file,
        statement,
        [f"for {group} in {at}.param_groups:", f"    {group}[{file.source.code(given[0])}] = {value}"],
    )
    work.say(file, statement, REWRITTEN, "the number of all groups", "changing")


def names(work: Work, file: File, node: ast.Attribute) -> None:
    """``optimizer.update_parameters_name``: PyTorch's state has no names."""
    statement = statement_of(file, node)
    if not isinstance(statement, ast.Expr):
        raise Left(f"its .{node.attr} in line {node.lineno} is used in a way that was not recognised")
    work.remove(file, statement)
    work.say(file, statement, REWRITTEN, "PyTorch's optimizers have no names that could meet", "state")


def held(work: Work, scope: Scope, node: ast.Attribute, at: str) -> None:
    """``optimizer.parameters`` where it is not the business of gradients, which went before."""
    file = scope.file
    above = file.parents[node]
    call = file.parents.get(above)
    made = above if isinstance(above, ast.Call) else call if isinstance(above, ast.keyword) else None
    if isinstance(made, ast.Call) and file.names.dotted(made.func).rpartition(".")[2] in ("value_and_grad", "grad"):
        return  # it goes with the function
    if isinstance(made, ast.Call) and file.names.dotted(made.func).endswith("DistributedGradReducer"):
        work.say(file, made, CHECK, "with several processes, DistributedDataParallel reduces in backward()", "step")
        return
    copied(work, scope, above)
    work.replace(file, node, f'[p for group in {at}.param_groups for p in group["params"]]')
    work.say(file, node, REWRITTEN, "its parameters, group by group", "groups")


def copied(work: Work, scope: Scope, loop: ast.AST) -> None:
    """``zeros_like(p) for p in …``: what a loop over parameters makes of each, of PyTorch's.

    Raises:
        Left: another function of MindSpore's works on them.
    """
    file = scope.file
    whole = file.parents.get(loop) if isinstance(loop, ast.comprehension) else loop
    if not isinstance(whole, (ast.For, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
        return
    target = loop.target if isinstance(loop, ast.comprehension) else whole.target  # type: ignore[union-attr]
    names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    for call in (n for n in ast.walk(whole) if isinstance(n, ast.Call)):
        dotted = file.names.dotted(call.func)
        given = {n.id for a in call.args for n in ast.walk(a) if isinstance(n, ast.Name)}
        if not dotted.startswith("mindspore.") or not given & names or id(call) in work.told:
            continue
        tail = dotted.rpartition(".")[2]
        if tail not in ("zeros_like", "ones_like"):
            raise Left(f"MindSpore's {tail} in line {call.lineno} works on its parameters")
        work.need(file, "import torch")
        work.replace(file, call.func, f"torch.{tail}")
        work.say(file, call, REWRITTEN, "in the shape of PyTorch's parameter", "step")


def clock(back: Back, scope: Scope, node: ast.Attribute, at: str) -> None:
    """``int(optimizer.global_step.asnumpy()[0])``, ``global_step - 1``, or shown as it is."""
    work, file = back.work, scope.file
    whole = bare(file, node, "one")
    outer = file.parents[whole]
    number = (ast.FormattedValue, ast.BinOp, ast.Compare, ast.Assign, ast.Return, ast.keyword)
    called = ast.unparse(outer.func) if isinstance(outer, ast.Call) and whole in outer.args else ""
    asked = called in ("print", "int", "float", "str") or ".learning_rate" in called  # of whose step a rate is asked
    if not asked and not isinstance(outer, number):
        raise Left(f"its global_step in line {node.lineno} is used in a way that was not recognised")
    scheduler = back.clock(scope, at)
    work.replace(file, whole, f"{scheduler}.last_epoch" if scheduler else f'{at}.param_groups[0]["step"]')
    work.say(file, whole, REWRITTEN, "how many updates were made", "reading")
    follow(work, scope, whole, "one")


def checkpoints(work: Work, thing: Thing) -> None:
    """``save_checkpoint(optimizer, …)`` and ``load_param_into_net(optimizer, …)``."""
    loaded: set[str] = set()
    for scope, node in uses(work.flow, thing):
        file = scope.file
        call = file.parents[node]
        if not isinstance(call, ast.Call) or node not in call.args:
            continue
        tail = file.names.dotted(call.func).rpartition(".")[2]
        if tail == "save_checkpoint":
            work.need(file, "import calando.migrate.whole")
            work.replace(file, call.func, "calando.migrate.whole.save")
            work.say(
                file, call, REWRITTEN, "the optimizer and the weights it trains, as MindSpore's file has them", "state"
            )
        elif tail == "load_param_into_net":
            loaded |= stored_in(work, file, call)
            work.need(file, "import calando.migrate.whole")
            work.replace(file, call.func, "calando.migrate.whole.load")
            late = stepped_before(work, thing, scope, call)
            work.say(file, call, CHECK if late else REWRITTEN, f"{LOADED}; {LATE}" if late else LOADED, "state")
    for file in work.flow.files if loaded else ():
        for scope, other in file.calls:
            beside(work, scope, other, loaded)


def stepped_before(work: Work, thing: Thing, scope: Scope, call: ast.Call) -> bool:
    """Whether an optimizer makes an update before a place of the same function."""
    made = [site for place, update in updates(work.flow, thing) for site in [(place, update), *place.calls]]
    return any(place is scope and site.lineno < call.lineno for place, site in made)


def stored_in(work: Work, file: File, call: ast.Call) -> set[str]:
    """The name of the file's content that an optimizer is loaded from; none where it is read in place.

    Raises:
        Left: the optimizer is loaded in part, or from something that was not recognised.
    """
    given = call.args[1] if len(call.args) == 2 and not call.keywords else None
    if isinstance(given, ast.Name):
        return {given.id}
    read = isinstance(given, ast.Call) and file.names.dotted(given.func).endswith(".load_checkpoint")
    if isinstance(given, ast.Call) and read and len(given.args) == 1 and not given.keywords:
        work.need(file, "import torch")
        work.replace(file, given.func, "torch.load")
        return set()
    raise Left(f"the optimizer is loaded in part in line {call.lineno}: what is left out must be left out by hand")


def whole_file(work: Work, file: File, call: ast.Call, name: str) -> None:
    """Raise Left where a file is loaded in part, or something else of it is wanted."""
    if len(call.args) != 1 or call.keywords:
        raise Left(f"the file in line {call.lineno} is loaded in part")
    for node in file.where:
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            parent = file.parents[node]
            into = isinstance(parent, ast.Call) and file.names.dotted(parent.func).endswith("load_param_into_net")
            if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.slice, ast.Constant):
                beside_it(work, file, parent)
            elif not into:
                raise Left(f"something else of the optimizer's file is wanted in line {node.lineno}")


def beside_it(work: Work, file: File, entry: ast.Subscript) -> None:
    """A number that ``append_dict`` put into the file: a Parameter in MindSpore, itself here."""
    name = entry.slice.value  # type: ignore[attr-defined]
    written = {
        key.value
        for each in work.flow.files
        for node in each.where
        if isinstance(node, ast.keyword) and node.arg == "append_dict" and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    if name not in written:
        told = f"{name!r}, which no append_dict here has"
        raise Left(f"something else of the optimizer's file is wanted in line {entry.lineno}: {told}")
    if id(entry) in work.told:
        return
    whole: ast.AST = entry
    outer = file.parents[whole]
    while isinstance(outer, ast.Attribute) and outer.attr in (*READ, "data"):
        above = file.parents[outer]
        whole = above if isinstance(above, ast.Call) and above.func is outer else outer
        outer = file.parents[whole]
    if whole is not entry:
        work.replace(file, whole, file.source.code(entry))
    work.say(file, whole, REWRITTEN, "the number that was saved beside the state", "state")


def beside(work: Work, scope: Scope, call: ast.Call, loaded: set[str]) -> None:
    """The calls around a loaded optimizer: the file, and the network that was loaded from it too."""
    file = scope.file
    tail = file.names.dotted(call.func).rpartition(".")[2]
    statement = statement_of(file, call)
    if tail == "load_checkpoint" and isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        if statement.targets[0].id in loaded:
            whole_file(work, file, call, statement.targets[0].id)
            work.need(file, "import torch")
            work.replace(file, call.func, "torch.load")
            work.say(file, call, REWRITTEN, "the file as it was saved", "state")
        return
    if tail != "load_param_into_net" or id(call) in work.told or len(call.args) != 2:
        return
    if isinstance(call.args[1], ast.Name) and call.args[1].id in loaded and isinstance(statement, ast.Expr):
        work.remove(file, statement)
        work.say(file, call, REWRITTEN, "the weights came with the optimizer", "state")
