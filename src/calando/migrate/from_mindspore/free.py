"""A training step whose gradients are values of their own: added up, changed one by one, handed on."""

from __future__ import annotations

import ast

from ..finding import KEPT, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import GRADIENT, File, Scope, arguments
from ..reading.mentions import step_class
from ..reading.parts import kept_as
from ..reading.rhythm import updates
from ..work import Left, Work, uses
from .back import Back, put_update, seen, unjit
from .functions import concerned
from .gradient_cells import gradient_cell
from .mapped import mapped
from .numbers import copied
from .operation import is_operation, operation, stores
from .own_cells import mapping
from .params import TAKEN
from .step import forward, givers, reduced, unscaled
from .tensors import is_tensor, untensored
from .words import worded

HOME = "calando.migrate.gradients"
CLIPS = {"clip_by_global_norm", "clip_by_norm", "clip_by_value", "all_finite"}
WATCHED = {"get_overflow_status", "process_loss_scale"}  # which calando's class has too
KEPT_THERE = {"hyper_map", "grad_reducer", "grad", "get_overflow_status", "process_loss_scale"}  # by TrainOneStep…
SAME = {"sqrt", "square", "abs", "sum", "mean", "stack", "cat", "isnan", "isinf", "isfinite", "norm"}  # in torch, too


def free(back: Back) -> None:
    """Rewrite the steps of an optimizer so that gradients stay values.

    Raises:
        Left: something is done with them that has no counterpart.
    """
    work = back.work
    sites = updates(work.flow, back.thing)
    for scope, call in taken(back):
        file = scope.file
        statement = file.parents[call]
        if isinstance(statement, ast.Return):
            for place, taking in gradient_cell(back, scope, statement, call):
                for each in names_of(taking):
                    followed(back, place, each, taking, set())
            continue
        if not isinstance(statement, ast.Assign):
            raise Left(f"the gradients taken in line {call.lineno} have no name")
        name, at = names_of(statement), back.called(scope)
        if isinstance(call.func, ast.Call):
            operation(back, scope, statement, call, set(), at)
        else:
            forward(back, scope, statement, call, at)
        unjit(work, scope)
        for each in name:
            followed(back, scope, each, statement, set())
    for scope, call in sites:
        file = scope.file
        if len(call.args) != 1 or call.keywords:
            raise Left(f"the gradients of the update in line {call.lineno} were not found")
        if isinstance(call.args[0], ast.Name):
            made_of(back, scope, call.args[0])
        at = file.source.code(call.func)
        work.need(file, f"import {HOME}")
        line = f"{HOME}.update({at}, {file.source.code(call.args[0])})"
        statement = put_update(work, scope, call, [line, *back.after(scope, at)])
        work.say(file, statement, REWRITTEN, "the update with these gradients", "step")
        maps(work, scope)
        unjit(work, scope)
    clones(back)
    sums(back)


def made_of(back: Back, scope: Scope, node: ast.Name) -> None:
    """What gives the gradients of an update their values, where that is something of MindSpore's on gathered ones.

    Raises:
        Left: it has no counterpart.
    """
    file = scope.file
    for each in givers(back, scope, node):
        func = each.value.func if isinstance(each.value, ast.Call) else each.value
        here = file.where[each] is scope and id(each.value) not in back.work.told
        if here and file.names.dotted(func).startswith("mindspore."):
            changed(back, scope, each, each)


def sums(back: Back) -> None:
    """``[zeros_like(p) for p in net.trainable_params()]``, to which gradients are added."""
    work = back.work
    for file in work.flow.files:
        for node in list(file.where):
            owner = node.iter.func if isinstance(node, ast.comprehension) and isinstance(node.iter, ast.Call) else None
            whole = file.parents.get(node)
            made = whole.elt if isinstance(whole, (ast.ListComp, ast.GeneratorExp)) else None
            zeros = isinstance(made, ast.Call) and file.names.dotted(made.func).endswith("zeros_like")
            if zeros and isinstance(owner, ast.Attribute) and owner.attr in TAKEN and id(made) not in work.told:
                copied(work, file.where[node], node)
                work.replace(file, node.iter, TAKEN[owner.attr].format(file.source.code(owner.value)))  # type: ignore[attr-defined]


