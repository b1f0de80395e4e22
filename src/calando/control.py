"""Seeing and changing every hyperparameter of every group, at any step: the same in both front ends."""

import operator
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .arrays import adapter
from .called import told
from .decay import UNBOUNDED
from .engine import Engine
from .evaluation import Evaluation
from .events import SET, Timeline
from .hyper import UnknownName, is_number, shown
from .matching import check
from .measured import Measured
from .member import dtypes
from .nearest import hint
from .schedules import Constant, Product, Schedule
from .screen import screen
from .snapshot import Kept, KeptGroup, Snapshot
from .spelling import Spelling, meant, spelled, unpacked
from .stored import dtype_of

ALIASES = {"learning_rate": "lr"}


class Values(tuple):
    """The hyperparameters of each group: ``values[1]["lr"]``, or ``values["lr"]`` where all groups agree."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        key = ALIASES.get(key, key)
        known = dict.fromkeys(name for group in self for name in group)
        if key not in known:
            raise UnknownName(f"no hyperparameter {key!r}{hint(key, known)}; there are {', '.join(known)}")
        found = [group[key] for group in self]
        if any(value != found[0] for value in found):
            raise UnknownName(f"the groups differ in {key!r}: {found}; ask for one group, as in values[0][{key!r}]")
        return found[0]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in {**ALIASES, **dict.fromkeys(key for group in self for key in group)}:
                raise AttributeError(f"values are asked for by key: [{name!r}], or [0][{name!r}] for one group")
            return object.__getattribute__(self, name)


class Controls(Evaluation):
    """What every optimizer can be asked and told about its hyperparameters.

    A front end gives ``engine``, ``spelling`` and ``titles`` (a name for each group).
    """

    engine: Engine
    spelling: Spelling
    ROOM: ClassVar[str] = ""  # in front of the class's name, where other rooms have the name for another formula

    @property
    def kind(self) -> str:
        """What this optimizer is called in what is stored."""
        return self.ROOM + type(self).__name__

    def titles(self) -> list[str]:
        """A name for each group; its number where it has none."""
        return [str(number) for number in range(len(self.engine.groups))]

    def guests(self, number: int) -> dict[str, str]:
        """What a group keeps for others, in short."""
        return {}

    @told
    def at(self, step: int) -> Values:
        """Every hyperparameter of every group at any step, past or coming.

        Args:
            step: updates before the one asked about; 0 is the first.

        Returns:
            One dictionary per group; ``at(step)["lr"]`` reads the value that all groups share.

        Raises:
            ScheduleEnd: a list ends before that step.

        A past value is the one that was in force, changes on the way included.
        """
        self._listen()
        step = whole(f"For '{type(self).__name__}': a step", step)
        return Values(self._spelled(hyper.past(step)) for hyper in self.engine.hypers)

    @told
    def current(self) -> Values:
        """Every hyperparameter of every group in the coming step; where a list has ended, its last value."""
        self._listen()
        pairs = zip(self.engine.hypers, self.engine.clocks, strict=True)
        return Values(self._spelled(hyper.current(clock)) for hyper, clock in pairs)

    @told
    def trace(self, name: str, steps: Iterable[int] | None = None, group: int | str | None = None) -> np.ndarray:
        """One hyperparameter over many steps, to be plotted.

        Args:
            name: as in the constructor, or one number of a tuple (``"beta1"``).
            steps: which steps, past or coming; all that were made when None.
            group: its number or name; all groups when None.

        Returns:
            float64 (steps, groups), or (steps,) for one group: exactly the values that are in force
            at those steps.
        """
        self._listen()
        numbers = self._chosen(group)
        (ours,) = self._names(name, single=True)
        if steps is None:
            steps = range(max((self.engine.clocks[n] for n in numbers), default=0))
        place = f"For '{type(self).__name__}'"
        steps = [whole(f"{place}: a step", step) for step in iterated(place, steps)]
        table = [[self.engine.hypers[n].value(ours, step) for n in numbers] for step in steps]
        found = np.array(table, np.float64).reshape(-1, len(numbers))
        found[found == UNBOUNDED] = np.inf
        return found if group is None else found[:, 0]

    @told
    def set(self, name: str, value: Any, group: int | str | None = None) -> None:
        """Change a hyperparameter from the coming step on.

        Args:
            name: as in the constructor, or one number of a tuple (``"beta1"``).
            value: a number, a list, a schedule or a function of the absolute step.
            group: its number or name; all groups when None.

        Raises:
            UnknownName: no such hyperparameter, or no such group.
            TypeError, ValueError: a value that cannot be used; nothing has changed.
        """
        self._listen()
        numbers = self._chosen(group)
        names = self._names(name)
        parts = [value] if len(names) == 1 else unpacked(f"For '{type(self).__name__}'", name, value, len(names))
        parts = [meant(ours, part) for ours, part in zip(names, parts, strict=True)]
        pairs = list(zip(names, parts, strict=True))
        self._enter({(n, ours): self._meant(n, ours, part) for n in numbers for ours, part in pairs})

    @told
    def scale(self, name: str, factor: float, group: int | str | None = None) -> None:
        """Multiply a hyperparameter from the coming step on: a number, or a schedule, which goes on, multiplied.

        Args:
            name: as in the constructor, or one number of a tuple (``"beta1"``).
            factor: what is already scaled is scaled again.
            group: its number or name; all groups when None.

        Raises:
            UnknownName: no such hyperparameter, or no such group.
            TypeError, ValueError: the product cannot be used; nothing has changed.
        """
        self._listen()
        lines = {n: self.engine.hypers[n].timelines for n in self._chosen(group)}
        names = self._names(name)
        if isinstance(factor, bool) or not is_number(factor) or not isfinite(factor):
            raise ValueError(
                f"For '{type(self).__name__}': {name!r} is scaled by a finite number, but got {shown(factor)}"
            )
        factor = float(factor)
        self._enter({(n, ours): scaled(line[ours].latest, factor) for n, line in lines.items() for ours in names})

    def _enter(self, wanted: Mapping[tuple[int, str], Any], told: Callable[[], None] = lambda: None) -> None:
        """Put values in force from the coming step on, by group and our name, once all are checked.

        Args:
            told: called when all are in force, before an interruption is handed on; calling it again must do no harm.
        """
        hypers, clocks = self.engine.hypers, self.engine.clocks
        checked = {(n, ours): hypers[n].checked(ours, value, clocks[n]) for (n, ours), value in wanted.items()}

        def write() -> None:
            for (n, ours), entry in checked.items():
                hypers[n].put(ours, entry, clocks[n], SET)
            for n in dict.fromkeys(n for n, _ in wanted):
                self._changed(n)
            told()

        self.engine.commit(write)

    def _meant(self, number: int, ours: str, value: Any) -> Any:
        """What a value given by the user means in one group; a front end says more."""
        return value

    @property
    def measure(self) -> bool:
        """Whether every step also measures gradients, updates and weights, in the same pass; see ``history``."""
        return self.engine.measure

    @measure.setter
    def measure(self, whether: bool) -> None:
        if not isinstance(whether, bool):
            raise TypeError(f"For '{type(self).__name__}': 'measure' must be True or False, but got {whether!r}")
        self.engine.measure = whether

    @property
    def history(self) -> list[list[Measured]]:
        """What was measured: for each step one ``Measured`` per group: norms of gradient, update and weights, the ratio
        of the last two, and how many gradients were not finite. It may be cleared; it is not stored."""
        return self.engine.history

    @told
    def snapshot(self) -> Snapshot:
        """All that must survive, as plain data: moments, ages, clocks, schedules with all changes."""
        self._listen()
        engine = self.engine
        engine.settle()
        groups = []
        for group, hyper, clock, members in zip(
            engine.groups, engine.hypers, engine.clocks, engine.members, strict=True
        ):
            kept = [
                Kept(
                    m.name,
                    adapter(m.param).shape(m.param),
                    m.age,
                    {name: np.array(adapter(m.param).numpy(slot)) for name, slot in m.slots.items()},
                    m.memory,
                )
                for m in members
            ]
            groups.append(KeptGroup(group.rule.name, clock, hyper.stored(), kept))
        return Snapshot(self.kind, groups)

    @told
    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken, as if the run had not stopped.

        Raises:
            SnapshotMismatch: other rules, groups, parameters or shapes; nothing has changed.
            ValueError: a function was in force that this optimizer was not built with; nothing has changed.
        """
        lines = self._prepared(snapshot)
        slots: list[dict[str, Any]] = []
        for members, group in zip(self.engine.members, snapshot.groups, strict=True):
            for member, stored in zip(members, group.params, strict=True):
                slots.append(made := {})
                for name, array in stored.slots.items():
                    dtype = dtype_of(name, *dtypes(member, self.engine.groups[member.group]))
                    made[name] = adapter(member.param).zeros(member.param, array.shape, dtype)
                    adapter(member.param).write(made[name], array)
        self.engine.commit(lambda: self._go_on(snapshot, lines, slots))

    def _prepared(self, snapshot: Snapshot) -> list[dict[str, Timeline]]:
        """What will be in force in each group after ``restore``, which cannot fail any more; nothing has changed."""
        self._listen()
        check(self, snapshot)
        pairs = zip(self.engine.hypers, snapshot.groups, strict=True)
        return [hyper.loaded(kept.timelines) for hyper, kept in pairs]

    def _go_on(self, snapshot: Snapshot, lines: list[dict[str, Timeline]], slots: list[dict[str, Any]]) -> None:
        """Clocks, ages and memory of a snapshot, and slots made for it: one dictionary for each parameter."""
        engine, made = self.engine, iter(slots)
        for number, kept in enumerate(snapshot.groups):
            engine.clocks[number] = kept.clock
            engine.hypers[number].replace(lines[number])
            for member, stored in zip(engine.members[number], kept.params, strict=True):
                member.age, member.memory, member.slots = stored.age, stored.memory, next(made)
        engine.forget()
        engine.rearrange()
        for number in range(len(engine.groups)):
            self._changed(number)
        self._restored()

    def _restored(self) -> None:
        """Slots and clocks have been exchanged; a front end shows it."""

    def _listen(self) -> None:
        """Take over what was written from outside; a front end says how."""

    def _changed(self, number: int) -> None:
        """A group's hyperparameters have changed; a front end shows it."""

    def _chosen(self, group: int | str | None) -> list[int]:
        """The numbers of the groups that are meant."""
        count, place = len(self.engine.groups), f"For '{type(self).__name__}'"
        if group is None:
            return list(range(count))
        if isinstance(group, str):
            found = [n for n, title in enumerate(self.titles()) if title == group]
            if not found:
                raise UnknownName(f"{place}: no group {group!r}; there are {', '.join(map(repr, self.titles()))}")
            return found
        if isinstance(group, bool) or not isinstance(group, int):
            raise TypeError(f"{place}: a group is meant by its number or its name, not by {group!r}")
        if not -count <= group < count:
            raise UnknownName(f"{place}: no group {group}; there are {count}, numbered from 0")
        return [group % count]

    def _names(self, name: str, single: bool = False) -> tuple[str, ...]:
        """Our names for the user's."""
        known, name = self.spelling, ALIASES.get(name, name)
        singles = {ours for names in known.values() for ours in ([names] if isinstance(names, str) else names)}
        found = known.get(name, name if name in singles else None)
        if isinstance(found, tuple) and single:
            raise UnknownName(f"{name!r} is {len(found)} numbers; ask for one of {', '.join(map(repr, found))}")
        if found is None:
            told = hint(name, [*known, *singles])
            raise UnknownName(f"{type(self).__name__} has no hyperparameter {name!r}{told}; it has {', '.join(known)}")
        return (found,) if isinstance(found, str) else found

    def _spelled(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Our names and numbers as the user knows them."""
        return spelled(self.spelling, values)

    def __repr__(self) -> str:
        """The optimizer on one screen: every group with its rule and its schedules."""
        self._listen()
        return screen(self)


def signed(owner: str, problem: Exception) -> Exception:
    """What the engine refuses, said by the optimizer: its name stands in front. Anything else as it is."""
    engines = str(problem).startswith(("the gradient of ", "parameter '", "'on_nonfinite' "))
    return type(problem)(f"For {owner!r}: {problem}") if engines else problem


LAST = 2**53  # a step beyond which a float64 has no place


def whole(what: str, value: Any) -> int:
    """A whole number from 0 on; a tensor of one, as torch keeps ages in its state, is one too.

    Raises:
        TypeError, ValueError: it is none.
    """
    found = value.item() if getattr(value, "ndim", None) == 0 else None
    try:
        number = int(found) if isinstance(found, float) and found.is_integer() else operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is a whole number from 0 on, not {shown(value)}") from None
    if number < 0:
        raise ValueError(f"{what} is a whole number from 0 on, not {number}")
    if number > LAST:
        raise ValueError(f"{what} is at most {LAST}, not {shown(number)}")
    return number


def iterated(place: str, steps: Any) -> Iterable[Any]:
    """The steps, one by one."""
    if not isinstance(steps, Iterable):
        raise TypeError(f"{place}: steps must be several, as in range(100), not {steps!r}")
    return steps


def scaled(entry: Schedule | float, factor: float) -> Schedule | float:
    """A number or a schedule times a factor; a factor that is there already is multiplied."""
    if entry == UNBOUNDED:
        return entry
    if isinstance(entry, Product) and isinstance(entry.right, Constant) and entry.right.steady:
        return entry.left * (entry.right.value * factor)
    return entry * factor
