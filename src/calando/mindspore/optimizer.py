"""What all optimizers of this front end share: MindSpore's manners around the engine.

``optimizer(grads)`` takes one gradient per parameter, in the order of ``optimizer.parameters``. The
parameters may be those of calando's network room, of torch, of real MindSpore, or NumPy arrays; they are
updated in place. Every hyperparameter of every group may be a number, a list, a schedule, a Cell or
function of the step, can be seen at any time and changed at any time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ..arrays import adapter
from ..average import DOMAIN as AVERAGE
from ..average import SLOT, averaged
from ..choices import refuse_idle_seed
from ..control import Controls, signed
from ..decay import DOMAIN as FRONT
from ..decay import L2, Decay
from ..dialects import dialects
from ..engine import Engine, NonFiniteGradient
from ..groups import Group
from ..hyper import Hyper, Rounded, shown
from ..rounding import DOMAIN as ROUNDING
from ..rounding import SEED
from ..rule import Domain, Rule
from . import boxes, compiled, steady, theirs
from .arguments import checked_arguments
from .attributes import LONG, prepared
from .flags import Flags
from .gradients import Gradients, is_sparse, refuse_miscounted
from .groups import Given, name_of, parse
from .options import options_of, refuse_unfit, with_options
from .state import Stored, enrol, named, rows


class Optimizer(Gradients, Flags):
    """The base of ``calando.mindspore.nn``'s optimizers.

    A subclass gives its domain, its rule, and what it hands on from its constructor. Ungrouped, weight
    decay leaves out parameters with "beta" or "gamma" in their name, as in MindSpore; in groups it
    applies to all.

    Every hyperparameter is also an attribute (``optimizer.learning_rate``, ``optimizer.momentum``): a
    Parameter that ``ops.assign`` may change, or the schedule where one was given; per parameter where
    the groups differ. Assigning to the attribute is ``set``. MindSpore's trap, that such changes are
    ignored once the step is compiled, is not here.

    Every constructor also takes, all of it in the same pass over memory: ``ema`` (a running average of the weights, in
    float32 for half precision; see ``ema_parameters`` and ``averaged``), ``slot_dtype``, ``rounding`` with
    ``rounding_seed``, ``loss_scale``, ``max_group_norm``, ``clip_value``, ``grad_centralization`` (of every group that
    does not say otherwise) and ``grads_after_step``; see ``options``, ``calando.choices`` and ``calando.clipping``.
    MindSpore has none of them.
    """

    ROOM = "nn."
    NAMES: ClassVar[tuple[str, ...]]  # hyperparameters beside lr, weight_decay and loss_scale
    OURS: ClassVar[Mapping[str, str]] = {}  # our names for those of them that we call otherwise
    DOMAIN: ClassVar[Domain]
    DECAY: ClassVar[Decay] = L2
    FILTER: ClassVar[bool] = True  # whether ungrouped decay leaves out "beta" and "gamma"
    STORED: ClassVar[Stored] = Stored()  # what its state is called in MindSpore's checkpoints
    SPARSE: ClassVar[str] = "refuse"  # what a sparse gradient means, as in groups.Group
    PLAIN: ClassVar[str] = ""  # why the options of all are not for this optimizer
    _compiling: Any = staticmethod(compiled.never)
    SINGLE: ClassVar[bool] = True  # whether it computes with float32 hyperparameters, in MindSpore's dialects

    def __init__(
        self,
        params: Any,
        values: Mapping[str, Any],
        loss_scale: float = 1.0,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        owner = type(self).__name__
        options, params = options_of(self, params)
        more = {**({SLOT: options.ema} if options.ema is not None else {}), **options.fronts}
        more |= {SEED: options.rounding_seed} if options.seeded else {}
        names = dict.fromkeys(("lr", *self.NAMES, "weight_decay", "loss_scale", "max_norm", *more))
        put = self.__dict__
        put["_options"] = options
        put["spelling"] = {name: self.OURS.get(name, name) for name in names}
        defaults = {**values, "loss_scale": loss_scale, "max_norm": max_norm, **more}
        given, order = parse(owner, params, {**put["spelling"], "learning_rate": "lr"}, options.grad_centralization)
        domain = {**FRONT, **(AVERAGE if SLOT in more else {}), **(ROUNDING if SEED in more else {}), **self.DOMAIN}
        put["_shown"] = {ours: name for name, ours in self.spelling.items() if name != ours}
        plain = Hyper(f"For '{owner}'", domain, prepared(defaults), {**self._shown, **LONG})
        shared = {name: line.latest for name, line in plain.timelines.items()}
        hypers = [self._hyper(group, shared, domain) for group in given]
        grouped = given[0].number is not None
        put["_own"] = {name for group in given for name in group.values}
        put["_numbers"] = [group.number for group in given]
        put["_given_rate"] = plain.timelines["lr"].latest
        put["_own_rates"] = {number for number, group in enumerate(given) if "lr" in group.values}
        groups = [self._group(group, hyper, grouped) for group, hyper in zip(given, hypers, strict=True)]
        try:
            put["engine"] = Engine(groups, hypers, on_nonfinite)
        except (TypeError, ValueError) as problem:
            raise signed(owner, problem) from None
        refuse_idle_seed(owner, options, (part.key.noisy for part in self.engine.parts))
        put["_grouped"] = grouped
        put["_titles"] = [group.name or str(number) for number, group in enumerate(given)]
        put["_places"] = self._order(given, order)
        put["_library"] = boxes.Library(one_framework(owner, self._members()))
        if self._library.name == "mindspore":
            steady.hold(member.param for member in self._members())
            put["_compiling"] = compiled.asked(owner)
            theirs.teach(Optimizer)
        put["_boxes"] = {}
        put["_posted"] = {}
        self.engine.prepare(options.grads_after_step == "zero")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("calando."):
            enrol(cls.__name__, cls.STORED)
        if "__init__" in vars(cls):
            cls.__init__ = checked_arguments(with_options(cls.__init__))  # type: ignore[method-assign]

    def titles(self) -> list[str]:
        return self._titles

    def _hyper(self, group: Given, shared: Mapping[str, Any], domain: Domain) -> Hyper:
        """The hyperparameters of one group."""
        own = group.number is not None
        place = f"For '{type(self).__name__}'" + (f", group {group.number}" if own else "")
        single = self.SINGLE and all(adapter(p).kind(p)[1] != "float64" for p in group.params)
        hyper = (Rounded if single else Hyper)(
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

    def _played(self, hyper: Hyper) -> Rule:
        """The rule, with the average behind it where there is one."""
        rule = self._rule(hyper)
        return averaged(rule) if SLOT in hyper.timelines else rule

    def _decay(self) -> Decay:
        """How weights decay."""
        return self.DECAY

    def _starts(self) -> dict[str, float]:
        """What slots are filled with before the first update, where it is not 0."""
        return {}

    def _group(self, group: Given, hyper: Hyper, grouped: bool) -> Group:
        """One group as the engine sees it."""
        names = tuple(name_of(p, i) for i, p in enumerate(group.params))
        grouped = grouped or not self.FILTER
        refuse_unfit(hyper.place, group.params, self._options)
        exempt = [i for i, name in enumerate(names) if not grouped and filtered(name)]
        return Group(
            tuple(group.params),
            names,
            self._played(hyper),
            self._decay(),
            centralize=group.centralize,
            exempt=frozenset(exempt),
            sparse="refuse" if self._options.slot_dtype == "int8" else self.SPARSE,
            slot_dtype=self._options.slot_dtype,
            rounding=self._options.rounding,
            starts=self._starts(),
            bounded=hyper.clips,
            dialects=dialects(self._options) if self.SINGLE else {},
        )

    def _order(self, given: list[Given], order: list[Any] | None) -> list[tuple[int, int]]:
        """Where each of ``parameters`` stands: (group, position)."""
        places = {id(p): (n, i) for n, group in enumerate(given) for i, p in enumerate(group.params)}
        return list(places.values()) if order is None else [places[id(p)] for p in order]

    def _members(self) -> list[Any]:
        """The members in the order of ``parameters``."""
        return [self.engine.members[n][i] for n, i in self._places]

    # The step.

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What ``construct`` does; a subclass may override that one."""
        if self._compiling():  # MindSpore reads this function then, so it holds nothing else
            return None
        return self._called(*inputs, **options)

    def _called(self, *inputs: Any, **options: Any) -> Any:
        if len(inputs) != 1 and type(self).construct.__module__.startswith("calando."):
            told = f"For '{type(self).__name__}': gradients come in one tuple or list: optimizer(grads)"
            raise TypeError(f"{told}, but got {len(inputs)} arguments")
        return self.construct(*inputs, **options)

    def construct(self, gradients: Sequence[Any]) -> Any:
        """Update all parameters once; ``optimizer(gradients)`` is the same.

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
        zeroing = self._options.grads_after_step == "zero"
        try:
            return self.engine.step(self._by_group(gradients), zeroing=zeroing, told=self._post, clear=self._zero)
        except (TypeError, ValueError, RuntimeError, NonFiniteGradient) as problem:
            raise signed(type(self).__name__, problem) from None

    def _zero(self, gradients: Sequence[Any]) -> None:
        """Leave zeros where these gradients are."""
        for gradient in gradients:
            self._library.zero(gradient)

    def _by_group(self, gradients: Any) -> list[list[Any]]:
        """The gradients sorted into groups, if there is one for each parameter."""
        place = f"For '{type(self).__name__}'"
        refuse_miscounted(place, gradients, len(self._places))
        sorted_out: list[list[Any]] = [[None] * len(members) for members in self.engine.members]
        for gradient, (number, i) in zip(gradients, self._places, strict=True):
            if gradient is None:
                place = f"{place}: the gradient of {self.engine.members[number][i].place}"
                raise TypeError(f"{place} is None; leave parameters without gradient out of the optimizer")
            if self._options.grads_after_step == "zero" and is_sparse(gradient):
                place = f"{place}: the gradient of {self.engine.members[number][i].place}"
                raise TypeError(f"{place} is sparse, and grads_after_step='zero' is for dense ones")
            if self._library.name == "torch" and hasattr(gradient, "as_sparse"):
                try:
                    gradient = gradient.as_sparse()
                except RuntimeError as problem:
                    place = f"{place}: the gradient of {self.engine.members[number][i].place}"
                    raise ValueError(f"{place} has rows that are not there: {problem}") from None
            sorted_out[number][i] = gradient
        for given, members in zip(sorted_out, self.engine.members, strict=True):
            adapter(members[0].param).check(given, members)
        return sorted_out

    # What can be seen.

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The parameters in the order in which ``optimizer(grads)`` takes their gradients; of calando's or of real
        MindSpore a ParameterTuple."""
        return self._tuple(self.engine.members[number][i].param for number, i in self._places)

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
        return self._seen("lr" in self._own, lambda n: self._value("lr", n))

    def get_weight_decay(self) -> Any:
        """The weight decay of the coming step times the loss scale; one per parameter in groups."""
        scaled = lambda n: self._value("weight_decay", n) * self._value("loss_scale", n)  # noqa: E731
        return self._seen(self._grouped, scaled)

    def print_lr(self) -> None:
        """Print the learning rate of the coming step, one line for each group."""
        self._listen()
        for number, (title, clock) in enumerate(zip(self.titles(), self.engine.clocks, strict=True)):
            name = title if title == str(number) else f"{title!r}"
            print(f"Learning rate of group {name} is {self._value('lr', number):.4e} (step {clock}).")

    def get_lr_parameter(self, param: Any) -> Any:
        """The learning rate of one parameter, or a list of them for a list of parameters.

        Returns:
            The Parameter that holds a constant rate, or the schedule.

        Raises:
            ValueError: the parameter is not in this optimizer.
        """
        if isinstance(param, (list, tuple)):
            return [self.get_lr_parameter(p) for p in param]
        for (number, _), own in zip(self._places, self.parameters, strict=True):
            if own is param:
                return self._attribute("lr", number)
        told = param if isinstance(param, (str, type(None))) else getattr(param, "name", None) or shown(param)
        raise ValueError(f"For '{type(self).__name__}': {told!r} is not one of its parameters")

    def parameters_and_names(self, name_prefix: str = "", expand: bool = True) -> Iterator[tuple[str, Any]]:
        """As of a Cell, for checkpoints: ``("global_step", …), ("fc.weight", …), ("moment1.fc.weight", …)``.

        The names and their order are MindSpore's. The parameters are the live ones; all else are copies of this
        moment: what is written into them reaches nobody (``load_param_into_net``, ``set`` and the attributes do).
        """
        prefix, own = f"{name_prefix}." if name_prefix else "", {id(member.param) for member in self._members()}
        for name, value in rows(self):
            found = value()
            yield prefix + name, found if id(found) in own else self._library.copy(found, name)

    def get_parameters(self, expand: bool = True) -> Iterator[Any]:
        """As of a Cell: the values of ``parameters_and_names``."""
        return (value for _, value in self.parameters_and_names())

    def parameters_dict(self, recurse: bool = True) -> dict[str, Any]:
        """As of a Cell: what a checkpoint of this optimizer holds, by name."""
        return dict(self.parameters_and_names())

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        """As of a Cell: put a prefix in front of the name of each parameter, as programs with two networks do.

        In checkpoints the prefix stands before the parameter's own name (``"moment1.generator.fc.weight"``), and not,
        as in MindSpore, before that of the entry. Parameters of torch and NumPy arrays have no names.

        Raises:
            TypeError: the prefix is no text.
        """
        if not isinstance(prefix, str):
            raise TypeError(f"For '{type(self).__name__}': 'prefix' must be a text, but got {prefix!r}")
        for member in self._members():
            if isinstance(getattr(member.param, "name", None), str):
                member.param.name = member.name = prefix + member.param.name

    def ema_parameters(self) -> list[Any]:
        """The running averages of all parameters, in the order of ``parameters``: copies of this moment, as Parameters
        of their framework named ``"ema.fc.weight"``, or NumPy arrays.

        Before a parameter's first update its average is the parameter. (Those of ``calando.torch`` are the live ones.)

        Raises:
            ValueError: the optimizer was built without ``ema``.
        """
        means = {id(p): mean for p, mean in self._averages()}
        return [self._library.copy(means[id(m.param)], f"{SLOT}.{name}") for name, m in named(self)]

    def _tuple(self, things: Iterable[Any]) -> tuple[Any, ...]:
        """A ParameterTuple of the parameters' own framework, where all are its Parameters."""
        found = tuple(things)
        if self._library.name == "numpy":
            return found
        words = self._library.words()
        return words.ParameterTuple(found) if all(isinstance(x, words.Parameter) for x in found) else found

    def _seen(self, each: bool, value: Any) -> Any:
        """A tensor with a number, or a tuple of them with one per parameter."""
        self._listen()
        if not each:
            return self._library.tensor(value(0))
        return tuple(self._library.tensor(value(number)) for number, _ in self._places)

    def __repr__(self) -> str:
        return Controls.__repr__(self)


def one_framework(owner: str, members: list[Any]) -> str:
    """Whose memory the parameters are.

    Raises:
        TypeError: they belong to several frameworks.
    """
    names = {adapter(m.param).name: m for m in members}
    if len(names) > 1:
        first, second = list(names.items())[:2]
        raise TypeError(
            f"For '{owner}': {first[1].name!r} belongs to {first[0]} and {second[1].name!r} to {second[0]}; "
            "give one optimizer the parameters of one framework"
        )
    return next(iter(names))


def filtered(name: str) -> bool:
    """Whether MindSpore's decay leaves a parameter of this name out, where there are no groups."""
    return "beta" in name or "gamma" in name
