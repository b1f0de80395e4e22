"""Schedulers of PyTorch's inside MindSpore's optimizers."""

from __future__ import annotations

import ast

from ...lexicon import TORCH
from ..finding import KEPT, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import Thing
from ..reading.packs import put_in
from ..reading.prepared import wraps
from ..reading.rhythm import grouped, total
from ..reading.scopes import File, Scope
from ..schedulers.place import Placed, per_epoch
from ..schedulers.same_rate import one_rate
from ..schedulers.taken import taken
from ..work import Left, Work, uses
from .assign import HOME, keep_stepping
from .later import final, leave_none, set_later, set_when_told
from .party import Party, ahead, assigned
from .rates import guide_list


def into_constructor(
    work: Work,
    party: Party,
    place: Placed,
    thing: Thing,
    given: dict[str | None, ast.expr],
    values: dict[str, str | None],
    extra: dict[str, str],
) -> None:
    """Write the schedule where the learning rate stood, where that can be."""
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    if assigned(work, party) or not ahead(work, party, place):
        return
    file, maker = scope.file, statement_of(scope.file, call)
    name = thing.name.partition(".")[2]
    base = ast.unparse(given["lr"]) if "lr" in given else repr(TORCH[name].default("lr"))
    count, where = place.rhythm.count, place.rhythm.scope
    if party.own(thing):
        rate = guide_list(work, place, thing, base, scope, maker.lineno, party.read)
    else:
        rate = per_epoch(work, final(work, scope, place.form.rate, base), count, where, scope, maker.lineno)
    put(work, file, maker, given, values, extra, "lr", "learning_rate", rate)
    if place.form.momentum:
        moved = per_epoch(work, final(work, scope, place.form.momentum, base), count, where, scope, maker.lineno)
        if "momentum" not in TORCH[name].order:
            move_beta(file, name, given, values, extra, moved)
            return
        put(work, file, maker, given, values, extra, "momentum", "momentum", moved)


def slowed(
    work: Work, party: Party, thing: Thing, given: dict[str | None, ast.expr], values: dict[str, str | None],
    extra: dict[str, str],
) -> None:  # fmt: skip
    """Adagrad's ``lr_decay`` as a list of rates, for MindSpore's own class.

    Raises:
        Left: something else moves the rate too, groups have rates of their own, or how long it trains is not known.
    """
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    maker = statement_of(scope.file, call)
    steps = total(work.flow, thing, scope, maker.lineno)
    if steps is None or party.schedulers or party.stepped or party.read or party.written or not one_rate(work, thing):
        raise Left("its lr_decay is a list of rates in MindSpore, which cannot be written here; --style exact has it")
    lr = grouped(given["lr"]) if "lr" in given else repr(TORCH["Adagrad"].default("lr"))
    text = f"[{lr} / (1 + step * {grouped(given['lr_decay'])}) for step in range({steps})]"
    put(work, scope.file, maker, given, values, extra, "lr", "learning_rate", text)


def move_beta(
    file: File,
    name: str,
    given: dict[str | None, ast.expr],
    values: dict[str, str | None],
    extra: dict[str, str],
    moved: str,
) -> None:
    """A schedule for the first of Adam's betas."""
    if "betas" not in TORCH[name].order:
        raise Left("it moves a momentum, and the optimizer has none")
    betas = given.get("betas")
    if betas is None:
        extra["beta1"] = moved
    else:
        second = betas.elts[1] if isinstance(betas, (ast.Tuple, ast.List)) else None
        text = file.source.code(second) if second is not None else f"{grouped(betas)}[1]"
        values["betas"] = f"({moved}, {text})"


def put(
    work: Work, file: File, maker: ast.stmt, given: dict[str | None, ast.expr], values: dict[str, str | None],
    extra: dict[str, str], old: str, new: str, text: str,
) -> None:  # fmt: skip
    """A schedule as the value of an argument; a long one gets a line of its own."""
    if len(text) > 60:
        name = file.names.free(new if new != "learning_rate" else "learning_rates")
        work.before(file, maker, f"{name} = {text}")
        text = name
    if old in given:
        values[old] = text
    else:
        extra[new] = text


def finish_schedule(work: Work, party: Party, place: Placed) -> None:
    """Take out a scheduler, or set its schedule where it was made."""
    thing = place.thing
    scope = thing.scope
    assert scope is not None
    statement = statement_of(scope.file, thing.node)
    if assigned(work, party):
        keep_stepping(work, party, place)
        return
    if place.moment is not None:
        set_when_told(work, place, "current()")
    elif ahead(work, party, place):
        leave_none(work, place, statement, [])
    else:
        set_later(work, place, "current()")
    taken(work, place)


PLATEAU = "ReduceLROnPlateau"
WORDS = {"num_bad_epochs": "bad"}  # what of it is called something else
HOMES = {PLATEAU: "calando.mindspore.torch_optim", "CosineAnnealingWarmRestarts": "calando.mindspore.lr_scheduler"}
KEPT_CALLS = ("step", "get_last_lr", "state_dict", "load_state_dict")


def keep_object(work: Work, thing: Thing) -> None:
    """A scheduler that stays an object: on calando's optimizers, or by assigning in the guide's style.

    Raises:
        Left: it is asked for something that calando's has not.
    """
    scope, call = thing.scope, thing.node
    assert scope is not None and isinstance(call, ast.Call)
    words = WORDS if thing.name == PLATEAU else {}
    home = HOME if work.wish.style == "guide" else HOMES.get(thing.name, "calando.mindspore.chainable")
    work.need(scope.file, f"import {home}")
    work.replace(scope.file, call.func, f"{home}.{thing.name}")
    work.say(scope.file, call, REWRITTEN, "the same object, on the new optimizer", "scheduler")
    for where, node in uses(work.flow, thing):
        parent = where.file.parents[node]
        outer = where.file.parents.get(parent)
        if not isinstance(parent, ast.Attribute):
            handed_on(work, where, node)
            continue
        if isinstance(outer, ast.Call) and outer.func is parent and parent.attr in KEPT_CALLS:
            work.say(where.file, outer, KEPT, "the scheduler works at run time, as before", "scheduler")
        elif parent.attr in words and isinstance(parent.ctx, ast.Load):
            work.replace(where.file, parent, f"{where.file.source.code(node)}.{words[parent.attr]}")
            work.say(where.file, parent, REWRITTEN, f"calando's is called {words[parent.attr]}", "scheduler")
        else:
            raise Left(f"the scheduler's .{parent.attr} in line {node.lineno} has no counterpart")


def handed_on(work: Work, scope: Scope, node: ast.expr) -> None:
    """Raise Left where a scheduler is given to something that is not in this project."""
    file = scope.file
    parent = file.parents[node]
    call = file.parents[parent] if isinstance(parent, (ast.keyword, ast.List, ast.Tuple)) else parent
    if not isinstance(call, ast.Call) or id(call) in work.flow.made or wraps(call):
        return
    if work.flow.callee(scope, call) is None and put_in(work.flow, scope, call) is None:
        shown = ast.unparse(call.func)
        if shown not in ("print", "isinstance", "type", "repr", "str", "id"):
            raise Left(f"a scheduler is given to {shown} in line {node.lineno}, which is not in this project")
