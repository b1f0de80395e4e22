"""What MindSpore's optimizers know of themselves: read by callbacks, and by the ``construct`` of one's own."""

from collections.abc import Callable
from typing import Any

from ..engine import Engine
from ..schedules import Schedule
from .boxes import Library


class Shown:
    """A method that is read as an attribute, until something else is assigned to it."""

    def __init__(self, read: Callable[[Any], Any]):
        self.read, self.__doc__ = read, read.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else self.read(owner)


class Flags:
    """A part of every optimizer: MindSpore's flags, to be read. One's own optimizers may assign others."""

    engine: Engine
    _library: Library
    _places: list[tuple[int, int]]
    _own: set[str]
    _grouped: bool

    def _listen(self) -> None:
        """Take over what was written from outside."""
        raise NotImplementedError

    def _latest(self, name: str) -> list[Any]:
        """What is given for a hyperparameter now, for each parameter."""
        self._listen()
        return [self.engine.hypers[number].timelines[name].latest for number, _ in self._places]

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The parameters in the order of their gradients."""
        raise NotImplementedError

    @property
    def loss_scale(self) -> float:
        """What gradients are divided by."""
        raise NotImplementedError

    @property
    def _parameters(self) -> tuple[Any, ...]:
        return self.parameters

    @Shown
    def param_length(self) -> int:
        """How many parameters there are."""
        return len(self._places)

    @Shown
    def is_group(self) -> bool:
        """Whether the parameters were given in groups."""
        return self._grouped

    @Shown
    def is_group_lr(self) -> bool:
        """Whether a group has a learning rate of its own; then ``get_lr`` gives one for each parameter."""
        return "lr" in self._own

    @Shown
    def dynamic_lr(self) -> bool:
        """Whether a learning rate is a list or a schedule."""
        return any(isinstance(entry, Schedule) for entry in self._latest("lr"))

    @Shown
    def dynamic_weight_decay(self) -> bool:
        """Whether a weight decay is one."""
        return any(isinstance(entry, Schedule) for entry in self._latest("weight_decay"))

    @Shown
    def exec_weight_decay(self) -> bool:
        """Whether there is any weight decay."""
        return any(entry != 0 for entry in self._latest("weight_decay"))

    @Shown
    def decay_flags(self) -> tuple[bool, ...]:
        """For each parameter whether it decays: by its name, in groups by its group's weight decay."""
        if not self._grouped:
            return tuple(not self.engine.members[number][i].exempt for number, i in self._places)
        return tuple(entry != 0 for entry in self._latest("weight_decay"))

    @Shown
    def grad_centralization_flags(self) -> tuple[bool, ...]:
        """For each parameter whether its gradient is centred."""
        return tuple(self.engine.groups[number].centralize for number, _ in self._places)

    @Shown
    def optim_filter(self) -> tuple[bool, ...]:
        """For each parameter whether this process updates it: always."""
        return (True,) * len(self._places)

    @Shown
    def use_parallel(self) -> bool:
        """Whether processes divide the update: never here."""
        return False

    @Shown
    def need_scale(self) -> bool:
        """Whether there is a loss scale other than 1."""
        return self.loss_scale != 1

    @Shown
    def reciprocal_scale(self) -> Any:
        """1 / loss scale, of shape ()."""
        return self._library.tensor(1 / self.loss_scale)

    @Shown
    def global_step_increase_tensor(self) -> Any:
        """What ``global_step`` grows by in one step: 1, int32 of shape (1,)."""
        return self._library.tensor([1], "int32")

    @Shown
    def hyper_map(self) -> Any:
        """``ops.HyperMap()``."""
        return self._library.words().ops.HyperMap()

    @Shown
    def map_(self) -> Any:
        """``ops.Map()``."""
        return self._library.words().ops.Map()

    hyper_map_reverse, map_reverse = hyper_map, map_  # the order of work does not show

    @Shown
    def assignadd(self) -> Any:
        """``ops.AssignAdd()``."""
        return self._library.words().ops.AssignAdd()

    @Shown
    def cls_name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    @Shown
    def target(self) -> str:
        """Where parameters are updated, in MindSpore's sense."""
        return "CPU"

    @Shown
    def unique(self) -> bool:
        """Whether rows of sparse gradients may come several times."""
        return True
