"""One scheduler of PyTorch's: what it does, which optimizer it drives, and every place where it is used."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from ...lexicon import HUGGING_FACE, SCHEDULERS
from ..reading.blocks import statement_of
from ..reading.carry import carry, constant
from ..reading.flow import SCHEDULER, Thing
from ..reading.prepared import wraps
from ..reading.rhythm import Rhythm, grouped, rhythm
from ..reading.scopes import Scope
from ..reading.sure import sure
from ..work import Asked, Left, Work, uses
from .closed import RATIOS, Closed, Open, closed
from .drivers import WHOLES, driven, family, rivals, written
from .hugging_face import ready_made
from .unsteady import unsteady

BASE = "BASE_LEARNING_RATE"  # stands in a closed form until the rate is known
# What PyTorch computes from the epoch alone where step() is given it.
CLOSED = (
    "StepLR",
    "MultiStepLR",
    "ExponentialLR",
    "CosineAnnealingLR",
    "LambdaLR",
    "LinearLR",
    "ConstantLR",
    "PolynomialLR",
)
# What keeps a scheduler in a SequentialLR, MultiplicativeLR behind another, from being computed by itself.
ENTANGLED = {
    "MultiplicativeLR": "goes on from the rate that the scheduler before it left",
    **dict.fromkeys(("OneCycleLR", "CyclicLR"), "changes the rate that the schedulers beside it begin with"),
}
# Those that make each rate from the last and the epoch, whatever the first was.
FORGETFUL = {
    "StepLR", "MultiStepLR", "ExponentialLR", "MultiplicativeLR", "PolynomialLR", "LinearLR", "ConstantLR",
}  # fmt: skip
CHAINED = {"schedulers": None, "optimizer": None}


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
        moment: what its step is given, where it is given an epoch.
        tested: whether something but its step hangs on whether there is one.
        stepped: why it stays an object that is stepped; empty where it becomes a schedule.
        lent: whether its name must stand for the optimizer, because its rate is read where that has no name.
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
    tests: list[tuple[Scope, ast.expr]] = field(default_factory=list)
    lent: bool = False
    tested: bool = False
    moment: ast.expr | None = None
    stepped: str = ""


def said(work: Work, thing: Thing) -> dict[str, str]:
    """The arguments of a scheduler as they are written, defaults included.

    Raises:
        Left: they are not all written out.
    """
    name, call, scope = thing.name, thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    table = CHAINED if name == "ChainedScheduler" else {**SCHEDULERS, **HUGGING_FACE}.get(name)
    if table is None:
        raise Left(f"{name} is not a scheduler with a closed form here")
    if any(isinstance(a, ast.Starred) for a in call.args) or any(w.arg is None for w in call.keywords):
        raise Left("its arguments are not written out")
    names = ["optimizer", *table, "last_epoch"] if name != "ChainedScheduler" else list(table)
    if name == "get_scheduler":
        names[:2] = names[1::-1]
    pairs = [*zip(names, call.args, strict=False), *((str(w.arg), w.value) for w in call.keywords)]
    values = {key: value for key, value in pairs if key != "optimizer" or "optimizer" in table}
    if "last_epoch" in values and constant(work.flow, values.pop("last_epoch"), scope) != -1:
        begins(thing)
    given = {key: ast.unparse(value) for key, value in values.items()}
    given.pop("verbose", None)
    unknown = set(given) - set(table)
    if unknown:
        raise Left(f"its argument {sorted(unknown)[0]!r} is not known")
    return {key: given.get(key, repr(value)) for key, value in table.items()}


def begins(thing: Thing) -> None:
    """Raise Left for a scheduler that goes on with an epoch: an object can, which makes each rate from the last.

    Raises:
        Asked: it needs the rates of the beginning too, which only the state that was saved tells.
    """
    told = "it begins at an epoch of its own (last_epoch)"
    if thing.name in FORGETFUL:
        raise Left(told)
    more = f"and {thing.name} needs the rates of the very beginning there"
    raise Asked(f"{told}, {more}: save its state_dict beside the optimizer's and load it, in place of last_epoch")


def form_of(work: Work, thing: Thing, base: str = BASE) -> tuple[Closed, list[Thing]]:
    """A scheduler's closed form, and the schedulers it is made of."""
    call, scope = thing.node, thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    arguments = said(work, thing)
    if why := unsteady(work.flow, thing):
        raise Left(why)
    parts: list[Thing] = []
    forms: list[Closed] = []
    if thing.name in WHOLES:
        at = 1 if thing.name == "SequentialLR" else 0
        listed = call.args[at] if len(call.args) > at else next(w.value for w in call.keywords if w.arg == "schedulers")
        for pack in work.flow.things(scope, listed):
            for inner in pack.parts:
                if len(inner) != 1 or next(iter(inner)).kind != SCHEDULER:
                    raise Left("which schedulers it is made of is not known")
                parts += inner
        if not parts:
            raise Left("which schedulers it is made of is not known")
        for part in parts:
            if thing.name == "ChainedScheduler" and part.name not in RATIOS:
                raise Left(f"it multiplies with {part.name}, which is no factor of the rate before it")
            if thing.name == "SequentialLR" and part.name in ENTANGLED and (forms or part.name != "MultiplicativeLR"):
                raise Left(f"its {part.name} {ENTANGLED[part.name]}")
            form, deeper = form_of(work, part, "1.0" if thing.name == "ChainedScheduler" else BASE)
            if deeper:
                raise Left("it is made of schedulers that are made of schedulers")
            forms.append(form)
    try:
        if thing.name in HUGGING_FACE:
            return ready_made(thing.name, arguments, base), parts
        return closed(thing.name, arguments, base, tuple(forms)), parts
    except (Open, ValueError, SyntaxError) as problem:
        raise Left(str(problem)) from None


