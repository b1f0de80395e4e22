"""Rprop as ``mindspore.nn`` computes it."""

from collections.abc import Mapping
from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.rprop import RPROP
from .formula import Formula


class Rprop(Formula):
    """Rprop (Riedmiller & Braun 1993) as ``mindspore.nn.Rprop``: with a weight decay, which ``torch.optim``'s lacks.

    The formula is in ``calando.rules.rprop``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: the first step size of a parameter, in [0, inf); read at its first update only.
        etas: factors of the step size where the gradient changed its sign, in (0, 1), and where not, above 1.
        step_sizes: smallest and largest step size.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr", "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max"),
        "weight_decay": "weight_decay",
    }  # fmt: skip
    DOMAIN = RPROP.domain
    SLOTS = {"h": "prev", "s": "step_size"}

    def __init__(
        self,
        params: Any,
        lr: Any = 0.1,
        etas: Any = (0.5, 1.2),
        step_sizes: Any = (1e-6, 50.0),
        weight_decay: Any = 0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "weight_decay": weight_decay}
        super().__init__(params, values, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return RPROP
