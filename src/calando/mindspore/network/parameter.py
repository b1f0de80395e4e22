"""Parameter: a Tensor that a network owns, with a name.

Whatever is assigned to a parameter is written into its memory, which never moves: an optimizer that
remembered an address, a tensor got by ``.data`` and an array got by ``.asnumpy()`` all see the new value.
"""

from collections.abc import Iterable
from itertools import count
from typing import Any

import torch

from .dtype import name_of
from .initializer import fill
from .tensor import Tensor, plain, read, rebuild, write

_nameless = count(1)
_GENERATED = "Parameter#"


class Parameter(Tensor):
    """A named Tensor; what :meth:`Cell.trainable_params` lists and an optimizer moves.

    Args:
        default_input: number, list, array or tensor of any shape; copied, as in MindSpore.
        name: any text. Without one the Cell that receives the parameter names it after the attribute.
        requires_grad: whether it is trained. An integer parameter cannot be: there it is False whatever is
            said (MindSpore says True and fails later).

    Raises:
        TypeError: when the data is no number or a bool, the name no text.

    Results of operations with a Parameter are Tensors. ``requires_grad`` may be set at any time.
    """

    _name: str

    def __new__(cls, default_input: Any, name: str | None = None, requires_grad: bool = True) -> "Parameter":
        data = read(default_input).clone()
        if data.dtype == torch.bool:
            raise TypeError("a Parameter holds numbers; True and False cannot be trained or assigned to")
        learns = bool(requires_grad) and (data.is_floating_point() or data.is_complex())
        self: Parameter = torch.Tensor._make_subclass(cls, data, learns)
        self.name = name
        return self

    @property
    def name(self) -> str:
        """How checkpoints, errors and groups call the parameter: ``layer1.0.weight``."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is None:
            name = f"{_GENERATED}{next(_nameless)}"
        if not isinstance(name, str) or not name:
            raise TypeError(f"the name of a Parameter must be a text that is not empty, not {name!r}")
        self._name = name

    @property  # type: ignore[override]
    def data(self) -> Tensor:
        """A Tensor on the same memory, without gradient; assigning to it is :meth:`set_data`."""
        return plain(self).as_subclass(Tensor)

    @data.setter
    def data(self, value: Any) -> None:
        self.set_data(value)

    def value(self) -> Tensor:
        """A Tensor on the same memory, without gradient."""
        return plain(self).as_subclass(Tensor)

    def set_data(self, data: Any) -> "Parameter":
        """Write ``data`` into the parameter and return it; the memory stays.

        Raises:
            ValueError: for another shape (MindSpore would take the new shape over).
            TypeError: for fractions into an integer parameter (MindSpore would cut them off).
        """
        write(self, data, repr(self.name))
        return self

    def clone(self, init: Any = "same", *, memory_format: Any = torch.preserve_format) -> "Parameter":
        """A Parameter of the same name, shape and type in memory of its own.

        Args:
            init: 'same' for the same values, else first values as in ``initializer.fill``: 'zeros', 0.5.

        Differs from torch: the copy is a new leaf. ``torch.clone(parameter)`` is the recorded one.
        """
        data = plain(self).clone(memory_format=memory_format)
        if init != "same":
            fill(data, init)
        return rebuild(type(self), data, self.requires_grad, vars(self))

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return (
            f"Parameter (name={self.name}, shape={tuple(self.shape)}, dtype={name_of(self.dtype)}, "
            f"requires_grad={self.requires_grad})"
        )

    __str__ = __repr__


def is_nameless(parameter: Parameter) -> bool:
    """Whether nobody has named it yet."""
    return parameter.name.startswith(_GENERATED)


class ParameterTuple(tuple):
    """A tuple of Parameters, for ``value_and_grad`` and optimizers.

    Raises:
        TypeError: when a member is no Parameter.
    """

    __slots__ = ()

    def __new__(cls, iterable: Iterable[Parameter] = ()) -> "ParameterTuple":
        members = tuple(iterable)
        for place, member in enumerate(members):
            if not isinstance(member, Parameter):
                raise TypeError(f"a ParameterTuple holds Parameters; member {place} is a {type(member).__name__}")
        return super().__new__(cls, members)

    def clone(self, prefix: str, init: Any = "same") -> "ParameterTuple":
        """New Parameters of the same shapes, named ``prefix.name``; ``init`` as for one Parameter."""
        copies = ParameterTuple(member.clone(init) for member in self)
        for copy in copies:
            copy.name = f"{prefix}.{copy.name}"
        return copies
