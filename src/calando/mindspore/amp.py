"""``mindspore.amp`` as far as calando has it: loss scales, for Models and for loops of one's own.

scaler = amp.DynamicLossScaler(2**16, 2, 1000)
(scaled, loss), grads = grad_fn(x, y)                 # of scaler.scale(loss)
grads = scaler.unscale(grads)
if amp.all_finite(grads):
    optimizer(grads)
scaler.adjust(amp.all_finite(grads))
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from .network.cell import Cell
from .network.parameter import Parameter
from .network.tensor import Tensor
from .train.loss_scale_manager import DynamicLossScaleManager as DynamicLossScaleManager
from .train.loss_scale_manager import FixedLossScaleManager as FixedLossScaleManager
from .train.loss_scale_manager import LossScaleManager as LossScaleManager
from .train.model import Model as _Model

__path__: list[str] = []  # so that an import of what is not here is told, too

__all__ = [
    "DynamicLossScaleManager",
    "DynamicLossScaler",
    "FixedLossScaleManager",
    "LossScaleManager",
    "LossScaler",
    "StaticLossScaler",
    "all_finite",
    "build_train_network",
]


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"module {__name__!r} has no {name!r}; it has {', '.join(__all__)}: loss scales, no mixed precision by itself: "
        "cast Tensors, or give layers dtype=ms.float16"
    )


class LossScaler:
    """The base: multiplies and divides by ``scale_value``, a Parameter of shape (), float32.

    Args:
        scale_value: at least 1.

    Raises:
        ValueError: below 1.
    """

    def __init__(self, scale_value: float) -> None:
        if isinstance(scale_value, bool) or not isinstance(scale_value, (int, float)) or not scale_value >= 1:
            raise ValueError(
                f"For '{type(self).__name__}': 'scale_value' must be a number from 1 on, but got {scale_value!r}"
            )
        self.scale_value = Parameter(Tensor(float(scale_value), torch.float32), "scale_value", requires_grad=False)

    def scale(self, inputs: Any) -> Any:
        """A Tensor, or a tuple or list of them, times the scale."""
        return multiplied(inputs, self.scale_value)

    def unscale(self, inputs: Any) -> Any:
        """A Tensor, or a tuple or list of them, divided by the scale."""
        return multiplied(inputs, 1 / self.scale_value)

    def adjust(self, grads_finite: Any) -> bool:
        """Change the scale after a step; whether it may have changed."""
        raise NotImplementedError(f"{type(self).__name__} must define adjust()")


class StaticLossScaler(LossScaler):
    """A scale that stays.

    Args:
        scale_value: at least 1.

    Raises:
        ValueError: below 1.
    """

    def adjust(self, grads_finite: Any) -> bool:
        """False: the scale stays."""
        return False


class DynamicLossScaler(LossScaler):
    """A scale that is divided at every overflow, and multiplied after a window of steps without one.

    Args:
        scale_value: the first scale, at least 1; it never falls below 1, nor grows beyond float32.
        scale_factor: what it is divided and multiplied by, an int from 2 on.
        scale_window: steps without overflow after which it grows, at least 1.

    ``counter``, a Parameter of shape (), int32, counts steps since the last change.

    Raises:
        ValueError: a number out of range.
    """

    def __init__(self, scale_value: float, scale_factor: int, scale_window: int) -> None:
        super().__init__(scale_value)
        for name, value, least in (("scale_factor", scale_factor, 2), ("scale_window", scale_window, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"For 'DynamicLossScaler': {name!r} must be an int from {least} on, but got {value!r}")
        self.scale_factor, self.scale_window = scale_factor, scale_window
        self.counter = Parameter(Tensor(0, torch.int32), name="counter")

    def adjust(self, grads_finite: Any) -> bool:
        """Divide or multiply, as the gradients were; True."""
        scale, factor, count = np.float32(self.scale_value.item()), np.float32(self.scale_factor), self.counter.item()
        finite = bool(grads_finite)
        if not finite:
            scale = max(scale / factor, np.float32(1))
        elif count == self.scale_window - 1:
            with np.errstate(over="ignore"):
                grown = scale * factor
            scale = grown if np.isfinite(grown) else scale
        self.scale_value.set_data(Tensor(float(scale), torch.float32))
        self.counter.set_data(Tensor((count + 1) % self.scale_window if finite else 0, torch.int32))
        return True


def all_finite(inputs: Iterable[Any]) -> Tensor:
    """Whether no Tensor among these holds inf or nan: bool, of shape ().

    Raises:
        TypeError: a member that is no Tensor.
    """
    members = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
    for place, member in enumerate(members):
        if not isinstance(member, torch.Tensor):
            raise TypeError(f"For 'all_finite': member {place} must be a Tensor, but got {type(member).__name__}")
    return Tensor(all(bool(torch.isfinite(member).all()) for member in members))


def build_train_network(
    network: Cell, optimizer: Any, loss_fn: Any = None, level: str = "O0", boost_level: str = "O0", **options: Any
) -> Cell:
    """The Cell that makes one training step, as :class:`calando.mindspore.train.Model` builds it.

    Args:
        network, optimizer, loss_fn, level, boost_level: as there.
        options: ``loss_scale_manager``, ``keep_batchnorm_fp32``.

    Raises:
        TypeError, ValueError: as there.
    """
    built = _Model(network, loss_fn, optimizer, amp_level=level, boost_level=boost_level, **options)
    return built.train_network.set_train()


def multiplied(inputs: Any, scale: torch.Tensor) -> Any:
    """Each Tensor times a number, in its own type."""
    if isinstance(inputs, (tuple, list)):
        return type(inputs)(multiplied(each, scale) for each in inputs)
    return inputs * scale.to(inputs.dtype)
