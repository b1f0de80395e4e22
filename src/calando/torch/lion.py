"""Lion, which torch.optim lacks."""

from collections.abc import Mapping
from typing import Any

from ..decay import DECOUPLED, Decay
from ..hyper import Hyper
from ..rule import Rule
from ..rules.lion import LION
from .optimizer import Optimizer


class Lion(Optimizer):
    """Lion (Chen et al. 2023, arXiv:2302.06675, Algorithm 2): the sign of a look-ahead mean of gradients.

    torch.optim has no such class. The formula is in ``calando.rules.lion``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: how far every element moves, in [0, inf); 3 to 10 times smaller than for AdamW.
        betas: keep factors of the look-ahead and of the running mean, each in [0, 1).
        weight_decay: λ, in [0, inf); lr λ p is taken from p per step.
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2"), "weight_decay": "weight_decay"}
    DOMAIN = LION.domain
    SLOTS = {"m": "exp_avg"}
    AGED = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-4,
        betas: Any = (0.9, 0.99),
        weight_decay: Any = 0,
        *,
        maximize: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return LION

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return DECOUPLED
