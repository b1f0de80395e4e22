"""Lists of learning rates that end before the training does."""

from __future__ import annotations

import ast

from ...lexicon import MINDSPORE
from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, Flow, Thing
from ..reading.lengths import length_of
from ..reading.rhythm import chosen_turn, divided, moments, over_optimizers, under
from ..reading.roads import taken
from ..reading.scopes import Scope
from .about import Found, of_mindspore
from .amounts import Amount, Unsure, amount, fewer, plus, product, said, size_of, whole
from .entries import entries

STEPS = ("TrainOneStepCell", "build_train_network")


def short_lists(flow: Flow) -> Found:
    """A list of rates with fewer entries than the optimizer makes updates, where both can be counted."""
    for thing in filter(of_mindspore, flow.all(OPTIMIZER)):
        rates = rates_of(thing)
        if rates is None or thing.scope is None:
            continue
        try:
            have, want = entries(flow, thing.scope, rates), trained(flow, thing)
        except Unsure:
            continue
        if fewer(have, want):
            told = f"these are {said(have)} learning rates, and the training makes {said(want)} updates"
            yield thing.scope.file, rates, f"{told}: MindSpore stops with an error at the first update without a rate"


def rates_of(thing: Thing) -> ast.expr | None:
    """What an optimizer is given as its learning rate."""
    call, name = thing.node, thing.name.rpartition(".")[2]
    assert isinstance(call, ast.Call)
    if name not in MINDSPORE or any(word.arg is None for word in call.keywords):
        return None
    given = dict(zip(MINDSPORE[name].order, call.args, strict=False))
    return next((w.value for w in call.keywords if w.arg == "learning_rate"), given.get("learning_rate"))


def trained(flow: Flow, thing: Thing) -> Amount:
    """How many updates an optimizer makes.

    Raises:
        Unsure: that cannot be counted.
    """
    made: Amount = whole(0)
    sites = [(scope, call, whole(1)) for scope, call in moments(flow, thing)]
    for scope, call in given_to(flow, thing):
        sites += driven(flow, scope, call)
    for scope, call, each in sites:
        for way in taken(flow, scope, call):
            turns = each
            for number, (loop, owner) in enumerate(way.loops):
                last = number + 1 == len(way.loops) or way.loops[number + 1][1] is not owner
                station = way.stations[owner] if last else way.loops[number + 1][0]
                turns = product(turns, runs(flow, owner, loop, station, way.stations[owner]))
            made = plus(made, turns)
    if not made:
        raise Unsure
    return made


def runs(flow: Flow, owner: Scope, loop: ast.AST, inner: ast.AST, station: ast.AST) -> Amount:
    """How often a loop makes what stands in it.

    Raises:
        Unsure: that cannot be counted.
    """
    divisor, why = divided(flow, owner, inner, loop, None)
    length = length_of(flow, owner, loop)
    if why or length is None:
        raise Unsure
    if over_optimizers(loop, station) or chosen_turn(owner.file, loop, station):
        return whole(1)
    turns = amount(flow, owner, under(owner.file, station, length))
    if divisor is None:
        return turns
    every = amount(flow, owner, divisor)
    if set(turns) != {()} or set(every) != {()} or every[()] < 1:
        raise Unsure
    return whole(turns[()] // every[()])


def given_to(flow: Flow, thing: Thing) -> list[tuple[Scope, ast.Call]]:
    """The training steps and Models of MindSpore's that have an optimizer."""
    found = []
    for file in flow.files:
        for name in ("Model", *STEPS):
            for scope, call in file.tails.get(name, ()):
                parts = [*call.args, *(word.value for word in call.keywords)]
                if file.names.dotted(call.func).startswith("mindspore.") and any(
                    thing in flow.things(scope, part) for part in parts
                ):
                    found.append((scope, call))
    return found


def driven(flow: Flow, scope: Scope, made: ast.Call) -> list[tuple[Scope, ast.Call, Amount]]:
    """Where such a step or Model is run, and how many updates each run makes.

    Raises:
        Unsure: it has no name, or goes elsewhere.
    """
    file, whole_model = scope.file, scope.file.names.dotted(made.func).endswith(".Model")
    holder = file.parents[made]
    if isinstance(holder, ast.Attribute):  # Model(…).train(…)
        name = ""
    elif isinstance(holder, ast.Assign) and isinstance(holder.targets[0], ast.Name):
        name = holder.targets[0].id
        if len(stored(scope).get(name, ())) != 1:
            raise Unsure
    else:
        raise Unsure
    found = []
    for where, call in file.calls:
        func = call.func
        if not whole_model:
            if isinstance(func, ast.Name) and func.id == name and flow.home(where, name) is scope:
                found.append((where, call, whole(1)))
        elif isinstance(func, ast.Attribute) and func.attr in ("train", "fit"):
            same = isinstance(func.value, ast.Name) and func.value.id == name and flow.home(where, name) is scope
            if same or func.value is made:
                found.append((where, call, epochs(flow, where, call)))
    if not found:
        raise Unsure
    return found


def epochs(flow: Flow, scope: Scope, call: ast.Call) -> Amount:
    """How many updates one ``model.train(epoch, data)`` makes.

    Raises:
        Unsure: an epoch is not a pass over the data.
    """
    words = {str(w.arg): w.value for w in call.keywords}
    given = {**dict(zip(("epoch", "train_dataset"), call.args, strict=False)), **words}
    if {"sink_size", "initial_epoch", "None"} & set(given) or not {"epoch", "train_dataset"} <= set(given):
        raise Unsure
    return product(amount(flow, scope, given["epoch"]), size_of(flow, scope, given["train_dataset"]))
