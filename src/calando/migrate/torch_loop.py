"""MindSpore's ready-made training steps, numbers and files as PyTorch's."""

from __future__ import annotations

import ast

from .finding import CHECK, HUMAN, REWRITTEN
from .flow import File, Scope, Thing
from .torch_step import plain_number
from .work import Left, Work, statement_of, uses

QUIET = {"LossMonitor", "TimeMonitor", "ModelCheckpoint"}


def cells(work: Work, file: File) -> list[ast.AST]:
    """The networks of a script: its classes, else its layers put in a row."""
    found: list[ast.AST] = [
        node for node, scope in file.scopes.items()
        if isinstance(node, ast.ClassDef) and work.flow.is_network(scope)
    ]  # fmt: skip
    if found:
        return found
    calls = [n for n in file.where if isinstance(n, ast.Call)]
    return [n for n in calls if file.names.dotted(n.func) == "mindspore.nn.SequentialCell"]


def calls_with(work: Work, thing: Thing, tail: str) -> list[tuple[Scope, ast.Call]]:
    """Calls of a class of MindSpore's that are given an optimizer."""
    found = []
    for file in work.flow.files:
        for node, scope in file.where.items():
            if isinstance(node, ast.Call) and file.names.dotted(node.func).rpartition(".")[2] == tail:
                values = [*node.args, *(w.value for w in node.keywords)]
                if any(thing in work.flow.things(scope, value) for value in values):
                    found.append((scope, node))
    return found


def one_step_cells(work: Work, thing: Thing) -> bool:
    """``TrainOneStepCell(WithLossCell(net, loss), optimizer)`` as a function.

    Raises:
        Left: it is made or used in a way that was not recognised.
    """
    found = calls_with(work, thing, "TrainOneStepCell")
    for scope, call in found:
        file = scope.file
        statement = file.parents[call]
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise Left(f"the training step in line {call.lineno} has no name")
        if len(call.args) != 2 or call.keywords:
            raise Left(f"the training step in line {call.lineno} scales the loss")
        inner = call.args[0]
        if (
            isinstance(inner, ast.Call)
            and file.names.dotted(inner.func).endswith("WithLossCell")
            and len(inner.args) == 2
        ):
            network, loss_fn = (file.source.code(a) for a in inner.args)
        else:
            raise Left(f"the network in line {call.lineno} is not a WithLossCell that is written out")
        name, at = statement.targets[0].id, file.source.code(call.args[1])
        criterion, loss = file.names.free("criterion"), file.names.free("loss_value")
        lines = [
            f"{criterion} = {loss_fn}", "", "", f"def {name}(data, label):",
            f"    {loss} = {criterion}({network}(data), label)", f"    {loss}.backward()", f"    {at}.step()",
            f"    {at}.zero_grad()", f"    return {loss}", "",
        ]  # fmt: skip
        indent = file.source.indent(statement)
        work.replace(
            file, statement, "\n".join(f"{indent}{line}" if line and i else line for i, line in enumerate(lines))
        )
        work.say(file, statement, REWRITTEN, "the training step as a function", "step")
        for node, where in file.where.items():
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
                if node.attr != "set_train":
                    raise Left(f"the training step's .{node.attr} in line {node.lineno} has no counterpart")
                work.replace(file, node.value, network)
                work.say(file, node, CHECK, f"the network's own mode; .train() where {network} is PyTorch's", "network")
            elif isinstance(node, ast.Assign) and where is scope and isinstance(node.targets[0], ast.Name):
                called = node.value.func if isinstance(node.value, ast.Call) else None
                if isinstance(called, ast.Name) and called.id == name:
                    plain_number(work, where, node.targets[0].id)
    return bool(found)


