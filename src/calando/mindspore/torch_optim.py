"""PyTorch's formulas in MindSpore's manners, where ``mindspore.nn`` has other formulas.

    from calando.mindspore import torch_optim
    optimizer = torch_optim.AdamW(net.trainable_params(), learning_rate=Cosine(1e-3, 0.0, steps=10_000))
    optimizer(grads)

``mindspore.nn.Adam``, ``AdamWeightDecay``, ``RMSProp``, ``Adagrad`` and ``AdaMax`` are other formulas than
``torch.optim``'s. These take real MindSpore parameters, ``optimizer(grads)``, and for every hyperparameter of every
group a number, a list, a schedule or a function of the step; and they follow ``torch.optim`` step by step. Weight
decay applies to every parameter, as in PyTorch: no name is exempt. ``calando.torch.mindspore_nn`` is the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decay import DECOUPLED
from ..hyper import Hyper, shown
from ..rule import Rule
from ..rules.adagrad import ADAGRAD
from ..rules.adam import ADAM, AMSGRAD
from ..rules.adamax import ADAMAX
from ..rules.rmsprop import DOMAIN as RMSPROP_DOMAIN
from ..rules.rmsprop import RMSPROP, RMSPROP_CENTERED, RMSPROP_CENTERED_MOMENTUM, RMSPROP_MOMENTUM
from .nn.adagrad import start
from .optimizer import Optimizer
from .state import Stored


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1) as ``torch.optim.Adam`` computes it.

    Args:
        params: parameters, or groups with ``params``, ``order_params`` and any hyperparameter.
        learning_rate: step size, in [0, inf).
        beta1, beta2: keep factors of the running means of g and g², each in [0, 1).
        eps: added to the denominator after the bias correction, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        use_amsgrad: divide by the largest v so far.
        loss_scale: what gradients are divided by, above 0.
        max_norm, on_nonfinite: as in ``calando.mindspore.nn.SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    ROOM = "torch_optim."
    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = ADAM.domain
    FILTER = False
    SINGLE = False  # torch.optim computes with exact hyperparameters
    DEFAULT_DECAY = 0.0

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-8,
        weight_decay: Any = None,
        use_amsgrad: bool = False,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._chosen_rule = AMSGRAD if use_amsgrad else ADAM
        decay = self.DEFAULT_DECAY if weight_decay is None else weight_decay
        values = {"lr": learning_rate, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": decay}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return self._chosen_rule


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019) as ``torch.optim.AdamW`` computes it.

    The arguments are those of ``Adam``; ``weight_decay`` is λ of p ← p - lr λ p, and 0.01 where it is not given.
    """

    DECAY = DECOUPLED
    DEFAULT_DECAY = 0.01


