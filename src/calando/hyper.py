"""Hyperparameters of one group: anything becomes a schedule, and every value lies in its domain.

A number is a constant, a list has one value per step, a callable is a function of the step. A
constant and a list are checked when they are given, every other schedule at each step, by the same
function and with the same sentence.
"""

from collections.abc import Iterable, Mapping, Set
from math import inf, isfinite
from typing import Any

import numpy as np

from .decay import BOUNDS, UNBOUNDED
from .events import BUILT, OUTSIDE, Timeline
from .nearest import nearest
from .rounding import SEED
from .rule import Domain
from .schedules import Constant, Function, Listed, Schedule, ScheduleEnd

TINY = 5e-324  # the smallest number above zero: a lower bound that excludes zero
LONG = 200  # bits
NONE: Mapping[str, Any] = {}
KINDS = "a number, a list with one number per step, a schedule or a function of the step"


class UnknownName(KeyError):
    """A name that nothing here has. (A KeyError whose sentence is printed as it is.)"""

    def __str__(self) -> str:
        return str(self.args[0])


def as_schedule(value: Any) -> Schedule | float:
    """Turn what a user may give for a hyperparameter into a schedule, or a plain number.

    Args:
        value: a number, a 0-d or 1-d array or tensor, an iterable of numbers (one per step), a
            Schedule, or a callable of the step.

    Raises:
        TypeError: it is none of these; True and False are no numbers.
        ValueError: a list without entries, or with one that is not finite.
    """
    if isinstance(value, Schedule):
        return value.value if isinstance(value, Constant) else value
    dimensions = getattr(value, "ndim", None)
    if (dimensions or 0) > 1:
        raise TypeError(f"must be {KINDS}, but got an array of shape {tuple(value.shape)}")
    if isinstance(value, (bool, str, bytes, Mapping, Set)) or value is None:
        hint = "; calando.schedules.parse reads a schedule's text" if isinstance(value, str) else ""
        raise TypeError(f"must be {KINDS}, but got {shown(value)}{hint}")
    if dimensions == 0 or is_number(value):
        if getattr(getattr(value, "dtype", None), "kind", "f") in "bcSUO":  # NumPy's truths, complex numbers and texts
            raise TypeError(f"must be {KINDS}, but got {shown(value)}")
        return float(value)
    if isinstance(value, type):
        raise TypeError(f"must be {KINDS}, but got the class {value.__name__}; make one: {value.__name__}(…)")
    if callable(value) and hasattr(value, "get_lr"):
        raise TypeError(f"must be {KINDS}, but got an optimizer, {type(value).__name__}; give what it was built with")
    if isinstance(value, Iterable):
        return Listed(entries(value))
    if callable(value):
        return Function(value)
    hint = "; calando.schedules.from_torch reads a scheduler" if hasattr(value, "get_last_lr") else ""
    raise TypeError(f"must be {KINDS}, but got {shown(value)}{hint}")


def entries(values: Any) -> Any:
    """What a list with one number per step holds; anything but a list, a tuple or an array is handed on as it is.

    Raises:
        ValueError, TypeError: there is none, or one that is no finite number.
    """
    found = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(found, (list, tuple)):
        return found
    if not found:
        raise ValueError("must have one number for every step, but got an empty list")
    for i, entry in enumerate(found):
        if isinstance(entry, (bool, np.bool_)) or not is_number(entry):
            raise TypeError(f"must have a number for every step, but got {shown(entry)} (entry {i})")
        if not isfinite(entry):
            raise ValueError(f"must have a finite number for every step, but got {entry} (entry {i})")
    return found


def is_number(value: Any) -> bool:
    """Whether it is one real number, of Python, NumPy or anything that says so."""
    return hasattr(value, "__float__") and not hasattr(value, "__len__") and not callable(value)


def shown(value: Any) -> str:
    """A value in an error message, on one line: itself if short, else its type."""
    if isinstance(value, int) and value.bit_length() > LONG:  # whose digits Python may refuse to write
        return f"an int of {value.bit_length()} bits"
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else f"{text[:60]}… ({type(value).__name__})"


