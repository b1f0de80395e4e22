"""One scheduler of PyTorch's: what it does, which optimizer it drives, and every place where it is used."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..lexicon import SCHEDULERS, TORCH
from .carry import carry, picked, stored
from .closed import Closed, Open, closed
from .flow import OPTIMIZER, SCHEDULER, Scope, Thing
from .rhythm import Rhythm, rhythm
from .work import Left, Work, uses

BASE = "BASE_LEARNING_RATE"  # stands in a closed form until the rate is known


@dataclass
class Placed:
    """A scheduler that can become a schedule.

    Args:
        thing: the scheduler.
        optimizers: what it drives; several where one of them is chosen at run time.
        optimizer: how the optimizer is called where the scheduler is made.
        form: its closed form, with ``BASE`` for the learning rate it starts from.
        rhythm: how many updates one of its steps is.
        parts: the schedulers it is made of.
        reads: where its rate is asked for.
        step: the call of its ``step``.
        gone: statements that go with it.
        kept: whether its name is used elsewhere, so that it must stay, as None.
    """

    thing: Thing
    optimizers: list[Thing]
    optimizer: str
    form: Closed
    rhythm: Rhythm
    parts: list[Thing]
    reads: list[tuple[Scope, ast.Call]]
    step: tuple[Scope, ast.Call]
    gone: list[tuple[Scope, ast.stmt]]
    items: list[tuple[Scope, ast.Dict, int]]
    kept: bool


def said(name: str, call: ast.Call, code: object) -> dict[str, str]:
    """The arguments of a scheduler as they are written, defaults included.

    Raises:
        Left: they are not all written out.
    """
    table = SCHEDULERS.get(name)
    if table is None:
        raise Left(f"{name} is not a scheduler with a closed form here")
    if any(isinstance(a, ast.Starred) for a in call.args) or any(w.arg is None for w in call.keywords):
        raise Left("its arguments are not written out")
    given: dict[str, str] = {}
    names = ["optimizer", *table, "last_epoch"]
    for key, value in [*zip(names, call.args, strict=False), *((w.arg, w.value) for w in call.keywords)]:
        given[str(key)] = ast.unparse(value)
    given.pop("optimizer", None)
    if given.pop("last_epoch", "-1") != "-1":
        raise Left("it begins at an epoch of its own (last_epoch)")
    given.pop("verbose", None)
    unknown = set(given) - set(table)
    if unknown:
        raise Left(f"its argument {sorted(unknown)[0]!r} is not known")
    return {key: given.get(key, repr(value)) for key, value in table.items()}


def driven(work: Work, thing: Thing) -> tuple[list[Thing], ast.expr]:
    """The optimizers a scheduler drives, and the expression that names them."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    expression = call.args[0] if call.args else next((w.value for w in call.keywords if w.arg == "optimizer"), None)
    if expression is None:
        raise Left("which optimizer it drives is not written here")
    found = [t for t in work.flow.things(scope, expression) if t.kind == OPTIMIZER]
    if not found:
        raise Left("the optimizer it drives is not made in this project")
    return sorted(found, key=lambda t: t.node.lineno), expression  # type: ignore[attr-defined]


def form_of(work: Work, thing: Thing) -> tuple[Closed, list[Thing]]:
    """A scheduler's closed form, and the schedulers it is made of."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    arguments = said(thing.name, call, scope.file.source.code)
    parts: list[Thing] = []
    forms: list[Closed] = []
    if thing.name == "SequentialLR":
        listed = call.args[1] if len(call.args) > 1 else next(w.value for w in call.keywords if w.arg == "schedulers")
        for pack in work.flow.things(scope, listed):
            for inner in pack.parts:
                if len(inner) != 1 or next(iter(inner)).kind != SCHEDULER:
                    raise Left("which schedulers it is made of is not known")
                parts += inner
        if not parts:
            raise Left("which schedulers it is made of is not known")
        for part in parts:
            form, deeper = form_of(work, part)
            if deeper:
                raise Left("it is made of schedulers that are made of schedulers")
            forms.append(form)
    try:
        return closed(thing.name, arguments, BASE, tuple(forms)), parts
    except (Open, ValueError, SyntaxError) as problem:
        raise Left(str(problem)) from None


def placed(work: Work, thing: Thing) -> Placed:
    """Everything about one scheduler that must be known to take it out.

    Raises:
        Left: something about it is not known, or it is used in a way that needs it.
    """
    optimizers, expression = driven(work, thing)
    form, parts = form_of(work, thing)
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    at = scope.file.source.code(expression)
    result = Placed(thing, optimizers, at, form, Rhythm(False), parts, [], (scope, call), [], [], False)
    steps: list[tuple[Scope, ast.Call]] = []
    for place, node in uses(work.flow, thing):
        if other(work, place, node, thing):
            raise Left(f"another scheduler may stand in its place in line {node.lineno}")
        sort_use(work, result, place, node, steps)
    if len(steps) != 1:
        raise Left("its step is never called" if not steps else f"its step is called in {len(steps)} places")
    place, step = result.step = steps[0]
    if step.args or step.keywords:
        raise Left("its step is given an argument")
    result.rhythm = rhythm(work.flow, frozenset(optimizers), place, step, work.wish.steps_per_epoch)
    if not result.rhythm.known:
        raise Left(f"how many updates one of its steps is: {result.rhythm.why}; say --steps-per-epoch")
    if result.rhythm.early:
        raise Left("its step comes before the optimizer's, so its first value is never used")
    return result


def other(work: Work, scope: Scope, node: ast.expr, thing: Thing) -> bool:
    """Whether a name may stand for another scheduler too."""
    return any(t.kind == SCHEDULER and t is not thing for t in work.flow.things(scope, node))


def sort_use(work: Work, result: Placed, scope: Scope, node: ast.expr, steps: list[tuple[Scope, ast.Call]]) -> None:
    """What one use of a scheduler's name is."""
    file = scope.file
    parent = file.parents[node]
    call = file.parents.get(parent)
    if isinstance(parent, ast.Attribute) and isinstance(call, ast.Call) and call.func is parent:
        holder = file.parents[call]
        if parent.attr == "step" and isinstance(holder, ast.Expr):
            result.gone.append((scope, holder))
            steps.append((scope, call))
            return
        if parent.attr in ("get_last_lr", "get_lr"):
            result.reads.append((scope, call))
            return
        if parent.attr == "load_state_dict" and isinstance(holder, ast.Expr):
            result.gone.append((scope, holder))
            return
        if parent.attr == "state_dict" and isinstance(holder, ast.Dict) and call in holder.values:
            result.items.append((scope, holder, holder.values.index(call)))
            return
        raise Left(f"its .{parent.attr} is used in line {node.lineno}")
    if isinstance(parent, ast.Attribute):
        raise Left(f"its .{parent.attr} is used in line {node.lineno}")
    if isinstance(parent, (ast.Compare, ast.If, ast.BoolOp, ast.UnaryOp)):
        result.kept = True
        return
    if isinstance(parent, (ast.List, ast.Tuple)) and isinstance(call, ast.Call) and id(call) in work.flow.made:
        return  # part of a SequentialLR, which was asked for already
    if isinstance(parent, (ast.Return, ast.Tuple, ast.keyword, ast.Assign)):
        result.kept = True
        return
    if isinstance(parent, ast.Call) and work.flow.callee(scope, parent) is not None:
        result.kept = True
        return
    raise Left(f"it is given to something else in line {node.lineno}")


