"""What all optimizers of this front end share: PyTorch's contracts around the engine.

The plain number in force stands in ``param_groups[i][name]`` before and after every step, and the
group's clock in ``param_groups[i]["step"]``. After a step the coming values are *posted* there; before
the next one they are *collected*: what was not posted was written from outside (by the user, one of
torch's schedulers, a trainer) and wins.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import inf
from operator import is_
from typing import Any, ClassVar
from warnings import warn

import torch

from ..average import DOMAIN as AVERAGE
from ..average import SLOT, averaged
from ..control import meant, plain, signed, spelled, unpacked, whole
from ..decay import DOMAIN as FRONT
from ..decay import L2, Decay
from ..engine import NonFiniteGradient
from ..groups import Group, Seen, refuse_doubles
from ..hyper import Hyper, UnknownName, as_schedule, is_number
from ..nearest import hint, nearest
from ..rounding import DOMAIN as ROUNDING
from ..rounding import SEED
from ..rule import Domain, Rule
from ..schedules import Schedule
from .boxes import boxed, refilled, unboxed
from .options import Options, refuse_exact, with_groups, with_options
from .refusals import STRUCTURE, refuse_choices, refuse_hints, refuse_rows, refuse_shapeless, refuse_strangers
from .shares import SHARED, refuse_shares, sharer
from .state import Stateful

# Keys that others keep in groups: torch's schedulers, timm, trainers; our clock.
GUESTS = {
    "params", "param_names", "step", "name", "initial_lr", "lr_scale", "max_lr", "min_lr", "swa_lr",
    "base_momentum", "max_momentum", "grad_centralization",
}  # fmt: skip


class Optimizer(Stateful):
    """The base of ``calando.torch``; a ``torch.optim.Optimizer`` with time inside.

    A subclass gives its spelling, its domain, the state's keys, and the rule that a group's
    structural choices mean. A schedule may stand wherever a number may: in the constructor, in a
    group, in ``set``, or assigned to ``param_groups[i][name]``.

    Every constructor also takes, all of it in the same pass over memory: ``ema`` (a running average of the weights; see
    ``ema_parameters`` and ``averaged``), ``slot_dtype`` (of the slots of parameters in half precision, float32 by
    default; or 8 bits), ``rounding`` with ``rounding_seed`` (of parameters in half precision), ``loss_scale``,
    ``max_group_norm``, ``clip_value``, ``grad_centralization`` and ``grads_after_step``; see
    ``options.Options`` and ``calando.clipping``.
    """

    DOMAIN: ClassVar[Domain]
    HYPER: ClassVar[type[Hyper]] = Hyper
    _warned = False  # of a scheduler beside a schedule; once is enough

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "__init__" in vars(cls):
            cls.__init__ = with_options(cls.__init__)  # type: ignore[method-assign]

    def __init__(
        self, params: Any, defaults: dict[str, Any], max_norm: Any = None, on_nonfinite: str = "train"
    ) -> None:
        refuse_hints(f"For '{type(self).__name__}'", defaults)
        refuse_choices(f"For '{type(self).__name__}'", defaults)
        given = params
        if isinstance(params, Iterable) and not isinstance(params, torch.Tensor):
            params = list(params)
        self._dress(with_groups(self.__dict__.get("_options", Options()), params))
        try:
            self.engine = self.ENGINE([], [], on_nonfinite)
        except ValueError as problem:
            raise signed(type(self).__name__, problem) from None
        self._dicts, self._posted, self._boxes, self._structures = [], [], [], []
        self._controllers, self._waiting = {}, {}
        defaults = {**defaults, "max_norm": max_norm}
        if self._options.ema is not None:
            defaults[SLOT] = self._options.ema
        defaults.update(self._options.fronts)
        if self._options.grad_centralization:
            defaults["grad_centralization"] = True
        if self._options.seeded:
            defaults[SEED] = self._options.rounding_seed
        hyper = self._hyper(f"For '{type(self).__name__}'", defaults)
        refuse_strangers(f"For '{type(self).__name__}'", given)  # after the numbers, as in torch
        self._given = self._entries(hyper)
        boxes = {name: value for name, value in defaults.items() if boxed(value)}
        self._building: Seen = {}
        super().__init__(params, {**defaults, **spelled(self.spelling, hyper.past(0)), **boxes})
        del self._building  # from here on groups are the user's to change
        self._faces, self._seen_state, self._seen_count, self._turn = [], self.state, len(self.state), 0
        self.engine.prepare(self._options.grads_after_step == "zero")

    # What a subclass decides.

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        """The rule that a group's structural choices mean."""
        raise NotImplementedError

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        """The manner of weight decay."""
        return L2

    def _sparse(self, group: Mapping[str, Any], hyper: Hyper) -> str:
        """What a sparse gradient means, as in ``groups.Group``."""
        return "refuse"

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
        found, scale = (self.__dict__.get(name) for name in ("found_inf", "grad_scale"))
        if found is not None and found.item():  # GradScaler's word: a gradient is not finite
            self._clear([g for given in grads for g in given if g is not None])
            return loss
        try:
            self.engine.step(
                grads,
                playing,
                time=not self._pretended(grads),
                unscale=1.0 if scale is None else scale.item(),
                zeroing=self._options.grads_after_step == "zero",
                told=partial(self._told, playing),
            )
        except (TypeError, ValueError, RuntimeError, NonFiniteGradient) as problem:
            raise signed(type(self).__name__, problem) from None
        self._clear(self.engine.left)
        return loss

    @property
    def _step_supports_amp_scaling(self) -> bool:
        """Whether GradScaler leaves unscaling to the step: as in torch, where ``fused=True`` was given."""
        return any(group.get("fused") for group in self.param_groups)

    def _told(self, playing: list[int]) -> None:
        """Show what a step has changed; saying it twice does no harm."""
        self._show_state()
        for number in playing:
            self._post(number)

    @torch.no_grad()
    def _clear(self, grads: list[Any]) -> None:
        """Zero these gradients, or let go of all, as ``grads_after_step`` says."""
        if self._options.grads_after_step == "zero":
            for g in grads:
                g.zero_()
        elif self._options.grads_after_step == "none":
            for p in (p for group in self.param_groups for p in group["params"]):
                p.grad = None

    def _pretended(self, grads: list[list[Any]]) -> bool:
        """Whether this is the step that torch.distributed.checkpoint takes only to have the state made.

        It comes before the first one, with lr = 0 written into every group and gradients of zeros; time does not
        pass in it.
        """
        groups = self.param_groups
        if self.state or not all(group.get("lr") == 0.0 for group in groups):
            return False
        return not any(g is not None and moves(g) for given in grads for g in given)

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
        refuse_hints(place, given)
        refuse_choices(place, given)
        given.update({**self.FIXED, "params": listed(given["params"])})
        start = self.engine.clocks[0] if self.engine.clocks else 0
        clock = given["step"] = whole(f"{place}: 'step'", given.get("step", start))
        hyper = self._hyper(place, {**self._given, **given}, clock)
        boxes = {name: value for name, value in {**self.defaults, **given}.items() if boxed(value)}
        given.update({**spelled(self.spelling, hyper.past(clock)), **boxes})
        refuse_exact(place, (x[1] if isinstance(x, tuple) else x for x in given["params"]), self._options.rounding)
        self._refuse_unfit(place, given["params"])
        self._append(given)
        try:
            group = self.param_groups[-1]
            made = self._group(group, hyper)
            refuse_shares(place, type(self).__name__, made, self.engine.on_nonfinite)
            self.engine.extend([made], [hyper], clock)
        except BaseException as problem:
            self.param_groups.pop()
            if isinstance(problem, (TypeError, ValueError)):
                raise signed(type(self).__name__, problem) from None
            raise
        self._dicts.append(group)
        self._structures.append(self._structure(group))
        self._remember(len(self._posted), group)

    def _append(self, given: dict[str, Any]) -> None:
        """torch's ``add_param_group``, which looks through all groups for doubles: we have looked already."""
        known = self.param_groups
        named = any("param_names" in group for group in known[:1])
        self.param_groups = [{"params": [], **({"param_names": []} if named else {})}] if known else []
        try:
            super().add_param_group(given)
            known.append(self.param_groups[-1])
        finally:
            self.param_groups = known

    def titles(self) -> list[str]:
        return [str(group.get("name", number)) for number, group in enumerate(self._dicts)]

    def _group(self, group: Mapping[str, Any], hyper: Hyper) -> Group:
        """A group as the engine sees it."""
        params = tuple(group["params"])
        names = tuple(group.get("param_names") or map(str, range(len(params))))
        maximize = bool(group.get("maximize", False))
        rule, decay = self._rule(group, hyper), self._decay(group)
        sparse = self._sparse(group, hyper)
        if self._options.ema is not None:
            rule = averaged(rule)
        centralize = bool(group.get("grad_centralization"))
        if centralize:
            refuse_rows(hyper.place, params)
        return Group(
            params,
            names,
            rule,
            decay,
            maximize,
            centralize,
            sparse=sparse,
            starts=self._starts(group),
            slot_dtype=self._options.slot_dtype,
            rounding=self._options.rounding,
            bounded=hyper.clips,
        )

    def _hyper(self, place: str, given: Mapping[str, Any], clock: int = 0) -> Hyper:
        """The hyperparameters of one group, from what the user gave."""
        ours: dict[str, Any] = {"weight_decay": 0.0}
        given = {**given, **{name: unboxed(place, name, given[name]) for name in self.spelling}}
        for name, names in self.spelling.items():
            if isinstance(names, tuple):
                try:
                    values = unpacked(name, given[name], len(names))
                    ours.update({key: meant(key, value) for key, value in zip(names, values, strict=True)})
                except TypeError as problem:
                    raise TypeError(f"{place}: {problem}") from None
            else:
                ours[names] = layered(place, given, names, meant(names, given[name]))
        who = sharer(given.get("params", ()))
        kind = SHARED[who] if who and self.HYPER is Hyper else self.HYPER
        hyper = kind(place, {**self.DOMAIN, **FRONT, **AVERAGE, **ROUNDING}, ours)
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
        """Raise UnknownName for what must be a mistake: an unknown name for a number, a schedule for a note."""
        known = [*self.spelling, *self.defaults]
        for key, value in given.items():
            if key in known or key in GUESTS:
                if isinstance(value, Schedule) and key not in (*self.spelling, *STRUCTURE):
                    told = f"{key!r} is no hyperparameter, so a schedule has no place there"
                    raise UnknownName(f"{place}: {told}; it has {', '.join(self.spelling)}")
                continue
            note = value is None or isinstance(value, (str, bool))
            if note and nearest(key, known) is None:
                continue
            names = ", ".join(dict.fromkeys(known))
            raise UnknownName(f"{place}: unknown key {key!r}{hint(key, known)}; a group may have params, {names}")

    def _refuse_unfit(self, place: str, params: list[Any]) -> None:
        """Raise ValueError if a parameter of a new group stands twice in it or in a group before, or has no shape."""
        owner, seen = place.partition(",")[0], self.__dict__.get("_building")
        if seen is None:
            seen = {}
            known = [list(g.get("param_names") or map(str, range(len(g["params"])))) for g in self.param_groups]
            refuse_doubles(owner, [group["params"] for group in self.param_groups], known, seen)
        pairs = [x if isinstance(x, tuple) else (str(i), x) for i, x in enumerate(params)]
        names, new = [name for name, _ in pairs], [x for _, x in pairs]
        refuse_doubles(owner, [new], [names], seen, len(self.param_groups))
        refuse_shapeless(place, new, names)

    # Posting and collecting.

    def _listen(self) -> None:
        self._playing()

    def _playing(self) -> list[int]:
        """Take over what was written from outside; the numbers of the groups that are there.

        Everything is checked before anything is taken over.
        """
        self.engine.catch_up()
        playing = self._numbers()
        if not self._state_is_ours():
            self._adopt_state()
        written = [self._written(number, group) for number, group in zip(playing, self.param_groups, strict=True)]
        for number, group, found in zip(playing, self.param_groups, written, strict=True):
            known, there = self.engine.groups[number].params, group["params"]
            if len(known) != len(there) or not all(map(is_, known, there)):
                self.engine.exchange(number, self._group(group, self.engine.hypers[number]))
                self._adopt_state()
            if found is not None:
                self._take_over(number, group, *found)
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

    def _written(self, number: int, group: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """What the outside wrote into one group, checked: its clock, and entries by our names; None: nothing."""
        posted, hyper = self._posted[number], self.engine.hypers[number]
        try:
            changed = [name for name in posted if group[name] is not posted[name]]
        except KeyError as missing:
            raise UnknownName(f"{hyper.place}: {missing} was taken out of param_groups; put it back") from None
        boxes = self._boxes[number]
        changed += [n for n, old in boxes.items() if n not in changed and unboxed(hyper.place, n, group[n]) != old]
        same = group["step"] == self.engine.clocks[number] and self._structures[number] == self._structure(group)
        if same and not changed:
            return None
        refuse_choices(hyper.place, group)
        clock = whole(f"{hyper.place}: 'step'", group["step"])
        found = {}
        for name in changed:
            names, before = self.spelling[name], boxes.get(name, posted[name])
            value = unboxed(hyper.place, name, group[name])
            if not isinstance(names, tuple):
                names, value, before = (names,), (value,), (before,)
            for ours, new, old in zip(names, unpacked(name, value, len(names)), before, strict=True):
                if new is not old and not (is_number(new) and new == old):
                    found[ours] = hyper.checked(ours, layered(hyper.place, group, ours, meant(ours, new)), clock)
        return clock, found

    def _take_over(self, number: int, group: dict[str, Any], clock: int, found: Mapping[str, Any]) -> None:
        """What the outside wrote holds from now on."""
        engine, hyper = self.engine, self.engine.hypers[number]
        if clock != engine.clocks[number]:
            engine.clocks[number] = clock
            hyper.rewind(clock)
            # A clock with the number that the schedule has there: a group was restored, not overruled.
            found = {ours: entry for ours, entry in found.items() if entry != hyper.coming(clock).get(ours)}
        for ours, entry in found.items():
            ended = hyper.displace(ours, entry, clock)
            if ended is not None and "initial_lr" in group and not self._warned:  # torch's schedulers leave that key
                self._warned = True
                told = f"{hyper.place}: a scheduler wrote {ours} = {entry:g} in step {clock}"
                warn(f"{told}, which ends {ended.describe()}; give {ours} to one of the two", stacklevel=2)
        self._structures[number] = self._structure(group)
        self._changed(number)

    def _changed(self, number: int) -> None:
        """Choose the rule anew and show the values in force."""
        group, engine = self._dicts[number], self.engine
        engine.regroup(number, self._group(group, engine.hypers[number]))
        self._show(number, group, spelled(self.spelling, engine.hypers[number].current(engine.clocks[number])))
        self._remember(number, group)

    def _show(self, number: int, group: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Write values in force into a group; tensors that stand there are filled."""
        others = [x for x in self._dicts if x is not group]
        place = self.engine.hypers[number].place
        group.update({name: refilled(place, name, group.get(name), new, others) for name, new in values.items()})

    def _remember(self, number: int, group: dict[str, Any]) -> None:
        """What stands in a group now was not written from outside."""
        place = self.engine.hypers[number].place
        self._posted[number:] = [{name: group[name] for name in self.spelling}, *self._posted[number + 1 :]]
        boxes = {name: unboxed(place, name, group[name]) for name in self.spelling if boxed(group[name])}
        self._boxes[number:] = [boxes, *self._boxes[number + 1 :]]

    def _post(self, number: int) -> None:
        """Show the coming values, and remember that they are ours."""
        group, hyper, clock = self._dicts[number], self.engine.hypers[number], self.engine.clocks[number]
        group["step"] = clock
        coming = hyper.coming(clock)
        if not coming:
            return
        if self._boxes[number]:
            self._show(number, group, spelled(self.spelling, hyper.at(clock)))
            return self._remember(number, group)
        posted = self._posted[number]
        for name, names in self.spelling.items():
            if not isinstance(names, tuple):
                if names in coming:
                    group[name] = posted[name] = plain(names, coming[names])
            elif not coming.keys().isdisjoint(names):
                values = hyper.at(clock)
                group[name] = posted[name] = tuple(plain(ours, values[ours]) for ours in names)

    def _meant(self, number: int, ours: str, value: Any) -> Any:
        place = self.engine.hypers[number].place
        return layered(place, self._dicts[number], ours, unboxed(place, ours, value))

    def _structure(self, group: Mapping[str, Any]) -> tuple[Any, ...]:
        """The choices in a group that are no numbers over time."""
        return tuple(map(group.get, STRUCTURE))


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


def layered(place: str, group: Mapping[str, Any], name: str, value: Any) -> Any:
    """A learning rate that moves, times the group's ``lr_scale``; a number is the number in force, as in timm.

    Raises:
        ValueError, TypeError: lr_scale is not a number from 0 on.
    """
    if name != "lr" or group.get("lr_scale") is None:
        return value
    factor = group["lr_scale"]
    if not is_number(factor) or not 0 <= float(factor) < inf:
        raise ValueError(f"{place}: 'lr_scale' must be a number from 0 on, but got {factor!r}")
    try:
        entry = as_schedule(value)
    except (TypeError, ValueError, OverflowError):
        return value  # refused, with its place, by whoever checks it
    return entry * float(factor) if isinstance(entry, Schedule) and factor != 1 else entry


def moves(g: torch.Tensor) -> bool:
    """Whether a gradient is not zero, on whatever process."""
    count: Any = g.count_nonzero()
    return bool(count.full_tensor() if hasattr(count, "full_tensor") else count)
