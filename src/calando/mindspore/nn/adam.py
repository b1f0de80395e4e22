"""Adam and its kin as mindspore.nn spells them."""

from typing import Any

from ...decay import DECOUPLED
from ...hyper import TINY, Hyper
from ...rule import Rule
from ...rules.adam import ADAM_EPSILON_HAT, ADAM_EPSILON_HAT_AHEAD, ADAM_UNCORRECTED, AMSGRAD_EPSILON_HAT
from ..optimizer import Optimizer
from ..row_decay import RowDecay
from ..state import Stored

# MindSpore leaves out the ends that the mathematics would allow.
DOMAIN = {**ADAM_EPSILON_HAT.domain, "beta1": (TINY, 1.0), "beta2": (TINY, 1.0), "eps": (TINY, float("inf"))}
MOMENTS = {"m": "moment1.{}", "v": "moment2.{}", "v_max": "vhat.{}"}  # in MindSpore's checkpoints
POWERS = {"beta1": "beta1_power", "beta2": "beta2_power"}
SQUARES = ("v", "v_max")


class Adam(RowDecay, Optimizer):
    """Adam as ``mindspore.nn.Adam`` computes it: eps is added before the bias correction (ε̂ of the paper).

    Takes the place of ``mindspore.nn.Adam``: same arguments, same path. Beyond it: any hyperparameter may
    be a list, a schedule, a Cell or a function of the step, in any group, and can be changed at any time.
    ``torch.optim.Adam`` adds eps after the correction: that one is ``calando.torch.Adam``. The formulas are
    in ``calando.rules.adam``.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        beta1, beta2: keep factors of the running means of g and g², each in (0, 1).
        eps: added to √v, in (0, inf).
        use_locking: accepted and not needed: nothing else writes while a step runs.
        use_nesterov: look ahead with the new gradient; ignored together with ``use_amsgrad``, as there.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        loss_scale: what gradients are divided by, above 0.
        use_amsgrad: divide by the largest v so far.
        use_lazy: of a sparse gradient update only the rows that it has; else it has zeros elsewhere. In both cases
            only its rows decay, as there.
        use_offload: accepted: another implementation of the same path.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = DOMAIN
    STORED = Stored(MOMENTS, powers=POWERS, sizes=SQUARES)
    SPARSE = "whole"

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-8,
        use_locking: bool = False,
        use_nesterov: bool = False,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        use_amsgrad: bool = False,
        *,
        use_lazy: bool = False,
        use_offload: bool = False,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {
            "lr": learning_rate,
            "beta1": beta1,
            "beta2": beta2,
            "eps": eps,
            "weight_decay": weight_decay,
        }
        ahead = ADAM_EPSILON_HAT_AHEAD if use_nesterov else ADAM_EPSILON_HAT
        self._chosen_rule = AMSGRAD_EPSILON_HAT if use_amsgrad else ahead
        if use_lazy:
            self.__dict__["SPARSE"] = "rows"
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return self._chosen_rule


class LazyAdam(Adam):
    """Adam that updates, of a sparse gradient, only the rows that it has.

    Takes the place of ``mindspore.nn.LazyAdam``: same arguments, and for dense gradients the same path as
    ``Adam``. A sparse gradient (RowTensor, sparse torch tensor) moves its rows and their means only.

    Args:
        params, learning_rate, beta1, beta2, eps, use_locking, use_nesterov, weight_decay, loss_scale,
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    SPARSE = "rows"
    STORED = Stored(MOMENTS, powers=POWERS, axes=(1,), sizes=SQUARES)

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-8,
        use_locking: bool = False,
        use_nesterov: bool = False,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        super().__init__(
            params,
            learning_rate,
            beta1,
            beta2,
            eps,
            use_locking,
            use_nesterov,
            weight_decay,
            loss_scale,
            max_norm=max_norm,
            on_nonfinite=on_nonfinite,
        )


class AdamOffload(Adam):
    """Adam that MindSpore runs on the host for parameters on a device.

    Takes the place of ``mindspore.nn.AdamOffload``: same arguments, and for dense gradients the same path as
    ``Adam``. The engine here always runs where the parameters are.

    Args:
        params, learning_rate, beta1, beta2, eps, use_locking, use_nesterov, weight_decay, loss_scale,
        max_norm, on_nonfinite: as in ``Adam``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    STORED = Stored(MOMENTS, powers=POWERS, axes=(1,), sizes=SQUARES)

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-8,
        use_locking: bool = False,
        use_nesterov: bool = False,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        super().__init__(
            params,
            learning_rate,
            beta1,
            beta2,
            eps,
            use_locking,
            use_nesterov,
            weight_decay,
            loss_scale,
            max_norm=max_norm,
            on_nonfinite=on_nonfinite,
        )


class AdamWeightDecay(Optimizer):
    """Adam with decoupled weight decay and without bias correction, as in BERT (arXiv:1810.04805).

    Takes the place of ``mindspore.nn.AdamWeightDecay``: same arguments, same path. It is not
    ``torch.optim.AdamW``, whose first steps are corrected: that one is ``calando.torch.AdamW``. Beyond
    MindSpore: any hyperparameter may be a list, a schedule, a Cell or a function of the step, in any group,
    and can be changed at any time; gradient centralization works.

    Args:
        params: parameters, or groups with ``params``, ``lr``, ``weight_decay``, ``grad_centralization``,
            ``order_params`` and any hyperparameter; iterators too.
        learning_rate: step size, in [0, inf).
        beta1, beta2: keep factors of the running means of g and g², each in (0, 1).
        eps: added to √v, in (0, inf).
        weight_decay: λ, in [0, inf); lr λ p is taken from p per step.
        max_norm, on_nonfinite: as in ``SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = DOMAIN
    STORED = Stored({"m": "adam_m.{}", "v": "adam_v.{}"}, sizes=("v",))
    DECAY = DECOUPLED

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-6,
        weight_decay: Any = 0.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {
            "lr": learning_rate,
            "beta1": beta1,
            "beta2": beta2,
            "eps": eps,
            "weight_decay": weight_decay,
        }
        super().__init__(params, values, max_norm=max_norm, on_nonfinite=on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ADAM_UNCORRECTED
