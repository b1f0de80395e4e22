"""What all optimizers of this front end share: PyTorch's contracts around the engine.

The plain number in force stands in ``param_groups[i][name]`` before and after every step, and the
group's clock in ``param_groups[i]["step"]``. After a step the coming values are *posted* there; before
the next one they are *collected*: what was not posted was written from outside (by the user, one of
torch's schedulers, a trainer) and wins.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from operator import is_
from typing import Any, ClassVar

import torch

from ..control import Controls, Spelling, spelled, unpacked
from ..decay import DOMAIN as FRONT
from ..decay import L2, Decay
from ..engine import UNBOUNDED, Engine
from ..events import Timeline
from ..groups import Group, refuse_doubles
from ..hyper import Hyper, UnknownName
from ..rule import Domain, Rule
from ..schedules import Schedule
from .state import check_state

# Keys that others keep in groups: torch's schedulers, timm, trainers; our clock.
GUESTS = {
    "params", "param_names", "step", "name", "initial_lr", "lr_scale", "max_lr", "min_lr", "swa_lr",
    "base_momentum", "max_momentum",
}  # fmt: skip
ALIASES = {"learning_rate": "lr", "wd": "weight_decay", "beta1": "betas", "beta2": "betas", "epsilon": "eps"}


class Optimizer(Controls, torch.optim.Optimizer):
    """The base of ``calando.torch``; a ``torch.optim.Optimizer`` with time inside.

    A subclass gives its spelling, its domain, the state's keys, and the rule that a group's
    structural choices mean. A schedule may stand wherever a number may: in the constructor, in a
    group, in ``set``, or assigned to ``param_groups[i][name]``.
    """

    SPELLING: ClassVar[Spelling]  # torch's name → ours
    DOMAIN: ClassVar[Domain]
    SLOTS: ClassVar[Mapping[str, str]]  # the rule's slot → the key in state
    AGED: ClassVar[bool] = True  # whether state has torch's "step"
    MEMORY: ClassVar[tuple[str, ...]] = ()  # what the rule remembers, under the same names in state

    def __init__(
        self, params: Any, defaults: dict[str, Any], max_norm: Any = None, on_nonfinite: str = "train"
    ) -> None:
        refuse_hints(type(self).__name__, defaults)
        self.spelling = {**self.SPELLING, "max_norm": "max_norm"}
        self.engine = Engine([], [], on_nonfinite)
        self._dicts: list[dict[str, Any]] = []
        self._posted: list[dict[str, Any]] = []
        self._structures: list[tuple[Any, ...]] = []
        defaults = {**defaults, "max_norm": max_norm}
        hyper = self._hyper(f"For '{type(self).__name__}'", defaults)
        self._given = self._entries(hyper)
        super().__init__(params, {**defaults, **spelled(self.spelling, hyper.past(0))})
        self._state, self._shown = self.state, 0

    # What a subclass decides.

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        """The rule that a group's structural choices mean."""
        raise NotImplementedError

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        """The manner of weight decay."""
        return L2

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        """What slots are filled with before the first update, where it is not 0."""
        return {}

    # The step.

    @torch._disable_dynamo
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient, and advance the clock of their groups.

        Args:
            closure: computes the loss anew, with gradients, and returns it.

        Returns:
            The closure's loss, or None.

        Raises:
            ValueError, TypeError: a value or gradient that cannot be used; nothing has changed.
            ScheduleEnd: a list is shorter than the training; nothing has changed.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``; nothing has changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        playing = self._playing()
        grads = [[p.grad for p in group["params"]] for group in self.param_groups]
        if self.engine.step(grads, playing):
            self._show_state()
            for number in playing:
                self._post(number)
        return loss

    # Groups.

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, with schedules where numbers may stand; the dictionary itself is not changed.

        Args:
            param_group: as in torch; a ``"step"`` in it is where the new group's clock starts, else it
                starts where group 0 stands.

        Raises:
            ValueError, TypeError, UnknownName: an unfit value, an unknown key, a parameter given twice;
                nothing has changed.
        """
        number = len(self._dicts)
        place = f"For '{type(self).__name__}', group {number}"
        if not isinstance(param_group, dict):
            raise TypeError(f"{place}: param_group must be a dict, but got {type(param_group).__name__}")
        given = dict(param_group)
        if "params" not in given:
            raise UnknownName(f"{place}: 'params' is missing; it has {', '.join(map(repr, given)) or 'nothing'}")
        self._refuse_unknown(place, given)
        clock = int(given.setdefault("step", self.engine.clocks[0] if self.engine.clocks else 0))
        hyper = self._hyper(place, {**self._given, **given}, clock)
        given.update(spelled(self.spelling, hyper.past(clock)))
        given["params"] = listed(given["params"])
        refuse_doubles(place.partition(",")[0], *self._roll(given["params"]))
        super().add_param_group(given)
        try:
            group = self.param_groups[-1]
            self.engine.extend([self._group(group, hyper)], [hyper], clock)
        except BaseException:
            self.param_groups.pop()
            raise
        self._dicts.append(group)
        self._structures.append(self._structure(group))
        self._posted.append({name: group[name] for name in self.spelling})

    def titles(self) -> list[str]:
        return [str(group.get("name", number)) for number, group in enumerate(self._dicts)]

    def _group(self, group: Mapping[str, Any], hyper: Hyper) -> Group:
        """A group as the engine sees it."""
        params = tuple(group["params"])
        names = tuple(group.get("param_names") or map(str, range(len(params))))
        maximize = bool(group.get("maximize", False))
        rule, decay = self._rule(group, hyper), self._decay(group)
        return Group(params, names, rule, decay, maximize, starts=self._starts(group))

    def _hyper(self, place: str, given: Mapping[str, Any], clock: int = 0) -> Hyper:
        """The hyperparameters of one group, from what the user gave."""
        ours: dict[str, Any] = {"weight_decay": 0.0}
        for name, names in self.spelling.items():
            if isinstance(names, tuple):
                try:
                    ours.update(zip(names, unpacked(name, given[name], len(names)), strict=True))
                except TypeError as problem:
                    raise TypeError(f"{place}: {problem}") from None
            else:
                ours[names] = given[name]
        if ours["max_norm"] is None:
            ours["max_norm"] = UNBOUNDED
        hyper = Hyper(place, {**self.DOMAIN, **FRONT}, ours)
        hyper.at(clock)
        return hyper

    def _entries(self, hyper: Hyper) -> dict[str, Any]:
        """The schedules and numbers of a group by torch's names."""
        latest = {name: line.latest for name, line in hyper.timelines.items()}
        return {
            name: tuple(latest[n] for n in names) if isinstance(names, tuple) else latest[names]
            for name, names in self.spelling.items()
        }

    def _refuse_unknown(self, place: str, given: Mapping[str, Any]) -> None:
        """Raise UnknownName for what must be a mistake: a number or a schedule under an unknown name."""
        for key, value in given.items():
            if key in self.defaults or key in self.spelling or key in GUESTS:
                continue
            known = [*self.spelling, *self.defaults]
            near = ALIASES.get(key) or next(iter(get_close_matches(key, known, 1)), None)
            note = value is None or isinstance(value, (str, bool))
            if note and near is None:
                continue
            hint = f" (did you mean {near!r}?)" if near else ""
            names = ", ".join(dict.fromkeys(known))
            raise UnknownName(f"{place}: unknown key {key!r}{hint}; a group may have params, {names}")

    def _roll(self, params: list[Any]) -> tuple[list[list[Any]], list[list[str]]]:
        """All parameters with those of a new group, and what to call them."""
        groups = [*(group["params"] for group in self.param_groups)]
        names = [list(g.get("param_names") or map(str, range(len(g["params"])))) for g in self.param_groups]
        pairs = [x if isinstance(x, tuple) else (str(i), x) for i, x in enumerate(params)]
        return [*groups, [x for _, x in pairs]], [*names, [name for name, _ in pairs]]

    # Posting and collecting.

    def _listen(self) -> None:
        self._playing()

    def _playing(self) -> list[int]:
        """Take over what was written from outside; the numbers of the groups that are there."""
        playing = self._numbers()
        if self.state is not self._state or len(self.state) < self._shown:
            self._adopt_state()
        for number, group in zip(playing, self.param_groups, strict=True):
            self._collect(number, group)
        if self.AGED:
            for part in self.engine.parts:
                part.reflect()
        return playing

    def _numbers(self) -> list[int]:
        """Which of our groups the dictionaries in ``param_groups`` are; new ones are taken in."""
        known, there = self._dicts, self.param_groups
        if len(known) == len(there) and all(map(is_, known, there)):
            return list(range(len(known)))
        return [self._number(group) for group in there]

    def _number(self, group: dict[str, Any]) -> int:
        """The number of one group: the same dictionary, or another one over the same parameters."""
        for number, known in enumerate(self._dicts):
            if known is group:
                return number
        for number, members in enumerate(self.engine.members):
            params = [m.param for m in members]
            if len(params) == len(group["params"]) and all(map(is_, params, group["params"])):
                self._dicts[number] = group
                return number
        raise ValueError(
            f"{type(self).__name__}: param_groups holds a group that add_param_group has not seen; "
            "add it with add_param_group"
        )

    def _collect(self, number: int, group: dict[str, Any]) -> None:
        """Take over what the outside wrote into one group."""
        engine, posted, clock = self.engine, self._posted[number], self.engine.clocks[number]
        if group["step"] != clock:
            engine.clocks[number] = clock = int(group["step"])
            engine.hypers[number].rewind(clock)
        changed = [k for k in posted if group[k] is not posted[k] and group[k] != posted[k]]
        for name in changed:
            self._overridden(number, name, group[name], clock)
        if changed or self._structures[number] != self._structure(group):
            self._structures[number] = self._structure(group)
            self._changed(number)
        known, there = engine.groups[number].params, group["params"]
        if len(known) != len(there) or not all(map(is_, known, there)):
            engine.exchange(number, self._group(group, engine.hypers[number]))
            self._adopt_state()

    def _overridden(self, number: int, name: str, value: Any, clock: int) -> None:
        """A value that we did not post: it holds from now on."""
        hyper, names = self.engine.hypers[number], self.spelling[name]
        if not isinstance(names, tuple):
            entry = UNBOUNDED if name == "max_norm" and value is None else value
            hyper.override(names, entry, clock)
            return
        old = self._posted[number][name]
        for ours, entry, before in zip(names, unpacked(name, value, len(names)), old, strict=True):
            if entry is not before and entry != before:
                hyper.override(ours, entry, clock)

    def _changed(self, number: int) -> None:
        """Choose the rule anew and show the values in force."""
        group, engine = self._dicts[number], self.engine
        engine.regroup(number, self._group(group, engine.hypers[number]))
        shown = spelled(self.spelling, engine.hypers[number].current(engine.clocks[number]))
        group.update(shown)
        self._posted[number] = shown

    def _post(self, number: int) -> None:
        """Show the coming values, and remember that they are ours."""
        group, hyper, clock = self._dicts[number], self.engine.hypers[number], self.engine.clocks[number]
        group["step"] = clock
        coming = hyper.coming(clock)
        if coming:
            values = spelled(self.spelling, hyper.at(clock))
            posted = self._posted[number]
            for name, value in values.items():
                group[name] = posted[name] = value

    def _structure(self, group: Mapping[str, Any]) -> tuple[Any, ...]:
        """The choices in a group that are no numbers over time."""
        return tuple(group.get(key) for key in ("amsgrad", "nesterov", "maximize", "decoupled_weight_decay"))

    # State.

    def _show_state(self) -> None:
        """Put new slots into ``state``, under torch's names."""
        if not self.engine.newborn:
            return
        for part in self.engine.parts:
            ages, memory = torch.from_numpy(part.mirror), torch.from_numpy(part.memory)
            for i, member in enumerate(part.members):
                if member.slots or (self.AGED and part.ages[i]):
                    face = self.state[member.param]
                    if self.AGED:
                        face["step"] = ages[i]
                    face.update({name: memory[i, j] for j, name in enumerate(part.key.rule.memory)})
                    face.update({key: member.slots[slot] for slot, key in self.SLOTS.items() if slot in member.slots})
        self.engine.newborn.clear()
        self._state, self._shown = self.state, len(self.state)

    def _adopt_state(self, ages: list[list[int]] | None = None) -> None:
        """Take slots and ages from ``state``, where others may have put them."""
        engine = self.engine
        engine.settle()
        for number, members in enumerate(engine.members):
            for i, member in enumerate(members):
                face = self.state.get(member.param, {})
                member.slots = {slot: face[key] for slot, key in self.SLOTS.items() if key in face}
                member.memory = tuple(float(face[name]) for name in self.MEMORY if name in face)
                if self.AGED:
                    member.age = int(face.get("step", 0))
                elif ages is not None:
                    member.age = ages[number][i]
                else:
                    member.age = max(1, engine.clocks[number]) if member.slots else 0
        engine.parts = []
        engine.rearrange()
        self._show_state()
        self._state, self._shown = self.state, len(self.state)

    def state_dict(self) -> dict[str, Any]:
        """torch's ``state_dict``, and under ``"calando"`` the schedules as plain data.

        ``torch.optim``'s class of the same name loads it, and ours loads that class's; clocks travel as
        ``param_groups[i]["step"]``. Loadable with ``weights_only=True``.
        """
        self._listen()
        self.engine.settle()
        stored = super().state_dict()
        stored["calando"] = {
            "version": 1,
            "timelines": [hyper.stored() for hyper in self.engine.hypers],
            "ages": [[m.age for m in members] for members in self.engine.members],
        }
        return stored

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where ``state_dict`` was taken: moments, clocks, and schedules with all their changes.

        A dictionary of ``torch.optim``'s class has no schedules: then numbers come from it, and a
        schedule given to this optimizer stays and goes on at the clock that the moments have.

        Raises:
            ValueError: it belongs to other groups, shapes or another optimizer, or holds a function
                that this optimizer was not built with; nothing has changed.
        """
        self._listen()
        check_state(self, state_dict)
        extra = state_dict.get("calando")
        lines = None
        if extra is not None:
            pairs = zip(self.engine.hypers, extra["timelines"], strict=True)
            lines = [hyper.loaded(stored) for hyper, stored in pairs]
        super().load_state_dict(state_dict)
        self._reload(lines, extra["ages"] if extra else None)

    def _reload(self, lines: list[dict[str, Timeline]] | None, ages: list[list[int]] | None) -> None:
        """Make engine and groups agree after ``param_groups`` and ``state`` were exchanged."""
        self._dicts = list(self.param_groups)
        engine = self.engine
        for number, group in enumerate(self._dicts):
            for key, value in self.defaults.items():
                group.setdefault(key, value)
            steps = [int(self.state[p]["step"]) for p in group["params"] if "step" in self.state.get(p, {})]
            engine.clocks[number] = int(group.setdefault("step", max(steps, default=0)))
            hyper = engine.hypers[number]
            if lines is not None:
                hyper.timelines = lines[number]
            else:
                loaded = self._hyper(hyper.place, group).timelines
                for name, line in loaded.items():
                    if not isinstance(hyper.timelines[name].latest, Schedule):
                        hyper.timelines[name] = line
            hyper.sort()
            shown = spelled(self.spelling, hyper.current(engine.clocks[number]))
            group.update(shown)
            self._posted[number] = shown
            self._structures[number] = self._structure(group)
            engine.groups[number] = self._group(group, hyper)
        self._adopt_state(ages)

    def _restored(self) -> None:
        for number, group in enumerate(self._dicts):
            group["step"] = self.engine.clocks[number]
        self.state.clear()
        self._show_state()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: torch's three, and the schedules as they are."""
        self._listen()
        self.engine.settle()
        kept = {
            "timelines": [hyper.timelines for hyper in self.engine.hypers],
            "ages": [[m.age for m in members] for members in self.engine.members],
            "given": self._given,
            "on_nonfinite": self.engine.on_nonfinite,
        }
        return {**super().__getstate__(), "calando": kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = state.pop("calando", None)
        super().__setstate__(state)
        if kept is None:
            return
        self.spelling = {**self.SPELLING, "max_norm": "max_norm"}
        self._given = kept["given"]
        hypers = []
        for number, group in enumerate(self.param_groups):
            hyper = self._hyper(f"For '{type(self).__name__}', group {number}", group)
            hyper.timelines = kept["timelines"][number]
            hyper.sort()
            hypers.append(hyper)
        groups = [self._group(group, hyper) for group, hyper in zip(self.param_groups, hypers, strict=True)]
        self.engine = Engine(groups, hypers, kept["on_nonfinite"])
        self.engine.clocks = [group["step"] for group in self.param_groups]
        self._dicts = list(self.param_groups)
        self._posted = [{name: group[name] for name in self.spelling} for group in self.param_groups]
        self._structures = [self._structure(group) for group in self.param_groups]
        self._adopt_state(kept["ages"])


def listed(params: Any) -> list[Any]:
    """The parameters of a group as a list, from whatever holds them.

    Raises:
        TypeError: a set, whose order is not the same from run to run.
    """
    if isinstance(params, torch.Tensor):
        return [params]
    if isinstance(params, (set, frozenset)):
        raise TypeError("parameters must come in an order that stays: give a list, not a set")
    return list(params)


def refuse_hints(name: str, defaults: Mapping[str, Any]) -> None:
    """Raise ValueError for what no kernel of ours can do."""
    if defaults.get("capturable"):
        raise ValueError(f"For '{name}': capturable=True captures CUDA graphs; calando runs no CUDA kernels")
    if defaults.get("differentiable"):
        raise ValueError(f"For '{name}': differentiable=True needs autograd through the step; calando writes in place")
