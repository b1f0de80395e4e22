"""Adafactor as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..decay import INSIDE, Decay
from ..hyper import Hyper, is_number
from ..rule import Rule
from ..rules.whole.adafactor import ADAFACTOR
from .optimizer import Optimizer
from .refusals import refuse_complex


class Adafactor(Optimizer):
    """Adafactor (Shazeer & Stern 2018, arXiv:1804.04235): second moments kept as one column and one row.

    Takes the place of ``torch.optim.Adafactor``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.whole.adafactor``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: upper bound of the relative step size 1/√t, in [0, inf).
        beta2_decay: δ ≤ 0: a new square has the share t^δ.
        eps: ε₁, below which no second moment falls (None: the machine epsilon of the dtype), and ε₂, below which
            the length of the weights does not fall; each in [0, inf).
        d: bound for the root mean square of an update before it is scaled, ≥ 1.
        weight_decay: λ, in [0, inf); lr λ p is taken from p per step.
        maximize: climb instead of descend.
        foreach: accepted and not needed; there is one implementation per device.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr",
        "beta2_decay": "beta2_decay",
        "eps": ("eps1", "eps2"),
        "d": "d",
        "weight_decay": "weight_decay",
    }
    DOMAIN = ADAFACTOR.domain
    SLOTS = {"r": "row_var", "c": "col_var", "v": "variance"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: Any = -0.8,
        eps: Any = (None, 1e-3),
        d: Any = 1.0,
        weight_decay: Any = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        if isinstance(eps, (tuple, list)) and eps and is_number(eps[0]) and eps[0] < 0:
            raise ValueError(f"For 'Adafactor': 'eps' must begin with None or a number from 0 on, but got {eps[0]}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        refuse_complex(type(self).__name__, hyper.place, group)
        return ADAFACTOR

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return INSIDE
