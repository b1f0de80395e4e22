"""RMSProp as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.rmsprop import DOMAIN, RMSPROP_INSIDE, RMSPROP_INSIDE_CENTERED
from ..optimizer import Optimizer
from ..state import Stored


class RMSProp(Optimizer):
    """RMSProp (Tieleman & Hinton 2012): steps divided by the root of a running mean of g².

    Takes the place of ``mindspore.nn.RMSProp``: same arguments, and the path that its documentation gives: ε inside
    the root (its CPU kernel for float32 puts it outside in blocks of eight). The mean of g² starts at 1.
    Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.rmsprop``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        decay: keep factor of the running mean of g², in [0, 1].
        momentum: keep factor of the running sum of steps, in [0, inf).
        epsilon: added inside the root, in [0, inf).
        use_locking: accepted and not needed: nothing else writes while a step runs.
        centered: divide by the root of the variance (Graves 2013).
        loss_scale: what gradients are divided by, above 0.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("decay", "momentum", "epsilon")
    OURS = {"decay": "rho", "epsilon": "eps"}
    STORED = Stored({"c": "mean_grad.{}", "v": "mean_square.{}", "m": "moment.{}"}, sizes=("v",))
    DOMAIN = {**DOMAIN, "rho": (0.0, 1.0000000000000002)}

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 0.1,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._centered = centered
        values = {
            "lr": learning_rate,
            "weight_decay": weight_decay,
            "rho": decay,
            "momentum": momentum,
            "eps": epsilon,
        }
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return RMSPROP_INSIDE_CENTERED if self._centered else RMSPROP_INSIDE

    def _starts(self) -> dict[str, float]:
        return {"v": 1.0}