def placed(work: Work, thing: Thing) -> Placed:
    """Everything about one scheduler that must be known to take it out.

    Raises:
        Left: something about it is not known, or it is used in a way that needs it.
    """
    optimizers, expression = driven(work, thing)
    wrapped(work, optimizers)
    for optimizer in optimizers:
        sure(work, optimizer)
    form, parts = form_of(work, thing)
    together = family(work, thing)
    rivals(work, thing, optimizers, [*together, *parts])
    written(work, optimizers, thing)
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    at = scope.file.source.code(expression)
    result = Placed(thing, optimizers, at, form, Rhythm(False), parts, [], (scope, call), [], [], False)
    steps: list[tuple[Scope, ast.Call]] = []
    for place, node in uses(work.flow, thing):
        if any(t.kind == SCHEDULER and t not in together for t in work.flow.things(place, node)):
            raise Left(f"another scheduler may stand in its place in line {node.lineno}")
        sort_use(work, result, place, node, steps)
    result.tested = not all(only_steps(result, scope, node) for scope, node in result.tests)
    result.lent = not all(optimizer_name(work, result, scope) for scope, _ in result.reads)
    if len(steps) != 1:
        lines = ", ".join(str(step.lineno) for _, step in steps)
        told = f"is stepped in {len(steps)} places (lines {lines})" if steps else "is never stepped"
        raise Left(f"its scheduler, made in line {call.lineno}, {told}")
    if has_state(result) and not loaded(work, optimizers):
        return on_its_own(work, result, "its state is loaded, and the optimizer's is not")
    place, step = result.step = steps[0]
    if step.args or step.keywords:
        return told_when(result, step)
    if several_objects(work, [thing, *optimizers]):
        return on_its_own(work, result, "it is one of several that are kept in one collection")
    result.rhythm = rhythm(work.flow, frozenset(optimizers), place, step, work.wish.steps_per_epoch)
    if not result.rhythm.known and not result.rhythm.asks and work.wish.to == "mindspore":
        return on_its_own(work, result, result.rhythm.why)
    if not result.rhythm.known:
        raise Asked(f"how many updates one of its steps is: {result.rhythm.why}; say --steps-per-epoch")
    if result.rhythm.early:
        result.form = early(result)
    return result


def has_state(place: Placed) -> bool:
    """Whether the scheduler's state is loaded."""
    calls = [getattr(statement, "value", None) for _, statement in place.gone]
    return any(isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".load_state_dict") for call in calls)


def loaded(work: Work, optimizers: list[Thing]) -> int:
    """The line where the state of one of some optimizers is loaded; 0 where none is."""
    found = [(scope.file.parents[node], node) for each in optimizers for scope, node in uses(work.flow, each)]
    lines = [node.lineno for held, node in found if isinstance(held, ast.Attribute) and held.attr == "load_state_dict"]
    return min(lines, default=0)


def on_its_own(work: Work, place: Placed, why: str) -> Placed:
    """A scheduler that stays an object and counts its own steps, as no schedule can know when they are made.

    Raises:
        Left: it would have to be a schedule.
    """
    if work.wish.to == "calando":
        raise Left(why)
    return replace(place, rhythm=Rhythm(True), stepped=why)


def wrapped(work: Work, optimizers: list[Thing]) -> None:
    """Raise Left where accelerate or Fabric wraps an optimizer of PyTorch's kind: they decide when it updates."""
    if work.wish.to != "calando":
        return
    for optimizer in optimizers:
        for scope, node in uses(work.flow, optimizer):
            call = scope.file.parents[node]
            if isinstance(call, ast.Call) and wraps(call):
                raise Left(
                    f"{ast.unparse(call.func)} in line {call.lineno} wraps the optimizer and decides when it updates"
                )


