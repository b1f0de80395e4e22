"""Adagrad as mindspore.nn spells it."""

from typing import Any

from ...hyper import Hyper, is_number, shown
from ...rule import Rule
from ...rules.adagrad import ADAGRAD_EPSILON_INSIDE, ADAGRAD_STANDING
from ...rules.proximal import PROXIMAL_ADAGRAD
from ..optimizer import Optimizer
from ..state import Stored


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan & Singer 2011): steps divided by the root of all squared gradients so far.

    Takes the place of ``mindspore.nn.Adagrad``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.adagrad``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        accum: where the sum of squares starts, ≥ 0.
        learning_rate: step size, in [0, inf).
        update_slots: whether the sum grows; False keeps it at ``accum`` (MindSpore's CPU kernel ignores it).
        loss_scale: what gradients are divided by, above 0.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ()
    DOMAIN = ADAGRAD_EPSILON_INSIDE.domain
    STORED = Stored({"s": "accum.{}"}, sizes=("s",))

    def __init__(
        self,
        params: Any,
        accum: float = 0.1,
        learning_rate: Any = 1e-3,
        update_slots: bool = True,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._accum, self._update_slots = start(accum, "Adagrad"), update_slots
        values = {"lr": learning_rate, "weight_decay": weight_decay, "eps": 1e-8}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ADAGRAD_EPSILON_INSIDE if self._update_slots else ADAGRAD_STANDING

    def _starts(self) -> dict[str, float]:
        return {"s": self._accum}


class ProximalAdagrad(Optimizer):
    """Adagrad, then shrinking towards zero (Duchi & Singer 2009).

    Takes the place of ``mindspore.nn.ProximalAdagrad``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    The formula is in ``calando.rules.proximal``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        accum: where the sum of squares starts, ≥ 0.
        learning_rate: step size, in [0, inf).
        l1, l2: how strongly weights are drawn to zero, each in [0, inf).
        use_locking: accepted and not needed: nothing else writes while a step runs.
        loss_scale: what gradients are divided by, above 0.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("l1", "l2")
    SPARSE = "rows"
    DOMAIN = PROXIMAL_ADAGRAD.domain
    STORED = Stored({"s": "accum.{}"}, sizes=("s",))

    def __init__(
        self,
        params: Any,
        accum: float = 0.1,
        learning_rate: Any = 1e-3,
        l1: Any = 0.0,
        l2: Any = 0.0,
        use_locking: bool = False,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._accum = start(accum, "ProximalAdagrad")
        values = {"lr": learning_rate, "weight_decay": weight_decay, "l1": l1, "l2": l2}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return PROXIMAL_ADAGRAD

    def _starts(self) -> dict[str, float]:
        return {"s": self._accum}


def start(accum: Any, owner: str, name: str = "accum") -> float:
    """Where a sum of squares starts, if it can."""
    if isinstance(accum, bool) or not is_number(accum):
        raise TypeError(f"For '{owner}': {name!r} must be a number, but got {shown(accum)}")
    if not 0.0 <= float(accum) < float("inf"):
        raise ValueError(f"For '{owner}': {name!r} must lie in [0, inf), but got {accum!r}")
    return float(accum)