def taken(back: Back) -> list[tuple[Scope, ast.Call]]:
    """Where gradients are taken that this optimizer may use: not by another one's parameters."""
    flow = back.work.flow
    concerned(back.work, back.thing, None)
    mine, *_ = flow.memory["by weights"]
    others = {made for owner, each in mine.items() if owner != back.thing for made in each} - set(
        mine.get(back.thing, ())
    )
    found = []
    for file in flow.files:
        for scope, call in file.calls:
            things = [
                t
                for t in flow.things(scope, call.func)
                if t.kind == GRADIENT and t.node is not call and t not in others
            ]
            things = [t for t in things if not isinstance(call.func, ast.Call)]
            if (things and id(call) not in flow.made) or (
                isinstance(call.func, ast.Call) and is_operation(back.work, scope, call.func.func)
            ):
                found.append((scope, call))
    if not found:
        raise Left("where its gradients come from was not found")
    return found


def names_of(statement: ast.Assign) -> list[str]:
    """The names of gradients in ``loss, grads = …`` or ``grads = …``."""
    target = statement.targets[0]
    last = target.elts[-1] if isinstance(target, ast.Tuple) else target
    return [n.id for n in ast.walk(last) if isinstance(n, ast.Name)]


def followed(back: Back, scope: Scope, name: str, first: ast.stmt | None, known: set[tuple[int, str]]) -> None:
    """What is done with gradients by their name, by names that are made of them, and in functions they go to.

    Raises:
        Left: something of MindSpore's works on them that has no counterpart here.
    """
    work, file = back.work, scope.file
    if (id(scope.node), name) in known:
        return
    known.add((id(scope.node), name))
    inside = {id(n) for n in ast.walk(first)} if first is not None else set()
    sites = {id(n) for _, call in updates(work.flow, back.thing) for n in ast.walk(call)}
    for node in seen(scope, name):
        where = file.where[node]
        other = work.flow.home(where, name) is not work.flow.home(scope, name)
        if other or id(node) in inside or id(node) in sites or id(node) in work.told:
            continue
        statement = statement_of(file, node)
        part = statement if not hasattr(statement, "body") else file.parents[node]
        if reduced(work, file, statement) or (part is statement and mapped(work, where, statement)):
            continue
        changed(back, where, node, part)
        for call in (c for c in ast.walk(part) if isinstance(c, ast.Call)):
            handed(back, where, name, call, known)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            followed(back, where, statement.targets[0].id, None, known)
        if isinstance(statement, ast.For) and any(inner is node for inner in ast.walk(statement.iter)):
            for each in (n for n in ast.walk(statement.target) if isinstance(n, ast.Name)):
                followed(back, where, each.id, None, known)


def changed(back: Back, scope: Scope, node: ast.stmt | ast.Name, part: ast.AST) -> None:
    """What a statement does with gradients, in the words of this room."""
    work, file = back.work, scope.file
    calls = [c for c in ast.walk(part) if isinstance(c, ast.Call)]
    for c in (c for c in calls if is_tensor(file, c)):
        work.replace(file, c, untensored(file, c))  # a bound
    calls = [c for c in calls if not is_tensor(file, c)]
    for c in calls:
        if isinstance(c.func, ast.Attribute) and c.func.attr == "unscale":
            unscaled(work, scope, c)
    theirs = [c for c in calls if file.names.dotted(c.func).startswith("mindspore.") and id(c) not in work.told]
    tails = [file.names.dotted(c.func).rpartition(".")[2] for c in theirs]
    if any(tail not in CLIPS | SAME for tail in tails) and worded(work, scope, part):
        return
    if any(tail not in CLIPS | SAME for tail in tails) or any(borrowed(work, scope, c.func) for c in calls):
        raise Left(f"the gradients are changed in line {node.lineno} in a way that was not recognised")
    for c, tail in zip(theirs, tails, strict=True):
        home = "torch" if tail in SAME else HOME
        if home == "torch" and (c.keywords or len(c.args) != 1):
            raise Left(f"MindSpore's {tail} in line {c.lineno} works on the gradients")
        work.need(file, f"import {home}")
        work.replace(file, c.func, f"{home}.{tail}")
        work.say(file, part, REWRITTEN, "the same formula on PyTorch's gradients", "step")
    if not theirs and id(part) not in work.told and not worded(work, scope, part):
        work.say(file, part, KEPT, "it works on gradients of either framework", "step")