def model_train(work: Work, thing: Thing) -> bool:
    """``Model(net, loss, optimizer)`` and ``model.train(…)`` as a loop.

    Raises:
        Left: it is used in a way that was not recognised.
    """
    found = calls_with(work, thing, "Model")
    for scope, call in found:
        file = scope.file
        statement = file.parents[call]
        given = {**dict(zip(("network", "loss_fn", "optimizer", "metrics"), call.args, strict=False))}
        given.update({str(w.arg): w.value for w in call.keywords})
        extra = set(given) - {"network", "loss_fn", "optimizer", "metrics"}
        if extra or not {"network", "loss_fn", "optimizer"} <= set(given):
            raise Left(f"the Model in line {call.lineno} has {', '.join(sorted(extra)) or 'no loss function'}")
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise Left(f"the Model in line {call.lineno} has no name")
        name = statement.targets[0].id
        trains = [
            (node, where) for node, where in file.where.items()
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
        ]  # fmt: skip
        if len(trains) != 1 or trains[0][0].attr != "train" or trains[0][1] is not scope:
            raise Left(f"the Model in line {call.lineno} does more than train")
        texts = {key: file.source.code(value) for key, value in given.items()}
        train(work, scope, file.parents[trains[0][0]], texts)
        work.remove(file, statement)
        work.say(file, statement, REWRITTEN, "its training is a loop now", "loop")
    return bool(found)


def train(work: Work, scope: Scope, call: ast.AST, texts: dict[str, str]) -> None:
    """One ``model.train`` as a loop."""
    file = scope.file
    statement = file.parents[call]
    assert isinstance(call, ast.Call)
    if not isinstance(statement, ast.Expr) or len(call.args) < 2:
        raise Left(f"the training in line {call.lineno} is not a statement of its own")
    epochs, dataset = (file.source.code(a) for a in call.args[:2])
    words = {w.arg: w.value for w in call.keywords}
    callbacks = words.get("callbacks") or (call.args[2] if len(call.args) > 2 else None)
    listed = callbacks.elts if isinstance(callbacks, (ast.List, ast.Tuple)) else [callbacks] if callbacks else []
    functions = []
    for each in listed:
        kind = file.names.dotted(each.func).rpartition(".")[2] if isinstance(each, ast.Call) else ""
        if kind == "LearningRateScheduler":
            functions.append(file.source.code(each.args[0]))  # type: ignore[attr-defined]
            work.say(file, each, REWRITTEN, "called after each update, as there: its rate is the next one's", "loop")
        elif kind in QUIET:
            work.say(file, each, CHECK, f"{kind} reports nothing any more; print what you want to see", "loop")
        else:
            work.say(file, each, HUMAN, "a callback of the script's own: put what it does into the loop", "loop")
    at = texts["optimizer"]
    new = {name: file.names.free(name) for name in ("step", "inputs", "loss_value", "group", "epoch")}
    lines = [f"{texts['network']}.set_train()", f"{new['step']} = 0", f"for {new['epoch']} in range({epochs}):"]
    lines.append(f"    for {new['inputs']} in {dataset}.create_tuple_iterator():")
    inputs = new["inputs"]
    lines.append(f"        {new['loss_value']} = {texts['loss_fn']}({texts['network']}({inputs}[0]), {inputs}[1])")
    lines += [f"        {new['loss_value']}.backward()", f"        {at}.step()", f"        {at}.zero_grad()"]
    lines.append(f"        {new['step']} += 1")
    for function in functions:
        lines.append(f"        for {new['group']} in {at}.param_groups:")
        lines.append(f'            {new["group"]}["lr"] = {function}({new["group"]}["lr"], {new["step"]})')
    indent = file.source.indent(statement)
    work.replace(file, statement, f"\n{indent}".join(lines))
    work.say(file, statement, REWRITTEN, "the loop that Model.train runs", "loop")


def numbers(work: Work, thing: Thing, moving: bool) -> None:
    """Reading and changing an optimizer's numbers.

    Raises:
        Left: a use that has no counterpart.
    """
    for scope, node in uses(work.flow, thing):
        file = scope.file
        parent = file.parents[node]
        if not isinstance(parent, ast.Attribute) or id(parent) in work.told:
            continue
        at = file.source.code(node)
        if parent.attr in ("learning_rate", "get_lr"):
            rate(work, scope, parent, at)
        elif parent.attr == "global_step":
            clock(work, scope, parent, at)
        elif parent.attr not in ("parameters", "step", "zero_grad", "param_groups"):
            raise Left(f"its .{parent.attr} in line {node.lineno} has no counterpart")


