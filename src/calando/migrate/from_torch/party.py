"""Optimizers that are stepped together, with their schedulers, and what class each of them becomes."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from ...lexicon import PAIRS, TORCH
from ..reading.blocks import spot, statement_of
from ..reading.flow import OPTIMIZER, Thing
from ..reading.latest import PAST, whose
from ..reading.reads import group_reads, simple_read
from ..reading.rhythm import total, updates
from ..reading.scopes import Scope
from ..schedulers.drivers import WHOLES, drivers
from ..schedulers.place import Placed, placed
from ..schedulers.same_rate import one_rate
from ..work import Asked, Left, Work, uses
from .labels import labels_of
from .later import stands_alone
from .own_schedulers import chainable, own_schedulers, stays_object
from .rates import frozen


@dataclass
class Party:
    """Optimizers that are stepped at the same places, with what belongs to them."""

    optimizers: list[Thing]
    schedulers: list[Placed] = field(default_factory=list)
    stepped: list[Thing] = field(default_factory=list)  # schedulers that stay objects, as ReduceLROnPlateau
    own_schedulers: list[Scope] = field(default_factory=list)  # classes of the script's own that drive it
    written: bool = False  # whether the script writes into its groups
    read: bool = False  # whether it reads from them
    shown: bool = True  # whether MindSpore's own class can show all that is read
    targets: dict[int, str] = field(default_factory=dict)  # id of an optimizer's call → the class it becomes

    def own(self, thing: Thing) -> bool:
        """Whether an optimizer becomes MindSpore's own class."""
        return self.targets[id(thing.node)].startswith("mindspore.nn.")


def parties(work: Work) -> list[Party]:
    """The optimizers of the project, those together that share a place where they are stepped."""
    things = [t for t in work.flow.all(OPTIMIZER) if t.name.startswith("torch.")]
    found: list[list[Thing]] = []
    calls: dict[ast.Call, int] = {}  # the first group that is updated by a call
    blocks: dict[tuple[ast.AST, str], list[tuple[int, ast.Call]]] = {}  # the calls in a block, with their groups
    for thing in things:
        sites = updates(work.flow, thing)
        near = {calls[call] for _, call in sites if call in calls}
        for scope, call in sites:
            others = blocks.get(block_named(scope, call), ())
            near |= {number for number, other in others if not parted(scope, call, other)}
        number = min(near, default=len(found))
        if number == len(found):
            found.append([])
        found[number].append(thing)
        for scope, call in sites:
            calls[call] = min(calls.get(call, number), number)
            blocks.setdefault(block_named(scope, call), []).append((number, call))
    return [Party(group) for group in found]


def block_named(scope: Scope, call: ast.Call) -> tuple[ast.AST, str]:
    return scope.file.reaching.block(statement_of(scope.file, call))


def parted(scope: Scope, one: ast.Call, other: ast.Call) -> bool:
    """Whether a backward stands between two updates in one block, so that each has gradients of its own."""
    low, high = sorted((spot(one), spot(other)))
    spots = scope.file.backwards[scope]
    return bisect_right(spots, low) < bisect_left(spots, high)


def converted(thing: Thing) -> bool:
    """Whether an optimizer is calando's already."""
    assert isinstance(thing.node, ast.Call) and thing.scope is not None
    return thing.scope.file.names.dotted(thing.node.func).startswith("calando.")


def gather(work: Work, party: Party) -> None:
    """Find the schedulers of a party, and whether its groups are read or written."""
    parts: set[int] = set()
    party.own_schedulers = own_schedulers(work, party.optimizers)
    for thing in sorted(drivers(work, party.optimizers), key=lambda t: t.name not in WHOLES):
        call, scope = thing.node, thing.scope
        assert isinstance(call, ast.Call) and scope is not None
        if id(call) in parts:
            continue
        if stays_object(work, thing):
            party.stepped.append(thing)
            continue
        try:
            place = placed(work, thing)
        except Left as left:
            mixed(work, party, left)
            break
        parts |= {id(part.node) for part in place.parts}
        party.schedulers.append(place)
    for thing in party.optimizers:
        for scope, node, _, only in group_reads(work.flow, thing):
            party.read, party.written = True, party.written or not only
            party.shown = party.shown and only and simple_read(scope, node)
            party.shown = party.shown and not (
                party.schedulers and whose(work.flow, party.optimizers, node, party.schedulers[0].step[1]) == PAST
            )
    for place in party.schedulers:
        for _, call in place.reads:
            party.read = True
            if whose(work.flow, party.optimizers, call, place.step[1]) == PAST:
                party.shown = False


