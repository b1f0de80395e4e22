"""RMSProp, plain and centered."""

from typing import Any

from ....rule import Rule
from ....rules import rmsprop
from .update import Locking, Update


class ApplyRMSProp(Locking):
    """v ← ρ v + (1 - ρ) g², m ← μ m + lr g / √(v + ε), p ← p - m.

    ``(var, mean_square, moment, learning_rate, grad, decay, momentum, epsilon)`` → var.
    """

    def __call__(
        self,
        var: Any,
        mean_square: Any,
        moment: Any,
        learning_rate: Any,
        grad: Any,
        decay: Any,
        momentum: Any,
        epsilon: Any,
    ) -> Any:
        scalars = fading(self, rmsprop.RMSPROP_INSIDE, var, learning_rate, decay, momentum, epsilon)
        self.play(rmsprop.RMSPROP_INSIDE, var, {"v": mean_square, "m": moment}, grad, scalars)
        return var


class ApplyCenteredRMSProp(Locking):
    """As :class:`ApplyRMSProp`, divided by the root of the variance: √(v - c² + ε), c the running mean of g.

    ``(var, mean_gradient, mean_square, moment, grad, learning_rate, decay, momentum, epsilon)`` → var.
    """

    def __call__(
        self,
        var: Any,
        mean_gradient: Any,
        mean_square: Any,
        moment: Any,
        grad: Any,
        learning_rate: Any,
        decay: Any,
        momentum: Any,
        epsilon: Any,
    ) -> Any:
        scalars = fading(self, rmsprop.RMSPROP_INSIDE_CENTERED, var, learning_rate, decay, momentum, epsilon)
        slots = {"v": mean_square, "c": mean_gradient, "m": moment}
        self.play(rmsprop.RMSPROP_INSIDE_CENTERED, var, slots, grad, scalars)
        return var


def fading(
    update: Update, rule: Rule, p: Any, learning_rate: Any, decay: Any, momentum: Any, epsilon: Any
) -> tuple[float, ...]:
    """The scalars of both RMSProps."""
    bounds = rmsprop.DOMAIN
    domain = {"decay": bounds["rho"], "momentum": bounds["momentum"], "epsilon": bounds["eps"]}
    given = update.numbers(p, domain, learning_rate=learning_rate, decay=decay, momentum=momentum, epsilon=epsilon)
    hyper = {**given, "lr": given["learning_rate"], "rho": given["decay"], "eps": given["epsilon"]}
    return rule.scalars(hyper, 1)
