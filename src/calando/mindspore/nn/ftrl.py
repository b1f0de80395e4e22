"""FTRL as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.ftrl import FTRL as ROOT
from ...rules.ftrl import FTRL_POWER
from ..optimizer import Optimizer
from ..state import Stored
from .adagrad import start


class FTRL(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013, Algorithm 1): l1 keeps weights at exactly zero.

    Takes the place of ``mindspore.nn.FTRL``: same arguments, and the path that its documentation gives (its CPU
    kernel takes l1 where the formula says sign(z) l1). Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    A dynamic or grouped learning rate, which MindSpore refuses,
    works. Weight decay applies to all parameters, "beta" and "gamma" included, as there.
    The formula is in ``calando.rules.ftrl``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        initial_accum: where the sum of squares starts, ≥ 0.
        learning_rate: step size, in (0, inf).
        lr_power: minus the power of the sum, ≤ 0.
        l1, l2: how strongly weights are drawn to zero, each in [0, inf).
        use_locking: accepted and not needed: nothing else writes while a step runs.
        loss_scale: what gradients are divided by, above 0.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("l1", "l2", "lr_power")
    SPARSE = "rows"
    DOMAIN = FTRL_POWER.domain
    STORED = Stored({"a": "moments.{}", "z": "linear.{}"}, sizes=("a",))
    FILTER = False

    def __init__(
        self,
        params: Any,
        initial_accum: float = 0.1,
        learning_rate: Any = 1e-3,
        lr_power: Any = -0.5,
        l1: Any = 0.0,
        l2: Any = 0.0,
        use_locking: bool = False,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._accum = start(initial_accum, "FTRL", "initial_accum")
        values = {"lr": learning_rate, "weight_decay": weight_decay, "l1": l1, "l2": l2, "lr_power": lr_power}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ROOT if hyper.timelines["lr_power"].latest == -0.5 else FTRL_POWER

    def _starts(self) -> dict[str, float]:
        return {"a": self._accum}
