"""What all optimizers of this front end share: PyTorch's contracts around the engine.

The plain number in force stands in ``param_groups[i][name]`` before and after every step, and the
group's clock in ``param_groups[i]["step"]``. After a step the coming values are *posted* there; before
the next one they are *collected*: what was not posted was written from outside (by the user, one of
torch's schedulers, a trainer) and wins.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from ..average import DOMAIN as AVERAGE
from ..average import SLOT, averaged
from ..called import told
from ..choices import Options, refuse_exact, refuse_idle_seed, with_groups
from ..control import signed, whole
from ..decay import DOMAIN as FRONT
from ..decay import L2, Decay
from ..engine import NonFiniteGradient
from ..groups import Group, Seen, refuse_doubles
from ..hyper import Hyper, UnknownName, shown
from ..member import enlist
from ..rounding import DOMAIN as ROUNDING
from ..rounding import SEED
from ..rule import Domain, Rule
from ..spelling import meant, spelled, unpacked
from .boxes import boxed, unboxed
from .guests import absent, guests, out_of_time, refuse_attribute, refuse_unknown
from .layered import layered
from .options import with_options
from .refusals import refuse_choices, refuse_hints, refuse_rows, refuse_shapeless, refuse_strangers
from .rehearsal import Rehearsal
from .shares import SHARED, refuse_shares, sharer

CONVERTED = "convert the model first (model.bfloat16())"
OURS = __name__.rpartition(".")[0]  # the room whose classes have no attributes but their own


class Optimizer(Rehearsal):
    """The base of ``calando.torch``; a ``torch.optim.Optimizer`` with time inside.

    A subclass gives its spelling, its domain, the state's keys, and the rule that a group's
    structural choices mean. A schedule may stand wherever a number may: in the constructor, in a
    group, in ``set``, or assigned to ``param_groups[i][name]``.

    Every constructor also takes, all of it in the same pass over memory: ``ema`` (a running average of the weights; see
    ``ema_parameters`` and ``averaged``), ``slot_dtype`` (of the slots, float32 by default: half precision, or 8
    bits), ``rounding`` with ``rounding_seed`` (of parameters in half precision), ``loss_scale``,
    ``max_group_norm``, ``clip_value``, ``grad_centralization`` and ``grads_after_step``; see
    ``calando.choices`` and ``calando.clipping``.
    """

    DOMAIN: ClassVar[Domain]
    HYPER: ClassVar[type[Hyper]] = Hyper

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "__init__" in vars(cls):
            cls.__init__ = with_options(cls.__init__)  # type: ignore[method-assign]

    def __init__(
        self, params: Any, defaults: dict[str, Any], max_norm: Any = None, on_nonfinite: str = "train"
    ) -> None:
        if not hasattr(type(self), "SPELLING"):
            way = "build one of them, as AdamW; docs/custom_optimizers.md has rules of one's own"
            raise TypeError(f"{type(self).__name__} is what optimizers are made of, and has no rule; {way}")
        refuse_choices(f"For '{type(self).__name__}'", defaults)
        refuse_hints(f"For '{type(self).__name__}'", defaults)
        given = params
        if isinstance(params, Iterable) and not isinstance(params, torch.Tensor):
            params = list(params)
        self._dress(with_groups(self.__dict__.get("_options", Options()), params))
        try:
            self.engine = self.ENGINE([], [], on_nonfinite)
        except ValueError as problem:
            raise signed(type(self).__name__, problem) from None
        self._dicts, self._posted, self._sizes, self._boxes, self._left, self._structures = [], [], [], [], [], []
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
        refuse_idle_seed(type(self).__name__, self._options, (part.key.noisy for part in self.engine.parts))
        self._turn = 0
        self._overlook()
        self.engine.prepare(self._options.grads_after_step == "zero")

    def __setattr__(self, name: str, value: Any) -> None:
        if (
            name[0] != "_" and "_turn" in self.__dict__ and type(self).__module__.startswith(OURS)
        ):  # a user's class may have its own
            refuse_attribute(type(self).__name__, name, self.spelling, self.defaults)
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # an attribute that is not here is none for a type checker either

        def __getattr__(self, name: str) -> Any:
            if name[0] == "_" or hasattr(type(self), name):  # a property of that name has failed
                return object.__getattribute__(self, name)
            said = absent(type(self), name, self.__dict__.get("spelling", {}))
            raise AttributeError(said, name=name, obj=self)

    def _names(self, name: str, single: bool = False) -> tuple[str, ...]:
        """Our names for the user's."""
        told = out_of_time(name, self.spelling, self.defaults)
        if told:
            raise UnknownName(f"For '{type(self).__name__}': {told}")
        return super()._names(name, single)

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
            if not callable(closure):
                must = "step takes a function that computes the loss anew, or nothing"
                raise TypeError(f"For {type(self).__name__!r}: {must}, not {shown(closure)}")
            with torch.enable_grad():
                loss = closure()
        if self._rehearsed():
            self._rehearse()
            return loss
        playing = self._playing()
        found, scale = (self.__dict__.get(name) for name in ("found_inf", "grad_scale"))
        if found is not None and found.item():  # GradScaler's word: a gradient is not finite
            self._clear([p.grad for p in self._all() if p.grad is not None])
            return loss
        try:
            self.engine.step(
                None,
                playing,
                unscale=1.0 if scale is None else scale.item(),
                zeroing=self._options.grads_after_step == "zero",
                told=partial(self._told, playing),
                clear=self._clear,
            )
        except (TypeError, ValueError, RuntimeError, NonFiniteGradient) as problem:
            raise signed(type(self).__name__, problem) from None
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

    def _clear(self, grads: list[Any]) -> None:
        """Zero these gradients, or let go of all, as ``grads_after_step`` says."""
        if self._options.grads_after_step == "zero":
            with torch.no_grad():
                for g in grads:
                    g.zero_()
        elif self._options.grads_after_step == "none":
            for p in self._all():
                p.grad = None

    # Groups.

    @told
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
        refuse_strangers(place, given["params"])
        refuse_unknown(place, given, self.spelling, self.defaults, self._for_all())
        refuse_choices(place, given)
        refuse_hints(place, given)
        given.update({**self.FIXED, "params": listed(given["params"])})
        start = self.engine.clocks[0] if self.engine.clocks else 0
        clock = given["step"] = whole(f"{place}: 'step'", given.get("step", start))
        hyper = self._hyper(place, {**self._given, **self._rewritten(place), **given}, clock)
        boxes = {name: value for name, value in {**self.defaults, **given}.items() if boxed(value)}
        given.update({**spelled(self.spelling, hyper.past(clock)), **boxes})
        bare = (x[1] if isinstance(x, tuple) else x for x in given["params"])
        refuse_exact(place, bare, self._options.rounding, CONVERTED)
        self._refuse_unfit(place, given["params"])
        group = self._made(given)
        made = self._group(group, hyper)
        refuse_shares(place, type(self).__name__, made, self.engine.on_nonfinite)
        try:
            self.engine.admit([enlist(made, number)], [made])
        except (TypeError, ValueError) as problem:
            raise signed(type(self).__name__, problem) from None
        groups = [*self.param_groups, group]

        def write() -> None:
            self.param_groups[:] = groups
            self.engine.extend([made], [hyper], clock, number)
            self._dicts[number:] = [group]
            self._structures[number:] = [self._structure(group)]
            self._remember(number, group)

        self.engine.commit(write)

    def _rewritten(self, place: str) -> dict[str, Any]:
        """What was written into ``defaults`` since the optimizer was built: it holds for newcomers, as in torch."""
        if "_building" in self.__dict__:
            return {}
        built = spelled(self.spelling, self._hyper(place, self._given).past(0))
        there = {name: value for name, value in self.defaults.items() if name in built}
        return {name: value for name, value in there.items() if unboxed(place, name, value) != built[name]}

    def _made(self, given: dict[str, Any]) -> dict[str, Any]:
        """What torch's ``add_param_group`` makes of a group; it is not added.

        torch looks through all groups for doubles: we have looked already.
        """
        named = any("param_names" in group for group in self.param_groups[:1])
        first: dict[str, Any] = {"params": [], **({"param_names": []} if named else {})}
        before = [first] if self.param_groups else []
        empty: Any = SimpleNamespace(defaults=self.defaults, param_groups=before)
        torch.optim.Optimizer.add_param_group(empty, given)
        return before[-1]

    def guests(self, number: int) -> dict[str, str]:
        """What a group keeps for others, in short."""
        return guests(self._dicts[number], {*self.spelling, *self.defaults})

    def titles(self) -> list[str]:
        return [str(group.get("name", number)) for number, group in enumerate(self._dicts)]

    def _group(self, group: Mapping[str, Any], hyper: Hyper) -> Group:
        """A group as the engine sees it."""
        params = tuple(group["params"])
        names = tuple(group.get("param_names") or map(str, range(len(params))))
        if len(names) != len(params):
            counts = f"{len(params)} parameters and {len(names)} 'param_names'"
            raise ValueError(f"{hyper.place}: it has {counts}; change both lists alike")
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
                values = unpacked(place, name, given[name], len(names))
                ours.update({key: meant(key, value) for key, value in zip(names, values, strict=True)})
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


def listed(params: Any) -> list[Any]:
    """The parameters of a group as a list, from whatever holds them."""
    return [params] if isinstance(params, torch.Tensor) else list(params)