def mixed(work: Work, party: Party, why: Left) -> None:
    """All schedulers of a party stay objects, because one of them cannot become a schedule.

    Raises:
        Left: ``why``, where the user must be asked, or one of them has no such object.
    """
    things = drivers(work, party.optimizers)
    if isinstance(why, Asked) or not all(map(chainable, things)):
        raise why
    if work.wish.style == "guide":
        raise Left(f"{why}; --style exact keeps schedulers as objects")
    party.stepped, party.schedulers = things, []


def driven_by_objects(party: Party) -> bool:
    """Whether schedulers that stay objects set the rates while it trains."""
    return bool(party.stepped or party.own_schedulers)


def choose(work: Work, party: Party) -> None:
    """Which class each optimizer becomes."""
    for thing in party.optimizers:
        pair = PAIRS[thing.name.partition(".")[2]]
        if converted(thing):
            party.targets[id(thing.node)] = in_calando(work, thing, pair.ours)
            continue
        if work.wish.style == "guide":
            if not pair.guide:
                raise Left(pair.why)
            party.targets[id(thing.node)] = pair.guide
            continue
        plain = not party.written and not driven_by_objects(party) and party.shown and len(party.optimizers) == 1
        if party.schedulers and (assigned(work, party) or not listable(work, party, thing)):
            plain = False
        if stored(work, thing) or labels_of(work, thing):
            plain = False
        party.targets[id(thing.node)] = pair.exact if plain else pair.ours


def in_calando(work: Work, thing: Thing, target: str) -> str:
    """The class that one of ``calando.torch``'s becomes, whose hyperparameters may be schedules.

    Raises:
        Left: it has an option of calando's own, or the guide's style is wanted.
    """
    call, known = thing.node, TORCH[thing.name.partition(".")[2]]
    assert isinstance(call, ast.Call)
    if work.wish.style == "guide":
        raise Left("calando.torch's optimizers may have schedules inside; --style exact keeps them there")
    for word in call.keywords:
        if word.arg is not None and word.arg not in {*known.order, *known.keywords}:
            raise Left(f"{word.arg} is calando's own: say it to {target} by hand")
    return target


def stored(work: Work, thing: Thing) -> bool:
    """Whether an optimizer's state is saved or loaded."""
    names = {"state_dict", "load_state_dict"}
    return any(getattr(scope.file.parents[node], "attr", "") in names for scope, node in uses(work.flow, thing))


def listable(work: Work, party: Party, thing: Thing) -> bool:
    """Whether a schedule can stand as a list in the constructor of MindSpore's own class."""
    place = party.schedulers[0]
    scope = thing.scope
    assert scope is not None
    if place.form.momentum or thing.name.endswith(("ASGD", "Rprop")):
        return False
    line = statement_of(scope.file, thing.node).lineno
    return ahead(work, party, place) and total(work.flow, thing, scope, line) is not None


def assigned(work: Work, party: Party) -> bool:
    """Whether a party's schedulers stay objects that are stepped.

    So it is where only they know when they are stepped, and in the guide's style where rates cannot be lists.
    """
    if any(place.stepped for place in party.schedulers):
        return True
    things = party.optimizers if party.schedulers else []
    return work.wish.style == "guide" and not all(listable(work, party, thing) for thing in things)


def ahead(work: Work, party: Party, place: Placed) -> bool:
    """Whether all that a schedule is made of is known where the optimizer is made."""
    if not stands_alone(place):
        return False
    thing = party.optimizers[0]
    scope = thing.scope
    if (
        place.moment is not None
        or len(party.schedulers) > 1
        or len(party.optimizers) != 1
        or place.thing.scope is not scope
        or scope is None
        or not one_rate(work, thing)
    ):
        return False
    maker, statement = statement_of(scope.file, thing.node), statement_of(scope.file, place.thing.node)
    if scope.file.parents[maker] is not scope.file.parents[statement] or maker.lineno >= statement.lineno:
        return False
    return frozen(work, place, scope, maker.lineno)