class Adamax(Optimizer):
    """Adamax (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 2) as ``torch.optim.Adamax`` computes it: ε in the maximum.

    Args:
        params: parameters, or groups with ``params``, ``order_params`` and any hyperparameter.
        learning_rate: step size, in [0, inf).
        beta1, beta2: keep factors of the mean of g and of the largest |g|, each in [0, 1).
        eps: added to |g| before the maximum is taken, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        loss_scale: what gradients are divided by, above 0.
        max_norm, on_nonfinite: as in ``calando.mindspore.nn.SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    ROOM = "torch_optim."
    NAMES = ("beta1", "beta2", "eps")
    DOMAIN = ADAMAX.domain
    FILTER = False
    SINGLE = False

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 2e-3,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        eps: Any = 1e-8,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        values = {"lr": learning_rate, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ADAMAX


class RMSprop(Optimizer):
    """RMSprop as ``torch.optim.RMSprop`` computes it: the mean of g² starts at 0, eps stands outside the root.

    Args:
        params: parameters, or groups with ``params``, ``order_params`` and any hyperparameter.
        learning_rate: step size, in [0, inf).
        decay: keep factor of the running mean of g² (torch's ``alpha``), in [0, inf).
        momentum: keep factor of the running sum of steps, in [0, inf).
        epsilon: added to the root, in [0, inf).
        centered: divide by the root of the variance.
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        loss_scale: what gradients are divided by, above 0.
        max_norm, on_nonfinite: as in ``calando.mindspore.nn.SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    ROOM = "torch_optim."
    NAMES = ("decay", "momentum", "epsilon")
    OURS = {"decay": "rho", "epsilon": "eps"}
    DOMAIN = RMSPROP_DOMAIN
    FILTER = False
    SINGLE = False

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-2,
        decay: Any = 0.99,
        momentum: Any = 0.0,
        epsilon: Any = 1e-8,
        centered: bool = False,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._centered = centered
        values = {"lr": learning_rate, "weight_decay": weight_decay, "rho": decay, "momentum": momentum, "eps": epsilon}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        if hyper.timelines["momentum"].latest == 0.0:
            return RMSPROP_CENTERED if self._centered else RMSPROP
        return RMSPROP_CENTERED_MOMENTUM if self._centered else RMSPROP_MOMENTUM


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan & Singer 2011) as ``torch.optim.Adagrad`` computes it: eps stands outside the root.

    Args:
        params: parameters, or groups with ``params``, ``order_params`` and any hyperparameter.
        learning_rate: step size, in [0, inf).
        lr_decay: η, in [0, inf): the step size falls as 1/(1 + (t - 1) η), per update of a parameter.
        accum: where the sum of squares starts, ≥ 0 (torch's ``initial_accumulator_value``).
        eps: added to the root, in [0, inf).
        weight_decay: λ, in [0, inf); λ p is added to the gradient.
        loss_scale: what gradients are divided by, above 0.
        max_norm, on_nonfinite: as in ``calando.mindspore.nn.SGD``.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.
    """

    ROOM = "torch_optim."
    NAMES = ("lr_decay", "eps")
    DOMAIN = ADAGRAD.domain
    STORED = Stored({"s": "accum.{}"})
    FILTER = False
    SINGLE = False

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-2,
        lr_decay: Any = 0.0,
        accum: float = 0.0,
        eps: Any = 1e-10,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        self._accum = start(accum, "Adagrad")
        values = {"lr": learning_rate, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps}
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)

    def _rule(self, hyper: Hyper) -> Rule:
        return ADAGRAD

    def _starts(self) -> dict[str, float]:
        return {"s": self._accum}


class ReduceLROnPlateau:
    """Lower the learning rate when a metric no longer improves, as ``torch.optim.lr_scheduler.ReduceLROnPlateau``.

    Args:
        optimizer: an optimizer of ``calando.mindspore.nn`` or of this room.
        mode: ``"min"`` where a smaller metric is better, ``"max"`` where a larger one is.
        factor: what the rate is multiplied by, below 1.
        patience: how many steps without improvement are borne.
        threshold, threshold_mode: what counts as an improvement: by a share (``"rel"``) or by an amount (``"abs"``).
        cooldown: how many steps after a change are not counted.
        min_lr: the rate does not fall below it.
        eps: a smaller change of the rate is not made.

    Raises:
        ValueError: ``factor`` is not below 1, or an unknown mode.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must lie below 1, but got {shown(factor)}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            known = "mode is 'min' or 'max', threshold_mode 'rel' or 'abs'"
            raise ValueError(f"ReduceLROnPlateau: {known}, but got {shown(mode)} and {shown(threshold_mode)}")
        self.optimizer, self.factor, self.patience = optimizer, factor, patience
        self.sign = 1.0 if mode == "min" else -1.0
        self.threshold, self.relative = threshold, threshold_mode == "rel"
        self.cooldown, self.min_lr, self.eps = cooldown, min_lr, eps
        self.best, self.bad, self.resting = float("inf"), 0, 0

    def step(self, metric: Any) -> None:
        """Take in one value of the metric."""
        value = self.sign * float(metric)
        if value < self._wanted():
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.resting:
            self.resting, self.bad = self.resting - 1, 0
        if self.bad > self.patience:
            self._lower()
            self.resting, self.bad = self.cooldown, 0

    def _wanted(self) -> float:
        """What the metric must lie below to have improved."""
        if not self.relative:
            return self.best - self.threshold
        return self.best * (1.0 - self.sign * self.threshold)

    def _lower(self) -> None:
        for number, group in enumerate(self.optimizer.current()):
            rate = max(group["lr"] * self.factor, self.min_lr)
            if group["lr"] - rate > self.eps:
                self.optimizer.set("lr", rate, group=number)

    def get_last_lr(self) -> list[float]:
        """The rate of each group."""
        return [group["lr"] for group in self.optimizer.current()]

    def state_dict(self) -> dict[str, Any]:
        """All that it holds but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was asked for."""
        vars(self).update(state)
