"""``nn.Optimizer``: the base class of one's own optimizers, as MindSpore documents it.

    class MyMomentum(nn.Optimizer):
        def __init__(self, params, learning_rate, momentum=0.9):
            super().__init__(learning_rate, params)
            self.moments = self.parameters.clone(prefix="moments", init="zeros")
            self.momentum = momentum
            self.opt = ops.ApplyMomentum()

        def construct(self, gradients):
            lr = self.get_lr()
            gradients = self.scale_grad(self.decay_weight(gradients))
            for param, moment, gradient in zip(self.parameters, self.moments, gradients):
                self.opt(param, moment, lr, gradient, self.momentum)
            return True

It is also what ``isinstance(optimizer, nn.Optimizer)`` asks for: that holds for every optimizer here.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from inspect import signature
from typing import Any, cast

import numpy as np

from ..arrays import adapter
from ..engine import UNBOUNDED
from ..hyper import Hyper
from ..member import Member
from ..rule import Rule
from ..rules.whole.lbfgs import Method
from ..schedules import Schedule
from ..snapshot import Kept, KeptGroup, Snapshot, SnapshotMismatch
from .gradients import is_sparse, refuse_miscounted, unrecorded
from .groups import name_of
from .kept import is_parameter, name_after, overwrite, parameters_in
from .optimizer import Optimizer as Shared

CONSTRUCT = Method("construct", {"lr": (0.0, np.inf)}, "the construct of a subclass")
OWN = "own parameters"  # what a snapshot calls the group of Parameters that a subclass keeps


class Kindred(type):
    """Makes every optimizer of calando.mindspore.nn an instance of ``nn.Optimizer``."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or (cls is Optimizer and isinstance(instance, Shared))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return super().__subclasscheck__(subclass) or (cls is Optimizer and issubclass(subclass, Shared))


