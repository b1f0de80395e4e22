"""MindSpore's update primitives: one step of a rule on a parameter and its slots, in place.

    opt = ops.ApplyMomentum()
    opt(param, moment, lr, gradient, momentum)

An object holds switches and no state: parameter, slots, numbers and gradient are handed over at each call, in
MindSpore's order. The arithmetic is that of ``calando.rules``, played by the same kernels as in the optimizers.

Parameter and slots are Parameters or Tensors of calando's or of real MindSpore, torch tensors or NumPy arrays, of one
shape and dtype; a number is a number or anything with one element, and is rounded to float32 unless the parameter is
float64. Where a primitive has parts of a formula as arguments (``beta1_power`` is β₁ᵗ after t updates), they are taken
as they come.

Every call returns what it has changed: the parameter, or (parameter, slots …) where MindSpore returns several.

Each raises, before anything has changed:

    TypeError     something is no parameter, no number, of another dtype, or a switch neither True nor False
    ValueError    another shape, or a number outside the domain of the formula (a learning rate may be negative)
"""

from collections.abc import Callable, Mapping
from math import isfinite
from math import sqrt as root
from typing import Any

import numpy as np

from ...arrays import adapter
from ...decay import DECOUPLED, INSIDE, L2, Decay
from ...groups import Group
from ...kernels.run import ready, run
from ...member import Member, key
from ...plan import Part
from ...rule import Domain, Rule
from ...rules import adadelta, adagrad, adam, adamax, ftrl, proximal, rmsprop, sgd

HALF = ("float16", "bfloat16")
POWER = {"beta1_power": (0.0, 1.0), "beta2_power": (0.0, 1.0)}


class Update:
    """What all of them share: checking what is handed over, and playing the rule once."""

    def switch(self, **given: Any) -> bool:
        """A constructor's True or False."""
        ((name, value),) = given.items()
        if not isinstance(value, bool):
            raise TypeError(f"{self.place}: {name!r} must be True or False, but got {value!r}")
        return value

    @property
    def place(self) -> str:
        """How errors begin."""
        return f"For '{type(self).__name__}'"

    def numbers(self, p: Any, domain: Domain, **given: Any) -> dict[str, float]:
        """The numbers as the rule reads them, each inside its domain."""
        try:
            exact = adapter(p).kind(p)[1] == "float64"
        except TypeError as problem:
            raise TypeError(f"{self.place}: {problem}") from None
        return {name: number(f"{self.place}: {name!r}", x, domain.get(name), exact) for name, x in given.items()}

    def play(
        self,
        rule: Rule,
        p: Any,
        slots: Mapping[str, Any],
        g: Any,
        scalars: tuple[float, ...],
        front: tuple[float, ...] = (1.0,),
        decay: Decay = INSIDE,
        before: Callable[[], None] | None = None,
    ) -> None:
        """One update, with the scalars of the decay in front and of the rule.

        Args:
            slots: by the rule's names.
            before: done when all is checked and nothing has changed.
        """
        try:
            arrays = adapter(p)
            kind, shape = arrays.kind(p), tuple(arrays.shape(p))
            for name, slot in slots.items():
                refuse_unlike(f"{self.place}: the slot {(getattr(slot, 'name', None) or name)!r}", slot, kind, shape)
            held = {name: arrays.slot(slot) for name, slot in slots.items()}
            member = Member(p, getattr(p, "name", None) or "var", 0, slots=held)
            part = Part(key(member, Group((p,), (member.name,), rule, decay)), [member])
            part.look()
            part.take([raised(g, kind[1])])
            ready(part)
        except (TypeError, ValueError) as problem:
            said = str(problem).replace(" of group 0", "")
            raise type(problem)(said if said.startswith("For") else f"{self.place}: {said}") from None
        if before is not None:
            before()
        run(part, np.array([[*front, *scalars]]), np.zeros(1, np.int64))()


def number(what: str, value: Any, bounds: tuple[float, float] | None, exact: bool) -> float:
    """One number inside its bounds, where it has any; as float32 unless ``exact``."""
    if isinstance(value, (bool, str)) or value is None:
        raise TypeError(f"{what} must be a number, but got {value!r}")
    array = np.asarray(value.asnumpy() if hasattr(value, "asnumpy") else getattr(value, "detach", lambda: value)())
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise TypeError(f"{what} must be one number, but got {value!r}")
    with np.errstate(over="ignore"):
        found = float(array.item()) if exact else float(np.float32(array.item()))
    if bounds is None and not isfinite(found):
        raise ValueError(f"{what} must be a finite number, but got {array.item()}")
    if bounds is not None and not bounds[0] <= found < bounds[1]:
        low = "(0" if bounds[0] == 5e-324 else f"[{bounds[0]:g}"
        raise ValueError(f"{what} must lie in {low}, {bounds[1]:g}), but got {array.item()}")
    return found


def refuse_unlike(what: str, slot: Any, kind: tuple[str, str], shape: tuple[int, ...]) -> None:
    """Raise unless a slot is of its parameter's shape, dtype and device, in one piece of memory."""
    arrays = adapter(slot)
    if tuple(arrays.shape(slot)) != shape:
        raise ValueError(f"{what} has shape {tuple(arrays.shape(slot))}; the parameter has {shape}")
    if arrays.kind(slot) != kind:
        theirs, ours = (" on ".join(reversed(found)) for found in (arrays.kind(slot), kind))
        raise TypeError(f"{what} is {theirs}; the parameter is {ours}")
    if not arrays.dense(slot, True):
        raise ValueError(f"{what} must be contiguous; give a copy")