def several_objects(work: Work, things: list[Thing]) -> bool:
    """Whether one of these stands for several that are kept in one collection."""
    return any(thing.key in work.flow.collected for thing in things)


def told_when(place: Placed, step: ast.Call) -> Placed:
    """A scheduler whose step is given the epoch.

    Raises:
        Left: a fraction of an epoch, or a scheduler that has no closed form of torch's.
    """
    given = [*step.args, *(w.value for w in step.keywords)]
    if any(
        isinstance(n, ast.Div) or (isinstance(n, ast.Constant) and isinstance(n.value, float))
        for n in ast.walk(given[0])
    ):
        raise Left("its step is given a fraction of an epoch")
    if any(isinstance(n, (ast.Sub, ast.USub)) for n in ast.walk(given[0])):
        raise Left("its step is given an epoch that may lie before the first")
    if len(given) != 1 or place.thing.name not in CLOSED or place.parts:
        raise Left("its step is given an argument")
    if place.form.momentum or place.form.each or place.lent:
        raise Left("its step is given an argument, and it moves more than one number")
    return replace(place, moment=given[0], rhythm=Rhythm(True))


def optimizer_at(work: Work, place: Placed, scope: Scope, call: ast.Call) -> str:
    """How the optimizer is called where the scheduler's rate is read: by its name, or the scheduler's that is lent."""
    assert isinstance(call.func, ast.Attribute)
    return optimizer_name(work, place, scope) or scope.file.source.code(call.func.value)


def optimizer_name(work: Work, place: Placed, scope: Scope) -> str:
    """How the optimizer is called in a scope; empty where it has no name there."""
    made = place.thing.scope
    assert made is not None
    tree = ast.parse(place.optimizer, mode="eval").body
    if scope is made or made is scope.file.top or (scope.owner is not None and scope.owner is made.owner):
        return place.optimizer
    wanted = set(place.optimizers)
    for name in [*scope.params, *scope.local]:
        if wanted & work.flow.home(scope, name).env.get(name, frozenset()):
            return name
    if isinstance(tree, ast.Name) and tree.id not in scope.local and wanted & work.flow.things(scope, tree):
        return tree.id
    return ""


def early(place: Placed) -> Closed:
    """The closed form of a scheduler whose step comes before the update: its first value is never used."""
    form = place.form
    skipped = [f"{alone(text)}.skip(1)" if text else "" for text in (form.rate, form.momentum)]
    return replace(
        form,
        rate=skipped[0],
        momentum=skipped[1],
        plain="",
        guide="",
        each=tuple(f"{alone(text)}.skip(1)" for text in form.each),
    )


def alone(text: str) -> str:
    """A form in parentheses, where a method of it needs them."""
    return f"({text})" if grouped(text.replace("{S}", "S"))[0] == "(" else text


def only_steps(place: Placed, scope: Scope, node: ast.expr) -> bool:
    """Whether nothing but the scheduler's step hangs on a condition."""
    branch = statement_of(scope.file, node)
    gone = [statement for _, statement in place.gone]
    return isinstance(branch, ast.If) and not branch.orelse and all(s in gone for s in branch.body)


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
    if isinstance(parent, (ast.Compare, ast.If, ast.BoolOp, ast.UnaryOp)) or getattr(parent, "test", None) is node:
        result.kept = True
        result.tests.append((scope, node))
        return
    if isinstance(parent, (ast.List, ast.Tuple)) and isinstance(call, ast.Call) and id(call) in work.flow.made:
        return  # part of a SequentialLR, which was asked for already
    if isinstance(parent, (ast.Return, ast.Tuple, ast.Dict, ast.keyword, ast.Assign)):
        result.kept = True
        return
    if isinstance(parent, ast.Call) and work.flow.callee(scope, parent) is not None:
        result.kept = True
        return
    if isinstance(parent, ast.Call) and wraps(parent) and work.wish.to != "calando":
        return  # it is taken out of there with its optimizer
    raise Left(f"it is given to something else in line {node.lineno}")


def per_epoch(work: Work, rate: str, count: ast.expr | None, scope: Scope | None, to: Scope, line: int) -> str:
    """A schedule that counts epochs as one that counts updates, written at a place."""
    if count is None:
        return rate
    there = count if scope is None else carry(work.flow, count, scope, to, line)
    if there is None:
        raise Left("how long an epoch is cannot be said where the optimizer is made; say --steps-per-epoch")
    whole = grouped(rate) if rate.count(f"{work.schedules(to.file)}.") > 1 else rate
    return f"{whole}.per_epoch({ast.unparse(there)})"
