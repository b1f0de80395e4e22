"""MindSpore's ready-made training steps as functions, and a script's own ones as modules of PyTorch's."""

from __future__ import annotations

import ast
import re

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import above, statement_of
from ..reading.carry import stored
from ..reading.flow import MODEL, Thing
from ..reading.roads import LOOPS
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .back import Back, one_scale, put
from .crossed import apart
from .scale import Scaling, scaling
from .step import plain_numbers

READY = ("TrainOneStepCell", "TrainOneStepWithLossScaleCell")
HALF = "the step trains in float32; put torch.autocast around the forward pass where half precision is wanted"
BUILT = "build_train_network"  # of mindspore.amp: one of the two, around network and loss


def networks_of(work: Work, file: File) -> list[ast.AST]:
    """The networks of a script: its classes, else its layers put in a row."""
    found: list[ast.AST] = [
        node for node, scope in file.scopes.items()
        if isinstance(node, ast.ClassDef) and work.flow.is_network(scope) and not is_step(work, scope)
    ]  # fmt: skip
    if found:
        return found
    calls = [n for n in file.where if isinstance(n, ast.Call)]
    return [n for n in calls if file.names.dotted(n.func) == "mindspore.nn.SequentialCell"]


def is_step(work: Work, cls: Scope) -> bool:
    """Whether a class of the script's is a training step: it has an optimizer."""
    return any(
        node is cls.node and any(t.kind == "optimizer" for t in held)
        for (node, _), held in work.flow.attributes.items()
    )


def calls_with(work: Work, thing: Thing, tail: str) -> list[tuple[Scope, ast.Call]]:
    """Calls of a class of MindSpore's that are given an optimizer."""
    found = []
    for file in work.flow.files:
        for scope, node in file.tails.get(tail, ()):
            if file.names.dotted(node.func).startswith("mindspore."):
                values = [*node.args, *(w.value for w in node.keywords)]
                if any(thing in work.flow.things(scope, value) for value in values):
                    found.append((scope, node))
    return found


def one_step_cells(back: Back) -> dict[str, str]:
    """``TrainOneStepCell(network, optimizer)`` as a function; the names of the steps and their networks.

    Raises:
        Left: it is made or used in a way that was not recognised.
    """
    found: dict[str, str] = {}
    for tail in (*READY, BUILT):
        for scope, call in calls_with(back.work, back.thing, tail):
            one_scale(back, scope, parts_of_step(back.work, scope.file, call, tail).get("optimizer"))
            if id(call) in back.work.told:  # with another optimizer of the same name
                back.stepped += 1
                found[ast.unparse(statement_of(scope.file, call).targets[0])] = ""  # type: ignore[attr-defined]
                continue
            name, network = one_step(back, scope, call, tail)
            found[name] = network
            modes(back.work, scope, name, network, call)
    if found:
        plain_numbers(back.work)
    back.stepped += len(found)
    return found


