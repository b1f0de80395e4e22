"""ASGD as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.asgd import ASGD as RULE
from ..optimizer import Optimizer
from ..state import Stored


class ASGD(Optimizer):
    """Averaged gradient descent (Polyak & Juditsky 1992).

    Takes the place of ``mindspore.nn.ASGD``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.asgd``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf); a change acts one step late, as there.
        lambd: λ, decay of p and of the step.
        alpha: power of the step's fading.
        t0: the update from which on the average is taken.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("lambd", "alpha", "t0")
    DOMAIN = RULE.domain
    STORED = Stored({"x": "ax_.{}"}, {"mu": "mu_{}", "eta": "eta_{}"})

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 0.1,
        lambd: Any = 1e-4,
        alpha: Any = 0.75,
        t0: Any = 1e6,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": learning_rate, "weight_decay": weight_decay, "lambd": lambd, "alpha": alpha, "t0": t0}
        super().__init__(params, values, max_norm=max_norm, on_nonfinite=on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return RULE
