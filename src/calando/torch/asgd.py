"""ASGD as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.asgd import ASGD as RULE
from .optimizer import Optimizer


class ASGD(Optimizer):
    """Averaged gradient descent (Polyak & Juditsky 1992).

    Takes the place of ``torch.optim.ASGD``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.asgd``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf); a change acts one step late, as in torch.
        lambd: λ, decay of p and of the step.
        alpha: power of the step's fading.
        t0: the update from which on the average is taken.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        maximize: climb instead of descend.
        foreach: accepted and not needed; there is one implementation per device.
        capturable, differentiable: refused when true.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {name: name for name in ("lr", "lambd", "alpha", "t0", "weight_decay")}
    DOMAIN = RULE.domain
    SLOTS = {"x": "ax"}
    MEMORY = ("eta", "mu")

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: Any = 1e-4,
        alpha: Any = 0.75,
        t0: Any = 1e6,
        weight_decay: Any = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return RULE
