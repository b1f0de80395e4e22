"""AdaFactor as ``mindspore.nn`` computes it."""

from collections.abc import Mapping
from typing import Any

from ...decay import INSIDE, Decay
from ...hyper import Hyper
from ...rule import Rule
from ...rules.whole.adafactor import (
    ADAFACTOR_EPSILON,
    ADAFACTOR_EPSILON_SCALED,
    MOMENTUM_DOMAIN,
    relative_step,
    relative_step_warming_up,
)
from ...schedules import Function, Schedule
from .formula import Formula


class AdaFactor(Formula):
    """AdaFactor (Shazeer & Stern 2018, arXiv:1804.04235) as ``mindspore.nn.AdaFactor``.

    ``torch.optim.Adafactor`` has no momentum, other bounds, and takes the decay from p. The formula is in
    ``calando.rules.whole.adafactor``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf); None: min(0.01, 1/√t).
        eps: added to squares, and below which the length of the weights does not fall; each in [0, inf).
        clip_threshold: bound for the root mean square of an update before it is scaled, above 0.
        decay_rate: a new square has the share t^-decay_rate, in (0, 1).
        beta1: keep factor of the running mean of updates, in [0, 1); 0 or None: no such mean.
        weight_decay: λ, in [0, inf); λ times the step size, times p, is taken from p.
        scale_parameter: scale steps by the root mean square of the parameter; a rate that is a list or a schedule
            switches it off, as there.
        warmup_init: without ``lr``: min(10⁻⁶ t, 1/√t).
        compression: round the second moments of vectors to float16, as MindSpore stores them then.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice; ``warmup_init``
            with an ``lr``.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {
        "lr": "lr", "eps": ("eps1", "eps2"), "clip_threshold": "d", "decay_rate": "decay_rate", "beta1": "beta1",
        "weight_decay": "weight_decay",
    }  # fmt: skip
    DOMAIN = {**MOMENTUM_DOMAIN, "decay_rate": (5e-324, 1.0)}
    SLOTS = {"m": "exp_avg", "r": "exp_avg_sq_row", "c": "exp_avg_sq_col", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Any,
        lr: Any = None,
        eps: Any = (1e-30, 1e-3),
        clip_threshold: Any = 1.0,
        decay_rate: Any = 0.8,
        beta1: Any = 0.9,
        weight_decay: Any = 0,
        scale_parameter: bool = True,
        warmup_init: bool = False,
        compression: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        if warmup_init and lr is not None:
            raise ValueError(f"For 'AdaFactor': warmup_init grows the step size that it finds itself, but lr is {lr!r}")
        relative = Function(relative_step_warming_up if warmup_init else relative_step)
        values = {
            "lr": relative if lr is None else lr,
            "eps": eps,
            "clip_threshold": clip_threshold,
            "decay_rate": decay_rate,
            "beta1": 0.0 if beta1 is None else beta1,
            "weight_decay": weight_decay,
        }
        structure = {"scale_parameter": scale_parameter, "relative": lr is None, "compression": compression}
        super().__init__(params, {**values, **structure}, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        moving = isinstance(hyper.timelines["lr"].latest, Schedule) and not group["relative"]
        rules = ADAFACTOR_EPSILON if moving or not group["scale_parameter"] else ADAFACTOR_EPSILON_SCALED
        return rules[hyper.timelines["beta1"].latest != 0.0, group["compression"]]

    def _decay(self, group: Mapping[str, Any]) -> Decay:
        return INSIDE
