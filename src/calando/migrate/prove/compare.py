"""Two runs laid side by side: where they part first, and by how much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from .clipped import gradients, length, shortened
from .formulas import unequal
from .journal import Call, Journal, matched

RATE = 2.0**-22  # relative; MindSpore holds learning rates as float32
WEIGHT = 1e-6  # absolute, of a float32 weight after any step
MIXED = 2.0**-23  # absolute; MindSpore rounds constant rates so, where other groups have lists
SHARE = 2.0**-16  # of the way a parameter has gone; MindSpore's Adam has powers of its betas as float32, lists too
UPDATE = 2.0**-20  # the same, without powers of betas: what a formula of some ten operations in float32 rounds
ULP = 2.0**-24  # of a weight's size: what storing it rounds, once in each update
POWERS = "2⁻¹⁶ of the way that a weight has gone, which MindSpore's powers of betas may do, kept as float32"
STORED = "2⁻²⁰ of the way that a weight has gone and 2⁻²⁴ of itself for each update, which storing float32 may do"
TINY = 1e-6  # gradients that are rounding: absolute, and of all gradients of an update
DRIFT = 0.05  # of the way that the weights have gone, in a closed loop, where rounding feeds back


@dataclass
class Level:
    """What one level of a proof showed.

    Args:
        number: 1, 2 or 3.
        title: what was compared.
        ran: whether it could be compared at all.
        holds: whether the two are equal, within the bound.
        text: one sentence.
        largest: the largest difference.
    """

    number: int
    title: str
    ran: bool
    holds: bool
    text: str
    largest: float = 0.0


@dataclass
class Proof:
    """Everything a proof showed for one script.

    Args:
        curves: for each optimizer, the first parameter's learning rate and weight decay at each update, source and
            result: ``[(lr, lr), …]``.
        room: why calando's network room stood in for MindSpore; empty where it did not.
    """

    name: str
    levels: list[Level] = field(default_factory=list)
    curves: list[list[tuple[float | None, float | None]]] = field(default_factory=list)
    room: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing that could be compared differs, and something could."""
        return all(level.holds for level in self.levels if level.ran) and any(level.ran for level in self.levels)

    @property
    def stand_in(self) -> str:
        """Where it ran, if that was not MindSpore itself; else empty."""
        return f"{self.room}; calando.mindspore stands in for it on both sides" if self.room else ""

    def lines(self) -> list[str]:
        """One line per level, and first where it ran if that was not MindSpore itself."""
        told = [f"{self.name}: proof: {self.stand_in}"] if self.room else []
        if len(self.levels) > 1 and len({level.text for level in self.levels}) == 1 and not self.holds:
            return [*told, f"{self.name}: proof: {self.levels[0].text}"]
        return told + [f"{self.name}: proof, level {x.number} ({x.title}): {x.text}" for x in self.levels]


def rates(source: Journal, result: Journal) -> Level:
    """Level 1: the learning rate and weight decay of every parameter at every update."""
    title = "learning rate and weight decay"
    if told := unlike(source, result):
        return Level(1, title, True, False, told)
    largest, count, rounded = 0.0, 0, 0
    for number, (mine, its) in enumerate(zip(source.calls, result.calls, strict=True)):
        for at, (a, b) in enumerate(zip(mine, its, strict=True)):
            for i, j in enumerate(matched(a.names, b.names, len(a.lr))):
                for word in ("lr", "weight_decay"):
                    x, y = getattr(a, word)[j], getattr(b, word)[i]
                    apart = abs(x - y) / max(abs(x), abs(y), 1e-30)
                    count += 1
                    if apart <= RATE or abs(x - y) < 1e-12:
                        largest = max(largest, min(apart, RATE))
                    elif abs(x - y) <= MIXED and (a.names or b.names) and len({*a.lr, *b.lr}) > 2:
                        rounded += 1
                    else:
                        place = f"optimizer {number}, update {at}, {called(b, i)}"
                        return Level(1, title, True, False, f"they part at {place}: {word} {x!r} became {y!r}", apart)
    text = f"equal at all {count} places (largest relative difference {largest:.1g})"
    if rounded:
        text += f"; {rounded} of them but for MindSpore's rounding of constant rates beside lists, {MIXED:.1g}"
    return Level(1, title, True, True, text, largest)