def argument(call: ast.Call, order: tuple[str, ...], name: str) -> ast.expr | None:
    """An argument of a call, by name or position."""
    for word in call.keywords:
        if word.arg == name:
            return word.value
    if name in order and order.index(name) < len(call.args):
        value = call.args[order.index(name)]
        return None if isinstance(value, ast.Starred) else value
    return None


def one_rate(work: Work, optimizer: Thing) -> bool:
    """Whether all groups of an optimizer surely have the same learning rate."""
    call, scope = optimizer.node, optimizer.scope
    assert isinstance(call, ast.Call) and scope is not None
    params = argument(call, TORCH[optimizer.name.partition(".")[2]].order, "params")
    if params is None:
        return False
    seen = carry(work.flow, params, scope, scope, call.lineno) or params
    return certainly_one(work, scope, seen, 0)


def certainly_one(work: Work, scope: Scope, node: ast.expr, depth: int) -> bool:
    """Whether an expression surely gives parameters, or groups without rates of their own."""
    if depth > 6:
        return False
    text = ast.unparse(node)
    if text.endswith(("parameters()", "trainable_params()")):
        return True
    if isinstance(node, ast.Dict):
        keys = {k.value for k in node.keys if isinstance(k, ast.Constant)}
        return len(keys) == len(node.keys) and "lr" not in keys
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(certainly_one(work, scope, x, depth + 1) for x in node.elts)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return not any(isinstance(n, ast.Call) for n in ast.walk(node.elt)) and certainly_one(
            work, scope, node.elt, depth + 1
        )
    if isinstance(node, ast.BinOp):
        return all(certainly_one(work, scope, x, depth + 1) for x in (node.left, node.right))
    if isinstance(node, ast.Call):
        name = scope.file.names.dotted(node.func)
        if name in ("filter", "list", "itertools.chain", "tuple"):
            rest = node.args[1:] if name == "filter" else node.args
            return all(certainly_one(work, scope, x, depth + 1) for x in rest)
        target = work.flow.callee(scope, node)
        if target is not None and isinstance(target.node, ast.FunctionDef):
            inside = list(ast.walk(target.node))
            if any(isinstance(n, ast.Constant) and n.value in ("lr", "lr_scale") for n in inside):
                return False
            returns = [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
            return bool(returns) and all(certainly_one(work, target, x, depth + 1) for x in returns)
        return False
    if isinstance(node, ast.Name):
        home = work.flow.home(scope, node.id)
        stores = stored(home).get(node.id, [])
        if not stores:
            return node.id in ("p", "param", "parameter", "v", "w")
        inside = list(ast.walk(home.node))
        if any(isinstance(n, ast.Constant) and n.value in ("lr", "lr_scale") and keyed(home, n) for n in inside):
            return False
        values = [picked(s, t) for t, s in stores if isinstance(s, ast.Assign)]
        return all(v is None or certainly_one(work, home, v, depth + 1) for v in values)
    return isinstance(node, (ast.Attribute, ast.IfExp, ast.Starred))


def keyed(scope: Scope, node: ast.AST) -> bool:
    """Whether a text is a key of a dictionary that is written out, ``params`` beside it."""
    parent = scope.file.parents.get(node)
    return isinstance(parent, ast.Dict) and any(
        isinstance(k, ast.Constant) and k.value == "params" for k in parent.keys
    )


def per_epoch(work: Work, rate: str, count: ast.expr | None, scope: Scope | None, to: Scope, line: int) -> str:
    """A schedule that counts epochs as one that counts updates, written at a place."""
    if count is None:
        return rate
    there = count if scope is None else carry(work.flow, count, scope, to, line)
    if there is None:
        raise Left("how long an epoch is cannot be said where the optimizer is made; say --steps-per-epoch")
    return f"{rate}.per_epoch({ast.unparse(there)})"
