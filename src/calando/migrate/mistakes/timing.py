"""Rates that come an update late, steps of an epoch that are a number, decays per step meant per epoch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..reading.carry import constant
from ..reading.flow import OPTIMIZER, SCHEDULER, Flow, Thing, arguments
from ..reading.rhythm import updates
from ..reading.roads import enclosing
from ..reading.scopes import File, Scope
from .about import Found, calls, counter, looped, tail

PER_EPOCH = re.compile(
    r"(steps?|step_size|iters?|iterations?|batch(es)?)_(per|in|of|each)_epoch|(^|_)epoch_(len|length|steps)$|^spe$",
    re.IGNORECASE,
)
LISTS = {
    "cosine_decay_lr": 3, "exponential_decay_lr": 3, "inverse_decay_lr": 3, "natural_exp_decay_lr": 3,
    "polynomial_decay_lr": 3, "warmup_lr": 2,
}  # fmt: skip
OPTIMIZED = re.compile(r"optim|^opt$|^Model$", re.IGNORECASE)
ENVIRONMENT = re.compile(r"(^|_|\.)envs?$", re.IGNORECASE)
FIXED = "steps per epoch is a number here: take it from the data, as len(loader) or dataset.get_dataset_size()"
LATE = "the rate is assigned after the update it is meant for: each update uses the rate before it"


def early_schedulers(flow: Flow) -> Found:
    """A scheduler of PyTorch's that is stepped before the optimizer."""
    steps = [(file, scope, call) for file in flow.files for scope, call in file.methods.get("step", ())]
    for file, scope, call in steps:
        loops = enclosing(scope, call) if not call.args else []
        for thing in flow.things(scope, call.func.value):  # type: ignore[attr-defined]
            for optimizer in driven(flow, thing) if thing.kind == SCHEDULER and loops else ():
                for place, update in updates(flow, optimizer):
                    if place is scope and loops[-1] in enclosing(place, update) and call.lineno < update.lineno:
                        yield file, call, "the scheduler is stepped before the optimizer: its first rate is never used"


def driven(flow: Flow, scheduler: Thing) -> list[Thing]:
    """The optimizers that a scheduler is made for."""
    call = scheduler.node
    assert isinstance(call, ast.Call) and scheduler.scope is not None
    held = flow.things(scheduler.scope, call.args[0]) if call.args else frozenset()
    return [thing for thing in held if thing.kind == OPTIMIZER]


def late_assignments(flow: Flow) -> Found:
    """MindSpore's ``assign`` to the rate, or PyTorch's write into a group, after the update of the same turn."""
    for file, scope, call in calls(flow):
        if tail(file, call) == "assign" and len(call.args) >= 2:
            target = call.args[0]
            if isinstance(target, ast.Attribute) and target.attr == "learning_rate":
                for thing in flow.things(scope, target.value):
                    yield from too_late(flow, thing, scope, call, call.args[1])
    for file in flow.files:
        for node, scope in file.where.items():
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                for thing in behind(flow, scope, node.targets[0]):
                    yield from too_late(flow, thing, scope, node, node.value)


def too_late(flow: Flow, thing: Thing, scope: Scope, node: ast.AST, value: ast.expr) -> Found:
    """A write of a rate that comes after its update, or the call of the function that writes it."""
    if late(flow, thing, scope, node, value):
        yield scope.file, node, LATE
    used = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    used |= {n.id for text in expressions(value, scope.node) for n in ast.walk(text) if isinstance(n, ast.Name)}
    for caller, call in scope.calls if isinstance(scope.node, ast.FunctionDef) else ():
        given = arguments(scope, call, 1 if scope.owner is not None else 0)
        asked = [given[name] for name in given if name in used]
        if asked and late(flow, thing, caller, call, ast.Tuple(asked, ast.Load())):
            yield caller.file, call, LATE


def behind(flow: Flow, scope: Scope, target: ast.Subscript, name: str = "lr") -> list[Thing]:
    """The optimizer in ``group["lr"] = …`` and ``optimizer.param_groups[0]["lr"] = …``."""
    if not isinstance(target.slice, ast.Constant) or target.slice.value != name:
        return []
    holder: ast.AST = target.value.value if isinstance(target.value, ast.Subscript) else target.value
    for loop in looped(scope.file, target) if isinstance(holder, ast.Name) else ():
        if isinstance(loop, ast.For) and ast.unparse(loop.target) == ast.unparse(holder):
            holder = loop.iter
            break
    if not isinstance(holder, ast.Attribute) or holder.attr != "param_groups":
        return []
    return [t for t in flow.things(scope, holder.value) if t.kind == OPTIMIZER]