def one_step(back: Back, scope: Scope, call: ast.Call, tail: str) -> tuple[str, str]:
    """One ready-made training step as a function; its name and its network."""
    work, file = back.work, scope.file
    statement, trains = file.parents[call], False
    if isinstance(statement, ast.Attribute) and statement.attr == "set_train":
        statement, trains = file.parents[file.parents[statement]], True
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    kept = isinstance(target, ast.Attribute) and keeps(work, scope, target)
    if not isinstance(target, ast.Name) and not kept:
        raise Left(f"the training step in line {call.lineno} has no name")
    assert isinstance(statement, ast.Assign) and target is not None
    given = parts_of_step(work, file, call, tail)
    if not {"network", "optimizer"} <= set(given) or set(given) - {
        "network", "optimizer", "sens", "scale_sense", "loss_fn"
    }:  # fmt: skip
        raise Left(f"the training step in line {call.lineno} has arguments that were not recognised")
    how = Scaling(sens=given.get("sens"))
    if "scale_sense" in given:
        how = scaling(work, scope, given["scale_sense"])
    name, at = ast.unparse(target), back.named(file, given["optimizer"])
    called = file.names.free(name.removeprefix("self.")) if kept else name
    loss, inputs = file.names.free("loss_value"), file.names.free("inputs")
    if "loss_fn" in given:
        lines, network, passed = with_loss(file, given["network"], given["loss_fn"], loss)
    else:
        lines, network, passed = forward_lines(work, scope, given["network"], loss, inputs)
    body = [*lines, *how.lines(back, scope, call.lineno, loss, at)]
    ahead = []
    if how.scaler:
        ahead = [f"scale = {how.scaler}.get_scale()"]
        body = [*body, f"return {loss}, {how.scaler}.get_scale() < scale, scale"]
    else:
        body.append(f"return {loss}")
    head, criterion = passed
    if network == name:  # the step takes the network's name, which its own lines need
        inner = file.names.free("backbone")
        criterion = [f"{inner} = {name}", *criterion]
        body = [re.sub(rf"(?<![\w.]){re.escape(name)}\(", f"{inner}(", line, count=1) for line in body]
        network = inner
    put(work, file, statement, [*criterion, f"def {called}({head}):", *(f"    {line}" for line in [*ahead, *body]), "",
                                *[f"{name} = {called}"] * kept, *[f"{network}.set_train()"] * trains])  # fmt: skip
    work.say(file, statement, REWRITTEN, "the training step as a function", "step")
    for where, read in reads(scope, name):
        made = file.parents[read]
        if isinstance(made, ast.Call) and made.func is read and same(work, where, scope, name):
            back.filled.append((where, made, [statement_of(file, made)]))
    return name, network


def keeps(work: Work, scope: Scope, target: ast.Attribute) -> bool:
    """Whether an object of the script's own, and no Cell, keeps a training step as ``self.…``."""
    return ast.unparse(target.value) == "self" and scope.owner is not None and not work.flow.is_network(scope.owner)


def reads(scope: Scope, name: str) -> list[tuple[Scope, ast.expr]]:
    """Where a name, or an attribute of ``self``, is read in a script."""
    file = scope.file
    found: list[ast.expr] = list(file.loads(file.top).get(name, ()))
    if name.startswith("self.") and scope.owner is not None:
        attributes = (n for n in ast.walk(scope.owner.node) if isinstance(n, ast.Attribute))
        found = [n for n in attributes if isinstance(n.ctx, ast.Load) and ast.unparse(n) == name]
    return [(file.where[n], n) for n in found]


def parts_of_step(work: Work, file: File, call: ast.Call, tail: str) -> dict[str, ast.expr]:
    """What a ready-made training step is made of."""
    orders = {
        READY[0]: ("network", "optimizer", "sens"), READY[1]: ("network", "optimizer", "scale_sense"),
        BUILT: ("network", "optimizer", "loss_fn", "level", "boost_level"),
    }  # fmt: skip
    given = dict(zip(orders[tail], call.args, strict=False))
    given.update({str(w.arg): w.value for w in call.keywords})
    if tail == BUILT:
        level = given.pop("level", None)
        for name in ("boost_level", "keep_batchnorm_fp32", "cast_model_type"):
            given.pop(name, None)
        if level is not None and not (isinstance(level, ast.Constant) and level.value == "O0"):
            work.say(file, level, CHECK, HALF, "step")
        if "loss_scale_manager" in given:
            given["scale_sense"] = given.pop("loss_scale_manager")
        given = {name: value for name, value in given.items() if ast.unparse(value) != "None"}
    return given


def with_loss(
    file: File, network: ast.expr, criterion: ast.expr, loss: str
) -> tuple[list[str], str, tuple[str, list[str]]]:
    """The forward pass of a network and its loss function, which is made before the step where it is made in place."""
    ahead, called, text = [], file.source.code(network), file.source.code(criterion)
    if not isinstance(criterion, ast.Name):
        name = file.names.free("criterion")
        ahead, text = [f"{name} = {text}", "", ""], name
    return [f"{loss} = {text}({called}(data), label)"], called, ("data, label", ahead)


