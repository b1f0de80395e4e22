"""The fully connected layer."""

from typing import Any

import torch
from torch.nn.functional import linear

from ..cell import Cell
from ..dtype import as_dtype
from ..initializer import fan_in_uniform, fill
from ..parameter import Parameter
from .activation import get_activation
from .arguments import whole


class Dense(Cell):
    """(…, in_channels) → (…, out_channels): x Wᵀ + b, then the activation.

    Args:
        in_channels, out_channels: at least 1.
        weight_init: of shape (out_channels, in_channels); None is uniform in ±1/√in_channels.
        bias_init: of shape (out_channels,); None is uniform in ±1/√in_channels.
        has_bias: whether there is a b.
        activation: a name ('relu'), a Cell, any function of a Tensor, or None.
        dtype: of the parameters.

    Parameters: ``weight`` and, with ``has_bias``, ``bias``.

    Raises:
        TypeError: also when it was *made* with the data it should be *called* with: ``nn.Dense(x)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | None = None,  # no default in MindSpore; here a missing one gets its own sentence
        weight_init: Any = None,
        bias_init: Any = None,
        has_bias: bool = True,
        activation: Any = None,
        dtype: Any = torch.float32,
    ) -> None:
        super().__init__()
        self.in_channels = whole(self, "in_channels", in_channels)
        self.out_channels = whole(self, "out_channels", out_channels)
        self.has_bias = bool(has_bias)
        weight = torch.empty(self.out_channels, self.in_channels, dtype=as_dtype(dtype))
        fan_in_uniform(weight, self.in_channels) if weight_init is None else fill(weight, weight_init)
        self.weight = Parameter(weight, name="weight")
        self.bias = None
        if self.has_bias:
            bias = torch.empty(self.out_channels, dtype=as_dtype(dtype))
            fan_in_uniform(bias, self.in_channels) if bias_init is None else fill(bias, bias_init)
            self.bias = Parameter(bias, name="bias")
        self.activation = get_activation(activation) if isinstance(activation, str) else activation
        if self.activation is not None and not callable(self.activation):
            raise TypeError(f"activation of Dense must be a name, a Cell or a function, not {activation!r}")

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        x = linear(x, self.weight, self.bias)
        return x if self.activation is None else self.activation(x)

    def extend_repr(self) -> str:
        said = f"input_channels={self.in_channels}, output_channels={self.out_channels}"
        return f"{said}, has_bias=True" if self.has_bias else said