def weights(source: Journal, result: Journal, number: int, title: str, bound: float, share: float = 0.0) -> Level:
    """Level 2: every weight after every update.

    Args:
        bound: how far apart any weight may be.
        share: or, at most, how far in shares of the way that a parameter has gone: the sum of its largest changes.
            An optimizer without powers of betas may use ``UPDATE`` of it only, and what storing its weights rounds.
    """
    if told := unlike(source, result):
        return Level(number, title, True, False, told)
    pairs = zip(source.calls, result.calls, strict=True)
    found = [apart(n, mine, its, bound, share) for n, (mine, its) in enumerate(pairs)]
    largest, updates = max(each.largest for each in found), sum(len(calls) for calls in source.calls)
    wrong = [each for each in found if each.parted]
    if not wrong:
        worst = max(found, key=lambda each: each.largest)
        text = f"equal within {largest:.1g} after each of {updates} updates"
        if largest > bound:
            text += f"; more than {bound:g}, but less than {worst.granted}"
        return Level(number, title, True, True, text, largest)
    told = "; ".join(each.parted + other_formula(source, result, each) for each in wrong)
    held = [str(each.number) for each in found if not each.parted and source.calls[each.number]]
    if held:
        told += f"; equal: optimizer {', '.join(held)}"
    return Level(number, title, True, False, f"they part at {told}", largest)


@dataclass
class Apart:
    """How far one optimizer's weights are apart.

    Args:
        largest: at most, after any update.
        share: at most, in shares of the way that a parameter has gone.
        parted: where first by more than rounding may be, and by how much; empty where nowhere.
        granted: what rounding may be.
    """

    number: int
    largest: float = 0.0
    share: float = 0.0
    parted: str = ""
    granted: str = ""


def apart(number: int, mine: list[Call], its: list[Call], bound: float, share: float) -> Apart:
    """All weights of one optimizer, after every update."""
    found = Apart(number)
    powers = any(call.powers for call in (*mine, *its))
    found.granted = POWERS if powers else STORED
    way: dict[int, float] = {}
    for at, (a, b) in enumerate(zip(mine, its, strict=True)):
        way = gone(way, mine[at - 1] if at else None, a)
        for i, j in enumerate(matched(a.names, b.names, len(a.weights))):
            off, went = distance(a.weights[j], b.weights[i]), way.get(j, 0.0)
            most = share * went
            if not powers and share:
                stored = (at + 1) * ULP * float(np.max(np.abs(a.weights[j]), initial=0.0))
                most = min(most, UPDATE * went + stored)
            if not off <= max(bound, most) and not found.parted:
                found.parted = f"optimizer {number}, update {at}, {called(b, i)}: by {off:.2g}"
            found.largest = off if not off <= found.largest else found.largest
            found.share = max(found.share, off / went if went else 0.0)
    return found


def other_formula(source: Journal, result: Journal, found: Apart) -> str:
    """Where an optimizer's class cannot follow the source's: why, and how far it goes; empty where it can."""
    n = found.number
    if not (why := known(source, result, n)):
        return ""
    far = f"in all by at most {found.largest:.2g}, {found.share:.2g} of the way gone"
    return f" (equality cannot be had with {result.kinds[n]}: {why}; {far}; --style exact is equal)"


def known(source: Journal, result: Journal, number: int) -> str:
    """Why an optimizer's class does not follow the source's, if that is known."""
    classes = [journal.kinds[number] for journal in (source, result) if number < len(journal.kinds)]
    return unequal(*classes) if len(classes) == 2 else ""


def gone(way: dict[int, float], before: Call | None, now: Call) -> dict[int, float]:
    """How far each parameter has gone after one more update; the first is taken for as long as the second."""
    if before is None:
        return {}
    steps = [distance(a, b) for a, b in zip(before.weights, now.weights, strict=False)]
    return {i: way.get(i, step) + step for i, step in enumerate(steps) if np.isfinite(step)}


