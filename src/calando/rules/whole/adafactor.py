r"""Adafactor: for matrices, the running mean of g² kept as a column and a row only.

    ρ = age^δ  (1 - β₂),  δ < 0                 rms(x) = √(mean of x²)
    r ← r + ρ (mean(g² + ε, -1) - r),   c ← c + ρ (mean(g² + ε, -2) - c)
    v = r c / mean(r)                           vectors:  v ← v + ρ (g² + ε - v)
    u = g / √v,   u ← u / max(1, rms(u) / d)

    ========================  =============================================================  =====================
    rule                      the step                                                       used by
    ========================  =============================================================  =====================
    ``ADAFACTOR``             p ← (1 - lr λ) p - a u,  a = max(ε₂, rms(p)) min(lr, 1/√age);  torch.optim.Adafactor
                              ε is not added: mean(r) ≥ ε₁, v ≥ ε₁²
    ``ADAFACTOR_EPSILON``     p ← p - a (u + λ p),  a = lr, or lr max(ε₂, rms(p));           mindspore.nn.AdaFactor,
                              ε = ε₁; c, v, mean(r) and √v ≥ 10⁻³⁰                           beta1=0
    … (momentum)              m ← β₁ m + (1 - β₁) a u stands for a u                         …, beta1 > 0
    … (compression)           v of vectors is rounded to float16                             …, compression=True
    ========================  =============================================================  =====================

A negative ε₁ in ``ADAFACTOR`` means the machine epsilon of the dtype (torch's None). These rules decay by
themselves.

Sources: Shazeer & Stern 2018, arXiv:1804.04235, Algorithms 4 and 5; torch.optim 2.13; mindspore.nn 2.10.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, NamedTuple

from ...ops import sqrt, through_half
from ...rule import Rule
from .words import at_least, mean, root_mean_square

TINY = 1e-30  # mindspore's floor for running means


class Scalars(NamedTuple):
    gain: float  # ρ, the share of a new square
    rate: float  # min(lr, 1/√age)
    eps1: float
    eps2: float
    d: float
    keep: float  # 1 - lr λ


class EpsilonScalars(NamedTuple):
    gain: float
    plain: float  # lr, where steps are not scaled by the parameter, else 0
    scaled: float  # lr, where they are, else 0
    eps1: float
    eps2: float
    d: float
    decay: float  # λ
    keep1: float  # β₁


def relative(hyper: Mapping[str, float], age: int) -> Scalars:
    gain, lr = age ** hyper["beta2_decay"], hyper["lr"]
    eps1 = hyper["eps1"] if hyper["eps1"] >= 0 else hyper["machine_epsilon"]  # of the parameter's dtype
    return Scalars(gain, min(lr, age**-0.5), eps1, hyper["eps2"], hyper["d"], 1 - lr * hyper["weight_decay"])


def epsilon(hyper: Mapping[str, float], age: int) -> EpsilonScalars:
    return told(hyper, age, hyper["lr"], 0.0)


def epsilon_scaled(hyper: Mapping[str, float], age: int) -> EpsilonScalars:
    return told(hyper, age, 0.0, hyper["lr"])


def told(hyper: Mapping[str, float], age: int, plain: float, scaled: float) -> EpsilonScalars:
    eps = hyper["eps1"], hyper["eps2"]
    decay = hyper["weight_decay"], hyper.get("beta1", 0.0)
    return EpsilonScalars(age ** -hyper["decay_rate"], plain, scaled, *eps, hyper["d"], *decay)


def factored(p, g, r, c, gain, rate, eps1, eps2, d, keep):
    square = g * g
    r = r + (mean(square, -1) - r) * gain
    c = c + (mean(square, -2) - c) * gain
    v = (r @ c) / at_least(mean(r, -2), eps1)
    return moved(p, g, v, eps1, rate, eps2, d, keep), r, c


def unfactored(p, g, v, gain, rate, eps1, eps2, d, keep):
    v = v + (g * g - v) * gain
    return moved(p, g, v, eps1, rate, eps2, d, keep), v


def moved(p, g, v, floor, rate, eps2, d, keep):
    u = g / sqrt(at_least(v, floor * floor))
    a = max(eps2, root_mean_square(p)) * rate
    return p * keep - u * (a / max(1.0, root_mean_square(u) / d))


def factored_epsilon(p, g, r, c, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    r, c = averaged(g, r, c, gain, eps1)
    a, u = sized(p, divided(g, r, c), plain, scaled, eps2, d)
    return p - u - p * (decay * a), r, c


def unfactored_epsilon(p, g, v, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    v = at_least(v * (1 - gain) + (g * g + eps1) * gain, TINY)
    a, u = sized(p, g / sqrt(v), plain, scaled, eps2, d)
    return p - u - p * (decay * a), v


def factored_momentum(p, g, r, c, m, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    r, c = averaged(g, r, c, gain, eps1)
    a, u = sized(p, divided(g, r, c), plain, scaled, eps2, d)
    m = m * keep1 + u * (1 - keep1)
    return p - m - p * (decay * a), r, c, m


def unfactored_momentum(p, g, v, m, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    v = at_least(v * (1 - gain) + (g * g + eps1) * gain, TINY)
    a, u = sized(p, g / sqrt(v), plain, scaled, eps2, d)
    m = m * keep1 + u * (1 - keep1)
    return p - m - p * (decay * a), v, m


def unfactored_compressed(p, g, v, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    p, v = unfactored_epsilon(p, g, v, gain, plain, scaled, eps1, eps2, d, decay, keep1)
    return p, through_half(v)


def unfactored_momentum_compressed(p, g, v, m, gain, plain, scaled, eps1, eps2, d, decay, keep1):
    p, v, m = unfactored_momentum(p, g, v, m, gain, plain, scaled, eps1, eps2, d, decay, keep1)
    return p, through_half(v), m


def averaged(g, r, c, gain, eps1):
    """The two running means."""
    square = g * g + eps1
    r = r * (1 - gain) + mean(square, -1)[..., 0] * gain
    return r, at_least(c * (1 - gain) + mean(square, -2)[..., 0, :] * gain, TINY)


def divided(g, r, c):
    """The gradient divided by the root of what the two means stand for."""
    return g / at_least(sqrt(r / at_least(mean(r, -1), TINY))[..., None] * sqrt(c)[..., None, :], TINY)


def sized(p, u, plain, scaled, eps2, d):
    """The step size, and the step: ``u`` times it, clipped."""
    a = plain + scaled * max(eps2, root_mean_square(p))
    return a, u * (a / max(1.0, root_mean_square(u) / d))


def sides(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """torch keeps the axis that was averaged, with length 1."""
    return {"r": (*shape[:-1], 1), "c": (*shape[:-2], 1, shape[-1])}


def short_sides(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {"r": shape[:-1], "c": (*shape[:-2], shape[-1])}


EPS = {"lr": (0.0, inf), "eps2": (0.0, inf), "weight_decay": (0.0, inf)}
DOMAIN = {**EPS, "beta2_decay": (-inf, 5e-324), "eps1": (-1.0, inf), "d": (1.0, inf)}
EPSILON_DOMAIN = {**EPS, "decay_rate": (0.0, 1.0), "eps1": (0.0, inf), "d": (5e-324, inf)}
MOMENTUM_DOMAIN = {**EPSILON_DOMAIN, "beta1": (0.0, 1.0)}
TORCH = "arXiv:1804.04235, Algorithms 4 and 5; torch.optim.Adafactor 2.13"
MINDSPORE = "arXiv:1804.04235, Algorithms 4 and 5; mindspore.nn.AdaFactor 2.10"

ADAFACTOR_VECTOR = Rule("adafactor_vector", ("v",), DOMAIN, relative, unfactored, TORCH, whole=True)
ADAFACTOR = Rule(
    "adafactor", ("r", "c"), DOMAIN, relative, factored, TORCH, whole=True, shapes=sides, flat=ADAFACTOR_VECTOR
)


def family(scaling: str, scalars: Callable[..., EpsilonScalars]) -> dict[tuple[bool, bool], Rule]:
    """The rules without and with momentum, without and with compression, each with its own for vectors."""
    plain: tuple[Any, ...] = ((), EPSILON_DOMAIN, factored_epsilon, unfactored_epsilon, unfactored_compressed)
    moving: tuple[Any, ...] = (
        ("m",),
        MOMENTUM_DOMAIN,
        factored_momentum,
        unfactored_momentum,
        unfactored_momentum_compressed,
    )
    made = {}
    for momentum, (more, domain, matrix, *vectors) in enumerate((plain, moving)):
        for compression, vector in enumerate(vectors):
            title = f"adafactor_epsilon{scaling}{'_momentum' * momentum}{'_compressed' * compression}"
            flat = Rule(f"{title}_vector", ("v", *more), domain, scalars, vector, MINDSPORE, whole=True)
            made[bool(momentum), bool(compression)] = Rule(
                title,
                ("r", "c", *more),
                domain,
                scalars,
                matrix,
                MINDSPORE,
                whole=True,
                shapes=short_sides,
                flat=flat,
            )
    return made


ADAFACTOR_EPSILON = family("", epsilon)  # (momentum, compression) → rule
ADAFACTOR_EPSILON_SCALED = family("_scaled", epsilon_scaled)


def relative_step(step: int) -> float:
    """min(0.01, 1/√t), t = step + 1."""
    return min(1e-2, (step + 1) ** -0.5)


def relative_step_warming_up(step: int) -> float:
    """min(10⁻⁶ t, 1/√t), t = step + 1."""
    return min(1e-6 * (step + 1), (step + 1) ** -0.5)