class Optimizer(Shared, metaclass=Kindred):
    """The base class of one's own optimizers; a subclass writes ``construct(self, gradients)``.

    Args:
        learning_rate: step size, in [0, inf): a number, a list, a schedule, a Cell or a function of the step.
        parameters: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization`` and
            ``order_params``; iterators too.
        weight_decay: λ, in [0, inf); likewise. ``decay_weight`` adds λ p to the gradients.
        loss_scale: what ``scale_grad`` divides gradients by, above 0.

    For ``construct``: ``parameters`` (a ParameterTuple), ``get_lr()``, ``get_weight_decay()``, ``decay_weight``,
    ``gradients_centralization``, ``scale_grad``, ``global_step``, ``hyper_map``, ``map_``, ``assignadd`` and the flags
    of MindSpore (``is_group``, ``is_group_lr``, ``dynamic_lr``, ``decay_flags`` …). Gradients are not recorded in it.

    What others may rely on: ``set``, ``at``, ``trace``, ``current``, ``repr``, groups and schedules are those of all
    optimizers here. Parameters that are assigned to attributes, also in a ParameterTuple or a Cell, belong to the
    optimizer: they are in ``parameters_dict``, in checkpoints and in ``snapshot()``. A number or Tensor assigned to
    such an attribute is written into the Parameter.

    As in MindSpore the attribute ``weight_decay`` is λ times the loss scale, one for each parameter in groups, also
    when a number is assigned to it; ``set``, ``current`` and groups speak of λ.

    As in MindSpore ``global_step`` stands still, and with it every schedule, unless ``construct`` moves it:
    ``self.assignadd(self.global_step, 1)``. Unlike there, nothing is compiled, and ``max_norm`` and ``on_nonfinite``
    are up to ``construct``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
        NotImplementedError: when it is called and there is no ``construct``.
    """

    NAMES = ()
    DOMAIN = CONSTRUCT.domain
    PLAIN = "construct makes the step of one's own optimizers; clip and average there"

    def __init__(self, learning_rate: Any, parameters: Any, weight_decay: Any = 0.0, loss_scale: float = 1.0) -> None:
        super().__init__(parameters, {"lr": learning_rate, "weight_decay": weight_decay}, loss_scale)
        vars(self)["spelling"] = {name: ours for name, ours in self.spelling.items() if name != "max_norm"}

    def _rule(self, hyper: Hyper) -> Rule:
        if hyper.timelines["max_norm"].latest != UNBOUNDED:
            raise ValueError(f"{hyper.place}: 'max_norm' is not for one's own optimizers; clip in construct")
        return cast(Rule, CONSTRUCT)

    # The step.

    def construct(self, *gradients: Any) -> Any:
        """What one step does; to be written by every subclass."""
        raise NotImplementedError(
            f"For '{type(self).__name__}': there is no construct(self, gradients); a subclass of nn.Optimizer writes it"
        )

    def _called(self, *inputs: Any, **options: Any) -> Any:
        """Check the gradients, then ``construct``; what it returns.

        Raises:
            ValueError, TypeError: gradients of wrong count or shape, a None among them, or a value outside its
                domain; nothing has changed.
            ScheduleEnd: a list is shorter than the training; nothing has changed.
        """
        if inputs and isinstance(inputs[0], (tuple, list)):
            self._refuse_unfit(inputs[0])
        self._listen()
        for hyper, clock in zip(self.engine.hypers, self.engine.clocks, strict=True):
            hyper.at(clock)
        with unrecorded(self._library):
            found = super()._called(*inputs, **options)
        self._listen()
        self._post()
        return found

    def _refuse_unfit(self, gradients: Any) -> None:
        """Raise for gradients that are not those of the parameters."""
        place = f"For '{type(self).__name__}'"
        refuse_miscounted(place, gradients, len(self._places))
        for g, param in zip(gradients, self.parameters, strict=True):
            name = name_of(param, 0)
            if g is None:
                raise TypeError(
                    f"{place}: the gradient of {name!r} is None; leave parameters without gradient out of the optimizer"
                )
            shape = tuple(g.dense_shape if is_sparse(g) else getattr(g, "shape", param.shape))
            if shape != tuple(param.shape):
                raise ValueError(f"{place}: the gradient of {name!r} has shape {shape}, not {tuple(param.shape)}")

    def _listen(self) -> None:
        super()._listen()
        for part in self.engine.parts:  # MindSpore has one clock; so every parameter is as old as it says
            part.ages[:] = [self.engine.clocks[member.group] for member in part.members]

    def _is_dynamic_lr_or_weight_decay(self) -> bool:
        return self.dynamic_lr or self.dynamic_weight_decay

    def _grad_sparse_indices_deduplicate(self, gradients: Any) -> Any:
        return gradients  # as on MindSpore's CPU

    # What a subclass keeps.

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if name != "weight_decay":
            return found
        if vars(self).get("_grouped") and not isinstance(found, tuple):
            found = tuple(
                found for _ in self._places
            )  # in groups one for each parameter, as MindSpore's scripts map it
        return found if self.loss_scale == 1 else times(found, self.loss_scale)

    def __setattr__(self, name: str, value: Any) -> None:
        former = vars(self).get(name)
        name_after(name, value)
        if is_parameter(former) and value is not None and not is_parameter(value):
            overwrite(f"For '{type(self).__name__}': {name!r}", former, value)
        elif name in ("learning_rate", "lr", "weight_decay") and getattr(value, "shape", None) == (1,):
            setattr(self, name, float(value[0]))  # one number, as MindSpore's scripts write it
        elif name == "weight_decay" and "engine" in vars(self) and (hasattr(value, "shape") or type(value) is float):
            super().__setattr__(name, value if self.loss_scale == 1 else value / self.loss_scale)
        else:
            super().__setattr__(name, value)

    def _refuse(self, name: str) -> None:
        """Every attribute is the subclass's own."""

    def _kept(self) -> Iterator[Any]:
        """The Parameters of the subclass, each once, in the order of their attributes."""
        met = {id(member.param) for member in super()._members()}
        for value in list(vars(self).values()):
            for param in parameters_in(value):
                if id(param) not in met:
                    met.add(id(param))
                    yield param

    def _members(self) -> list[Member]:
        """What stands in a checkpoint: the parameters, then those that the subclass keeps."""
        if "_boxes" not in vars(self):
            return super()._members()
        return [*super()._members(), *(Member(param, param.name, 0) for param in self._kept())]

    def snapshot(self) -> Snapshot:
        """All that must survive, as plain data: clocks, schedules, and the Parameters of the subclass."""
        found, kept = super().snapshot(), []
        for param in self._kept():
            array = np.array(adapter(param).numpy(param))
            kept.append(Kept(param.name, array.shape, 0, {"value": array}))
        found.groups += [KeptGroup(OWN, found.groups[0].clock, {}, kept)] if kept else []
        return found

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken.

        Raises:
            SnapshotMismatch: other groups, parameters or shapes; nothing has changed.
            ValueError: a function was in force that this optimizer was not built with; nothing has changed.
        """
        groups = [group for group in snapshot.groups if group.rule != OWN]
        stored = {kept.name: kept for group in snapshot.groups if group.rule == OWN for kept in group.params}
        own = list(self._kept())
        for param in own:
            shape = stored[param.name].shape if param.name in stored else None
            if shape != tuple(param.shape):
                told = f"of shape {tuple(shape)}" if shape is not None else "missing"
                raise SnapshotMismatch(
                    f"{type(self).__name__}: {param.name!r} is {tuple(param.shape)} here and {told} in the snapshot"
                )
        if stored.keys() - {param.name for param in own}:
            other = sorted(stored.keys() - {param.name for param in own})[0]
            raise SnapshotMismatch(f"{type(self).__name__} keeps no {other!r}, which the snapshot has")
        super().restore(replace(snapshot, groups=groups))
        for param in own:
            adapter(param).write(param, stored[param.name].slots["value"])


def times(decay: Any, factor: float) -> Any:
    """A weight decay, or one for each parameter, times a number; of a Cell or a function what it gives."""
    if isinstance(decay, tuple):
        return tuple(times(one, factor) for one in decay)
    if callable(decay) and not isinstance(decay, Schedule):
        return lambda global_step: decay(global_step) * factor
    return decay * factor


def opt_init_args_register(init: Callable[..., None]) -> Callable[..., None]:
    """MindSpore's decorator of constructors: keeps what was given as ``init_params``, ``init_learning_rate`` and
    ``init_args``, all other arguments by name."""

    @wraps(init)
    def registering(self: Any, *args: Any, **options: Any) -> None:
        bound = signature(init).bind(self, *args, **options)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        params, rate = given.pop("params", None), given.pop("learning_rate", None)
        vars(self).update(init_params={"params": params}, init_learning_rate=rate, init_args=given)
        init(self, *args, **options)

    return registering
