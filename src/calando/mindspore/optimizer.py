"""What all optimizers of this front end share: MindSpore's manners around the engine.

``optimizer(grads)`` takes one gradient per parameter, in the order of ``optimizer.parameters``. The
parameters may be those of calando's network room, of torch, of real MindSpore, or NumPy arrays; they are
updated in place. Every hyperparameter of every group may be a number, a list, a schedule, a Cell or
function of the step, can be seen at any time and changed at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ..arrays import adapter
from ..control import Controls
from ..decay import DOMAIN as FRONT
from ..decay import L2, Decay
from ..engine import UNBOUNDED, Engine
from ..groups import Group
from ..hyper import Hyper
from ..rule import Domain, Rule
from ..schedules import Function
from . import boxes
from .groups import Given, name_of, parse

LONG = {"lr": "learning_rate"}  # how errors and attributes call what a group calls "lr"


class Optimizer(Controls):
    """The base of ``calando.mindspore.nn``'s optimizers.

    A subclass gives its domain, its rule, and what it hands on from its constructor. Ungrouped, weight
    decay leaves out parameters with "beta" or "gamma" in their name, as in MindSpore; in groups it
    applies to all.

    Every hyperparameter is also an attribute (``optimizer.learning_rate``, ``optimizer.momentum``): a
    Parameter that ``ops.assign`` may change, or the schedule where one was given; per parameter where
    the groups differ. Assigning to the attribute is ``set``. MindSpore's trap, that such changes are
    ignored once the step is compiled, is not here.
    """

    NAMES: ClassVar[tuple[str, ...]]  # hyperparameters beside lr, weight_decay and loss_scale
    OURS: ClassVar[Mapping[str, str]] = {}  # our names for those of them that we call otherwise
    DOMAIN: ClassVar[Domain]
    DECAY: ClassVar[Decay] = L2
    FILTER: ClassVar[bool] = True  # whether ungrouped decay leaves out "beta" and "gamma"

    def __init__(
        self,
        params: Any,
        values: Mapping[str, Any],
        loss_scale: float = 1.0,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        owner = type(self).__name__
        names = ("lr", *self.NAMES, "weight_decay", "loss_scale", "max_norm")
        put = self.__dict__
        put["spelling"] = {name: self.OURS.get(name, name) for name in names}
        defaults = {**values, "loss_scale": loss_scale, "max_norm": max_norm}
        given, order = parse(owner, params, {**self.spelling, "learning_rate": "lr"})
        domain = {**FRONT, **self.DOMAIN}
        put["_shown"] = {ours: name for name, ours in self.spelling.items() if name != ours}
        plain = Hyper(f"For '{owner}'", domain, prepared(defaults), {**self._shown, **LONG})
        shared = {name: line.latest for name, line in plain.timelines.items()}
        hypers = [self._hyper(group, shared, domain) for group in given]
        grouped = given[0].number is not None
        put["_own"] = {name for group in given for name in group.values}
        groups = [self._group(group, hyper, grouped) for group, hyper in zip(given, hypers, strict=True)]
        put["engine"] = Engine(groups, hypers, on_nonfinite)
        put["_places"] = self._order(given, order)
        put["_library"] = boxes.Library(adapter(self._members()[0].param).name)
        put["_boxes"] = {}
        put["_posted"] = {}

    def _hyper(self, group: Given, shared: Mapping[str, Any], domain: Domain) -> Hyper:
        """The hyperparameters of one group."""
        own = group.number is not None
        place = f"For '{type(self).__name__}'" + (f", group {group.number}" if own else "")
        hyper = Hyper(
            place,
            domain,
            {**shared, **prepared(group.values)},
            self._shown if own else {**self._shown, **LONG},
        )
        hyper.at(0)
        return hyper

    def _rule(self, hyper: Hyper) -> Rule:
        """The rule of a group with these hyperparameters."""
        raise NotImplementedError

    def _starts(self) -> dict[str, float]:
        """What slots are filled with before the first update, where it is not 0."""
        return {}

    def _group(self, group: Given, hyper: Hyper, grouped: bool) -> Group:
        """One group as the engine sees it."""
        names = tuple(name_of(p, i) for i, p in enumerate(group.params))
        grouped = grouped or not self.FILTER
        exempt = [i for i, name in enumerate(names) if not grouped and filtered(name)]
        return Group(
            tuple(group.params),
            names,
            self._rule(hyper),
            self.DECAY,
            centralize=group.centralize,
            exempt=frozenset(exempt),
            starts=self._starts(),
        )

    def _order(self, given: list[Given], order: list[Any] | None) -> list[tuple[int, int]]:
        """Where each of ``parameters`` stands: (group, position)."""
        places = {id(p): (n, i) for n, group in enumerate(given) for i, p in enumerate(group.params)}
        return list(places.values()) if order is None else [places[id(p)] for p in order]

    def _members(self) -> list[Any]:
        """The members in the order of ``parameters``."""
        return [self.engine.members[n][i] for n, i in self._places]

    # The step.

    def __call__(self, gradients: Sequence[Any]) -> bool:
        """Update all parameters once.

        Args:
            gradients: a tuple or list with one gradient per parameter, in the order of ``parameters``.

        Returns:
            True, or False if the step was skipped for a gradient that is not finite.

        Raises:
            ValueError, TypeError: gradients of wrong count, shape or dtype, a None among them, or a value
                outside its domain; nothing has changed.
            ScheduleEnd: a list is shorter than the training; nothing has changed.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``; nothing has changed.
        """
        self._listen()
        done = self.engine.step(self._by_group(gradients))
        if done:
            self._post()
        return done

    construct = __call__

    def _by_group(self, gradients: Any) -> list[list[Any]]:
        """The gradients sorted into groups, if there is one for each parameter."""
        place = f"For '{type(self).__name__}'"
        if not isinstance(gradients, (tuple, list)):
            raise TypeError(f"{place}: gradients must be a tuple or list, but got {type(gradients).__name__}")
        if len(gradients) != len(self._places):
            raise ValueError(
                f"{place}: {len(gradients)} gradients for {len(self._places)} parameters; "
                "give one for each, in the order of optimizer.parameters"
            )
        sorted_out: list[list[Any]] = [[None] * len(members) for members in self.engine.members]
        for gradient, (number, i) in zip(gradients, self._places, strict=True):
            if gradient is None:
                place = f"{place}: the gradient of {self.engine.members[number][i].place}"
                raise TypeError(f"{place} is None; leave parameters without gradient out of the optimizer")
            sorted_out[number][i] = gradient
        return sorted_out

    # What can be seen.

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The parameters in the order in which ``optimizer(grads)`` takes their gradients."""
        params = tuple(m.param for m in self._members())
        if self._library.name == "numpy":
            return params
        return self._library.words().ParameterTuple(params)

    @property
    def global_step(self) -> Any:
        """How many updates were made, int32 of shape (1,); it may be assigned to."""
        return self._box("global_step", None)

    @property
    def loss_scale(self) -> float:
        """What gradients are divided by."""
        return self._value("loss_scale", 0)

    def get_lr(self) -> Any:
        """The learning rate of the coming step, of shape (); one per parameter where groups differ."""
        return self._seen("lr", lambda n: self._value("lr", n))

    def get_weight_decay(self) -> Any:
        """The weight decay of the coming step times the loss scale; one per parameter in groups."""
        return self._seen("weight_decay", lambda n: self._value("weight_decay", n) * self._value("loss_scale", n))

    def get_lr_parameter(self, param: Any) -> Any:
        """The learning rate of one parameter, or a list of them for a list of parameters.

        Returns:
            The Parameter that holds a constant rate, or the schedule.

        Raises:
            ValueError: the parameter is not in this optimizer.
        """
        if isinstance(param, (list, tuple)):
            return [self.get_lr_parameter(p) for p in param]
        for (number, _), member in zip(self._places, self._members(), strict=True):
            if member.param is param:
                return self._attribute("lr", number)
        raise ValueError(f"For '{type(self).__name__}': {name_of(param, 0)!r} is not one of its parameters")

    def _seen(self, name: str, value: Any) -> Any:
        """A tensor with a number, or a tuple of them with one per parameter."""
        self._listen()
        if name not in self._own:
            return self._library.tensor(value(0))
        return tuple(self._library.tensor(value(number)) for number, _ in self._places)

    def _value(self, name: str, number: int) -> float:
        """A number in force in the coming step."""
        return self.engine.hypers[number].shown(name, self.engine.clocks[number])

    # Hyperparameters as attributes.

    def __getattr__(self, name: str) -> Any:
        ours = self.__dict__.get("spelling", {}).get("lr" if name == "learning_rate" else name)
        if ours is None:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        self._listen()
        if ours not in self._own:
            return self._attribute(ours, None)
        found = tuple(self._attribute(ours, number) for number, _ in self._places)
        whole = all(number in self._boxes.get(ours, ()) for number, _ in self._places)
        return self._library.words().ParameterTuple(found) if whole and self._library.name != "numpy" else found

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate" or name in self.__dict__.get("spelling", ()):
            self.set(name, value)
        elif name == "global_step":
            boxes.write(self.global_step, boxes.read(value) if hasattr(value, "asnumpy") else value)
        else:
            object.__setattr__(self, name, value)

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
        super().set(name, prepared({name: value})[name], group)
        if group is not None:
            self._own.add(self.spelling.get(name, name))

    # Posting and collecting.

    def _listen(self) -> None:
        """Take over what was assigned to the boxes."""
        for ours, shelf in self._boxes.items():
            for number, box in shelf.items():
                value = boxes.read(box)
                if not np.array_equal(value, self._posted[ours, number]):
                    self._overridden(ours, number, value)
                    self._posted[ours, number] = value.copy()

    def _overridden(self, ours: str, number: int | None, value: np.ndarray) -> None:
        """A box was assigned to: its value holds from now on."""
        engine = self.engine
        numbers = range(len(engine.groups)) if number is None else [number]
        for n in numbers:
            if ours == "global_step":
                engine.clocks[n] = int(value.item())
            else:
                engine.hypers[n].override(ours, float(value.item()), engine.clocks[n])
                self._changed(n)

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
        engine = self.engine
        rule = self._rule(engine.hypers[number])
        if rule is not engine.groups[number].rule:
            engine.regroup(number, replace(engine.groups[number], rule=rule))
        for ours, shelf in self._boxes.items():
            for key in (number, None):
                if key in shelf and ours != "global_step":
                    boxes.write(shelf[key], self._value(ours, number))
                    self._posted[ours, key] = boxes.read(shelf[key]).copy()

    def _restored(self) -> None:
        self._post()

    def __repr__(self) -> str:
        return Controls.__repr__(self)


def filtered(name: str) -> bool:
    """Whether MindSpore's decay leaves a parameter of this name out, where there are no groups."""
    return "beta" in name or "gamma" in name


def prepared(values: Mapping[str, Any]) -> dict[str, Any]:
    """What MindSpore users give, as hyperparameters: Cells become functions of the step."""
    found = dict(values)
    for name, value in found.items():
        if boxes.is_cell(value):
            found[name] = Function(boxes.CellRate(value))
        elif name == "max_norm" and value is None:
            found[name] = UNBOUNDED
    return found
