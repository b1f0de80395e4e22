"""PyTorch to ``calando.torch``: schedulers disappear into the optimizer, nothing else changes."""

from __future__ import annotations

import ast

from ..lexicon import CALANDO, TORCH
from .by_class import classes
from .finding import CHECK, HUMAN, KEPT, REWRITTEN
from .from_mindspore.in_mindspore import in_place
from .from_torch.later import final, leave_none, set_later, stands_alone
from .reading.blocks import statement_of
from .reading.bound import HOOK
from .reading.carry import carry
from .reading.chosen import chosen, looked_up
from .reading.flow import OPTIMIZER, SCALER, SCHEDULER, Thing
from .reading.latest import COMING, EITHER, PAST, whose
from .reading.mentions import MEANT, bases_of, chooses, clips, of_mindspore, own_kind
from .reading.prepared import gathers, wraps
from .reading.reads import group_reads
from .reading.rhythm import grouped
from .reading.scopes import File, Scope
from .schedulers.drivers import WHOLES, family
from .schedulers.place import Placed, optimizer_at, per_epoch, placed
from .schedulers.same_rate import argument, one_rate
from .schedulers.taken import said_read, scaled, taken
from .work import Left, Work, uses

OWN_SCHEDULER = "a scheduler of the script's own goes on driving calando's optimizer"
SHORT = 70  # a schedule up to so many characters stands in the optimizer's own line


def to_calando(work: Work) -> None:
    """Rewrite a whole project for ``calando.torch``."""
    for thing in work.flow.all(OPTIMIZER):
        convert(work, thing)
    done: set[int] = set()
    schedulers = work.flow.all(SCHEDULER)
    for thing in sorted(schedulers, key=lambda t: t.name not in WHOLES):
        if id(thing.node) in done:
            continue
        things, found = family(work, thing), []  # type: ignore[var-annotated]
        why = work.attempt(lambda things=things, found=found: all_out(work, things, found))  # type: ignore[misc]
        for each in things if why else ():
            stays(work, each, why)
        done |= {id(each.node) for each in things} | {id(part.node) for place in found for part in place.parts}
    classes(work)
    rest(work)


def all_out(work: Work, things: list[Thing], found: list[Placed]) -> None:
    """Put schedulers that stand for one another into their optimizers, all of them.

    Raises:
        Left: one of them cannot be; then none is.
    """
    for thing in things:
        take_out(work, thing, found, len(things) == 1)


def convert(work: Work, thing: Thing) -> None:
    """Make one optimizer calando's."""
    call, file = thing.node, thing.scope.file  # type: ignore[union-attr]
    assert isinstance(call, ast.Call)
    framework, _, name = thing.name.partition(".")
    dotted = file.names.dotted(call.func)
    if dotted.startswith("calando."):
        work.say(file, call, KEPT, "it is calando's already", "optimizer")
        return
    if framework == "mindspore":
        why = work.attempt(lambda: in_place(work, thing))
        if why:
            work.say(file, call, HUMAN, f"it stays MindSpore's: {why}", "optimizer")
        return
    if name not in CALANDO:
        work.say(file, call, HUMAN, f"calando has no {name}; it stays PyTorch's", "optimizer")
        return
    refused = [w.arg for w in call.keywords if w.arg in ("capturable", "differentiable") and not false(w.value)]
    if refused:
        work.say(file, call, HUMAN, f"calando refuses {refused[0]}; the optimizer stays PyTorch's", "optimizer")
        return
    work.need(file, "import calando.torch")
    work.replace(file, call.func, f"calando.torch.{name}")
    work.say(file, call, REWRITTEN, f"calando.torch.{name} takes the same arguments", "optimizer")


