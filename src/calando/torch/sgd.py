"""SGD as torch.optim spells it."""

from collections.abc import Mapping
from typing import Any

from ..hyper import Hyper
from ..rule import Rule
from ..rules.sgd import SGD as PLAIN
from ..rules.sgd import SGD_MOMENTUM, SGD_NESTEROV
from .optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, plain, with momentum, or with Nesterov's look ahead (Sutskever et al. 2013).

    Takes the place of ``torch.optim.SGD``: same arguments, same ``state_dict``, same path (float64 to
    1e-12). Every number may also be a list, a schedule or a function of the step; the formula is in
    ``calando.rules.sgd``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        momentum: keep factor of the running sum of gradients, in [0, inf). The constant 0 means no such
            sum and no state, as in torch; a schedule keeps one even where it passes through 0.
        dampening: 1 - dampening is the share of a new gradient, from the second update on.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        nesterov: look ahead; needs momentum, and no dampening.
        maximize: climb instead of descend. A sparse gradient has zeros elsewhere, whatever the options.
        foreach, fused: accepted and not needed; there is one implementation per device.
        differentiable: refused when true.
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
        >>> w = torch.nn.Parameter(torch.ones(3))
        >>> optimizer = SGD([w], lr=lambda step: 0.1 / (1 + step), momentum=0.9)
        >>> optimizer.trace("lr", range(3), group=0).round(3).tolist()
        [0.1, 0.05, 0.033]
    """

    SPELLING = {name: name for name in ("lr", "momentum", "dampening", "weight_decay")}
    DOMAIN = SGD_MOMENTUM.domain
    SLOTS = {"m": "momentum_buffer"}
    LATE = ("m",)
    AGED = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: Any = 0,
        dampening: Any = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        momentum, dampening = (hyper.timelines[name].latest for name in ("momentum", "dampening"))
        still = momentum == 0.0 and self.defaults.get("momentum") != 0.0  # a group may do without, as in torch
        if group["nesterov"] and not still and (momentum == 0.0 or dampening != 0.0):
            got = f"but got {momentum=}, {dampening=}"
            raise ValueError(f"{hyper.place}: Nesterov momentum requires a momentum and zero dampening, {got}")
        if momentum == 0.0:
            return PLAIN
        return SGD_NESTEROV if group["nesterov"] else SGD_MOMENTUM

    def _sparse(self, group: Mapping[str, Any], hyper: Hyper) -> str:
        still = all(hyper.timelines[name].latest == 0.0 for name in ("momentum", "weight_decay"))
        return "rows" if still else "whole"