def late(flow: Flow, thing: Thing, scope: Scope, node: ast.AST, value: ast.expr) -> bool:
    """Whether a rate is a function of the present turn, and is set when the update of that turn was made."""
    if thing.kind != OPTIMIZER:
        return False
    loops = [x for x in enclosing(scope, node) if counter(x) or not isinstance(x, ast.For) or not groups(x)]
    if not loops:
        return False
    inner = loops[-1]
    behind = [u for place, u in updates(flow, thing) if place is scope and inner in enclosing(place, u)]
    if not behind or not all(u.lineno < node.lineno for u in behind):  # type: ignore[attr-defined]
        return False
    name = counter(inner)
    turns = {
        n.id
        for loop in enclosing(scope, node)
        for n in ast.walk(loop.test if isinstance(loop, ast.While) else getattr(loop, "target", loop))
        if isinstance(n, ast.Name)
    }
    shown = expressions(value, inner)
    if any(ahead(text) for text in shown):
        return False
    used = {n.id for text in shown for n in ast.walk(text) if isinstance(n, ast.Name)}
    return (
        bool(name and name in used) or bool(not name and turns & used) or counted_after(flow, scope, node, shown, inner)
    )


def counted_after(flow: Flow, scope: Scope, node: ast.AST, shown: list[ast.expr], inner: ast.AST) -> bool:
    """Whether a rate is made from a number that the loop counts up after this place and not before it."""
    used = {text for each in shown for text in spelled_in(each)}
    for call in [n for text in shown for n in ast.walk(text) if isinstance(n, ast.Call)]:
        target = flow.callee(scope, call)
        if target is not None and target.owner is not None and isinstance(call.func, ast.Attribute):
            if any(ahead(n) for n in ast.walk(target.node) if isinstance(n, ast.stmt)):
                return False
            whose = ast.unparse(call.func.value)
            used |= {whose + text[4:] for text in spelled_in(target.node) if text.startswith("self.")}
    steps = [s for s in ast.walk(inner) if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add)]
    steps = [s for s in steps if ast.unparse(s.target) in used and enclosing(scope, s)[-1:] == [inner]]
    return bool(steps) and all(s.lineno > node.lineno for s in steps)  # type: ignore[attr-defined]


def spelled_in(node: ast.AST) -> set[str]:
    """The names and attributes in a piece of code, as they are written."""
    return {ast.unparse(n) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))}


def groups(loop: ast.For) -> bool:
    """Whether a loop runs over an optimizer's groups."""
    return "param_groups" in ast.unparse(loop.iter)


def expressions(value: ast.expr, inner: ast.AST) -> list[ast.expr]:
    """A value, and what its names are given inside the loop."""
    found, names = [value], {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    for node in ast.walk(inner):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in names:
            found.append(node.value)
    return found


def ahead(text: ast.AST) -> bool:
    """Whether an expression counts one turn on, as ``f(i + 1)``."""
    return any(
        isinstance(n, ast.BinOp)
        and isinstance(n.op, ast.Add)
        and isinstance(n.right, ast.Constant)
        and n.right.value == 1
        for n in ast.walk(text)
    )


def fixed_epochs(flow: Flow) -> Found:
    """Steps per epoch as a number that is true for one data set only.

    Where nothing is trained (in a test of schedules, too) and all of a schedule is written in numbers that go together,
    it is an illustration.
    """
    trains = any(updates(flow, thing) for thing in flow.all(OPTIMIZER))
    true = counted(flow)
    training = {file for file in flow.files if trains and any(map(OPTIMIZED.search, names_in(file)))}
    for file, _, call in calls(flow):
        if file not in training and (
            illustrated(call) or not file.names.dotted(call.func).startswith(("mindspore.", "torch."))
        ):
            continue
        for word in call.keywords:
            if word.arg and PER_EPOCH.search(word.arg) and many(word.value, true):
                yield file, word, FIXED
        at = LISTS.get(tail(file, call))
        if at is not None and len(call.args) > at and many(call.args[at], true):
            yield file, call.args[at], FIXED
        if tail(file, call) == "piecewise_constant_lr" and (shared := factor(call, true)) is not None:
            yield file, shared, FIXED
    for file in flow.files if trains else ():
        if any(ENVIRONMENT.search(ast.unparse(call.func.value)) for _, call in file.methods["reset"]):  # type: ignore[attr-defined]
            continue  # an epoch of a game is as long as one says
        for node in file.where:
            if isinstance(node, ast.FunctionDef):
                yield from ((file, default, FIXED) for default in taken_defaults(file.scopes[node], node, true))
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Attribute)):
                name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else node.targets[0].attr
                if PER_EPOCH.search(name) and many(node.value, true):
                    yield file, node, FIXED


