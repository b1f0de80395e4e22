"""What divides by the root of a sum, or of a fading mean, of squares: Adagrad and Adadelta."""

from typing import Any

from ....rules import adadelta, adagrad, proximal, rmsprop
from .update import Locking, Update, number


class ApplyAdadelta(Update):
    """Steps measured by the steps before them; the formula is in ``calando.rules.adadelta``.

    ``(var, accum, accum_update, lr, rho, epsilon, grad)`` → (var, accum, accum_update).
    """

    def __call__(
        self, var: Any, accum: Any, accum_update: Any, lr: Any, rho: Any, epsilon: Any, grad: Any
    ) -> tuple[Any, Any, Any]:
        domain = {"rho": adadelta.DOMAIN["rho"], "epsilon": adadelta.DOMAIN["eps"]}
        given = self.numbers(var, domain, lr=lr, rho=rho, epsilon=epsilon)
        scalars = adadelta.ADADELTA.scalars({**given, "eps": given["epsilon"]}, 1)
        self.play(adadelta.ADADELTA, var, {"v": accum, "q": accum_update}, grad, scalars)
        return var, accum, accum_update


class ApplyAdagrad(Update):
    """s ← s + g², p ← p - lr g / √(s + 1e-8); MindSpore adds the 1e-8 and says so nowhere.

    ``(var, accum, lr, grad)`` → (var, accum).

    Args:
        update_slots: whether s grows.
    """

    def __init__(self, update_slots: bool = True) -> None:
        self.update_slots = self.switch(update_slots=update_slots)

    def __call__(self, var: Any, accum: Any, lr: Any, grad: Any) -> tuple[Any, Any]:
        given = self.numbers(var, {}, lr=lr)
        rule = adagrad.ADAGRAD_EPSILON_INSIDE if self.update_slots else adagrad.ADAGRAD_STANDING
        self.play(rule, var, {"s": accum}, grad, rule.scalars({**given, "eps": 1e-8}, 1))
        return var, accum


class ApplyAdagradV2(Update):
    """s ← s + g², p ← p - lr g / (√s + ε).

    ``(var, accum, lr, grad)`` → (var, accum).

    Args:
        epsilon: ε, in [0, inf).
        update_slots: whether s grows.
    """

    def __init__(self, epsilon: float, update_slots: bool = True) -> None:
        self.epsilon = number(f"{self.place}: 'epsilon'", epsilon, adagrad.DOMAIN["eps"], True)
        self.update_slots = self.switch(update_slots=update_slots)

    def __call__(self, var: Any, accum: Any, lr: Any, grad: Any) -> tuple[Any, Any]:
        lr = self.numbers(var, {}, lr=lr)["lr"]
        if self.update_slots:
            self.play(adagrad.ADAGRAD, var, {"s": accum}, grad, (lr, self.epsilon))
        else:  # as RMSProp whose mean takes in nothing
            self.play(rmsprop.RMSPROP, var, {"v": accum}, grad, rmsprop.Scalars(lr, 1.0, 0.0, self.epsilon))
        return var, accum


class ApplyProximalAdagrad(Locking):
    """An Adagrad step, then shrinking towards zero; the formula is in ``calando.rules.proximal``.

    ``(var, accum, lr, l1, l2, grad)`` → (var, accum).
    """

    def __call__(self, var: Any, accum: Any, lr: Any, l1: Any, l2: Any, grad: Any) -> tuple[Any, Any]:
        given = self.numbers(var, proximal.DOMAIN, lr=lr, l1=l1, l2=l2)
        self.play(proximal.PROXIMAL_ADAGRAD, var, {"s": accum}, grad, proximal.PROXIMAL_ADAGRAD.scalars(given, 1))
        return var, accum
