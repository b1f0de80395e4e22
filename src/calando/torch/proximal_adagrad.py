"""ProximalAdagrad, which torch.optim lacks."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.proximal import PROXIMAL_ADAGRAD
from .optimizer import Optimizer
from .refusals import started


class ProximalAdagrad(Optimizer):
    """Adagrad, then shrinking towards zero (Duchi & Singer 2009).

    torch.optim has no such class; the path is that of ``mindspore.nn.ProximalAdagrad``. The formula is in
    ``calando.rules.proximal``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        l1, l2: how strongly weights are drawn to zero, each in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        initial_accumulator_value: where the sum of squares starts, ≥ 0.
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {name: name for name in ("lr", "l1", "l2", "weight_decay")}
    DOMAIN = PROXIMAL_ADAGRAD.domain
    SLOTS = {"s": "sum"}
    AGED = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
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
            "l1": l1,
            "l2": l2,
            "weight_decay": weight_decay,
            "initial_accumulator_value": started("ProximalAdagrad", initial_accumulator_value),
            "maximize": maximize,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return PROXIMAL_ADAGRAD

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {"s": group["initial_accumulator_value"]}