def borrowed(work: Work, scope: Scope, func: ast.expr) -> bool:
    """Whether what is called was made by MindSpore: an operator, a Cell, or what its training steps keep."""
    if isinstance(func, ast.Call):
        return scope.file.names.dotted(func.func).startswith("mindspore.")
    if isinstance(func, ast.Name):
        home = work.flow.home(scope, func.id)
        made = [s.value for _, s in stored(home).get(func.id, []) if isinstance(s, ast.Assign)]
        return any(isinstance(v, ast.Call) and home.file.names.dotted(v.func).startswith("mindspore.") for v in made)
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id != "self":
        home = work.flow.home(scope, func.value.id)
        made = [s.value for _, s in stored(home).get(func.value.id, []) if isinstance(s, ast.Assign)]
        names = [home.file.names.dotted(v.func) for v in made if isinstance(v, ast.Call) and id(v) not in work.told]
        return any(n.startswith("mindspore.") and n.rpartition(".")[2][:1].isupper() for n in names)
    if not isinstance(func, ast.Attribute) or ast.unparse(func.value) != "self":
        return False
    for home, value in kept_as(scope, func):
        if isinstance(value, ast.Call) and home.file.names.dotted(value.func).startswith("mindspore."):
            return True
        target = work.flow.callee(home, value) if isinstance(value, ast.Call) else None
        if target is not None and work.flow.is_network(target) and target.node not in mapping(work):
            return True
    watching = any(scope.file.names.dotted(base).endswith("WithLossScaleCell") for base in bases(scope))
    return func.attr in KEPT_THERE - (WATCHED if watching else set()) and step_class(scope.file, scope)


def bases(scope: Scope) -> list[ast.expr]:
    """The bases of the class that a method belongs to."""
    return getattr(scope.owner.node, "bases", []) if scope.owner is not None else []


def handed(back: Back, scope: Scope, name: str, call: ast.Call, known: set[tuple[int, str]]) -> None:
    """Gradients that a function of the project is given are followed into it."""
    target = back.work.flow.callee(scope, call)
    if target is None or not isinstance(target.node, ast.FunctionDef):
        return
    skipped = 1 if target.owner is not None else 0
    for word, value in arguments(target, call, skipped).items():
        if isinstance(value, ast.Name) and value.id == name:
            followed(back, target, word, None, known)


def maps(work: Work, scope: Scope) -> None:
    """What is applied to gradients in the function that updates, and in the methods beside it."""
    owner = scope.owner or scope
    for node, where in list(scope.file.where.items()):
        plain = isinstance(node, ast.stmt) and not hasattr(node, "body") and id(node) not in work.told
        if plain and (where is scope or where.parent is owner):
            mapped(work, where, node)


def clones(back: Back) -> None:
    """``optimizer.parameters.clone(init="zeros")``.

    Raises:
        Left: another kind of copy.
    """
    work = back.work
    for scope, node in uses(work.flow, back.thing):
        held = scope.file.parents[node]
        if not isinstance(held, ast.Attribute) or held.attr != "parameters":
            continue
        above = scope.file.parents[held]
        whole: list[tuple[Scope, ast.expr]] = [(scope, held)]
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Name):
            whole += [(scope, n) for n in seen(scope, above.targets[0].id)]
        for place, each in whole:
            cloned(work, place, each, scope.file.source.code(node))


def cloned(work: Work, scope: Scope, node: ast.expr, at: str) -> None:
    """One copy of an optimizer's parameters, if that is what stands there."""
    file = scope.file
    above = file.parents[node]
    call = file.parents.get(above) if isinstance(above, ast.Attribute) and above.attr == "clone" else None
    if not isinstance(call, ast.Call):
        return
    words = {w.arg: w.value for w in call.keywords}
    init = words.get("init", call.args[1] if len(call.args) > 1 else None)
    if not isinstance(init, ast.Constant) or init.value != "zeros":
        raise Left(f"the copies in line {call.lineno} do not start at zero")
    work.need(file, f"import {HOME}")
    work.replace(file, call, f"{HOME}.zeros({at})")
    work.say(file, call, REWRITTEN, "zeros in the shape of each parameter", "step")


def emptied_maps(work: Work, file: File) -> None:
    """``HyperMap()`` that nothing calls any more stays: it does no harm."""
    for _, call in file.calls:
        if file.names.dotted(call.func).endswith("HyperMap") and id(call) not in work.told:
            work.say(file, call, KEPT, "nothing calls it any more", "step")


__all__ = ["free", "stores"]