def rate(work: Work, scope: Scope, node: ast.Attribute, at: str) -> None:
    """``learning_rate`` and ``get_lr()``, read or assigned to."""
    file = scope.file
    whole: ast.expr = node
    outer = file.parents[node]
    if node.attr == "get_lr":
        if not isinstance(outer, ast.Call):
            raise Left(f"its .get_lr in line {node.lineno} is used in a way that was not recognised")
        whole, outer = outer, file.parents[outer]
    if (
        isinstance(outer, ast.Call)
        and file.names.dotted(outer.func).rpartition(".")[2] == "assign"
        and outer.args[0] is whole
    ):
        statement = file.parents[outer]
        if not isinstance(statement, ast.Expr):
            raise Left(f"the assignment in line {outer.lineno} is part of a larger expression")
        group = file.names.free("group")
        value = untensored(file, outer.args[1])
        indent = file.source.indent(statement)
        work.replace(file, statement, f'for {group} in {at}.param_groups:\n{indent}    {group}["lr"] = {value}')
        work.say(file, statement, REWRITTEN, "the rate of all groups", "changing")
        return
    while isinstance(outer, ast.Attribute) and outer.attr in ("data", "asnumpy", "value"):
        whole, outer = outer, file.parents[outer]
        if isinstance(outer, ast.Call) and outer.func is whole:
            whole, outer = outer, file.parents[outer]
    work.replace(file, whole, f'{at}.param_groups[0]["lr"]')
    work.say(file, whole, REWRITTEN, "the rate in force", "reading")


def untensored(file: File, node: ast.expr) -> str:
    """The number in ``Tensor(number, dtype)``."""
    if isinstance(node, ast.Call) and file.names.dotted(node.func).endswith("Tensor") and node.args:
        return file.source.code(node.args[0])
    return file.source.code(node)


def clock(work: Work, scope: Scope, node: ast.Attribute, at: str) -> None:
    """``int(optimizer.global_step.asnumpy()[0])``."""
    file = scope.file
    whole: ast.AST = node
    outer = file.parents[node]
    if isinstance(outer, ast.Attribute) and outer.attr == "asnumpy":
        whole = file.parents[outer]
        outer = file.parents[whole]
        if isinstance(outer, ast.Subscript):
            whole = outer
    else:
        raise Left(f"its global_step in line {node.lineno} is used in a way that was not recognised")
    work.replace(file, whole, f'{at}.param_groups[0]["step"]')
    work.say(file, whole, REWRITTEN, "how many updates were made", "reading")


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
            work.need(file, "import calando.migrate.whole")
            work.replace(file, call.func, "calando.migrate.whole.load")
            work.say(file, call, REWRITTEN, "moments, clock, schedule and weights go on where they were saved", "state")
            if isinstance(call.args[1], ast.Name):
                loaded.add(call.args[1].id)
    for file in work.flow.files:
        for other, scope in file.where.items():
            if isinstance(other, ast.Call) and loaded:
                beside(work, scope, other, loaded)


def beside(work: Work, scope: Scope, call: ast.Call, loaded: set[str]) -> None:
    """The calls around a loaded optimizer: the file, and the network that was loaded from it too."""
    file = scope.file
    tail = file.names.dotted(call.func).rpartition(".")[2]
    statement = statement_of(file, call)
    if tail == "load_checkpoint" and isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        if statement.targets[0].id in loaded:
            work.need(file, "import torch")
            work.replace(file, call.func, "torch.load")
            work.say(file, call, REWRITTEN, "the file as it was saved", "state")
        return
    if tail != "load_param_into_net" or id(call) in work.told or len(call.args) != 2:
        return
    if isinstance(call.args[1], ast.Name) and call.args[1].id in loaded and isinstance(statement, ast.Expr):
        work.remove(file, statement)
        work.say(file, call, REWRITTEN, "the weights came with the optimizer", "state")
