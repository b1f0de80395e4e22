"""AdaFactor as mindspore.nn spells it."""

from typing import Any

from ...decay import INSIDE
from ...hyper import Hyper, is_number, shown
from ...rule import Rule
from ...rules.whole.adafactor import (
    ADAFACTOR_EPSILON,
    ADAFACTOR_EPSILON_SCALED,
    MOMENTUM_DOMAIN,
    relative_step,
    relative_step_warming_up,
)
from ...schedules import Function, Schedule
from ..optimizer import Optimizer
from ..state import Stored
from .rprop import pair


class AdaFactor(Optimizer):
    """AdaFactor (Shazeer & Stern 2018, arXiv:1804.04235): second moments kept as one column and one row.

    Takes the place of ``mindspore.nn.AdaFactor``: same arguments, and the path that its documentation gives: unlike
    its CPU kernel it hears the loss scale and the weight decay of groups. Beyond it: any hyperparameter may be a list,
    a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.whole.adafactor``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf); None with ``relative_step``.
        eps: added to squares, and below which the length of the weights does not fall; each in [0, inf).
        clip_threshold: bound for the root mean square of an update before it is scaled, above 0.
        decay_rate: a new square has the share t^-decay_rate, in (0, 1).
        beta1: keep factor of the running mean of updates, in [0, 1); 0 or None: no such mean.
        weight_decay: λ, in [0, inf); λ times the step size, times p, is taken from p; "beta" and "gamma" too, as there.
        scale_parameter: scale steps by the root mean square of the parameter; a learning rate that is no plain number
            (a Tensor, a list, a schedule) switches it off, as there.
        relative_step: the step size is min(0.01, 1/√t).
        warmup_init: with ``relative_step``: min(10⁻⁶ t, 1/√t).
        compression: round the second moments of vectors to float16, as MindSpore stores them then.
        loss_scale: what gradients are divided by, above 0.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("eps1", "eps2", "clip_threshold", "decay_rate", "beta1")
    OURS = {"clip_threshold": "d"}
    PAIRS = {"eps": ("eps1", "eps2")}
    DOMAIN = {**MOMENTUM_DOMAIN, "decay_rate": (5e-324, 1.0)}
    DECAY = INSIDE
    FILTER = False
    STORED = Stored(
        {"m": "exp_avg.{}", "r": "exp_avg_sq_row_{}", "c": "exp_avg_sq_col_{}", "v": "exp_avg_sq_{}"},
        idle=("r", "c", "v"),
        blank=(1,),
        age="afactor_step",
        sizes=("r", "c", "v"),
        computed=(relative_step, relative_step_warming_up),
        halved=lambda rule, slot: slot == "v" and rule.name.endswith("compressed_vector"),
    )

    def __init__(
        self,
        params: Any,
        learning_rate: Any = None,
        eps: Any = (1e-30, 1e-3),
        clip_threshold: Any = 1.0,
        decay_rate: Any = 0.8,
        beta1: Any = 0.9,
        weight_decay: Any = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = True,
        warmup_init: bool = False,
        compression: bool = False,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        rate = step_size(learning_rate, relative_step, warmup_init)
        plain = learning_rate is None or is_number(learning_rate)
        self.__dict__.update(
            _scaled=scale_parameter and plain, _relative=learning_rate is None, _compressed=compression
        )
        values = {
            **pair("eps", eps, self.PAIRS["eps"], "AdaFactor"),
            "lr": rate,
            "d": clip_threshold,
            "decay_rate": decay_rate,
            "beta1": 0.0 if beta1 is None else beta1,
            "weight_decay": weight_decay,
        }
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        latest = {name: hyper.timelines[name].latest for name in ("lr", "beta1")}
        moving = isinstance(latest["lr"], Schedule) and not self._relative
        rules = ADAFACTOR_EPSILON if moving or not self._scaled else ADAFACTOR_EPSILON_SCALED
        return rules[latest["beta1"] != 0.0, self._compressed]


def step_size(learning_rate: Any, relative: bool, warmup: bool) -> Any:
    """What the learning rate is, from the three arguments that say so.

    Raises:
        ValueError: they contradict each other.
    """
    if learning_rate is not None and relative:
        raise ValueError(
            f"For 'AdaFactor': 'learning_rate' is {shown(learning_rate)} and relative_step is True; "
            "give relative_step=False, or no learning rate"
        )
    if learning_rate is None and not relative:
        raise ValueError("For 'AdaFactor': relative_step is False, so 'learning_rate' must be given")
    if warmup and not relative:
        raise ValueError("For 'AdaFactor': warmup_init needs relative_step=True")
    if learning_rate is not None:
        return learning_rate
    return Function(relative_step_warming_up if warmup else relative_step)
