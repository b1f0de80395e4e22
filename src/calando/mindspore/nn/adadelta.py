"""Adadelta as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.adadelta import ADADELTA
from ..optimizer import Optimizer
from ..state import Stored


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, arXiv:1212.5701): steps measured by the steps before them.

    Takes the place of ``mindspore.nn.Adadelta``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.adadelta``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        rho: keep factor of the running means, in [0, 1].
        epsilon: added inside both roots, in [0, inf).
        loss_scale: what gradients are divided by, above 0.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("rho", "epsilon")
    OURS = {"epsilon": "eps"}
    DOMAIN = ADADELTA.domain
    STORED = Stored({"v": "accum.{}", "q": "accum_update.{}"}, sizes=("v", "q"))

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1.0,
        rho: Any = 0.9,
        epsilon: Any = 1e-6,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": learning_rate, "weight_decay": weight_decay, "rho": rho, "eps": epsilon}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ADADELTA
