"""Adamax as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.adamax import ADAMAX
from .optimizer import Optimizer


class Adamax(Optimizer):
    """Adamax (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 2): Adam with the largest gradient, fading.

    Takes the place of ``torch.optim.Adamax``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.adamax``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the mean of g and of the largest |g|, each in [0, 1).
        eps: added to the denominator, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        maximize: climb instead of descend.
        foreach: accepted and not needed; there is one implementation per device.
        capturable, differentiable: refused when true.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps", "weight_decay": "weight_decay"}
    DOMAIN = ADAMAX.domain
    SLOTS = {"m": "exp_avg", "u": "exp_inf"}

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAMAX
