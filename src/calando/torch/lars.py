"""LARS, which torch.optim lacks."""

from collections.abc import Mapping
from typing import Any

from ..decay import Decay
from ..rules.lars import LARS_STARTING
from ..rules.sgd import SGD_MOMENTUM
from .optimizer import Optimizer
from .sgd import SGD


class LARS(SGD):
    """LARS (You, Gitman & Ginsburg 2017, arXiv:1708.03888, Algorithm 1): SGD with a step size for every layer.

    torch.optim has no such class. The gradient and its decay are scaled, for each parameter, by
    trust_coefficient ‖p‖ / (‖g‖ + λ ‖p‖ + eps) before momentum; by 1 where p or g is all zeros. The formula is in
    ``calando.rules.lars``. Biases and norms are usually given to a group of ``SGD`` instead.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        momentum, dampening, nesterov: as in ``SGD``.
        weight_decay: λ, in [0, inf); λ p is added to the gradient, and to its length.
        trust_coefficient: how long a step is over the weights at lr = 1, in [0, inf).
        eps: added to the denominator, in [0, inf).
        maximize: climb instead of descend.
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {**SGD.SPELLING, "trust_coefficient": "trust_coefficient", "eps": "trust_eps"}
    DOMAIN = {**SGD_MOMENTUM.domain, **LARS_STARTING.domain}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-1,
        momentum: Any = 0,
        dampening: Any = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        trust_coefficient: Any = 1e-3,
        eps: Any = 1e-8,
        maximize: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "trust_coefficient": trust_coefficient,
            "eps": eps,
            "maximize": maximize,
        }
        Optimizer.__init__(self, params, defaults, max_norm, on_nonfinite)

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return LARS_STARTING
