"""Rprop as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper, shown
from ...rule import Rule
from ...rules.rprop import RPROP
from ..optimizer import Optimizer
from ..state import Stored


class Rprop(Optimizer):
    """Rprop (Riedmiller & Braun 1993): every element has a step size of its own.

    Takes the place of ``mindspore.nn.Rprop``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.rprop``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: the first step size of a parameter, in [0, inf); read at its first update only, as there.
        etas: factors of the step size where the gradient changed its sign, in (0, 1), and where not, above 1.
        step_sizes: smallest and largest step size.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("eta_minus", "eta_plus", "step_min", "step_max")
    PAIRS = {"etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}
    DOMAIN = RPROP.domain
    STORED = Stored({"h": "prev.{}", "s": "step_size.{}"}, sizes=("s",))

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 0.1,
        etas: Any = (0.5, 1.2),
        step_sizes: Any = (1e-6, 50.0),
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {
            **pair("etas", etas, self.PAIRS["etas"]),
            **pair("step_sizes", step_sizes, self.PAIRS["step_sizes"]),
            "lr": learning_rate,
            "weight_decay": weight_decay,
        }
        super().__init__(params, values, max_norm=max_norm, on_nonfinite=on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return RPROP


def pair(name: str, value: Any, ours: tuple[str, str], owner: str = "Rprop") -> dict[str, Any]:
    """Two numbers given as one tuple."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"For '{owner}': {name!r} must be a tuple of two numbers, but got {shown(value)}")
    if name == "step_sizes" and all(isinstance(v, (int, float)) for v in value) and value[0] > value[1]:
        raise ValueError(f"For 'Rprop': 'step_sizes' must be (smallest, largest), but got {shown(value)}")
    return dict(zip(ours, value, strict=True))