def false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def take_out(work: Work, thing: Thing, found: list[Placed], alone: bool) -> None:
    """Put one scheduler into its optimizer; into its very constructor only where no other may stand in its place.

    Raises:
        Left: it cannot be.
    """
    place = placed(work, thing)
    found.append(place)
    if any(t.name.partition(".")[2] not in CALANDO or not t.name.startswith("torch.") for t in place.optimizers):
        raise Left("calando does not have the optimizer it drives")
    if place.moment is not None:
        raise Left("its step is given an argument")
    scope = thing.scope
    assert scope is not None
    statement = statement_of(scope.file, thing.node)
    if alone and stands_alone(place) and inside_constructor(work, place, statement):
        leave_none(work, place, statement, [])
    else:
        set_later(work, place, "param_groups")
    taken(work, place)
    for where, call in place.reads:
        read_rate(work, place, where.file, call)
    for optimizer in place.optimizers:
        look_back(work, place, optimizer)


def inside_constructor(work: Work, place: Placed, statement: ast.stmt) -> bool:
    """Write the schedule where the optimizer's learning rate stood, if everything it needs is known there."""
    scope = place.thing.scope
    optimizer = place.optimizers[0]
    assert scope is not None and isinstance(optimizer.node, ast.Call)
    if len(place.optimizers) != 1 or optimizer.scope is not scope or not one_rate(work, optimizer):
        return False
    file = scope.file
    maker = statement_of(file, optimizer.node)
    if file.parents[maker] is not file.parents[statement] or maker.lineno >= statement.lineno:
        return False
    if asked_between(work, optimizer, range((maker.end_lineno or 0) + 1, statement.lineno)):
        return False
    order = TORCH[optimizer.name.partition(".")[2]].order
    rate_given = argument(optimizer.node, order, "lr")
    base = ast.unparse(rate_given) if rate_given is not None else repr(TORCH[order_name(optimizer)].default("lr"))
    for tree in arguments_of(place):
        if carry(work.flow, tree, scope, scope, maker.lineno) is None or moved(work, tree, scope, maker.lineno):
            return False
    try:
        rate = per_epoch(
            work, final(work, scope, place.form.rate, base), place.rhythm.count, place.rhythm.scope, scope, maker.lineno
        )
        moved_too = place.form.momentum and per_epoch(
            work,
            final(work, scope, place.form.momentum, base),
            place.rhythm.count,
            place.rhythm.scope,
            scope,
            maker.lineno,
        )
    except Left:
        return False
    rate = named(work, file, maker, rate, "learning_rate")
    put_argument(work, file, optimizer, "lr", rate)
    if moved_too:
        put_momentum(work, file, optimizer, named(work, file, maker, moved_too, "momentum"))
    return True


def asked_between(work: Work, optimizer: Thing, lines: range) -> bool:
    """Whether an optimizer is used, other than for a scheduler, in some lines of where it is made."""
    made = work.flow.made
    found = ((scope, node) for scope, node in uses(work.flow, optimizer) if scope is optimizer.scope)
    return any(node.lineno in lines and id(scope.file.parents[node]) not in made for scope, node in found)


def named(work: Work, file: File, statement: ast.stmt, text: str, wanted: str) -> str:
    """A long expression in a line of its own, and the name it gets there."""
    if len(text) <= SHORT:
        return text
    name = file.names.free(wanted)
    work.before(file, statement, f"{name} = {text}")
    return name


def order_name(optimizer: Thing) -> str:
    return optimizer.name.partition(".")[2]


def arguments_of(place: Placed) -> list[ast.expr]:
    """What the schedule is made of, as written where the scheduler was."""
    calls = [place.thing.node, *(part.node for part in place.parts)]
    found: list[ast.expr] = []
    for call in calls:
        assert isinstance(call, ast.Call)
        found += [*call.args[1:], *(w.value for w in call.keywords if w.arg not in ("optimizer", "schedulers"))]
    return [
        x
        for x in found
        if not isinstance(x, ast.List) or place.thing.name != "SequentialLR" or not names_parts(x, place)
    ]


def names_parts(node: ast.List, place: Placed) -> bool:
    return len(node.elts) == len(place.parts)


def moved(work: Work, node: ast.expr, scope: object, line: int) -> bool:
    """Whether an expression must be written otherwise at an earlier line."""
    there = carry(work.flow, node, scope, scope, line)  # type: ignore[arg-type]
    return there is None or ast.dump(there) != ast.dump(node)