def loop(source: Journal, result: Journal) -> Level:
    """Level 3: both on their own gradients. How far they are apart, measured by how far they have come."""
    title = "closed loop"
    if told := unlike(source, result):
        return Level(3, title, True, False, told)
    largest = 0.0
    for n, (mine, its) in enumerate(zip(source.calls, result.calls, strict=True)):
        if told := at_first(n, mine, its):
            return Level(3, title, True, False, told)
        share = longest = 0.0
        moved, begun = set[int](), range(len(mine[0].weights) if mine else 0)
        for at, (a, b) in enumerate(zip(mine, its, strict=True)):
            place = f"they part at optimizer {n}, update {at}"
            order = matched(a.names, b.names, len(a.weights))
            shapes = [a.weights[j].shape for j in order]
            if shapes != [w.shape for w in b.weights]:
                return Level(3, title, True, False, f"{place}: the parameters are others, or in other groups")
            pair = gradients(a, b)
            longest = max(longest, *map(length, pair))
            if told := shortened(*pair, share, longest):
                return Level(3, title, True, False, f"{place}: the gradients are {told}", share)
            moved |= {i for i, j in enumerate(order) if not rounding(a.grads[j], a) or not rounding(b.grads[i], b)}
            apart = norm(a.weights[j] - b.weights[i] for i, j in enumerate(order) if i in moved)
            way = [(a.weights[j], mine[0].weights[j]) for i, j in enumerate(order) if i in moved and j in begun]
            gone = norm(x - first for x, first in way if x.shape == first.shape)
            largest = max(largest, share := apart / max(gone, 1e-3))
            if not share <= DRIFT:
                told = f"by {share:.2g} of the way gone"
                told += ", as its class must (level 2)" if known(source, result, n) else ""
                return Level(3, title, True, False, f"{place}: {told}", share)
    return Level(3, title, True, True, f"never further apart than {largest:.1g} of the way gone", largest)


def at_first(number: int, mine: list[Call], its: list[Call]) -> str:
    """What is wrong with the gradients of an optimizer's first update, when the weights are still the same."""
    if not mine:
        return ""
    long, other = (norm(g for g in calls[0].grads if g is not None) for calls in (mine, its))
    if abs(long - other) <= DRIFT * max(long, other) or max(long, other) < TINY:
        return ""
    told = f"the gradients that reach it are {long:.3g} long, in the result {other:.3g}"
    return f"they part at optimizer {number}, update 0: {told}; are they clipped or scaled on one side only?"


def rounding(g: np.ndarray | None, call: Call) -> bool:
    """Whether the gradient of one parameter is none but for rounding, beside all gradients of the update.

    So is a bias's in front of a normalization; Adam makes whole steps of it, another way on every machine.
    """
    whole = norm(each for each in call.grads if each is not None)
    return whole > 0 and (g is None or norm([g]) <= TINY * whole)


def norm(arrays: Iterable[np.ndarray]) -> float:
    """The root of the sum of all squares."""
    return float(sum(float(np.sum(np.square(a, dtype=np.float64))) for a in arrays) ** 0.5)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two arrays; infinite where their shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)), initial=0.0))


def called(call: Call, i: int) -> str:
    """A parameter's name, or its place."""
    return call.names[i] if call.names else f"parameter {i}"


def unlike(source: Journal, result: Journal) -> str:
    """Why two runs cannot be laid side by side; empty where they can."""
    for side, journal in (("source", source), ("result", result)):
        if journal.problem:
            return f"the {side} failed: {journal.problem}"
    if not any(source.calls):
        return "the source made no update"
    mine, its = [len(c) for c in source.calls], [len(c) for c in result.calls]
    if mine != its:
        made, makes = (" and ".join(map(str, counts)) or "no" for counts in (mine, its))
        each = " (each optimizer's)" if len(mine) > 1 or len(its) > 1 else ""
        return f"the source made {made} updates{each}, the result {makes}"
    return ""


def curves(source: Journal, result: Journal) -> list[list[tuple[float | None, float | None]]]:
    """Per optimizer, the first parameter's learning rate at each update on both sides."""
    found = []
    for number in range(max(len(source.calls), len(result.calls))):
        mine = [call.lr[0] for call in source.calls[number]] if number < len(source.calls) else []
        its = [call.lr[0] for call in result.calls[number]] if number < len(result.calls) else []
        pairs = range(max(len(mine), len(its)))
        found.append([(mine[i] if i < len(mine) else None, its[i] if i < len(its) else None) for i in pairs])
    return found
