"""Resuming differently on purpose: a checkpoint's moments, the new run's schedules; parameters found by name.

A ``state_dict`` is rewritten into the one that the optimizer would have stored had the run been like that
from its beginning; ``load_state_dict`` then takes all of it or nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..control import whole
from ..schedules import Schedule
from .fit import VERSION, check_extra, check_form, check_state, slot_shape

if TYPE_CHECKING:
    from .state import Stateful


@dataclass(frozen=True)
class Resumed:
    """What did not match when a checkpoint was loaded by name.

    Args:
        missing: parameters that the checkpoint lacks; they start afresh.
        unexpected: parameters of the checkpoint that are not here; theirs is left out.
        shapes: parameters whose moments have another shape there; they start afresh: name, shape here, there.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything matched."""
        return not (self.missing or self.unexpected or self.shapes)

    def __str__(self) -> str:
        if self.complete:
            return "everything matched"
        lines = [f"missing in the checkpoint: {', '.join(self.missing)}"] * bool(self.missing)
        lines += [f"not in the optimizer: {', '.join(self.unexpected)}"] * bool(self.unexpected)
        lines += [f"{name} is {here} here and {there} in the checkpoint" for name, here, there in self.shapes]
        return "\n".join(lines)


def rewritten(
    optimizer: "Stateful", state_dict: Mapping[str, Any], keep: Iterable[str], clock: int | None, by_name: bool
) -> tuple[dict[str, Any], Resumed]:
    """The ``state_dict`` to load, and what did not match.

    Raises:
        UnknownName: a name in ``keep`` that the optimizer does not have.
        ValueError, TypeError: the checkpoint does not fit, names are missing, or what is kept has no value there.
    """
    if not isinstance(keep, Iterable):
        raise TypeError(f"{type(optimizer).__name__}: keep names hyperparameters, as in ['lr'], not {keep!r}")
    check_form(type(optimizer).__name__, state_dict)
    check_extra(type(optimizer).__name__, state_dict.get("calando"), state_dict["param_groups"])
    keep = [keep] if isinstance(keep, str) else list(keep)
    kept = {ours for name in keep for ours in optimizer._names(name)}
    clock = clock if clock is None else whole(f"{type(optimizer).__name__}: the clock to resume at", clock)
    report = Resumed()
    if by_name:
        state_dict, report = renamed(optimizer, state_dict)
    extra = check_state(optimizer, state_dict if type(optimizer).SLOTS else {**state_dict, "state": {}})
    groups, timelines, ages = [], [], []
    for number, group in enumerate(state_dict["param_groups"]):
        faces = [state_dict["state"].get(key, {}) for key in group["params"]]
        step = clock_of(group, faces, extra is not None) if clock is None else clock
        rows = stored_lines(optimizer, number, group) if extra is None else extra["timelines"][number]
        hyper = optimizer.engine.hypers[number]
        for ours in sorted(kept):
            hyper.checked(ours, hyper.timelines[ours].latest, step)
        groups.append({**group, "step": step})
        timelines.append({name: rewound(line, step) for name, line in rows.items() if name not in kept})
        ages.append([age_of(face, step) for face in faces] if extra is None else extra["ages"][number])
    own = {**(extra or {}), "version": VERSION, "timelines": timelines, "ages": ages}
    return {**state_dict, "param_groups": groups, "calando": own}, report


def clock_of(group: Mapping[str, Any], faces: list[Mapping[str, Any]], ours: bool) -> int:
    """Where the clock of a group stands: what it says, or, in a dictionary of torch's class, the age of its moments."""
    steps = [int(face["step"]) for face in faces if "step" in face]
    return int(group.get("step", 0)) if ours or not steps else max(steps)


def age_of(face: Mapping[str, Any], clock: int) -> int:
    """How old the moments of one parameter are, in a dictionary of torch's class."""
    return int(face.get("step", max(1, clock))) if any(x is not None for x in face.values()) else 0


def stored_lines(optimizer: "Stateful", number: int, group: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a group of torch's class as we store them; a schedule of this optimizer stays."""
    lines = optimizer._numbers_of(number, group)
    return {name: line.to_list() for name, line in lines.items() if not isinstance(line.latest, Schedule)}


def rewound(rows: list[list[Any]], clock: int) -> list[list[Any]]:
    """A stored history when the clock is set back: what was in force at its end holds from there on."""
    if not rows or rows[-1][0] <= clock:
        return rows
    before = [row for row in rows if row[0] < clock]
    return [*before, [clock if before else 0, *rows[-1][1:]]]


def renamed(optimizer: "Stateful", state_dict: Mapping[str, Any]) -> tuple[dict[str, Any], Resumed]:
    """The same state in this optimizer's groups and order, found by name."""
    owner = type(optimizer).__name__
    if not type(optimizer).SLOTS:
        raise ValueError(f"{owner}: it keeps one memory for all parameters, which cannot be found by name")
    theirs = named("the checkpoint", owner, state_dict.get("param_groups", []))
    mine = named("the optimizer", owner, optimizer.param_groups)
    extra = state_dict.get("calando")
    groups: list[dict[str, Any]] = []
    state: dict[int, Any] = {}
    timelines, ages, missing, shapes = [], [], [], []
    count = 0
    for number, group in enumerate(optimizer.param_groups):
        found = [theirs.get(name) for name in group["param_names"]]
        source = next((place[0] for place in found if place is not None), None)
        own = group if source is None else state_dict["param_groups"][source]
        numbers = list(range(count, count + len(found)))
        count += len(found)
        groups.append({**own, "params": numbers, "param_names": list(group["param_names"])})
        hyper = optimizer.engine.hypers[number]
        timelines.append(hyper.stored() if extra is None or source is None else extra["timelines"][source])
        ages.append([0] * len(found))
        for i, (name, place, p) in enumerate(zip(group["param_names"], found, group["params"], strict=True)):
            if place is None:
                missing.append(name)
                continue
            face = state_dict["state"].get(state_dict["param_groups"][place[0]]["params"][place[1]], {})
            other = misshapen(optimizer, face, tuple(p.shape))
            if other is not None:
                shapes.append((name, tuple(p.shape), other))
                continue
            state[numbers[i]] = face
            ages[-1][i] = extra["ages"][place[0]][place[1]] if extra is not None else 0
    report = Resumed(tuple(missing), tuple(name for name in theirs if name not in mine), tuple(shapes))
    made: dict[str, Any] = {**state_dict, "state": state, "param_groups": groups}
    if extra is not None:
        made["calando"] = {**extra, "timelines": timelines, "ages": ages}
    return made, report


def named(what: str, owner: str, groups: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Where each name stands: its group, and its place there.

    Raises:
        ValueError: there are no names, or one stands for two parameters.
    """
    found: dict[str, tuple[int, int]] = {}
    for number, group in enumerate(groups):
        names = group.get("param_names")
        if not names:
            way = "an optimizer knows them when it is built with model.named_parameters()"
            raise ValueError(f"{owner}: group {number} of {what} has no parameter names; {way}")
        if len(names) != len(group["params"]) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{owner}: group {number} of {what} must have a name for each of its parameters")
        for i, name in enumerate(names):
            if name in found:
                raise ValueError(f"{owner}: two parameters of {what} are called {name!r}; they cannot be told apart")
            found[name] = number, i
    return found


def misshapen(optimizer: "Stateful", face: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of a stored moment that does not fit a parameter of this shape; None: all fit."""
    for key in optimizer.SLOTS.values():
        there = getattr(face.get(key), "shape", None)
        if there is not None and tuple(there) != slot_shape(optimizer, key, shape):
            return tuple(there)
    return None
