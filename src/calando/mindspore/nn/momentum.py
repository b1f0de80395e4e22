"""Momentum as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.sgd import MOMENTUM, MOMENTUM_NESTEROV
from ..optimizer import Optimizer
from ..state import Stored


class Momentum(Optimizer):
    """Gradient descent with momentum: m ← μ m + g, p ← p - lr m.

    Takes the place of ``mindspore.nn.Momentum``: same arguments, same path; with ``use_nesterov`` as
    documented, p ← p - lr (g + μ m), which MindSpore's CPU kernel ignores. Beyond it: any hyperparameter
    may be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        momentum: keep factor of the running sum of gradients, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        loss_scale: what gradients are divided by, above 0.
        use_nesterov: look ahead.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("momentum",)
    DOMAIN = MOMENTUM.domain
    STORED = Stored({"m": "moments.{}"}, numbers={"momentum": "momentum"})

    def __init__(
        self,
        params: Any,
        learning_rate: Any,
        momentum: Any,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        use_nesterov: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
        self._nesterov = use_nesterov
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return MOMENTUM_NESTEROV if self._nesterov else MOMENTUM
