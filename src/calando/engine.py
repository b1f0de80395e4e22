"""The step, on one page.

    take     where are the gradients now, who has none, are they fit       nothing is changed
    values   every hyperparameter of every group, inside its domain        nothing is changed
    scales   sign, loss scale and clip factor; a norm only if asked for    nothing is changed
    run      one kernel call per part; array expressions elsewhere         parameters and slots
    older    ages and clocks, once all parts have run

An error in the first three leaves everything as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from math import hypot
from typing import Any, NamedTuple

import numpy as np

from .arrays import adapter
from .groups import Group, refuse_doubles
from .hyper import Hyper
from .kernels.run import lengths, ready, run
from .plan import Member, Part, parts, slot_dtype
from .rule import Rule

UNBOUNDED = float(np.finfo(np.float64).max)  # the max_norm that never clips
POLICIES = ("train", "skip", "raise")
MACHINE_EPSILON = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}

Values = Mapping[int, Mapping[str, float]]


class NonFiniteGradient(ArithmeticError):
    """A gradient holds infinity or not-a-number, and the optimizer was asked to raise."""


class Measured(NamedTuple):
    """What one step did to one group: 2-norms over all its parameters that had a gradient.

    Args:
        group: its number.
        step: the step that its schedules saw.
        gradient: of the gradient as the rule saw it: scaled, clipped, with L2 decay, centred.
        update: of the change of the weights.
        weights: of the weights after the update.
        nonfinite: how many numbers among the gradients are infinite or not a number.
    """

    group: int
    step: int
    gradient: float
    update: float
    weights: float
    nonfinite: int

    @property
    def ratio(self) -> float:
        """The length of the update over that of the weights; 0 for weights of length 0."""
        return self.update / self.weights if self.weights else 0.0


class Engine:
    """What lives inside an optimizer: members, hyperparameters, clocks, and the step.

    Args:
        groups: the groups, in the user's order.
        hypers: their hyperparameters, one for each group.
        on_nonfinite: what a gradient with infinity or not-a-number does: ``"train"`` on as the
            originals do, ``"skip"`` the step (clocks too), or ``"raise"`` NonFiniteGradient.

    Attributes:
        clocks: updates of each group so far: the step that its schedules see next.
        members: the parameters of each group.
        parts: how they are arranged.
        measure: whether each step adds a row to ``history``, of what ``Measured`` says, in the same pass over memory.
        history: those rows, one list for each step with one row per group that took part.
        newborn: members whose slots were made or moved since a front end last emptied this list.

    Raises:
        ValueError: ``on_nonfinite`` is none of the three.
    """

    def __init__(self, groups: Sequence[Group], hypers: Sequence[Hyper], on_nonfinite: str = "train"):
        if on_nonfinite not in POLICIES:
            raise ValueError(f"'on_nonfinite' must be one of {', '.join(POLICIES)}, but got {on_nonfinite!r}")
        self.on_nonfinite = on_nonfinite
        self.groups: list[Group] = []
        self.hypers: list[Hyper] = []
        self.clocks: list[int] = []
        self.members: list[list[Member]] = []
        self.parts: list[Part] = []
        self.newborn: list[Member] = []
        self.measure = False
        self.history: list[list[Measured]] = []
        self.extend(groups, hypers)

    def extend(self, groups: Sequence[Group], hypers: Sequence[Hyper], clock: int = 0) -> None:
        """Add groups whose clock stands at ``clock``."""
        first = len(self.groups)
        members = [enlist(group, first + number) for number, group in enumerate(groups)]
        self.arrange([*self.members, *members], [*self.groups, *groups])
        self.hypers += hypers
        self.clocks += [clock] * len(groups)

    def arrange(self, members: list[list[Member]], groups: list[Group]) -> None:
        """Build the plan anew; ages and slots stay with their members."""
        self.settle()
        made = parts([m for group in members for m in group], groups)
        self.parts, self.members, self.groups = made, members, groups
        position = {id(m): i for i, m in enumerate(m for group in members for m in group)}
        self.order = [[position[id(m)] for m in part.members] for part in made]

    def rearrange(self) -> None:
        """Arrange the same members anew: a parameter has other memory, a group another rule."""
        for m in (m for group in self.members for m in group):
            arrays = adapter(m.param)
            dtype = slot_dtype(m, self.groups[m.group])
            m.slots = {name: arrays.adopted(slot, m.param, dtype) for name, slot in m.slots.items()}
        self.arrange(self.members, self.groups)
        self.newborn = [m for group in self.members for m in group if m.slots or m.age]
        for part in self.parts:
            part.look()

    def regroup(self, number: int, group: Group) -> None:
        """Give a group another rule, decay or sign; slots that both rules have stay."""
        old = self.groups[number]
        same = old.rule is group.rule and old.decay is group.decay
        for member in self.members[number] if old.sparse != group.sparse else ():
            member.sparse = group.sparse
        if same and old.fronts == group.fronts and old.exempt == group.exempt:
            self.groups[number] = group
            return
        for i, member in enumerate(self.members[number]):
            member.exempt, member.front = i in group.exempt, group.fronts.get(i)
        if old.rule is not group.rule:
            self.settle()
            for member in self.members[number]:
                member.age = member.age if member.slots else 0
            self.parts = []
        self.groups[number] = group
        self.rearrange()

    def exchange(self, number: int, group: Group) -> None:
        """Put other parameters into a group; those that were there before keep their age and slots."""
        others = [[m for m in found if n != number] for n, found in enumerate(self.members)]
        rolls = [[m.param for m in found] for found in others]
        rolls[number] = list(group.params)
        names = [[m.name for m in found] for found in others]
        names[number] = list(group.names)
        refuse_doubles(self.hypers[number].place.partition(",")[0], rolls, names)
        known = {id(m.param): m for m in self.members[number]}
        members = [known.get(id(m.param), m) for m in enlist(group, number)]
        self.settle()
        self.parts = []
        self.members[number] = members
        self.groups[number] = group
        self.rearrange()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: all but the plan, which knows addresses."""
        self.settle()
        return {**self.__dict__, "parts": [], "newborn": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.arrange(self.members, self.groups)

    def settle(self) -> None:
        """Write the ages back to the members, before they are stored or arranged anew."""
        for part in self.parts:
            part.settle()

    def step(self, grads: Sequence[Sequence[Any]], playing: Sequence[int] | None = None, time: bool = True) -> bool:
        """Update the parameters once.

        Args:
            grads: for each group that plays, one gradient per parameter, or None where it has none.
            playing: the numbers of those groups; all when None.
            time: whether ages and clocks advance.

        Returns:
            Whether the step was made (False: skipped for a gradient that is not finite).

        Raises:
            ValueError, TypeError: a gradient or a value that cannot be used; nothing has changed.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``; nothing has changed.
        """
        playing = range(len(self.groups)) if playing is None else playing
        try:
            if not all(list(map(Part.look, self.parts))):
                self.rearrange()
            active = self.take(grads, playing)
            values = {number: self.hypers[number].at(self.clocks[number]) for number in playing}
            scales = self.scales(values, active)
            if scales is None:
                return False
            tables = [scalars(part, values, scales) for part in active]
            memories = [learned(part, values) for part in active]
            for part in active:
                ready(part, self.measure)
                self.newborn += part.be_born()
            sums = [run(part, *table, watched=self.measure) for part, table in zip(active, tables, strict=True)]
            for part, memory in zip(active, memories, strict=True) if time else ():
                part.grow_older(memory)
        finally:
            for part in self.parts:
                part.release()
        if self.measure:
            self.history.append(measured(active, sums, self.clocks))
        for number in playing if time else ():
            self.clocks[number] += 1
        return True

    def take(self, grads: Sequence[Sequence[Any]], playing: Sequence[int]) -> list[Part]:
        """Hand every part its gradients; the parts that have any."""
        told: list[Sequence[Any]] = [[None] * len(members) for members in self.members]
        for number, given in zip(playing, grads, strict=True):
            if len(given) != len(told[number]):
                counts = f"{len(given)} gradients for {len(told[number])} parameters"
                raise ValueError(f"{self.hypers[number].place}: {counts}; give one gradient for each parameter")
            told[number] = given
        flat = list(chain.from_iterable(told))
        for part, order in zip(self.parts, self.order, strict=True):
            part.take(flat if len(self.parts) == 1 else [flat[i] for i in order])
        return [part for part in self.parts if part.present.any()]

    def scales(self, values: Values, active: Sequence[Part]) -> dict[int, float] | None:
        """What each group's gradients are multiplied by, or None to skip the step."""
        bounds = {number: v.get("max_norm", UNBOUNDED) for number, v in values.items()}
        scale = {n: (-1 if self.groups[n].maximize else 1) / v.get("loss_scale", 1.0) for n, v in values.items()}
        if self.on_nonfinite == "train" and min(bounds.values(), default=UNBOUNDED) == UNBOUNDED:
            return scale
        norm = self.norm(active, scale)
        if norm is None:
            return None
        return {number: scale[number] * clip(bound, norm) for number, bound in bounds.items()}

    def norm(self, active: Sequence[Part], scale: Mapping[int, float]) -> float | None:
        """The norm of all gradients together, after the loss scale; None to skip the step."""
        total: list[float] = []
        for part in active:
            found = lengths(part)
            wrong = np.flatnonzero(~np.isfinite(found)).tolist() if self.on_nonfinite != "train" else []
            if len(wrong) and self.on_nonfinite == "skip":
                return None
            if len(wrong):
                place = part.chosen(part.members)[wrong[0]].place
                raise NonFiniteGradient(f"the gradient of {place} is not finite; the step was not made")
            factors = [abs(scale[group]) for group in part.groups[part.present].tolist()]
            total += [length * factor for length, factor in zip(found.tolist(), factors, strict=True)]
        return hypot(*total)


def measured(active: Sequence[Part], sums: Sequence[Any], clocks: Sequence[int]) -> list[Measured]:
    """One row for each group, from the sums of the parts."""
    found: dict[int, Any] = {}
    for part, table in zip(active, sums, strict=True):
        for i in np.flatnonzero(part.present).tolist():
            group = part.members[i].group
            found[group] = found.get(group, 0.0) + table[i]
    rows = []
    with np.errstate(all="ignore"):
        for group, total in sorted(found.items()):
            gradient, update, weights = np.sqrt(total[:3]).tolist()
            rows.append(Measured(group, clocks[group], gradient, update, weights, int(total[3])))
    return rows


def clip(bound: float, norm: float) -> float:
    """The factor that brings a norm down to its bound: min(1, bound / (norm + 1e-6)), as in torch."""
    if bound == UNBOUNDED:
        return 1.0
    factor = bound / (norm + 1e-6)
    return 1.0 if factor >= 1 else factor


def scalars(
    part: Part, values: Values, scales: Mapping[int, float]
) -> tuple[np.ndarray, np.ndarray, list[Callable[..., float]]]:
    """What a part's kernel reads: the numbers, float64 (rows, n), which row each member reads, and trusts."""
    rule, decay = part.key.rule, part.key.decay
    kinds, index = part.kinds()
    norms: list[tuple[float, ...]] = [()] * len(kinds)
    if decay.measured:  # then every member has a row of its own
        kinds = [kinds[row] for row in index[part.present].tolist()]
        norms = list(zip(lengths(part, weights=True).tolist(), lengths(part).tolist(), strict=True))
        index = np.cumsum(part.present) - 1
    rows: list[list[float]] = []
    trusts: list[Callable[..., float]] = []
    for (group, exempt, age, memory), norm in zip(kinds, norms, strict=True):
        hyper = values[group] if not exempt else {**values[group], "weight_decay": 0.0}
        if rule.whole:
            hyper = {**hyper, "machine_epsilon": MACHINE_EPSILON[part.key.dtype]}
        known = recalled(rule, hyper, age, memory)
        rows.append([*decay.scalars(hyper, scales[group], *norm), *rule.scalars(hyper, age, *known)])
        if rule.trust is not None:
            trusts.append(partial(rule.trust, hyper))
    return np.array(rows), index, trusts


def recalled(rule: Rule, hyper: Mapping[str, float], age: int, memory: tuple[float, ...]) -> tuple[float, ...]:
    """What a rule remembers before this update, rounded as it is kept."""
    if age > 1 or rule.first is None:
        return memory
    return tuple(np.array(rule.first(hyper), np.float32).tolist())


def learned(part: Part, values: Values) -> list[tuple[float, ...]]:
    """What each row of a part remembers after this update."""
    rule = part.key.rule
    if rule.remember is None:
        return [()] * len(part.kinds()[0])
    found = []
    for group, _, age, memory in part.kinds()[0]:
        known = recalled(rule, values[group], age, memory)
        found.append(rule.remember(values[group], age, *known))
    return found


def enlist(group: Group, number: int) -> list[Member]:
    """The members of a group, before their first update."""
    return [
        Member(
            p,
            name,
            number,
            exempt=i in group.exempt,
            centered=group.centralize and len(p.shape) >= 2,
            front=group.fronts.get(i),
            sparse=group.sparse,
            starts=group.starts,
        )
        for i, (p, name) in enumerate(zip(group.params, group.names, strict=True))
    ]
