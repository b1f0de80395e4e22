"""Layers of torch inside a Cell: what is not here need not be missed."""

from typing import Any

import torch

from ..cell import Cell
from ..parameter import Parameter
from ..tensor import plain


class Borrowed(Cell):
    """A ``torch.nn.Module`` as a Cell: ``net.norm = torch.nn.GroupNorm(2, 4)`` makes one.

    Its parameters are the Cell's from then on, called ``norm.weight``; statistics that it keeps, such as the mean of a
    BatchNorm, are parameters that do not require gradients, so that checkpoints have them. Values stay; tensors that
    the module held before are no longer its own, so an optimizer is made afterwards. Modules inside are cells below.
    Called with the module's arguments; starts in evaluation and follows ``set_train``, as every Cell.

    Args:
        module: any module; what is not a floating or integer tensor (masks of bool) stays as it is.
        met: the Parameters made so far, for weights that stand in two places.

    Raises:
        KeyError: something in the module is called like a method of Cell.
        TypeError: a parameter has no values yet (torch's Lazy modules).
    """

    def __init__(self, module: torch.nn.Module, met: dict[int, Parameter] | None = None) -> None:
        super().__init__()
        met = {} if met is None else met
        vars(self)["_module"] = module
        for name, value in held(module).items():
            parameter = met.setdefault(id(value), value if isinstance(value, Parameter) else own(value, name))
            setattr(module, name, parameter)
            self.insert_param_to_cell(name, parameter)
        for name, child in module.named_children():
            self.insert_child_to_cell(name, Borrowed(child, met))
        module.training = False

    @property
    def training(self) -> bool:
        return bool(self._module.training)

    @training.setter
    def training(self, mode: bool) -> None:
        self._module.training = mode

    def construct(self, *args: Any, **kwargs: Any) -> Any:
        return self._module(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """What the module has besides: ``net.norm.num_groups``."""
        module = vars(self).get("_module")
        return getattr(module, name) if hasattr(module, name) else super().__getattr__(name)

    def extend_repr(self) -> str:
        return f"torch.nn.{type(self._module).__name__}({self._module.extra_repr()})"


def held(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a module itself that a checkpoint has, without masks of bool, which no Parameter can hold.

    Raises:
        TypeError: one has no values yet.
    """
    found: dict[str, Any] = {**module._parameters, **module._buffers}
    for name, value in found.items():
        if torch.nn.parameter.is_lazy(value):
            kind = type(module).__name__
            raise TypeError(f"{name!r} of torch.nn.{kind} has no values yet; call it once, or give it all its sizes")
    left = {*module._non_persistent_buffers_set, *(n for n, x in found.items() if x is None or x.dtype == torch.bool)}
    return {name: value for name, value in found.items() if name not in left}


def own(value: torch.Tensor, name: str) -> Parameter:
    """A Parameter with these values, which torch takes for one of its own where it was one."""
    made = Parameter(plain(value), name, value.requires_grad)
    made._is_param = isinstance(value, torch.nn.Parameter)
    return made
