"""Adan, which torch.optim lacks."""

from collections.abc import Mapping
from typing import Any

from ..decay import DECOUPLED, INSIDE, Decay
from ..hyper import Hyper
from ..rule import Rule
from ..rules.adan import ADAN, ADAN_DECOUPLED
from .optimizer import Optimizer


class Adan(Optimizer):
    """Adan (Xie et al. 2022, arXiv:2208.06677, Algorithm 1): Nesterov's momentum for Adam.

    torch.optim has no such class; names, defaults and betas are those of the authors' code. The formula is in
    ``calando.rules.adan``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the means of g, of its differences and of squares, each in [0, 1).
        eps: added to the denominator after bias correction, in [0, inf).
        weight_decay: λ, in [0, inf); p is divided by 1 + lr λ after the step.
        no_prox: multiply p by 1 - lr λ before the step instead.
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2", "beta3"), "eps": "eps", "weight_decay": "weight_decay"}
    DOMAIN = ADAN.domain
    SLOTS = {"m": "exp_avg", "n": "exp_avg_diff", "v": "exp_avg_sq", "h": "previous_grad"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.98, 0.92, 0.99),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        no_prox: bool = False,
        *,
        maximize: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "no_prox": no_prox,
            "maximize": maximize,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAN_DECOUPLED if group["no_prox"] else ADAN

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return DECOUPLED if group["no_prox"] else INSIDE
