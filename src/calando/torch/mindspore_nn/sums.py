"""Adagrad and RMSProp as ``mindspore.nn`` computes them."""

from collections.abc import Mapping
from typing import Any

from ...hyper import Hyper
from ...rule import Rule
from ...rules.adagrad import ADAGRAD_EPSILON_INSIDE
from ...rules.rmsprop import DOMAIN as RMSPROP_DOMAIN
from ...rules.rmsprop import RMSPROP_INSIDE, RMSPROP_INSIDE_CENTERED
from ..refusals import started
from .formula import Formula


class Adagrad(Formula):
    """Adagrad (Duchi, Hazan & Singer 2011) as ``mindspore.nn.Adagrad``: a fixed 1e-8 inside the root.

    ``torch.optim.Adagrad`` has its ε outside: where the sum of squares is small, the two part. The formula is
    ``ADAGRAD_EPSILON_INSIDE`` in ``calando.rules.adagrad``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        initial_accumulator_value: where the sum of squares starts (MindSpore's ``accum``), ≥ 0.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "weight_decay": "weight_decay", "eps": "eps"}
    DOMAIN = ADAGRAD_EPSILON_INSIDE.domain
    SLOTS = {"s": "sum"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        initial_accumulator_value: float = 0.1,
        weight_decay: Any = 0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        held = started("Adagrad", initial_accumulator_value)
        values = {"lr": lr, "weight_decay": weight_decay, "initial_accumulator_value": held, "eps": 1e-8}
        super().__init__(params, values, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return ADAGRAD_EPSILON_INSIDE

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {"s": group["initial_accumulator_value"]}


class RMSProp(Formula):
    """RMSProp (Tieleman & Hinton 2012) as ``mindspore.nn.RMSProp``: the mean of g² starts at 1, ε inside the root.

    ``torch.optim.RMSprop`` starts at 0, with ε outside. The formula is in ``calando.rules.rmsprop``.

    Args:
        params: tensors, ``named_parameters()``, or dictionaries as in torch; iterators too.
        lr: step size, in [0, inf).
        alpha: keep factor of the running mean of g² (MindSpore's ``decay``), in [0, 1].
        eps: added inside the root (MindSpore's ``epsilon``), in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        momentum: keep factor of the running sum of steps, in [0, inf).
        centered: divide by the root of the variance (Graves 2013).
        max_norm, on_nonfinite: as in ``calando.torch.Adam``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.
    """

    SPELLING = {"lr": "lr", "alpha": "rho", "eps": "eps", "weight_decay": "weight_decay", "momentum": "momentum"}
    DOMAIN = {**RMSPROP_DOMAIN, "rho": (0.0, 1.0000000000000002)}
    SLOTS = {"v": "square_avg", "m": "momentum_buffer", "c": "grad_avg"}

    def __init__(
        self,
        params: Any,
        lr: Any = 0.1,
        alpha: Any = 0.9,
        eps: Any = 1e-10,
        weight_decay: Any = 0,
        momentum: Any = 0,
        centered: bool = False,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**values, "centered": centered}, max_norm, on_nonfinite)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        return RMSPROP_INSIDE_CENTERED if group["centered"] else RMSPROP_INSIDE

    def _starts(self, group: Mapping[str, Any]) -> dict[str, float]:
        return {"v": 1.0}
