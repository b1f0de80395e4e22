"""Convolution over height and width."""

from typing import Any

import torch
from torch.nn.functional import conv2d, pad

from ..cell import Cell
from ..dtype import as_dtype
from ..initializer import fan_in_uniform, fill
from ..parameter import Parameter
from .arguments import channels_first, choice, pair, whole
from .padding import around, pad_same


class Conv2d(Cell):
    """(batch, in_channels, height, width) → (batch, out_channels, height', width').

    Args:
        in_channels, out_channels: at least 1; both divisible by ``group``.
        kernel_size, stride, dilation: one number, or (height, width).
        pad_mode: 'same' (the default, unlike torch), 'valid' or 'pad'; see ``layers.padding``.
        padding: for 'pad': one number or (top, bottom, left, right).
        group: channels are cut into so many groups that do not see each other.
        has_bias: False by default, unlike torch.
        weight_init: of shape (out_channels, in_channels / group, height, width); None: uniform in ±1/√fan_in.
        bias_init: of shape (out_channels,); None: uniform in ±1/√fan_in.
        data_format: 'NCHW' only.
        dtype: of the parameters.

    Parameters: ``weight`` and, with ``has_bias``, ``bias``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | None = None,  # no default in MindSpore; here a missing one gets its own sentence
        kernel_size: Any = None,
        stride: Any = 1,
        pad_mode: str = "same",
        padding: Any = 0,
        dilation: Any = 1,
        group: int = 1,
        has_bias: bool = False,
        weight_init: Any = None,
        bias_init: Any = None,
        data_format: str = "NCHW",
        dtype: Any = torch.float32,
    ) -> None:
        super().__init__()
        channels_first(self, data_format)
        self.in_channels = whole(self, "in_channels", in_channels)
        self.out_channels = whole(self, "out_channels", out_channels)
        self.kernel_size = pair(self, "kernel_size", kernel_size)
        self.stride = pair(self, "stride", stride)
        self.dilation = pair(self, "dilation", dilation)
        self.group = whole(self, "group", group)
        if self.in_channels % self.group or self.out_channels % self.group:
            raise ValueError(
                f"group of Conv2d must divide in_channels and out_channels; {self.group} does not divide "
                f"{self.in_channels} and {self.out_channels}"
            )
        self.pad_mode = choice(self, "pad_mode", pad_mode, ("same", "valid", "pad"))
        self.padding = around(self, self.pad_mode, padding)
        self.has_bias = bool(has_bias)

        shape = (self.out_channels, self.in_channels // self.group, *self.kernel_size)
        fan_in = shape[1] * shape[2] * shape[3]
        weight = torch.empty(shape, dtype=as_dtype(dtype))
        fan_in_uniform(weight, fan_in) if weight_init is None else fill(weight, weight_init)
        self.weight = Parameter(weight, name="weight")
        self.bias = None
        if self.has_bias:
            bias = torch.empty(self.out_channels, dtype=as_dtype(dtype))
            fan_in_uniform(bias, fan_in) if bias_init is None else fill(bias, bias_init)
            self.bias = Parameter(bias, name="bias")

        top, bottom, left, right = self.padding
        if self.pad_mode == "same":  # with stride 1 it does not depend on the length
            top, left = (d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
            known = self.stride == (1, 1) and top % 2 == left % 2 == 0
            self._even = (top // 2, left // 2) if known else None
        else:
            self._even = (top, left) if top == bottom and left == right else None

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        even = self._even
        if even is None:
            even = (0, 0)
            if self.pad_mode == "same":
                x = pad_same(x, self.kernel_size, self.stride, self.dilation, 0.0)
            else:
                top, bottom, left, right = self.padding
                x = pad(x, (left, right, top, bottom))
        return conv2d(x, self.weight, self.bias, self.stride, even, self.dilation, self.group)

    def extend_repr(self) -> str:
        return (
            f"input_channels={self.in_channels}, output_channels={self.out_channels}, "
            f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode}, "
            f"padding={self.padding}, dilation={self.dilation}, group={self.group}, has_bias={self.has_bias}"
        )
