"""The largest value of a window, or the mean."""

from typing import Any

import torch
from torch.nn.functional import adaptive_max_pool2d, avg_pool2d, max_pool2d

from ..cell import Cell
from .arguments import channels_first, choice, pair, whole
from .padding import pad_same


class _Windows(Cell):
    """What pooling over windows has in common.

    Args:
        said: what needs pad_mode='pad', and whether it was given.
    """

    def __init__(
        self, kernel_size: Any, stride: Any, pad_mode: str, padding: Any, data_format: str, said: dict[str, bool]
    ) -> None:
        super().__init__()
        channels_first(self, data_format)
        self.kernel_size = pair(self, "kernel_size", kernel_size)
        self.stride = pair(self, "stride", stride)
        self.pad_mode = choice(self, "pad_mode", pad_mode, ("valid", "same", "pad"))
        self.padding = pair(self, "padding", padding, 0)
        said = {"padding": self.padding != (0, 0), **said}
        if self.pad_mode != "pad" and any(said.values()):
            words = ", ".join(word for word, is_said in said.items() if is_said)
            raise ValueError(f"{words} of {type(self).__name__} needs pad_mode='pad', not {self.pad_mode!r}")

    def extend_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode}"


class MaxPool2d(_Windows):
    """(batch, channels, height, width) or without batch → the same with fewer places.

    Args:
        kernel_size, stride: one number, or (height, width). The stride is 1 by default, unlike torch.
        pad_mode: 'valid' (the default), 'same' or 'pad'; borders count as -∞. See ``layers.padding``.
        padding: for 'pad': one number or (height, width), at most half the kernel.
        dilation, return_indices, ceil_mode: for 'pad' only, as in MindSpore.
        data_format: 'NCHW' only.

    Returns a Tensor, or (values, places) with ``return_indices``.
    """

    def __init__(
        self,
        kernel_size: Any = 1,
        stride: Any = 1,
        pad_mode: str = "valid",
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        data_format: str = "NCHW",
    ) -> None:
        self.dilation = pair(self, "dilation", dilation)
        self.return_indices, self.ceil_mode = bool(return_indices), bool(ceil_mode)
        said = {"dilation": self.dilation != (1, 1), "return_indices": return_indices, "ceil_mode": ceil_mode}
        super().__init__(kernel_size, stride, pad_mode, padding, data_format, said)

    def construct(self, x: torch.Tensor) -> Any:
        if self.pad_mode == "same":
            x = pad_same(x, self.kernel_size, self.stride, (1, 1), float("-inf"))
        if self.return_indices:
            return max_pool2d(
                x,
                self.kernel_size,
                self.stride,
                self.padding,
                self.dilation,
                self.ceil_mode,
                return_indices=True,
            )
        return torch.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool2d(_Windows):
    """(batch, channels, height, width) or without batch → the same with fewer places, the mean of each window.

    Args:
        kernel_size, stride: one number, or (height, width). The stride is 1 by default, unlike torch.
        pad_mode: 'valid' (the default), 'same', whose borders do not count, or 'pad'. See ``layers.padding``.
        padding: for 'pad': one number or (height, width), at most half the kernel.
        ceil_mode, count_include_pad, divisor_override: for 'pad' only.
        data_format: 'NCHW' only.
    """

    def __init__(
        self,
        kernel_size: Any = 1,
        stride: Any = 1,
        pad_mode: str = "valid",
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        data_format: str = "NCHW",
    ) -> None:
        self.ceil_mode, self.count_include_pad = bool(ceil_mode), bool(count_include_pad)
        said = {
            "ceil_mode": ceil_mode,
            "count_include_pad": not count_include_pad,
            "divisor_override": divisor_override is not None,
        }
        super().__init__(kernel_size, stride, pad_mode, padding, data_format, said)
        self.divisor_override = None if divisor_override is None else whole(self, "divisor_override", divisor_override)

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        if self.pad_mode == "same":
            filled, there = (pad_same(y, self.kernel_size, self.stride, (1, 1), 0.0) for y in (x, torch.ones_like(x)))
            both = (avg_pool2d(y, self.kernel_size, self.stride) for y in (filled, there))
            return torch.div(*both)
        options = (self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)
        return avg_pool2d(x, self.kernel_size, self.stride, *options)


class AdaptiveMaxPool2d(Cell):
    """(batch, channels, height, width) or without batch → the same with ``output_size`` places.

    Args:
        output_size: one number, or (height, width), where None keeps the input's.
        return_indices: also return the places of the largest values.
    """

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        both = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size, output_size)
        filled = pair(self, "output_size", tuple(1 if size is None else size for size in both))
        self.output_size: Any = tuple(None if asked is None else size for asked, size in zip(both, filled, strict=True))
        self.return_indices = bool(return_indices)

    def construct(self, x: torch.Tensor) -> Any:
        return adaptive_max_pool2d(x, self.output_size, return_indices=self.return_indices)  # type: ignore[call-overload]

    def extend_repr(self) -> str:
        return f"output_size={self.output_size}"