def interval(low: float, high: float) -> str:
    """[low, high) as one reads it."""
    if low == -inf:
        return (
            "be a finite number"
            if high == inf
            else "be a number from 0 down"
            if high == TINY
            else f"lie below {high:g}"
        )
    return f"lie in {'(0' if low == TINY else f'[{low:g}'}, {high:g})"


SLIP = 1e-15  # how far below 0 rounding may bring a scheduler that ends at 0, such as torch's LinearLR
SLIPPING = ("lr", "weight_decay")


def inside(name: str, value: Any, low: float, high: float) -> Any:
    """Whether a number, or each of an array, may be used: it lies in [low, high), or below 0 by rounding alone.

    Example:
        >>> inside("dampening", -1e300, -inf, inf), inside("dampening", -inf, -inf, inf)
        (True, False)
    """
    lowest = -SLIP if low == 0 and name in SLIPPING else low
    return (value >= lowest) & (value < high) & (value != -inf)


class Hyper:
    """The hyperparameters of one group over time.

    Args:
        place: how an error names the group: ``"For 'AdamW', group 3"``.
        domain: hyperparameter → [low, high).
        given: hyperparameter → what the user gave.
        spelling: our name → the name that the user knows.

    Raises:
        TypeError: a value is no number, list, schedule or function.
        ValueError: a constant or an entry of a list lies outside its domain.
        UnknownName: a name that the rule does not have.
    """

    def __init__(self, place: str, domain: Domain, given: Mapping[str, Any], spelling: Mapping[str, str] | None = None):
        self.place = place
        self.domain = domain
        self.spelling = spelling or {}
        self.timelines: dict[str, Timeline] = {}
        self.displaced: dict[str, tuple[Schedule, float]] = {}  # by writes from outside
        for name, value in given.items():
            self.set(name, value, 0, BUILT)

    def set(self, name: str, value: Any, step: int, author: str) -> None:
        """From ``step`` on ``name`` is ``value``; checked before anything changes."""
        self.put(name, self.checked(name, value, step), step, author)

    def displace(self, name: str, entry: Schedule | float, step: int) -> Schedule | None:
        """A value written from outside, which has been checked: it holds from ``step`` on.

        Returns:
            The schedule that a number has ended, if there was one.

        Whoever writes back the number that the displaced schedule had then, or has now, gets the schedule
        back (learning-rate finders and distributed checkpoints write and restore like this).
        """
        latest = self.timelines[name].latest
        if isinstance(latest, Schedule):
            self.displaced[name] = latest, latest(step)
        elif name in self.displaced:
            schedule, then = self.displaced[name]
            if entry in (then, schedule(step)):
                entry = schedule
        self.put(name, entry, step, OUTSIDE)
        if isinstance(entry, Schedule):
            self.displaced.pop(name, None)
            return None
        return latest if isinstance(latest, Schedule) else None

    def rewind(self, step: int) -> None:
        """The clock was set to ``step``: what is in force now holds from there on."""
        for line in self.timelines.values():
            if line.steps[-1] > step:
                line.change(step, line.latest, OUTSIDE)
        self.sort()

    def put(self, name: str, entry: Schedule | float, step: int, author: str) -> None:
        """As ``set``, for what has been checked. No schedule comes back after that, unless the outside wrote it."""
        self.timelines.setdefault(name, Timeline()).change(step, entry, author)
        if author != OUTSIDE:
            self.displaced.pop(name, None)
        self.sort()

    def replace(self, timelines: dict[str, Timeline], displaced: Mapping[str, tuple[Schedule, float]] = NONE) -> None:
        """Put other histories into force."""
        self.timelines, self.displaced = timelines, dict(displaced)
        self.sort()

    def sort(self) -> None:
        """Tell what stands still from what moves, so that a step evaluates only the latter."""
        latest = {name: line.latest for name, line in self.timelines.items()}
        self.ready: tuple[int, dict[str, float], dict[str, float]] | None = None  # the step, and what it has
        self.route: Any = None  # how a front end shows what moves, kept until something else does
        self.fixed = {name: e for name, e in latest.items() if not isinstance(e, Schedule)}
        self.moving = [(name, e, *self.domain[name]) for name, e in latest.items() if isinstance(e, Schedule)]

    def checked(self, name: str, value: Any, step: int) -> Schedule | float:
        """The schedule or number that ``value`` means, if it may be used for ``name`` from ``step`` on."""
        if name not in self.domain:
            near = nearest(name, self.domain)
            told = f" (did you mean {self.spelled(near)!r}?)" if near else ""
            raise UnknownName(f"{self.place}: no hyperparameter {name!r}{told}; it has {self.names()}")
        try:
            entry = as_schedule(value)
        except (TypeError, ValueError) as problem:
            raise type(problem)(f"{self.place}: {self.spelled(name)!r} {problem}") from None
        except OverflowError:
            raise ValueError(f"{self.place}: {self.spelled(name)!r} is too large: {shown(value)}") from None
        low, high = self.domain[name]
        if name in BOUNDS and entry == inf:
            entry = UNBOUNDED
        if isinstance(entry, float):
            if not inside(name, entry, low, high):
                raise self.outside(name, entry)
        elif isinstance(entry, Listed):
            values = np.array(entry.values)
            wrong = np.flatnonzero(~inside(name, values, low, high))
            if len(wrong):
                raise self.outside(name, values[wrong[0]].item(), f"entry {wrong[0]} of {entry.describe()}")
        if not isinstance(entry, float):
            self.evaluate([(name, entry, low, high)], step)
        return entry

    @property
    def clips(self) -> bool:
        """Whether each number of the gradients has a bound."""
        line = self.timelines.get("clip_value")
        return line is not None and line.latest != UNBOUNDED

    def stored(self) -> dict[str, list[list[Any]]]:
        """The history of every hyperparameter as plain data."""
        return {name: line.to_list() for name, line in self.timelines.items()}

    def loaded(self, stored: Mapping[str, Any]) -> dict[str, Timeline]:
        """The histories that were stored; what is code, and so not stored, is taken from what is in force.

        Raises:
            ValueError: a function was in force that this optimizer was not built with, or there is a
                hyperparameter that it does not have; nothing has changed.
        """
        lines = dict(self.timelines)
        for name, rows in stored.items():
            if name == SEED and name not in self.timelines:
                continue  # nothing is rounded at random here
            if name not in self.timelines:
                raise ValueError(f"{self.place}: {name!r} was stored, and is no hyperparameter here")
            try:
                lines[name] = Timeline.from_list(rows, self.timelines[name])
            except (ValueError, TypeError) as problem:
                raise ValueError(f"{self.place}: {self.spelled(name)!r} {problem}") from None
            low, high = self.domain[name]
            for entry in lines[name].entries:
                if not isinstance(entry, Schedule) and not inside(name, entry, low, high):
                    raise self.outside(name, entry, "as it was stored")
        return lines

    def at(self, step: int) -> dict[str, float]:
        """Every hyperparameter at the present step, inside its domain."""
        if self.ready is None or (self.moving and self.ready[0] != step):
            self.ready = step, *self.evaluated(step)
        return self.ready[1]

    def evaluated(self, step: int) -> tuple[dict[str, float], dict[str, float]]:
        """Every hyperparameter at one step, and of these what moves."""
        moved = self.evaluate(self.moving, step)
        return {**self.fixed, **moved}, moved

    def coming(self, step: int) -> dict[str, float]:
        """What moves, at the coming step, to be shown; nothing where it has no value there.

        A list may end with the training, so what cannot be evaluated is no error before the step is made:
        ``at`` raises it then.
        """
        try:
            self.at(step)
        except Exception:
            return {}
        assert self.ready is not None
        return self.ready[2]

    def past(self, step: int) -> dict[str, float]:
        """Every hyperparameter as it was, is or will be at any step."""
        return {name: self.value(name, step) for name in self.timelines}

    def current(self, step: int) -> dict[str, float]:
        """Every hyperparameter in the coming step; where a list has ended, its last value."""
        return {name: self.shown(name, step) for name in self.timelines}

    def shown(self, name: str, step: int) -> float:
        """One hyperparameter in the coming step; where a list has ended, its last value."""
        try:
            return self.timelines[name].at(step)
        except ScheduleEnd:
            return self.timelines[name].at(step - 1)

    def value(self, name: str, step: int) -> float:
        """One hyperparameter as it was, is or will be at any step."""
        try:
            return self.timelines[name].at(step)
        except ScheduleEnd as end:
            raise ScheduleEnd(f"{self.place}: {self.spelled(name)!r}: {end}") from None

    def evaluate(self, moving: Iterable[tuple[str, Schedule, float, float]], step: int) -> dict[str, float]:
        """What schedules say at one step, if it lies in their domains; errors name the place."""
        found = {}
        for name, schedule, low, high in moving:  # all in one call: a step asks for dozens
            try:
                value = found[name] = schedule(step)
            except ScheduleEnd as end:
                raise ScheduleEnd(f"{self.place}: {self.spelled(name)!r}: {end}") from None
            except (TypeError, ValueError) as problem:
                told = f"{self.place}: {self.spelled(name)!r}: {problem} (step {step}: {schedule.describe()})"
                raise type(problem)(told) from problem
            except Exception as problem:
                if hasattr(problem, "add_note"):  # Python 3.11
                    problem.add_note(f"{self.place}: {self.spelled(name)!r} at step {step}: {schedule.describe()}")
                raise
            if (not low <= value < high or value == -inf) and not inside(name, value, low, high):
                raise self.outside(name, value, f"step {step}: {schedule.describe()}")
        return found

    def outside(self, name: str, value: float, where: str = "") -> ValueError:
        """The one sentence for a value outside its domain."""
        must = interval(*self.domain[name])
        told = f" ({where})" if where else ""
        return ValueError(f"{self.place}: {self.spelled(name)!r} must {must}, but got {value!r}{told}")

    def spelled(self, name: str) -> str:
        """The name that the user knows."""
        return self.spelling.get(name, name)

    def names(self) -> str:
        """All names that may be set."""
        return ", ".join(sorted(map(self.spelled, self.domain)))


