"""Hyperparameters as attributes of an optimizer: seen, assigned, and heard of when somebody writes into their boxes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from typing import Any, ClassVar

import numpy as np

from ..control import Controls
from ..decay import BOUNDS, UNBOUNDED
from ..events import Timeline
from ..hyper import Hyper, shown
from ..nearest import nearest
from ..rule import Rule
from ..schedules import Function
from . import boxes
from .flags import Shown
from .missing import DISTRIBUTED, distributed
from .state import Stored

LONG = {"lr": "learning_rate"}  # how errors and attributes call what a group calls "lr"
CLOSED = f"{__package__}.learning_rate_schedule"  # its Cells have a formula; asked by name, as it loads torch
TORCH = ("alpha", "amsgrad", "betas", "lr_decay", "maximize", "param_groups", "rho")  # what torch has besides
ELSEWHERE = {  # what optimizers of torch, and Cells, have, and where it is here
    "add_param_group": "all groups are given when it is built",
    "load_state_dict": "load_param_into_net(optimizer, load_checkpoint(path)), or optimizer.restore(snapshot)",
    "param_groups": "optimizer.current() shows every hyperparameter, optimizer.set('lr', 0.1, group=0) changes one",
    "state_dict": "save_checkpoint(optimizer, path), or optimizer.snapshot()",
    "step": "it is called with the gradients, optimizer(grads)",
    "trainable_params": "optimizer.parameters",
    "zero_grad": "gradients are values here, so there is nothing to empty; grads_after_step='zero' does it to sums",
}
FREE = ("target", "unique")  # flags that MindSpore's scripts assign, without a meaning here
ALIKE = 0.8  # how near an assigned name must be to a known one to be taken for a slip


class Attributes(Controls):
    """A part of every optimizer of this front end: its hyperparameters, and ``global_step``, as attributes.

    A number is a box (a Parameter of the parameters' own framework, or an array) with the value of the coming step;
    what is written into it from outside is in force from then on. ``_listen`` collects what was written, ``_post``
    puts the coming values there.
    """

    STORED: ClassVar[Stored]
    PAIRS: ClassVar[Mapping[str, tuple[str, str]]] = {}  # arguments that are two of them
    _library: boxes.Library
    _places: list[tuple[int, int]]
    _shown: dict[str, str]  # our name → the user's, where they differ
    _own: set[str]  # hyperparameters that some group has of its own
    _own_rates: set[int]  # groups with a rate of their own
    _given_rate: Any  # the rate that the constructor was given for the others
    _boxes: dict[str, dict[int | None, Any]]
    _posted: dict[tuple[str, int | None], np.ndarray]

    def _tuple(self, things: Iterable[Any]) -> tuple[Any, ...]:
        """Things in the order of the parameters, as their framework has such."""
        raise NotImplementedError

    def _played(self, hyper: Hyper) -> Rule:
        """The rule of a group with these hyperparameters."""
        raise NotImplementedError

    def _value(self, name: str, number: int) -> float:
        """A number in force in the coming step."""
        return self.engine.hypers[number].shown(name, self.engine.clocks[number])

    def __getattr__(self, name: str) -> Any:
        ours = self.__dict__.get("spelling", {}).get("lr" if name == "learning_rate" else name)
        if ours is None and name in type(self).PAIRS:
            return tuple(getattr(self, own) for own in self.PAIRS[name])
        if ours is None and name in DISTRIBUTED:
            raise AttributeError(f"{type(self).__name__!r} has no {name!r}: {distributed(name)}")
        if ours is None:
            shown = self.__dict__.get("_shown", {})
            known = [*self.__dict__.get("spelling", ()), "learning_rate", *dir(type(self))]
            near = None if name.startswith("_") else shown.get(name) or nearest(name, known, ALIKE)
            hint = f"; did you mean {near!r}?" if near else ""
            hint = f": {ELSEWHERE[name]}" if name in ELSEWHERE else self._stored(name) or hint
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}{hint}")
        self._listen()
        if ours not in self._own:
            return self._attribute(ours, None)
        return self._tuple(self._attribute(ours, number) for number, _ in self._places)

    def _stored(self, name: str) -> str:
        """Where what a checkpoint has of this name is to be seen, as the rest of a sentence; empty for other names."""
        known = [pattern.removesuffix(".{}").removesuffix("_{}") for pattern in self.STORED.patterns()]
        if name not in (*known, *self.STORED.singles()):
            return ""
        return ": parameters_dict() shows what a checkpoint has of it; load_param_into_net(optimizer, …) changes it"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate" or name in self.__dict__.get("spelling", ()) or name in type(self).PAIRS:
            self.set(name, value)
        elif name == "global_step":
            boxes.write(self.global_step, counted(value, type(self).__name__))
        else:
            self._refuse(name)
            object.__setattr__(self, name, value)

    def _refuse(self, name: str) -> None:
        """Raise AttributeError for a name whose assignment would be meant to change the optimizer, and would not."""
        place, own = f"For '{type(self).__name__}'", getattr(type(self), name, None)
        if isinstance(own, property) and own.fset is None:
            raise AttributeError(f"{place}: {name!r} is fixed when the optimizer is built; build another one")
        if isinstance(own, Shown) and name not in FREE:
            raise AttributeError(f"{place}: {name!r} follows from its arguments; set those, as in optimizer.set(…)")
        if name.startswith("_") or "engine" not in self.__dict__ or own is not None:
            return
        arguments = signature(type(self)).parameters
        words = {word: LONG.get(word, word) for word in ("learning_rate", *self.spelling, *self.PAIRS)}
        near = self._shown[name] if name in self._shown else nearest(name, [*words, *arguments], ALIKE)
        if near in arguments and near not in words:
            slip = "" if name == near else f"no {name!r} (did you mean {near!r}?); "
            raise AttributeError(f"{place}: {slip}{near!r} is fixed when the optimizer is built; build another one")
        if near or name in vocabulary():
            told = f" (did you mean {words.get(near, near)!r}?)" if near else ""
            known = ", ".join(LONG.get(own, own) for own in self.spelling)
            raise AttributeError(f"{place}: no hyperparameter {name!r}{told}; it has {known}")

    def _attribute(self, ours: str, number: int | None) -> Any:
        """The schedule of a group, or the box with its number; None: the one that all groups share."""
        latest = self.engine.hypers[number or 0].timelines[ours].latest
        if isinstance(latest, float):
            return self._box(ours, number if ours in self._own else None)
        call = latest.call if isinstance(latest, Function) else None
        return call.cell if isinstance(call, boxes.CellRate) else latest

    def _box(self, ours: str, number: int | None) -> Any:
        """The box of one hyperparameter (of one group), made when it is first asked for."""
        shelf = self._boxes.setdefault(ours, {})
        if number not in shelf:
            value: Any = self._boxed(ours, number)
            suffix = "" if number is None else f"_group_{number}"
            kind = "int32" if ours == "global_step" else "float32"
            shelf[number] = self._library.box(value, kind, LONG.get(ours, self._shown.get(ours, ours)) + suffix)
            self._posted[ours, number] = boxes.read(shelf[number]).copy()
        return shelf[number]

    def _boxed(self, ours: str, number: int | None) -> Any:
        """What stands in a box."""
        if ours == "global_step":
            return [self.engine.clocks[0]]
        return self._value(ours, number or 0)

    def set(self, name: str, value: Any, group: int | str | None = None) -> None:
        name = "lr" if name == "learning_rate" else name
        with self._whole_or_not():
            super().set(name, prepared({name: value})[name], group)
        if group is not None and len(self.engine.groups) > 1:
            self._own.update(self._names(name))
            self._own_rates.update(self._chosen(group) if name == "lr" else ())

    def _names(self, name: str, single: bool = False) -> tuple[str, ...]:
        return self.PAIRS[name] if name in self.PAIRS and not single else super()._names(name, single)

    @contextmanager
    def _whole_or_not(self) -> Iterator[None]:
        """Take a change of hyperparameters back when no rule has such values."""
        hypers = self.engine.hypers
        kept = [({n: copied(line) for n, line in hyper.timelines.items()}, {**hyper.displaced}) for hyper in hypers]
        try:
            yield
        except (TypeError, ValueError, KeyError):
            for number, (hyper, (lines, displaced)) in enumerate(zip(hypers, kept, strict=True)):
                hyper.replace(lines, displaced)
                self._changed(number)
            raise

    # Posting and collecting.

    def _listen(self) -> None:
        """Take over what was assigned to the boxes; what is refused is taken out of them again."""
        changed = [
            (ours, number, boxes.read(box).copy())
            for ours, shelf in self._boxes.items()
            for number, box in shelf.items()
            if not np.array_equal(boxes.read(box), self._posted[ours, number])
        ]
        for ours, number, value in changed:
            before = self._posted[ours, number]
            self._posted[ours, number] = value
            try:
                self._overridden(ours, number, value)
            except (TypeError, ValueError):
                self._posted[ours, number] = before
                for name, key, _ in changed:
                    boxes.write(self._boxes[name][key], self._posted[name, key])
                raise

    def _overridden(self, ours: str, number: int | None, value: np.ndarray) -> None:
        """A box was assigned to: its value holds from now on."""
        engine = self.engine
        numbers = list(range(len(engine.groups))) if number is None else [number]
        if ours == "global_step":
            clock = counted(value, type(self).__name__)
            for n in numbers:
                engine.clocks[n] = clock
                engine.hypers[n].rewind(clock)
            return
        entry = float(value.item())
        checked = [engine.hypers[n].checked(ours, entry, engine.clocks[n]) for n in numbers]
        with self._whole_or_not():
            for n, found in zip(numbers, checked, strict=True):
                engine.hypers[n].displace(ours, found, engine.clocks[n])
                self._choose(n)

    def _post(self) -> None:
        """Put the coming values into the boxes, and remember that they are ours."""
        for ours, shelf in self._boxes.items():
            for number, box in shelf.items():
                hyper, clock = self.engine.hypers[number or 0], self.engine.clocks[number or 0]
                if ours == "global_step":
                    boxes.write(box, clock)
                elif ours in (coming := hyper.coming(clock)):
                    boxes.write(box, coming[ours])
                else:
                    continue
                self._posted[ours, number] = boxes.read(box).copy()

    def _changed(self, number: int) -> None:
        self._choose(number)
        for ours, shelf in self._boxes.items():
            for key in (number, None) if number == 0 else (number,):
                if key in shelf and ours != "global_step":
                    boxes.write(shelf[key], self._value(ours, number))
                    self._posted[ours, key] = boxes.read(shelf[key]).copy()

    def _choose(self, number: int) -> None:
        """The rule of a group may depend on its hyperparameters: choose it anew."""
        engine = self.engine
        group, hyper = engine.groups[number], engine.hypers[number]
        rule, bounded = self._played(hyper), hyper.clips
        if rule is not group.rule or bounded != group.bounded:
            engine.regroup(number, replace(group, rule=rule, bounded=bounded))

    def _restored(self) -> None:
        self._post()


def copied(line: Timeline) -> Timeline:
    """A timeline whose changes do not show in the first."""
    return Timeline([*line.steps], [*line.entries], [*line.authors])


def vocabulary() -> set[str]:
    """What any optimizer of calando's, or one of torch, takes in its constructor."""
    classes = [cls for cls in descendants(Attributes) if cls.__module__.startswith("calando.")]
    return {*TORCH, *(name for cls in classes for name in signature(cls).parameters)}


def descendants(cls: type) -> list[type]:
    """All classes below a class."""
    below: list[type] = cls.__subclasses__()
    return [found for own in below for found in (own, *descendants(own))]


def counted(value: Any, owner: str) -> int:
    """A number of updates, from a number or a box.

    Raises:
        ValueError: it is no whole number from 0 on.
    """
    array = np.asarray(value.asnumpy() if hasattr(value, "asnumpy") else value)
    number = array.item() if array.size == 1 and array.dtype.kind in "iuf" else None
    if number is None or not (number >= 0 and float(number).is_integer()):
        told = value if number is None else number
        raise ValueError(f"For '{owner}': 'global_step' must be a whole number from 0 on, but got {shown(told)}")
    return int(number)


def prepared(values: Mapping[str, Any]) -> dict[str, Any]:
    """What MindSpore users give, as hyperparameters: MindSpore's schedules become ours, other Cells functions."""
    found = dict(values)
    for name, value in found.items():
        if type(value).__module__ == CLOSED:
            found[name] = value.schedule
        elif boxes.is_cell(value):
            found[name] = Function(boxes.CellRate(value))
        elif name in BOUNDS and value is None:
            found[name] = UNBOUNDED
    return found
