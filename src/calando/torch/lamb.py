"""Lamb, which torch.optim lacks."""

from collections.abc import Mapping
from typing import Any

from ..decay import INSIDE, Decay
from ..hyper import Hyper
from ..rule import Rule
from ..rules.lamb import LAMB
from .optimizer import Optimizer


class Lamb(Optimizer):
    """Lamb (You et al. 2020, arXiv:1904.00962, Algorithm 2): Adam with steps as long as the weights, for large batches.

    torch.optim has no such class. ``mindspore.nn.Lamb`` differs: its kernel bounds the trust ratio at 10
    (``calando.mindspore.nn.Lamb`` follows it). The formula is in ``calando.rules.lamb``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: length of a step over the length of the weights, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator after bias correction, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is part of the update whose length is measured.
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps", "weight_decay": "weight_decay"}
    DOMAIN = LAMB.domain
    SLOTS = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-6,
        weight_decay: Any = 0,
        *,
        maximize: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return LAMB

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return INSIDE
