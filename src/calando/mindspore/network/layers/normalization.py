"""Batch normalization.

    training    y = γ (x - mean) / √(var + ε) + β       mean and biased var over batch, height, width
                moving ← momentum · moving + (1 - momentum) · batch's
    otherwise   y = γ (x - moving_mean) / √(moving_variance + ε) + β

``momentum`` is what is *kept*, so MindSpore's 0.9 is torch's 0.1. The variance that enters the moving
average is the unbiased one (divided by n - 1), in MindSpore 2.10 on CPU as in torch.
"""

from typing import Any

import torch
from torch.nn.functional import batch_norm

from ..cell import Cell
from ..dtype import as_dtype
from ..initializer import initializer
from ..parameter import Parameter
from .arguments import channels_first, whole


class BatchNorm2d(Cell):
    """Normalize each channel of (batch, num_features, height, width).

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
            raise ValueError(f"eps of BatchNorm2d must be above 0, not {eps!r}")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum of BatchNorm2d must lie in [0, 1], not {momentum!r}")
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
        if x.dim() != 4:
            raise ValueError(f"BatchNorm2d takes (batch, {self.num_features}, height, width), not {tuple(x.shape)}")
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
