"""NAdam as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..decay import DECOUPLED, L2, Decay
from ..hyper import Hyper
from ..rule import Rule
from ..rules.nadam import NADAM
from .optimizer import Optimizer


class NAdam(Optimizer):
    """NAdam (Dozat 2016): Adam with Nesterov's look ahead.

    Takes the place of ``torch.optim.NAdam``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.nadam``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient, or with ``decoupled_weight_decay`` lr λ p
            taken from p, per step.
        momentum_decay: ψ, in [0, inf): how fast the look ahead reaches β₁, per update.
        decoupled_weight_decay: decay as AdamW does.
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
        "betas": ("beta1", "beta2"),
        "eps": "eps",
        "weight_decay": "weight_decay",
        "momentum_decay": "momentum_decay",
    }
    DOMAIN = NADAM.domain
    SLOTS = {"m": "exp_avg", "v": "exp_avg_sq"}
    MEMORY = ("mu_product",)

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        momentum_decay: Any = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return NADAM

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return DECOUPLED if group["decoupled_weight_decay"] else L2
