"""Adam and its kin."""

from math import sqrt as root
from typing import Any

from ....decay import DECOUPLED
from ....rules import adam, adamax
from .update import POWER, Locking, Update

DOMAIN = {
    **{name: adam.DOMAIN[name] for name in ("beta1", "beta2")},
    "epsilon": adam.DOMAIN["eps"],
    "decay": (0.0, float("inf")),
    **POWER,
}


class Adam(Locking):
    """Adam with MindSpore's ε̂: p ← p - lr √(1 - β₂ᵗ)/(1 - β₁ᵗ) m / (√v + ε).

    ``(var, m, v, beta1_power, beta2_power, lr, beta1, beta2, epsilon, gradient)`` → (var, m, v).

    Args:
        use_locking: accepted and not needed.
        use_nesterov: β₁ m + (1 - β₁) g in the place of m.
    """

    def __init__(self, use_locking: bool = False, use_nesterov: bool = False) -> None:
        super().__init__(use_locking)
        self.use_nesterov = self.switch(use_nesterov=use_nesterov)

    def __call__(
        self,
        var: Any,
        m: Any,
        v: Any,
        beta1_power: Any,
        beta2_power: Any,
        lr: Any,
        beta1: Any,
        beta2: Any,
        epsilon: Any,
        gradient: Any,
    ) -> tuple[Any, Any, Any]:
        a, own = corrected(self, var, beta1_power, beta2_power, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)
        beta1, beta2, eps = own
        if self.use_nesterov:
            rule, scalars = adam.ADAM_EPSILON_HAT_AHEAD, (a, beta1, 1 - beta1, beta2, 1 - beta2, eps)
        else:
            rule, scalars = adam.ADAM_EPSILON_HAT, (a, 1.0, 1 - beta1, beta2, 1 - beta2, eps)
        self.play(rule, var, {"m": m, "v": v}, gradient, scalars)
        return var, m, v


class ApplyAdamWithAmsgradV2(Locking):
    """As :class:`Adam`, divided by the root of the largest v so far.

    ``(var, m, v, vhat, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad)`` → (var, m, v, vhat).
    """

    def __call__(
        self,
        var: Any,
        m: Any,
        v: Any,
        vhat: Any,
        beta1_power: Any,
        beta2_power: Any,
        lr: Any,
        beta1: Any,
        beta2: Any,
        epsilon: Any,
        grad: Any,
    ) -> tuple[Any, Any, Any, Any]:
        a, own = corrected(self, var, beta1_power, beta2_power, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)
        beta1, beta2, eps = own
        scalars = (a, 1.0, 1 - beta1, beta2, 1 - beta2, eps)
        self.play(adam.AMSGRAD_EPSILON_HAT, var, {"m": m, "v": v, "v_max": vhat}, grad, scalars)
        return var, m, v, vhat


class ApplyAdamWithAmsgrad(Update):
    """As :class:`ApplyAdamWithAmsgradV2`, with β₁, β₂ and ε in the constructor.

    ``(var, m, v, vhat, beta1_power, beta2_power, lr, grad)`` → (var, m, v, vhat).
    """

    def __init__(
        self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, use_locking: bool = False
    ) -> None:
        self.own, self.apply = (beta1, beta2, epsilon), ApplyAdamWithAmsgradV2(use_locking)

    def __call__(
        self, var: Any, m: Any, v: Any, vhat: Any, beta1_power: Any, beta2_power: Any, lr: Any, grad: Any
    ) -> tuple[Any, Any, Any, Any]:
        return self.apply(var, m, v, vhat, beta1_power, beta2_power, lr, *self.own, grad)


def corrected(update: Update, p: Any, beta1_power: Any, beta2_power: Any, lr: Any, **own: Any) -> tuple[float, list]:
    """Adam's step size with both corrections, and its other numbers."""
    given = update.numbers(p, DOMAIN, beta1_power=beta1_power, beta2_power=beta2_power, lr=lr, **own)
    size = given["lr"] * root(1 - given["beta2_power"]) / (1 - given["beta1_power"])
    return size, [given[name] for name in own]


class AdamWeightDecay(Locking):
    """Adam without bias correction and with decoupled decay: p ← p - lr (m / (√v + ε) + λ p).

    ``(var, m, v, lr, beta1, beta2, epsilon, decay, gradient)`` → (var, m, v).
    """

    def __call__(
        self, var: Any, m: Any, v: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any, decay: Any, gradient: Any
    ) -> tuple[Any, Any, Any]:
        given = self.numbers(var, DOMAIN, lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon, decay=decay)
        hyper = {**given, "eps": given["epsilon"], "weight_decay": given["decay"]}
        rule = adam.ADAM_UNCORRECTED
        scalars, front = rule.scalars(hyper, 1), DECOUPLED.scalars(hyper, 1.0)
        self.play(rule, var, {"m": m, "v": v}, gradient, scalars, front, DECOUPLED)
        return var, m, v


class ApplyAdaMax(Update):
    """u ← max(β₂ u, |g|), p ← p - lr/(1 - β₁ᵗ) m / (u + ε).

    ``(var, m, v, beta1_power, lr, beta1, beta2, epsilon, grad)`` → (var, m, v); v is u.
    """

    def __call__(
        self, var: Any, m: Any, v: Any, beta1_power: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any, grad: Any
    ) -> tuple[Any, Any, Any]:
        given = self.numbers(var, DOMAIN, beta1_power=beta1_power, lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon)
        size = given["lr"] / (1 - given["beta1_power"])
        scalars = adamax.Scalars(size, 1 - given["beta1"], given["beta2"], given["epsilon"])
        self.play(adamax.ADAMAX_EPSILON_LAST, var, {"m": m, "u": v}, grad, scalars)
        return var, m, v
