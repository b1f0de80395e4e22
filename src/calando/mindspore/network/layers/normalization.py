"""Normalization of batches, of groups of channels, and of the features of each example.

    training    y = γ (x - mean) / √(var + ε) + β       mean and biased var over batch, height, width
                moving ← momentum · moving + (1 - momentum) · batch's
    otherwise   y = γ (x - moving_mean) / √(moving_variance + ε) + β

``momentum`` is what is *kept*, so MindSpore's 0.9 is torch's 0.1. The variance that enters the moving
average is the unbiased one (divided by n - 1), in MindSpore 2.10 on CPU as in torch. LayerNorm does the same
in training and otherwise: mean and biased var over the last axes.
"""

from typing import Any, ClassVar

import torch
from torch.nn.functional import batch_norm, group_norm, layer_norm

from ..cell import Cell
from ..dtype import as_dtype
from ..initializer import initializer
from ..parameter import Parameter
from .arguments import channels_first, whole


class BatchNorm(Cell):
    """What BatchNorm1d and BatchNorm2d have in common: each channel is normalized over all else.

    Args:
        num_features: channels, at least 1.
        eps: added to the variance, above 0.
        momentum: share of the moving statistics kept per batch, in [0, 1].
        affine: whether γ and β are trained; they are there in any case.
        gamma_init, beta_init, moving_mean_init, moving_var_init: first values, of shape (num_features,).
        use_batch_statistics: True always, False never, None as ``training`` says.
        data_format: 'NCHW' only.
        dtype: of the parameters.

    Parameters, of shape (num_features,): ``moving_mean`` and ``moving_variance``, which never require
    gradients, ``gamma`` and ``beta``. As in MindSpore a new layer is in evaluation: call ``set_train()``.

    Raises:
        ValueError: for numbers out of range; in training also for one value per channel, whose variance is
            unknown (MindSpore fills the moving variance with nan).
    """

    SHAPES: ClassVar[dict[int, str]]  # number of axes → how the error writes the shape

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.9,
        affine: bool = True,
        gamma_init: Any = "ones",
        beta_init: Any = "zeros",
        moving_mean_init: Any = "zeros",
        moving_var_init: Any = "ones",
        use_batch_statistics: bool | None = None,
        data_format: str = "NCHW",
        dtype: Any = torch.float32,
    ) -> None:
        super().__init__()
        channels_first(self, data_format)
        self.num_features = whole(self, "num_features", num_features)
        if not eps > 0:
            raise ValueError(f"eps of {type(self).__name__} must be above 0, not {eps!r}")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum of {type(self).__name__} must lie in [0, 1], not {momentum!r}")
        self.eps = eps
        self.momentum = momentum
        self.affine = bool(affine)
        self.use_batch_statistics = use_batch_statistics

        def made(init: Any, name: str, requires_grad: bool) -> Parameter:
            return Parameter(initializer(init, num_features, as_dtype(dtype)), name, requires_grad)

        self.moving_mean = made(moving_mean_init, "mean", False)  # MindSpore's names, until an owner renames them
        self.moving_variance = made(moving_var_init, "variance", False)
        self.gamma = made(gamma_init, "gamma", self.affine)
        self.beta = made(beta_init, "beta", self.affine)

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() not in self.SHAPES:
            taken = " or ".join(f"(batch, {self.num_features}{rest})" for rest in self.SHAPES.values())
            raise ValueError(f"{type(self).__name__} takes {taken}, not {tuple(x.shape)}")
        by_batch = self.training if self.use_batch_statistics is None else self.use_batch_statistics
        return batch_norm(
            x,
            self.moving_mean,
            self.moving_variance,
            self.gamma,
            self.beta,
            by_batch,
            1 - self.momentum,
            self.eps,
        )

    def extend_repr(self) -> str:
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}"


class BatchNorm1d(BatchNorm):
    """Normalize each feature of (batch, num_features) or (batch, num_features, length).

    Arguments, parameters and errors as in :class:`BatchNorm`.
    """

    SHAPES = {2: "", 3: ", length"}


