"""Lamb as mindspore.nn spells it."""

from typing import Any

from ...decay import INSIDE
from ...hyper import Hyper
from ...rule import Rule
from ...rules.lamb import LAMB_CLIPPED
from ..optimizer import Optimizer
from ..state import Stored
from .adam import DOMAIN


class Lamb(Optimizer):
    """Lamb (You et al. 2020, arXiv:1904.00962, Algorithm 2): Adam with steps as long as the weights, for large batches.

    Takes the place of ``mindspore.nn.Lamb``, which has no CPU kernel: same arguments, and the path of its GPU kernel,
    which bounds the trust ratio at 10 and measures the update with eps inside the root. Beyond it: any hyperparameter
    may be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.lamb``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: length of a step over the length of the weights, in [0, inf).
        beta1, beta2: keep factors of the running means of g and g², each in (0, 1).
        eps: added to the denominator after bias correction, in (0, inf).
        weight_decay: λ, in [0, inf); λ p is part of the update whose length is measured.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = {**LAMB_CLIPPED.domain, **DOMAIN}
    DECAY = INSIDE
    STORED = Stored({"m": "lamb_m.{}", "v": "lamb_v.{}"}, sizes=("v",))

    def __init__(
        self,
        params: Any,
        learning_rate: Any,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-6,
        weight_decay: Any = 0.0,
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
        super().__init__(params, values, max_norm=max_norm, on_nonfinite=on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return LAMB_CLIPPED
