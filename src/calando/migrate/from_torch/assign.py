"""The guide's style where a rate cannot be a list: the scheduler stays, and assigns what it computes."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ...lexicon import TORCH
from ..finding import KEPT, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.flow import Thing
from ..reading.reads import written_keys
from ..schedulers.place import Placed, form_of
from ..schedulers.same_rate import argument, one_rate
from ..work import Left, Work
from .later import final
from .params import grouped_params
from .party import Party, assigned, driven_by_objects

HOME = "calando.migrate.assigned"


def keep_stepping(work: Work, party: Party, place: Placed) -> None:
    """Turn a scheduler into one that assigns MindSpore's learning rate, stepped where it was.

    Raises:
        Left: it moves a number that MindSpore's class fixes when it is made.
    """
    thing, scope = place.thing, place.thing.scope
    assert scope is not None
    file, form = scope.file, form_of(work, thing)[0]
    rate = file.names.free("rate")
    forms = [f"lambda {rate}: {final(work, scope, each, rate)}" for each in form.each or (form.rate,)]
    text = f"[{', '.join(forms)}]" if form.each else forms[0]
    if form.momentum and work.wish.style == "guide":
        targets = {party.targets[id(optimizer.node)] for optimizer in place.optimizers}
        if targets != {"mindspore.nn.SGD"}:
            raise Left(f"it moves the momentum too, which {min(targets)} fixes when it is made; --style exact has one")
    if form.momentum:
        text += f", momentum={final(work, scope, form.momentum, rate)}"
    home = HOME if work.wish.style == "guide" else "calando.mindspore.lr_scheduler"
    work.need(file, f"import {home}")
    work.replace(file, thing.node, f"{home}.Scheduler({place.optimizer}, {text})")
    moved = "rate and momentum" if form.momentum else "rate"
    because = f"no schedule knows its steps: {place.stepped}" if place.stepped else "which cannot be a list here"
    work.say(file, thing.node, REWRITTEN, f"its steps assign the {moved}, {because}", "scheduler")
    for part in place.parts:
        assert part.scope is not None
        whole = statement_of(part.scope.file, part.node)
        if whole is not statement_of(file, thing.node):
            work.remove(part.scope.file, whole)
        work.say(part.scope.file, part.node, REWRITTEN, "a part of the schedule that is assigned", "scheduler")
    stays(work, place)


def own_groups(work: Work, party: Party, thing: Thing, text: str, given: Mapping[str | None, ast.expr]) -> str:
    """An optimizer's parameters, in groups whose numbers can be assigned by themselves where the script does that.

    Raises:
        Left: MindSpore's class takes no weight decay that moves.
    """
    scope, spoken = thing.scope, TORCH[thing.name.partition(".")[2]]
    assert scope is not None

    def code(name: str) -> str:
        return scope.file.source.code(given[name]) if name in given else repr(float(spoken.default(name)))

    if rates_apart(work, party, thing):
        text = f"{HOME}.apart({text}, {code('lr')})"
    if "weight_decay" in written_keys(work.flow, thing):
        if party.targets[id(thing.node)] == "mindspore.nn.SGD":
            raise Left("its weight decay is written while it trains, and mindspore.nn.SGD's cannot move")
        text = f"{HOME}.decaying({text}, {code('weight_decay')})"
    if text.startswith(HOME):
        work.need(scope.file, f"import {HOME}")
    return text


def rates_apart(work: Work, party: Party, thing: Thing) -> bool:
    """Whether groups of MindSpore's own class are given rates by themselves while it trains."""
    forms = [place.form for place in party.schedulers if thing in place.optimizers]
    stepped = assigned(work, party) and (not one_rate(work, thing) or any(form.each for form in forms))
    params = argument(thing.node, TORCH[thing.name.partition(".")[2]].order, "params")  # type: ignore[arg-type]
    measured = driven_by_objects(party) and grouped_params(work, thing.scope, params)  # type: ignore[arg-type]
    return stepped or measured or "lr" in written_keys(work.flow, thing)


def manner(work: Work, party: Party, thing: Thing) -> str:
    """How an optimizer's rates are held.

    Empty in calando's; in MindSpore's own ``"one"`` for all groups, ``"put"`` where schedulers that stay objects
    assign it, or ``"apart"``.
    """
    if not party.own(thing):
        return ""
    if one_rate(work, thing) and (party.stepped or party.own_schedulers):
        return "put"
    return "one" if one_rate(work, thing) and not rates_apart(work, party, thing) else "apart"


def stays(work: Work, place: Placed) -> None:
    """What a scheduler that assigns is used for, as before."""
    for scope, statement in place.gone:
        work.say(scope.file, statement, KEPT, "it assigns the rate of the next updates", "scheduler")
    for scope, call in place.reads:
        work.say(scope.file, call, KEPT, "it shows the rate that it assigned", "reading")
    for scope, held, index in place.items:
        work.say(scope.file, held.values[index], KEPT, "its count is stored", "state")