EXACT = ("loss_scale", SEED, *BOUNDS)  # front of the rules; MindSpore divides by the loss scale in the constructor
LARGEST = float(np.finfo(np.float32).max)


class Rounded(Hyper):
    """A step sees every number rounded to float32, where that leaves it in its domain: MindSpore's manner.

    1 - float32(0.9999) is 1.7e-4 larger than 0.0001, so the share of new gradients in a running mean, and what is
    built on it, would else differ from MindSpore's by that. What is shown (``at``, ``trace`` and ``current`` of the
    optimizer) is what was given.
    """

    def checked(self, name: str, value: Any, step: int) -> Schedule | float:
        """As everywhere, and no number that is infinite in float32."""
        entry = super().checked(name, value, step)
        if isinstance(entry, float) and abs(entry) > LARGEST and name not in EXACT:
            raise self.outside(name, entry, "infinite in float32")
        return entry

    def evaluated(self, step: int) -> tuple[dict[str, float], dict[str, float]]:
        """Every hyperparameter at one step, inside its domain, as float32, and of these what moves."""
        values, moved = super().evaluated(step)
        with np.errstate(over="ignore"):
            rounded = np.array(list(values.values()), np.float32).tolist()
        for name, number in zip(values, rounded, strict=True):
            low, high = self.domain[name]
            if low <= number < high and name not in EXACT:
                values[name] = number
        return values, {name: values[name] for name in moved}
