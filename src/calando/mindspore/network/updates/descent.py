"""Gradient descent, with momentum and without."""

from typing import Any

import numpy as np

from ....arrays import adapter
from ....decay import L2
from ....rules import sgd
from .update import Update, number


class ApplyGradientDescent(Update):
    """p ← p - α δ.

    ``(var, alpha, delta)`` → var.
    """

    def __call__(self, var: Any, alpha: Any, delta: Any) -> Any:
        lr = self.numbers(var, {}, alpha=alpha)["alpha"]
        self.play(sgd.SGD, var, {}, delta, (lr,))
        return var


class ApplyMomentum(Update):
    """m ← μ m + g, p ← p - lr m; with ``use_nesterov`` p ← p - lr (g + μ m), which MindSpore's CPU kernel ignores.

    ``(variable, accumulation, learning_rate, gradient, momentum)`` → variable.

    Args:
        use_nesterov: look ahead.
        use_locking: accepted and not needed.
        gradient_scale: what the gradient is multiplied by.
    """

    def __init__(self, use_nesterov: bool = False, use_locking: bool = False, gradient_scale: float = 1.0) -> None:
        self.use_nesterov = self.switch(use_nesterov=use_nesterov)
        self.use_locking = self.switch(use_locking=use_locking)
        self.gradient_scale = number(f"{self.place}: 'gradient_scale'", gradient_scale, None, True)

    def __call__(self, variable: Any, accumulation: Any, learning_rate: Any, gradient: Any, momentum: Any) -> Any:
        given = self.numbers(variable, sgd.UNDAMPED_DOMAIN, learning_rate=learning_rate, momentum=momentum)
        rule = sgd.MOMENTUM_NESTEROV if self.use_nesterov else sgd.MOMENTUM
        scalars = rule.scalars({"lr": given["learning_rate"], "momentum": given["momentum"]}, 1)
        self.play(rule, variable, {"m": accumulation}, gradient, scalars, (self.gradient_scale,))
        return variable


class SGD(Update):
    """m ← μ m + (1 - τ) g with g ← g + λ p; p ← p - lr m, with ``nesterov`` p ← p - lr (g + μ m).

    ``(parameters, gradient, learning_rate, accum, momentum, stat)`` → parameters. ``stat`` is 1 everywhere before the
    first update, which takes m ← g, and is set to 0; with a momentum of 0 neither ``accum`` nor ``stat`` is touched.

    Args:
        dampening: τ.
        weight_decay: λ, in [0, inf).
        nesterov: look ahead; needs a dampening of 0.
    """

    def __init__(self, dampening: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False) -> None:
        self.dampening = number(f"{self.place}: 'dampening'", dampening, None, True)
        self.weight_decay = number(f"{self.place}: 'weight_decay'", weight_decay, (0.0, float("inf")), True)
        self.nesterov = self.switch(nesterov=nesterov)
        if self.nesterov and self.dampening != 0:
            raise ValueError(f"{self.place}: nesterov needs a dampening of 0, but got {dampening!r}")

    def __call__(self, parameters: Any, gradient: Any, learning_rate: Any, accum: Any, momentum: Any, stat: Any) -> Any:
        given = self.numbers(parameters, sgd.UNDAMPED_DOMAIN, learning_rate=learning_rate, momentum=momentum)
        hyper = {"lr": given["learning_rate"], "momentum": given["momentum"], "dampening": self.dampening}
        front = (1.0, self.weight_decay, 0.0)
        if hyper["momentum"] == 0:
            self.play(sgd.SGD, parameters, {}, gradient, sgd.SGD.scalars(hyper, 1), front, L2)
            return parameters
        rule = sgd.SGD_NESTEROV if self.nesterov else sgd.SGD_MOMENTUM
        first = self.is_first(stat)

        def start() -> None:
            for slot in (accum, stat) if first else ():
                adapter(slot).write(slot, np.zeros(tuple(slot.shape), np.float32))

        scalars = rule.scalars(hyper, 1 if first else 2)
        self.play(rule, parameters, {"m": accum}, gradient, scalars, front, L2, start)
        return parameters

    def is_first(self, stat: Any) -> bool:
        """Whether ``stat`` says that there was no update yet."""
        fresh = np.asarray(adapter(stat).numpy(stat)) > 0
        if fresh.any() and not fresh.all():
            raise ValueError(f"{self.place}: 'stat' must be 1 or 0 everywhere, but has both")
        return bool(fresh.any())