class BatchNorm2d(BatchNorm):
    """Normalize each channel of (batch, num_features, height, width).

    Arguments, parameters and errors as in :class:`BatchNorm`.
    """

    SHAPES = {4: ", height, width"}


class GroupNorm(Cell):
    """γ (x - mean) / √(var + ε) + β, mean and biased var over each group of channels of each example.

    Args:
        num_groups: must divide ``num_channels``.
        num_channels: of (batch, num_channels, …).
        eps: added to the variance, above 0.
        affine: whether γ and β are trained; they are there in any case.
        gamma_init, beta_init: first values, of shape (num_channels,).
        dtype: of the parameters.

    Parameters: ``gamma`` and ``beta``.

    Raises:
        TypeError, ValueError: for a number out of range, groups that do not divide the channels.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        gamma_init: Any = "ones",
        beta_init: Any = "zeros",
        dtype: Any = torch.float32,
    ) -> None:
        super().__init__()
        self.num_groups = whole(self, "num_groups", num_groups)
        self.num_channels = whole(self, "num_channels", num_channels)
        if self.num_channels % self.num_groups:
            raise ValueError(f"num_groups of GroupNorm must divide num_channels; {num_groups} does not {num_channels}")
        if not eps > 0:
            raise ValueError(f"eps of GroupNorm must be above 0, not {eps!r}")
        self.eps, self.affine = eps, bool(affine)
        self.gamma = Parameter(initializer(gamma_init, num_channels, as_dtype(dtype)), "gamma", self.affine)
        self.beta = Parameter(initializer(beta_init, num_channels, as_dtype(dtype)), "beta", self.affine)

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        return group_norm(x, self.num_groups, self.gamma, self.beta, self.eps)

    def extend_repr(self) -> str:
        return f"num_groups={self.num_groups}, num_channels={self.num_channels}"


class LayerNorm(Cell):
    """γ (x - mean) / √(var + ε) + β, mean and biased var over the last axes of each example.

    Args:
        normalized_shape: lengths of the last axes, as a tuple or list.
        begin_norm_axis, begin_params_axis: only -1 or the first of those axes: they follow from the shape.
        gamma_init, beta_init: first values, of shape ``normalized_shape``.
        epsilon: added to the variance, above 0.
        dtype: of the parameters.

    Parameters: ``gamma`` and ``beta``.

    Raises:
        TypeError, ValueError: for a shape that is none, an epsilon out of range, axes other than the last.
    """

    def __init__(
        self,
        normalized_shape: Any,
        begin_norm_axis: int = -1,
        begin_params_axis: int = -1,
        gamma_init: Any = "ones",
        beta_init: Any = "zeros",
        epsilon: float = 1e-7,
        dtype: Any = torch.float32,
    ) -> None:
        super().__init__()
        if not isinstance(normalized_shape, (tuple, list)) or not normalized_shape:
            raise TypeError(f"normalized_shape of LayerNorm must be a tuple or list, not {normalized_shape!r}")
        if not epsilon > 0:
            raise ValueError(f"epsilon of LayerNorm must be above 0, not {epsilon!r}")
        self.normalized_shape = tuple(whole(self, "normalized_shape", length) for length in normalized_shape)
        self.begin_norm_axis, self.begin_params_axis = begin_norm_axis, begin_params_axis
        self.epsilon = epsilon
        self.gamma = Parameter(initializer(gamma_init, self.normalized_shape, as_dtype(dtype)), "gamma")
        self.beta = Parameter(initializer(beta_init, self.normalized_shape, as_dtype(dtype)), "beta")

    def construct(self, x: torch.Tensor) -> torch.Tensor:
        first = x.dim() - len(self.normalized_shape)
        for name, axis in (("begin_norm_axis", self.begin_norm_axis), ("begin_params_axis", self.begin_params_axis)):
            if axis not in (first, first - x.dim()) and (axis != -1 or len(self.normalized_shape) > 1):
                raise ValueError(f"{name} of LayerNorm must be {first}, the first of the last axes, not {axis}")
        return layer_norm(x, self.normalized_shape, self.gamma, self.beta, self.epsilon)

    def extend_repr(self) -> str:
        return f"normalized_shape={self.normalized_shape}, epsilon={self.epsilon}"
