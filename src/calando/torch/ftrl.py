"""FTRL, which torch.optim lacks."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.ftrl import FTRL as ROOT
from ..rules.ftrl import FTRL_POWER
from .optimizer import Optimizer
from .refusals import started


class FTRL(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013, Algorithm 1): l1 keeps weights at exactly zero.

    torch.optim has no such class; the path is the one that ``mindspore.nn.FTRL`` documents. The formula is in
    ``calando.rules.ftrl``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in (0, inf).
        lr_power: minus the power of the sum of squares, ≤ 0.
        l1, l2: how strongly weights are drawn to zero, each in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        initial_accumulator_value: where the sum of squares starts, ≥ 0.
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {name: name for name in ("lr", "lr_power", "l1", "l2", "weight_decay")}
    DOMAIN = FTRL_POWER.domain
    SLOTS = {"a": "sum", "z": "linear"}
    AGED = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        lr_power: Any = -0.5,
        l1: Any = 0,
        l2: Any = 0,
        weight_decay: Any = 0,
        initial_accumulator_value: float = 0.1,
        *,
        maximize: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_power": lr_power,
            "l1": l1,
            "l2": l2,
            "weight_decay": weight_decay,
            "initial_accumulator_value": started("FTRL", initial_accumulator_value),
            "maximize": maximize,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ROOT if hyper.timelines["lr_power"].latest == -0.5 else FTRL_POWER

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {"a": group["initial_accumulator_value"]}