def put_argument(work: Work, file: File, optimizer: Thing, name: str, text: str) -> None:
    """Give an optimizer's call another value for an argument, or the argument itself."""
    call = optimizer.node
    assert isinstance(call, ast.Call)
    value = argument(call, TORCH[order_name(optimizer)].order, name)
    if value is not None:
        work.replace(file, value, text)
        return
    if any(w.arg is None for w in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        raise Left("the optimizer's arguments are not written out")
    last = [*call.args, *(w.value for w in call.keywords)][-1]
    end = file.source.span(last)[1]
    work.between(file, end, end, f", {name}={text}")


def put_momentum(work: Work, file: File, optimizer: Thing, text: str) -> None:
    """The momentum of SGD and RMSprop, the first of Adam's betas."""
    spoken = TORCH[order_name(optimizer)]
    if "momentum" in spoken.order:
        put_argument(work, file, optimizer, "momentum", text)
        return
    if "betas" not in spoken.order:
        raise Left("the optimizer it drives has no momentum to move")
    call = optimizer.node
    assert isinstance(call, ast.Call)
    betas = argument(call, spoken.order, "betas")
    second = "0.999" if betas is None else f"{grouped(betas)}[1]"
    if isinstance(betas, (ast.Tuple, ast.List)):
        second = ast.unparse(betas.elts[1])
    put_argument(work, file, optimizer, "betas", f"({text}, {second})")


def read_rate(work: Work, place: Placed, file: File, call: ast.Call) -> None:
    """``scheduler.get_last_lr()`` from the optimizer."""
    scope = file.where[call]
    assert isinstance(call.func, ast.Attribute)
    at = optimizer_at(work, place, scope, call)
    moment = whose(work.flow, place.optimizers, call, place.step[1], place.rhythm.early)
    groups = back(work, place, at) if moment == PAST else f"{at}.param_groups"
    parent = file.parents[call]
    if isinstance(parent, ast.Subscript) and parent.value is call:
        index = file.source.code(parent.slice)
        work.replace(file, parent, f'{groups}[{index}]["lr"]')
    else:
        work.replace(file, call, f'[group["lr"] for group in {groups}]')
    said_read(work, file, call, place.rhythm.early if moment == EITHER else None, "the optimizer shows its rate")


def back(work: Work, place: Placed, at: str) -> str:
    """The groups as they were in the update just made; a GradScaler may have skipped the first."""
    step = f'{at}.param_groups[0]["step"] - 1'
    return f"{at}.at(max({step}, 0))" if scaled(work, place) else f"{at}.at({step})"


def look_back(work: Work, place: Placed, optimizer: Thing) -> None:
    """Reads of ``param_groups`` between an update and the scheduler's step still show the update's numbers."""
    for scope, node, at, only in group_reads(work.flow, optimizer):
        moment = whose(work.flow, [optimizer], node, place.step[1], place.rhythm.early)
        if moment == COMING or id(node) in work.told or (not only and weights_only(scope.file, node)):
            continue
        if not only and moment == PAST:
            work.say(scope.file, node, CHECK, "after an update the groups show the coming numbers", "reading")
            continue
        if moment == PAST:
            work.replace(scope.file, node, back(work, place, at))
        unsure = place.rhythm.early if moment == EITHER else None
        said_read(work, scope.file, node, unsure, "asked for the update just made, as it was shown before")


def weights_only(file: File, node: ast.AST) -> bool:
    """Whether a statement asks groups for their parameters and for nothing else."""
    found = [n.slice for n in ast.walk(statement_of(file, node)) if isinstance(n, ast.Subscript)]
    return {n.value for n in found if isinstance(n, ast.Constant)} == {"params"}


def stays(work: Work, thing: Thing, why: str) -> None:
    """A scheduler that stays: it goes on driving calando's optimizer."""
    file = thing.scope.file  # type: ignore[union-attr]
    reason = f"it stays PyTorch's, and drives calando's optimizer as before: {why}"
    work.say(file, thing.node, KEPT, reason, "scheduler")


def unseen(file: File, node: ast.Call) -> bool:
    """Whether a call makes a class by a name that is not written out, or lets another function do so."""
    return looked_up(file, node.func) or chooses(file, node)


def own_optimizer(work: Work, scope: Scope, node: ast.Call) -> bool:
    """Whether a call makes, or is a method of, an optimizer of the script's own."""
    inner = work.flow.callee(scope, node)
    held = work.flow.things(scope, node.func.value) if isinstance(node.func, ast.Attribute) else ()
    classes = [*([inner] if inner is not None else []), *(t.scope for t in held if t.scope is not None)]
    return any("torch.optim.Optimizer" in bases_of(at) for cls in classes for at in work.flow.bases(cls))


def rest(work: Work) -> None:
    """Everything else works as it is on calando's optimizers; what is not theirs is left to a person."""
    told = set(work.told)
    for key, (file, node, _) in work.mentions.items():
        if key in told:
            continue
        reason = works(work, file, node)
        if reason:
            work.say(file, node, KEPT, reason, "step")


def works(work: Work, file: File, node: ast.AST) -> str:
    """Why something needs no change; empty where that is not known."""
    scope = file.where[node]
    called = file.names.dotted(node.func) if isinstance(node, ast.Call) else ""
    if called.startswith("mindspore.") or of_mindspore(work.flow, file, node):
        return "MindSpore's own, which works with calando's optimizers too"
    if isinstance(node, ast.Attribute) and node.attr == "grad":
        return "it works on gradients, and those are PyTorch's"
    if isinstance(node, ast.Attribute):
        known = work.flow.things(scope, node.value)
        return "calando's optimizers show and take numbers in param_groups" if known else ""
    if isinstance(node, ast.ClassDef):
        own = {file.names.dotted(base) for base in node.bases}
        return OWN_SCHEDULER if "torch.optim.lr_scheduler._LRScheduler" in own else ""
    if not isinstance(node, ast.Call):
        return ""
    dotted = file.names.dotted(node.func)
    if own_kind(work.flow, node, scope) and not own_optimizer(work, scope, node):
        return OWN_SCHEDULER
    if gathers(node):
        return "it lets gradients gather, and those are PyTorch's"
    if wraps(node):
        return "it wraps calando's optimizer as it did PyTorch's"
    if dotted.startswith("torch.optim.swa_utils."):
        return "it drives, or averages beside, calando's optimizer as it did PyTorch's"
    if dotted.startswith(("torch.nn.utils.", "torch.amp.", "torch.cuda.amp.", "torch.autocast", "torch.autograd.")):
        return "it works on gradients, and those are PyTorch's"
    if isinstance(node.func, ast.Attribute):
        kinds = work.flow.kinds(scope, node.func.value)
        if node.func.attr in ("backward", "manual_backward", HOOK):
            return "it works on gradients, and those are PyTorch's"
        held = work.flow.things(scope, node.func.value)
        if any(t.kind == OPTIMIZER and t.name.partition(".")[2] not in CALANDO for t in held):
            return "the optimizer stays PyTorch's"
        if node.func.attr == "update_parameters":
            return "it averages weights, whoever updates them"
        if kinds & {OPTIMIZER, SCALER, SCHEDULER}:
            return "calando's optimizers take this call as PyTorch's do"
        if clips(file, node):
            return "it works on gradients, and those are PyTorch's"
        if node.func.attr == "zero_grad" and not MEANT.search(ast.unparse(node.func.value)):
            return "it works on gradients, and those are PyTorch's"
        if not held and node.func.attr in ("step", "zero_grad", "state_dict", "load_state_dict", "get_last_lr"):
            return "whatever it is called on is PyTorch's or takes PyTorch's calls"
    if chosen(work.flow, scope, node.func) or chooses(file, node):
        stays = "it stays PyTorch's" if unseen(file, node) else "those that are written out are calando's"
        return f"which class this is, is only known when it runs; {stays}"
    target = work.flow.callee(scope, node)
    if target is not None:
        return "a function of the project, whose lines are listed themselves"
    return ""
