"""RAdam: what MindSpore lacks in nn."""

from typing import Any

from ...decay import DECOUPLED, L2, Decay
from ...hyper import Hyper
from ...rule import Rule
from ...rules.radam import RADAM
from ..optimizer import Optimizer
from ..state import Stored


class RAdam(Optimizer):
    """RAdam (Liu et al. 2020, arXiv:1908.03265): Adam that waits until its second moment can be trusted.

    ``mindspore.nn`` has none; this one follows ``torch.optim.RAdam`` step by step, in MindSpore's manners.
    The formula is in ``calando.rules.radam``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        beta1, beta2: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient, or with ``decoupled_weight_decay`` lr λ p taken
            from p, per step.
        loss_scale: what gradients are divided by, above 0.
        decoupled_weight_decay: decay as AdamW does.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = RADAM.domain
    STORED = Stored({"m": "exp_avg.{}", "v": "exp_avg_sq.{}"}, sizes=("v",))
    SINGLE = False  # torch.optim computes with exact hyperparameters

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-8,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        decoupled_weight_decay: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._decoupled = decoupled_weight_decay
        values = {
            "lr": learning_rate,
            "weight_decay": weight_decay,
            "beta1": beta1,
            "beta2": beta2,
            "eps": eps,
        }
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return RADAM

    def _decay(self) -> Decay:
        return DECOUPLED if self._decoupled else L2