def forward_lines(
    work: Work, scope: Scope, inner: ast.expr, loss: str, inputs: str
) -> tuple[list[str], str, tuple[str, list[str]]]:
    """The forward pass of a network with its loss: its lines, the network, the arguments and what comes before."""
    file = scope.file
    both = inner
    if isinstance(inner, ast.Name):
        home = work.flow.home(scope, inner.id)
        found = stored(home).get(inner.id, [])
        uses = [n for n in file.where if isinstance(n, ast.Name) and n.id == inner.id and isinstance(n.ctx, ast.Load)]
        assign = found[0][1] if len(found) == 1 else None
        if isinstance(assign, ast.Assign) and home is scope and len(uses) == 1 and isinstance(assign.value, ast.Call):
            both = assign.value
    if isinstance(both, ast.Call) and file.names.dotted(both.func).endswith(".WithLossCell"):
        parts = dict(zip(("backbone", "loss_fn"), both.args, strict=False))
        parts.update({str(w.arg): w.value for w in both.keywords})
        if set(parts) == {"backbone", "loss_fn"}:
            if both is not inner:
                work.remove(file, statement_of(file, both))
                work.say(file, statement_of(file, both), REWRITTEN, "network and loss stand in the step", "step")
            return with_loss(file, parts["backbone"], parts["loss_fn"], loss)
    made, before = file.source.code(inner), []
    network = file.names.free("network") if isinstance(inner, ast.Call) else made
    if network != made:  # once, before the step
        before = [f"{network} = {made}", "", ""]
    return [f"{loss} = {network}(*{inputs})"], network, (f"*{inputs}", before)


def modes(work: Work, scope: Scope, name: str, network: str, made: ast.Call) -> None:
    """``step.set_train()`` is the network's own mode; what stands before the step is of something else of that name.

    Raises:
        Left: something else of the step is wanted.
    """
    file = scope.file
    for where, read in reads(scope, name):
        node = file.parents[read]
        if isinstance(node, ast.Attribute):
            mine = same(work, where, scope, name)
            if (mine and ahead(file, node, made)) or another(work, where, read, made) or not (mine or where is scope):
                continue
            if any(thing.kind == MODEL for thing in work.flow.things(file.where[node], read)):
                continue  # a Model that took its name
            if node.attr not in ("set_train", "set_grad", "compile", "add_flags"):
                raise Left(f"the training step's .{node.attr} in line {node.lineno} has no counterpart")
            if id(node) in work.told:
                continue
            work.replace(file, read, network)
            work.say(file, node, CHECK, f"the network's own mode; .train() where {network} is PyTorch's", "network")


def another(work: Work, where: Scope, read: ast.expr, made: ast.Call) -> bool:
    """Whether a name that is read has, for certain, something else than what a statement gives it."""
    file = where.file
    reached = work.flow.reaching(where, read) if isinstance(read, ast.Name) else None
    if reached is None or made not in file.parents:
        return False
    statement, here = statement_of(file, made), statement_of(file, read)
    given = {id(n) for n in ast.walk(statement)}
    looped = any(isinstance(node, LOOPS) for node in above(file, read))
    return not any(id(store) in given for store in reached) or (not looped and apart(where, statement, here))


def ahead(file: File, node: ast.AST, made: ast.Call) -> bool:
    """Whether a use stands before a statement, in the same place."""
    return file.where[node] is file.where[made] and node.lineno < made.lineno  # type: ignore[attr-defined]


def same(work: Work, where: Scope, scope: Scope, name: str) -> bool:
    """Whether a name means the same thing in two places."""
    if name.startswith("self."):
        return True
    return work.flow.home(where, name) is work.flow.home(scope, name)
