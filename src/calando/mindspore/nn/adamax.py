"""AdaMax as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.adamax import ADAMAX_EPSILON_LAST
from ..optimizer import Optimizer
from ..state import Stored
from .adam import DOMAIN


class AdaMax(Optimizer):
    """AdaMax (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 2): Adam with the largest gradient, fading.

    Takes the place of ``mindspore.nn.AdaMax``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.adamax``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        beta1, beta2: keep factors of the mean of g and of the largest |g|, each in (0, 1).
        eps: added to the denominator, in (0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        loss_scale: what gradients are divided by, above 0.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = DOMAIN
    STORED = Stored({"m": "moment1.{}", "u": "moment2.{}"}, powers={"beta1": "beta1_power"}, axes=(1,), sizes=("u",))

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
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {
            "lr": learning_rate,
            "weight_decay": weight_decay,
            "beta1": beta1,
            "beta2": beta2,
            "eps": eps,
        }
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ADAMAX_EPSILON_LAST