def names_in(file: File) -> Iterator[str]:
    """The names and attributes that a script uses."""
    return (
        getattr(n, "id", "") or getattr(n, "attr", "") for n in file.where if isinstance(n, (ast.Name, ast.Attribute))
    )


def counted(flow: Flow) -> set[int]:
    """The numbers of turns of the loops that make updates: such a number is the length of an epoch."""
    found: set[int] = set()
    for thing in flow.all(OPTIMIZER):
        for scope, call in updates(flow, thing):
            for place, site in [(scope, call), *scope.calls]:
                for loop in enclosing(place, site):
                    over = loop.iter if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) else None
                    if over is not None and ast.unparse(over.func) == "range" and len(over.args) == 1:
                        value = constant(flow, over.args[0], place)
                        found |= {value} if type(value) is int else set()
    return found


def taken_defaults(scope: Scope, node: ast.FunctionDef, true: set[int]) -> list[ast.expr]:
    """The numbers that stand for the steps of an epoch where a call of a function does not say them."""
    args = [*node.args.posonlyargs, *node.args.args]
    pairs = list(zip(args[len(args) - len(node.args.defaults) :], node.args.defaults, strict=True))
    pairs += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None]
    skipped = 1 if scope.owner is not None else 0
    given = [arguments(scope, call, skipped) for _, call in scope.calls]
    return [
        d
        for a, d in pairs
        if PER_EPOCH.search(a.arg) and many(d, true) and not all(a.arg in each for each in given or [{}])
    ]


def factor(call: ast.Call, true: set[int]) -> ast.expr | None:
    """The number by which all milestones of a list are epochs turned into steps; None where there is none."""
    ends = call.args[0] if call.args else next((w.value for w in call.keywords if w.arg == "milestone"), None)
    rows = ends.elts if isinstance(ends, (ast.List, ast.Tuple)) else []
    if len(rows) < 2 or not all(isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mult) for x in rows):
        return None
    sides = [{ast.unparse(s): s for s in (x.left, x.right) if many(s, true)} for x in rows]  # type: ignore[attr-defined]
    same = set.intersection(*(set(row) for row in sides))
    return sides[0][same.pop()] if same else None


def illustrated(call: ast.Call) -> bool:
    """Whether a schedule's steps in all are a number too, and whole epochs of those that are said."""
    said = {str(w.arg): w.value for w in call.keywords}
    at = LISTS.get(ast.unparse(call.func).rpartition(".")[2], 0)
    for name, place in (("total_step", at - 1), ("epoch", at)):
        if 0 < place < len(call.args):
            said.setdefault(name, call.args[place])
    total, epoch = (
        said.get("total_step"),
        next((v for n, v in said.items() if PER_EPOCH.search(n) or n == "epoch"), None),
    )
    if not isinstance(total, ast.Constant) or not isinstance(epoch, ast.Constant):
        return False
    return isinstance(total.value, int) and isinstance(epoch.value, int) and total.value % max(epoch.value, 1) == 0


def many(node: ast.expr, true: set[int]) -> bool:
    """Whether an expression is a whole number above 1, and not one that is true here."""
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value > 1 and node.value not in true


def per_step(flow: Flow) -> Found:
    """``ExponentialDecayLR(decay_steps=1)``: once per step."""
    for file, _, call in calls(flow):
        dotted = file.names.dotted(call.func)
        if dotted.startswith("mindspore.nn.") and dotted.endswith("ExponentialDecayLR"):
            given = call.args[2] if len(call.args) > 2 else None
            steps = next((w.value for w in call.keywords if w.arg == "decay_steps"), given)
            if isinstance(steps, ast.Constant) and steps.value == 1:
                yield file, call, "decay_steps=1 decays at every step; for once per epoch give it the steps of an epoch"
