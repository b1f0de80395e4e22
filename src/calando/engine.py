"""The step, on one page.

    take     where are the gradients now, who has none, are they fit       nothing is changed
    values   every hyperparameter of every group, inside its domain        nothing is changed
    scales   sign, loss scale and clip factors; norms only if asked for    nothing is changed
    run      what must be read first is read, all kernels are compiled     nothing is changed
    finish   one kernel call per part; array expressions elsewhere;        parameters, slots, ages, clocks
             then ages, clocks, the history, and what clears gradients

An error before the last leaves everything as it was. The last goes on to its end when it is interrupted (Ctrl-C, a
signal's handler that raises), and then hands the interruption on: parameters, slots and clocks are of one step.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from .arrays import adapter
from .choices import one_of
from .clipping import NORMS, factors, needs_norms
from .decay import UNBOUNDED as UNBOUNDED
from .ending import Ending, to_the_end
from .groups import Group, refuse_doubles
from .hyper import Hyper, shown
from .kernels import glance, still
from .kernels.ahead import ahead
from .kernels.run import jobs, lengths, norm_jobs, ready, run, whole_sums
from .measured import Measured, measured
from .member import Member, adopted, centered, enlist, key
from .plan import Older, Part, parts
from .rounding import SEED
from .rows import Values, learned, reads_norms, scalars
from .zeroing import left_over, zeroable

POLICIES = ("train", "skip", "raise")
Act = Callable[[], None]


class NonFiniteGradient(ArithmeticError):
    """A gradient holds infinity or not-a-number, and the optimizer was asked to raise."""


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
        outdated: whether groups were added since they were arranged.
        measure: whether each step adds a row to ``history``, of what ``Measured`` says, in the same pass over memory.
        history: those rows, one list for each step with one row per group that took part.
        newborn: members whose slots were made or moved since a front end last emptied this list.
        ending: what is left to be written of a step that was interrupted twice at once.

    Raises:
        ValueError: ``on_nonfinite`` is none of the three.
    """

    def __init__(self, groups: Sequence[Group], hypers: Sequence[Hyper], on_nonfinite: str = "train"):
        if not one_of(POLICIES, on_nonfinite):
            raise ValueError(f"'on_nonfinite' must be one of {', '.join(POLICIES)}, but got {shown(on_nonfinite)}")
        self.on_nonfinite = on_nonfinite
        self.groups: list[Group] = []
        self.hypers: list[Hyper] = []
        self.clocks: list[int] = []
        self.members: list[list[Member]] = []
        self._parts: list[Part] = []
        self.outdated = False
        self.newborn: list[Member] = []
        self.ending: Ending | None = None
        self.measure = False
        self.history: list[list[Measured]] = []
        self.extend(groups, hypers)
        self.arrange(self.members, self.groups)

    def extend(
        self, groups: Sequence[Group], hypers: Sequence[Hyper], clock: int = 0, first: int | None = None
    ) -> None:
        """Add groups whose clock stands at ``clock``; ``first`` is the number of the first of them."""
        first = len(self.groups) if first is None else first
        members = [enlist(group, first + number) for number, group in enumerate(groups)]
        self.admit(members, groups)
        self.settle()
        self.members[first:] = members  # who is interrupted here may begin anew
        self.hypers[first:] = hypers
        self.clocks[first:] = [clock] * len(groups)
        self.outdated = True
        self.groups[first:] = groups

    def prepare(self, zeroing: bool = False) -> None:
        """Have the kernels of the coming step made in the background, as far as is known now."""
        found = [job for part in self.parts for job in jobs(part, self.measure, zeroing)]
        bounds = [line.latest for h in self.hypers for n, line in h.timelines.items() if n in NORMS]
        norms = self.on_nonfinite != "train" or any(bound != UNBOUNDED for bound in bounds)
        found += [job for part in self.parts if norms or part.key.decay.measured for job in norm_jobs(part)]
        found += [(glance.words, ()) for part in self.parts if glance.worth(part)]
        ahead(found)

    def admit(self, members: Sequence[Sequence[Member]], groups: Sequence[Group]) -> None:
        """Raise the sentence for what cannot be updated."""
        for own, group in zip(members, groups, strict=True):
            for member in own:
                key(member, group)

    @property
    def parts(self) -> list[Part]:
        """How the members are arranged: anew only when somebody asks, so that a thousand groups are arranged once."""
        if self.outdated:
            for part in self._parts:
                part.reflect()
            self.fit()
        return self._parts

    @parts.setter
    def parts(self, parts: list[Part]) -> None:
        self._parts, self.outdated = parts, False

    def forget(self) -> None:
        """Let go of the arrangement, whose ages hold no longer; whoever asks for it next arranges anew."""
        self._parts, self.outdated = [], True

    def fit(self) -> None:
        """Arrange all members, with slots that fit them."""
        for m in (m for group in self.members for m in group):
            m.slots = adopted(m, self.groups[m.group])
        self.settle()
        self.newborn = self.known()
        self.arrange(self.members, self.groups)

    def known(self) -> list[Member]:
        """The members that have something to be shown."""
        return [m for group in self.members for m in group if m.slots or m.age]

    def arrange(self, members: list[list[Member]], groups: list[Group]) -> None:
        """Build the plan anew; ages and slots stay with their members."""
        self.settle()
        for number, m in enumerate(m for group in members for m in group):
            m.number = number
        made = parts([m for group in members for m in group], groups)
        position = {id(m): i for i, m in enumerate(m for group in members for m in group)}
        self.order = [[position[id(m)] for m in part.members] for part in made]
        self.members, self.groups = members, groups
        self.parts = made  # last: who is interrupted before arranges again

    def rearrange(self) -> None:
        """Arrange the same members anew: a parameter has other memory, a group another rule."""
        self.fit()
        for part in self.parts:
            part.look()

    def regroup(self, number: int, group: Group) -> None:
        """Give a group another rule, decay or sign; slots that both rules have stay."""
        old = self.groups[number]
        same = old.rule is group.rule and old.decay is group.decay and old.bounded == group.bounded
        same = same and old.centralize == group.centralize
        for member in self.members[number] if old.sparse != group.sparse else ():
            member.sparse = group.sparse
        if same and old.fronts == group.fronts and old.exempt == group.exempt:
            self.groups[number] = group
            return
        for i, member in enumerate(self.members[number]):
            member.exempt, member.front = i in group.exempt, group.fronts.get(i)
            member.centered = centered(group, member.param)
        if old.rule is not group.rule:
            self.settle()
            for member in self.members[number]:
                member.age = member.age if member.slots else 0
            self.forget()
        self.outdated = True  # who is interrupted from here on arranges at the next step
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
        self.forget()
        self.members[number] = members
        self.groups[number] = group
        self.rearrange()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: all but the plan, which knows addresses."""
        self.settle()
        return {**self.__dict__, "_parts": [], "newborn": [], "ending": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.arrange(self.members, self.groups)

    def catch_up(self) -> None:
        """Finish a step or a change that was interrupted twice at once."""
        if self.ending is not None and not self.ending.busy:
            self.ending.late()
            self.over(self.ending.parts)

    def commit(self, write: Callable[[], None]) -> None:
        """Change what has been checked: all of it, whoever interrupts, who is handed on then.

        Args:
            write: makes the change; called again wherever it was stopped, it does no harm.

        Raises:
            Exception: the change fails by itself.
        """
        self.catch_up()
        self.ending = ending = Ending((), (), write)
        try:
            to_the_end(ending.go_on)
        except Exception:
            ending.done = True  # or it cannot be done
            raise
        finally:
            if ending.done:
                self.ending = None

    def over(self, parts: Sequence[Part]) -> None:
        """A step is over: let go of the memory that is not ours."""
        self.ending = None
        for part in parts:
            part.release()

    def settle(self) -> None:
        """Write the ages back to the members, before they are stored or arranged anew."""
        self.catch_up()
        for part in self._parts:
            part.settle()

    def step(
        self,
        grads: Sequence[Sequence[Any]] | None,
        playing: Sequence[int] | None = None,
        unscale: float = 1.0,
        zeroing: bool = False,
        told: Act = lambda: None,
        clear: Callable[[list[Any]], None] = lambda left: None,
    ) -> bool:
        """Update the parameters once.

        Args:
            grads: for each group that plays, one gradient per parameter, or None where it has none; None for those
                that parameters carry themselves (PyTorch).
            playing: the numbers of those groups; all when None.
            unscale: what all gradients are divided by, besides the loss scale of their group.
            zeroing: whether kernels leave zeros where the gradients were.
            told: called when all is done, before an interruption is handed on; calling it again must do no harm.
            clear: likewise, of a skipped step too, with the gradients that were to be zeroed and were not.

        Returns:
            Whether the step was made (False: skipped for a gradient that is not finite).

        Raises:
            ValueError, TypeError: a gradient or a value that cannot be used; nothing has changed.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``; nothing has changed.
            TornStep: the machine failed while parameters were written; it says which of them were.
        """
        self.catch_up()
        playing = range(len(self.groups)) if playing is None else playing
        if grads is None and zeroing:
            grads = self.carried(playing)
        given = [g for row in grads or () for g in row if g is not None] if zeroing else []
        try:
            active = self.find(grads, playing)
            values = {number: self.hypers[number].at(self.clocks[number]) for number in playing}
            norms = self.norms(values, active)
            if norms is None:
                clear(given)
                return False
            scales = self.scales(values, active, norms, unscale)
            tables = [scalars(part, values, scales, found) for part, found in zip(active, norms, strict=True)]
            for part in active:
                part.draw({group: v.get(SEED, 0.0) for group, v in values.items()})
            older = [part.older(learned(part, values)) for part in active]
            zeroed = zeroable(active, given) if zeroing else [False] * len(active)
            for part, zero in zip(active, zeroed, strict=True):
                ready(part, self.measure, zero)
                part.be_born(self.newborn)
            rows = zip(active, tables, zeroed, strict=True)
            updates = [run(part, *table, watched=self.measure, zeroing=zero) for part, table, zero in rows]
            done = [part for part, zero in zip(active, zeroed, strict=True) if zero]
            ending = Ending(active, updates)
            ending.rest = self.rest(ending, older, playing, told, lambda: clear(left_over(given, done)))
            self.ending = ending
            ending.to_the_end()
        finally:
            if self.ending is None or self.ending.done:
                self.over(self.parts)
        if ending.problem is not None:
            raise ending.problem
        return True

    def rest(self, ending: Ending, older: Sequence[Older], playing: Sequence[int], told: Act, clear: Act) -> Act:
        """What is left to do once the parameters are written: ages, clocks, the history, and what others do."""
        before, clocks, rows = list(self.clocks), list(self.clocks), len(self.history)
        active, measure = ending.parts, self.measure
        for number in playing:
            clocks[number] += 1

        def write() -> None:
            for part, new in zip(active, older, strict=True):
                part.grow_older(new)
            self.clocks[:] = clocks
            if measure:
                sums = [whole_sums(part, ending.sums[part]) for part in active]
                self.history[rows:] = [measured(active, sums, before)]
            told()
            if ending.overdue:  # gradients may be those of another step now
                return
            try:
                clear()
            except Exception as problem:  # the step is made: raised when it is over
                ending.problem = problem

        return write

    def begin(self) -> None:
        """Make the slots of all parameters that carry a gradient, and change nothing else."""
        self.catch_up()
        try:
            for part in self.find(None, range(len(self.groups))):
                part.be_born(self.newborn)
        finally:
            self.over(self.parts)

    def carried(self, playing: Sequence[int]) -> list[list[Any]]:
        """The gradients that the parameters of these groups carry themselves."""
        members = (self.members[number] for number in playing)
        return [adapter(own[0].param).carried([m.param for m in own]) if own else [] for own in members]

    def find(self, grads: Sequence[Sequence[Any]] | None, playing: Sequence[int]) -> list[Part]:
        """Find where parameters and gradients are now, all at a glance where that can be; the parts that have any."""
        everybody = grads is None and len(playing) == len(self.groups)
        if everybody and self.parts and all(map(glance.seen, self.parts)) and all(map(still.resting, self.parts)):
            return list(self.parts)
        if not all(list(map(Part.look, self.parts))):
            self.rearrange()
        return self.take(self.carried(playing) if grads is None else grads, playing)

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
        return [part for part in self.parts if part.whole or part.present.any()]

    def norms(self, values: Values, active: Sequence[Part]) -> list[np.ndarray | None] | None:
        """The norms of the gradients of each part, where somebody needs them; None to skip the step.

        Each gradient is read once, whoever asks: bounds, the search for what is not finite, LARS.
        """
        every = self.on_nonfinite != "train" or needs_norms(values)
        found = [lengths(part) if every or reads_norms(part) else None for part in active]
        if self.on_nonfinite == "train":
            return found
        for part, norms in zip(active, found, strict=True):
            wrong = np.flatnonzero(~np.isfinite(norms)).tolist()  # type: ignore[arg-type]
            if len(wrong) and self.on_nonfinite == "skip":
                return None
            if len(wrong):
                place = part.chosen(part.members)[wrong[0]].place
                raise NonFiniteGradient(f"the gradient of {place} is not finite; the step was not made")
        return found

    def scales(
        self, values: Values, active: Sequence[Part], norms: Sequence[np.ndarray | None], unscale: float
    ) -> dict[int, float]:
        """What each group's gradients are multiplied by: sign, loss scale and the factors of the norms."""
        scale = {
            n: (-1 if self.groups[n].maximize else 1) / (v.get("loss_scale", 1.0) * unscale) for n, v in values.items()
        }
        if not needs_norms(values):
            return scale
        lengths: list[tuple[int, float]] = []
        for part, found in zip(active, norms, strict=True):
            pairs = zip(part.groups[part.present].tolist(), found.tolist(), strict=True)  # type: ignore[union-attr]
            lengths += [(group, length * abs(scale[group])) for group, length in pairs]
        return {n: scale[n] * factor for n, factor in factors(values, lengths).items()}
