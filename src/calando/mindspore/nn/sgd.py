"""SGD as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.sgd import SGD as PLAIN
from ...rules.sgd import SGD_MOMENTUM, SGD_NESTEROV
from ..optimizer import Optimizer
from ..state import Stored


class SGD(Optimizer):
    """Gradient descent, plain, with momentum, or with Nesterov's look ahead.

    Takes the place of ``mindspore.nn.SGD``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group (MindSpore's SGD refuses a dynamic
    weight decay); all can be changed at any time. The formula is in ``calando.rules.sgd``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        momentum: keep factor of the running sum of gradients, in [0, inf). The constant 0 means no sum.
        dampening: 1 - dampening is the share of a new gradient, from the second update on; in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        nesterov: look ahead; needs momentum, and no dampening.
        loss_scale: what gradients are divided by, above 0.
        max_norm: bound for the norm of all gradients together; None: no bound.
        on_nonfinite: what a gradient with infinity or not-a-number does: ``"train"`` on as MindSpore does,
            ``"skip"`` the step (the clock too), or ``"raise"``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("momentum", "dampening")
    DOMAIN = {**SGD_MOMENTUM.domain, "dampening": (0.0, float("inf"))}
    STORED = Stored({"m": "accum.{}"}, numbers={"momentum": "momentum"}, fresh="stat.{}", idle=("m",))

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 0.1,
        momentum: Any = 0.0,
        dampening: Any = 0.0,
        weight_decay: Any = 0.0,
        nesterov: bool = False,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._nesterov = nesterov
        values = {
            "lr": learning_rate,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
        }
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        momentum, dampening = (hyper.timelines[name].latest for name in ("momentum", "dampening"))
        if self._nesterov and (momentum == 0.0 or dampening != 0.0):
            raise ValueError(
                f"{hyper.place}: nesterov needs a momentum above 0 and no dampening, but got {momentum=}, {dampening=}"
            )
        if momentum == 0.0:
            return PLAIN
        return SGD_NESTEROV if self._nesterov else SGD_MOMENTUM
