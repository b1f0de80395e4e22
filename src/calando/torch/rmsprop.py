"""RMSprop as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.rmsprop import (
    DOMAIN,
    RMSPROP,
    RMSPROP_CENTERED,
    RMSPROP_CENTERED_MOMENTUM,
    RMSPROP_MOMENTUM,
)
from .optimizer import Optimizer


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012, Lecture 6.5): steps divided by the root of a running mean of g².

    Takes the place of ``torch.optim.RMSprop``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.rmsprop``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        alpha: keep factor of the running mean of g², in [0, inf).
        eps: added to the root, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        momentum: keep factor of the running sum of steps, in [0, inf); the constant 0 means no such sum.
        centered: divide by the root of the variance (Graves 2013).
        maximize: climb instead of descend.
        foreach: accepted and not needed; there is one implementation per device.
        capturable, differentiable: refused when true.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr",
        "alpha": "rho",
        "eps": "eps",
        "weight_decay": "weight_decay",
        "momentum": "momentum",
    }
    DOMAIN = DOMAIN
    SLOTS = {"v": "square_avg", "m": "momentum_buffer", "c": "grad_avg"}
    LATE = ("m", "c")

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: Any = 0.99,
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        momentum: Any = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        if hyper.timelines["momentum"].latest == 0.0:
            return RMSPROP_CENTERED if group["centered"] else RMSPROP
        return RMSPROP_CENTERED_MOMENTUM if group["centered"] else RMSPROP_MOMENTUM
