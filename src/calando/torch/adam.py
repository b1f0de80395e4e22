"""Adam and AdamW as torch.optim spells them."""

from collections.abc import Mapping
from typing import Any

import torch

from ..decay import DECOUPLED, L2, Decay
from ..hyper import Hyper
from ..rule import Rule
from ..rules.adam import ADAM, AMSGRAD
from .optimizer import Optimizer


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), with L2 weight decay.

    Takes the place of ``torch.optim.Adam``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.adam``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator after bias correction, in [0, inf).
        weight_decay: λ, in [0, inf); added to the gradient as λ p, or with
            ``decoupled_weight_decay`` taken from p as lr λ p per step.
        amsgrad: divide by the largest v so far.
        maximize: climb instead of descend.
        foreach, fused: accepted and not needed; there is one implementation per device.
        capturable, differentiable: refused when true.
        decoupled_weight_decay: decay as AdamW does.
        max_norm: bound for the norm of the gradients of all groups together (2-norm, as
            ``torch.nn.utils.clip_grad_norm_``), inside the step; None: no bound. A group may have a bound of
            its own for that same norm.
        on_nonfinite: what a gradient with infinity or not-a-number does: ``"train"`` on as torch does,
            ``"skip"`` the step (the clock too), or ``"raise"``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.

    Example:
        >>> import torch
        >>> from calando.schedules import Linear
        >>> w = torch.nn.Parameter(torch.ones(3))
        >>> optimizer = Adam([w], lr=Linear(0.0, 0.1, steps=10))
        >>> optimizer.at(5)["lr"]
        0.05
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps", "weight_decay": "weight_decay"}
    DOMAIN = ADAM.domain
    SLOTS = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}
    LATE = ("v_max",)

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        refuse_tensors(f"For '{type(self).__name__}'", defaults)
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return AMSGRAD if group["amsgrad"] else ADAM

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return DECOUPLED if group.get("decoupled_weight_decay") else L2


def refuse_tensors(place: str, given: Mapping[str, Any]) -> None:
    """Raise ValueError for the mixtures of tensors, numbers and ``foreach`` that torch's Adam does not take."""
    betas = given["betas"] if isinstance(given["betas"], (tuple, list)) else ()
    tensors = [isinstance(x, torch.Tensor) for x in betas]
    if any(tensors) and not all(tensors):
        raise ValueError(f"{place}: 'betas' must be either both tensors or none, but got {given['betas']!r}")
    if given["foreach"] is True and (isinstance(given["lr"], torch.Tensor) or any(tensors)):
        name = "lr" if isinstance(given["lr"], torch.Tensor) else "betas"
        raise ValueError(f"{place}: {name!r} as a tensor does not go with foreach=True; leave foreach out")


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2).

    Takes the place of ``torch.optim.AdamW``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step.

    Args:
        weight_decay: λ, in [0, inf); lr λ p is taken from p per step.

    The other arguments are those of ``Adam``.

    Raises:
        ValueError, TypeError, KeyError: as ``Adam``.

    Example:
        >>> import torch
        >>> from calando.schedules import Cosine, Linear
        >>> w = torch.nn.Parameter(torch.ones(3))
        >>> rate = Linear(0.0, 3e-4, steps=500).then(Cosine(3e-4, 0.0, steps=9_500))
        >>> optimizer = AdamW([w], lr=rate, weight_decay=Cosine(0.1, 0.01, steps=10_000))
        >>> optimizer.at(250)["lr"]
        0.00015
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
            max_norm=max_norm,
            on_nonfinite=on_nonfinite,
        )

    FIXED = {"decoupled_weight_decay": True}
