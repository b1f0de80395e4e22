"""SparseAdam as torch.optim spells it, and LazyAdam, which torch.optim lacks."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..hyper import Hyper
from ..rule import Rule
from ..rules.adam import ADAM_EPSILON_HAT, ADAM_EPSILON_HAT_AHEAD
from .optimizer import Optimizer
from .refusals import refuse_complex


class SparseAdam(Optimizer):
    """Adam for sparse gradients: only the rows that a gradient has are updated, their means too.

    Takes the place of ``torch.optim.SparseAdam``: same arguments, same ``state_dict``, same path (float64 to
    1e-12); eps is added before the second bias correction, as there. Every number may also be a list, a schedule or a
    function of the step; the formula is ``ADAM_EPSILON_HAT`` in ``calando.rules.adam``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator, in [0, inf).
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice, a sparse parameter.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
        RuntimeError: at a step, a dense gradient.
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps"}
    DOMAIN = ADAM_EPSILON_HAT.domain
    SLOTS = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        maximize: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """As ``Optimizer.step``; RuntimeError for a dense gradient, before anything has changed."""
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for number, group in enumerate(self.param_groups):
            for i, p in enumerate(group["params"]):
                if p.grad is not None and p.grad.layout is torch.strided:
                    raise RuntimeError(
                        f"For 'SparseAdam', group {number}: the gradient of parameter {i} is dense; use Adam for it"
                    )
        super().step()
        return None if closure is None else loss

    def _stored(self, stored: dict[str, Any]) -> dict[str, Any]:
        """As ``Optimizer._stored``; the age (``"step"``) is a plain int, as in torch's class."""
        state = {key: {**face, "step": int(face["step"])} for key, face in stored["state"].items()}
        return super()._stored({**stored, "state": state})

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        refuse_complex(type(self).__name__, hyper.place, group, ValueError)
        return ADAM_EPSILON_HAT

    def _sparse(self, group: Mapping[str, Any], hyper: Hyper) -> str:
        return "rows"


class LazyAdam(Optimizer):
    """Adam that updates, where a gradient is sparse, only the rows that it has; dense gradients as usual.

    torch.optim has no such class; the path is that of ``mindspore.nn.LazyAdam``, which adds eps before the second bias
    correction. The formulas are ``ADAM_EPSILON_HAT`` and ``…_AHEAD`` in ``calando.rules.adam``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        betas: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient, in the rows that it has.
        nesterov: look ahead.
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "betas": ("beta1", "beta2"), "eps": "eps", "weight_decay": "weight_decay"}
    DOMAIN = ADAM_EPSILON_HAT.domain
    SLOTS = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: Any = 1e-8,
        weight_decay: Any = 0,
        nesterov: bool = False,
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
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAM_EPSILON_HAT_AHEAD if group["nesterov"] else ADAM_EPSILON_HAT

    def _sparse(self, group: Mapping[str, Any], hyper: Hyper) -> str:
        return "rows"
