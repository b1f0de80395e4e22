"""Adagrad as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.adagrad import ADAGRAD
from .optimizer import Optimizer
from .refusals import started


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan & Singer 2011): steps divided by the root of all squared gradients so far.

    Takes the place of ``torch.optim.Adagrad``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.adagrad``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        lr_decay: η, in [0, inf): lr falls as 1/(1 + (t - 1) η), per update of a parameter.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        initial_accumulator_value: where the sum of squares starts, ≥ 0.
        eps: added to the root, in [0, inf).
        maximize: climb instead of descend.
        foreach, fused: accepted and not needed; there is one implementation per device.
        capturable, differentiable: refused when true.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {name: name for name in ("lr", "lr_decay", "weight_decay", "eps")}
    DOMAIN = ADAGRAD.domain
    SLOTS = {"s": "sum"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: Any = 0,
        weight_decay: Any = 0,
        initial_accumulator_value: float = 0,
        eps: Any = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": started("Adagrad", initial_accumulator_value),
            "eps": eps,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)
        self._begin()

    def share_memory(self) -> None:
        """Move the sums of all parameters into memory that processes share, as torch's class does."""
        self._listen()
        for face in self.state.values():
            if "sum" in face:
                face["sum"].share_memory_()

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAGRAD

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {"s": group["initial_accumulator_value"]}

    def _sparse(self, group: Mapping[str, Any], hyper: Hyper) -> str:
        return "rows" if hyper.timelines["weight_decay"].latest == 0.0 else "refuse"