def raised(g: Any, dtype: str) -> Any:
    """A gradient of half precision in its parameter's type, as MindSpore converts it; others as they are."""
    try:
        found = adapter(g).kind(g)[1]
    except TypeError:
        return g
    if found not in HALF or dtype not in ("float32", "float64"):
        return g
    if isinstance(g, np.ndarray) or not hasattr(g, "asnumpy"):
        return g.astype(dtype) if isinstance(g, np.ndarray) else g.float() if dtype == "float32" else g.double()
    return type(g)(g.asnumpy().astype(dtype))


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


class Adam(Update):
    """Adam with MindSpore's ε̂: p ← p - lr √(1 - β₂ᵗ)/(1 - β₁ᵗ) m / (√v + ε).

    ``(var, m, v, beta1_power, beta2_power, lr, beta1, beta2, epsilon, gradient)`` → (var, m, v).

    Args:
        use_locking: accepted and not needed.
        use_nesterov: β₁ m + (1 - β₁) g in the place of m.
    """

    def __init__(self, use_locking: bool = False, use_nesterov: bool = False) -> None:
        self.use_locking, self.use_nesterov = (
            self.switch(use_locking=use_locking),
            self.switch(use_nesterov=use_nesterov),
        )

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


class ApplyAdamWithAmsgradV2(Update):
    """As :class:`Adam`, divided by the root of the largest v so far.

    ``(var, m, v, vhat, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad)`` → (var, m, v, vhat).

    Args:
        use_locking: accepted and not needed.
    """

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)

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
    domain = {**adam.DOMAIN, "epsilon": adam.DOMAIN["eps"], **POWER}
    del domain["lr"]
    given = update.numbers(p, domain, beta1_power=beta1_power, beta2_power=beta2_power, lr=lr, **own)
    size = given["lr"] * root(1 - given["beta2_power"]) / (1 - given["beta1_power"])
    return size, [given[name] for name in own]


class AdamWeightDecay(Update):
    """Adam without bias correction and with decoupled decay: p ← p - lr (m / (√v + ε) + λ p).

    ``(var, m, v, lr, beta1, beta2, epsilon, decay, gradient)`` → (var, m, v).

    Args:
        use_locking: accepted and not needed.
    """

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)

    def __call__(
        self, var: Any, m: Any, v: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any, decay: Any, gradient: Any
    ) -> tuple[Any, Any, Any]:
        domain = {**adam.DOMAIN, "epsilon": adam.DOMAIN["eps"], "decay": (0.0, float("inf"))}
        del domain["lr"]
        given = self.numbers(var, domain, lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon, decay=decay)
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
        domain = {**adam.DOMAIN, "epsilon": adam.DOMAIN["eps"], **POWER}
        del domain["lr"]
        given = self.numbers(var, domain, beta1_power=beta1_power, lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon)
        size = given["lr"] / (1 - given["beta1_power"])
        scalars = adamax.Scalars(size, 1 - given["beta1"], given["beta2"], given["epsilon"])
        self.play(adamax.ADAMAX_EPSILON_LAST, var, {"m": m, "u": v}, grad, scalars)
        return var, m, v


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


class ApplyProximalAdagrad(Update):
    """An Adagrad step, then shrinking towards zero; the formula is in ``calando.rules.proximal``.

    ``(var, accum, lr, l1, l2, grad)`` → (var, accum).

    Args:
        use_locking: accepted and not needed.
    """

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)

    def __call__(self, var: Any, accum: Any, lr: Any, l1: Any, l2: Any, grad: Any) -> tuple[Any, Any]:
        given = self.numbers(var, proximal.DOMAIN, lr=lr, l1=l1, l2=l2)
        self.play(proximal.PROXIMAL_ADAGRAD, var, {"s": accum}, grad, proximal.PROXIMAL_ADAGRAD.scalars(given, 1))
        return var, accum


class ApplyFtrl(Update):
    """FTRL-Proximal; the formula is in ``calando.rules.ftrl``.

    ``(var, accum, linear, grad, lr=0.001, l1=0.0, l2=0.0, lr_power=-0.5)`` → var. MindSpore's CPU kernel takes l1 where
    the formula says sign(z) l1; here the formula is followed.

    Args:
        use_locking: accepted and not needed.
    """

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)

    def __call__(
        self,
        var: Any,
        accum: Any,
        linear: Any,
        grad: Any,
        lr: Any = 0.001,
        l1: Any = 0.0,
        l2: Any = 0.0,
        lr_power: Any = -0.5,
    ) -> Any:
        given = self.numbers(var, ftrl.FTRL_POWER.domain, lr=lr, l1=l1, l2=l2, lr_power=lr_power)
        rule = ftrl.FTRL if given["lr_power"] == -0.5 else ftrl.FTRL_POWER
        self.play(rule, var, {"a": accum, "z": linear}, grad, rule.scalars(given, 1))
        return var


class ApplyRMSProp(Update):
    """v ← ρ v + (1 - ρ) g², m ← μ m + lr g / √(v + ε), p ← p - m.

    ``(var, mean_square, moment, learning_rate, grad, decay, momentum, epsilon)`` → var.

    Args:
        use_locking: accepted and not needed.
    """

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)

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


class ApplyCenteredRMSProp(Update):
    """As :class:`ApplyRMSProp`, divided by the root of the variance: √(v - c² + ε), c the running mean of g.

    ``(var, mean_gradient, mean_square, moment, grad, learning_rate, decay, momentum, epsilon)`` → var.

    Args:
        use_locking: accepted and not needed.
    """

    def __init__(self, use_locking: bool = False) -> None:
        self.use_locking = self.switch(use_locking=use_locking)

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
