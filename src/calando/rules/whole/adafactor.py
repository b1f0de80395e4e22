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
from .factored import Factored, played
from .words import at_least, root_mean_square


class Scalars(NamedTuple):
    gain: float  # ρ, the share of a new square
    rate: float  # min(lr, 1/√age)
    eps1: float
    floor: float  # ε₁²
    eps2: float
    d: float
    keep: float  # 1 - lr λ


class EpsilonScalars(NamedTuple):
    gain: float
    stay: float  # 1 - ρ
    plain: float  # lr, where steps are not scaled by the parameter, else 0
    scaled: float  # lr, where they are, else 0
    eps1: float
    eps2: float
    tiny: float  # mindspore's floor for running means
    d: float
    decay: float  # λ
    keep1: float  # β₁
    gain1: float  # 1 - β₁


def relative(hyper: Mapping[str, float], age: int) -> Scalars:
    gain, lr = age ** hyper["beta2_decay"], hyper["lr"]
    eps1 = hyper["eps1"] if hyper["eps1"] >= 0 else hyper["machine_epsilon"]  # of the parameter's dtype
    return Scalars(
        gain, min(lr, age**-0.5), eps1, eps1 * eps1, hyper["eps2"], hyper["d"], 1 - lr * hyper["weight_decay"]
    )


def epsilon(hyper: Mapping[str, float], age: int) -> EpsilonScalars:
    return told(hyper, age, hyper["lr"], 0.0)


def epsilon_scaled(hyper: Mapping[str, float], age: int) -> EpsilonScalars:
    return told(hyper, age, 0.0, hyper["lr"])


def told(hyper: Mapping[str, float], age: int, plain: float, scaled: float) -> EpsilonScalars:
    gain, keep1 = age ** -hyper["decay_rate"], hyper.get("beta1", 0.0)
    eps = hyper["eps1"], hyper["eps2"], 1e-30
    return EpsilonScalars(gain, 1 - gain, plain, scaled, *eps, hyper["d"], hyper["weight_decay"], keep1, 1 - keep1)


def square(g, gain, rate, eps1, floor, eps2, d, keep):
    return g * g


def toward(slot, mean, gain, rate, eps1, floor, eps2, d, keep):
    return slot + (mean - slot) * gain


def unit(g, r, c, level, gain, rate, eps1, floor, eps2, d, keep):
    return g / sqrt(at_least(r * c / at_least(level, eps1), floor))


def stride(weights, update, gain, rate, eps1, floor, eps2, d, keep):
    return max(eps2, weights) * rate / max(1.0, update / d), keep


def move(p, u, gain, rate, eps1, floor, eps2, d, keep, pace, fade):
    return (p * fade - u * pace,)


def square_epsilon(g, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    return g * g + eps1


def row_epsilon(r, mean, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    return r * stay + mean * gain


def column_epsilon(c, mean, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    return at_least(c * stay + mean * gain, tiny)


def unit_epsilon(g, r, c, level, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    return g / at_least(sqrt(r / at_least(level, tiny)) * sqrt(c), tiny)


def stride_epsilon(weights, update, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    a = plain + scaled * max(eps2, weights)
    return a / max(1.0, update / d), decay * a


def move_epsilon(p, u, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1, pace, fade):
    return (p - u * pace - p * fade,)


def move_momentum(p, u, m, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1, pace, fade):
    m = m * keep1 + u * pace * gain1
    return p - m - p * fade, m


BODIES = Factored(square, toward, toward, unit, stride, move)
EPSILON = Factored(square_epsilon, row_epsilon, column_epsilon, unit_epsilon, stride_epsilon, move_epsilon)
MOMENTUM = EPSILON._replace(move=move_momentum)


def factored(p, g, r, c, gain, rate, eps1, floor, eps2, d, keep):
    return played(BODIES, p, g, r, c, (), (gain, rate, eps1, floor, eps2, d, keep))


def unfactored(p, g, v, gain, rate, eps1, floor, eps2, d, keep):
    v = v + (g * g - v) * gain
    u = g / sqrt(at_least(v, floor))
    sizes = root_mean_square(p), root_mean_square(u)
    return p * keep - u * stride(*sizes, gain, rate, eps1, floor, eps2, d, keep)[0], v


def factored_epsilon(p, g, r, c, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    return in_short(EPSILON, p, g, r, c, (), own)


def factored_momentum(p, g, r, c, m, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    return in_short(MOMENTUM, p, g, r, c, (m,), own)


def in_short(bodies, p, g, r, c, more, own):
    """As ``played``, with r (…, rows) and c (…, columns)."""
    p, r, c, *more = played(bodies, p, g, r[..., None], c[..., None, :], more, own)
    return p, r[..., 0], c[..., 0, :], *more


def unfactored_epsilon(p, g, v, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    v, u, pace, fade = sized(p, g, v, own)
    return *move_epsilon(p, u, *own, pace, fade), v


def unfactored_momentum(p, g, v, m, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    v, u, pace, fade = sized(p, g, v, own)
    p, m = move_momentum(p, u, m, *own, pace, fade)
    return p, v, m


def unfactored_compressed(p, g, v, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    p, v = unfactored_epsilon(p, g, v, *own)
    return p, through_half(v)


def unfactored_momentum_compressed(p, g, v, m, gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1):
    own = gain, stay, plain, scaled, eps1, eps2, tiny, d, decay, keep1, gain1
    p, v, m = unfactored_momentum(p, g, v, m, *own)
    return p, through_half(v), m


def sized(p, g, v, own):
    """The second moments of a vector, the update before it is scaled, its pace and the fade."""
    v = column_epsilon(v, square_epsilon(g, *own), *own)
    u = g / sqrt(v)
    return v, u, *stride_epsilon(root_mean_square(p), root_mean_square(u), *own)


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
    "adafactor",
    ("r", "c"),
    DOMAIN,
    relative,
    factored,
    TORCH,
    whole=True,
    shapes=sides,
    flat=ADAFACTOR_VECTOR,
    factored=BODIES,
)


def family(scaling: str, scalars: Callable[..., EpsilonScalars]) -> dict[tuple[bool, bool], Rule]:
    """The rules without and with momentum, without and with compression, each with its own for vectors."""
    plain: tuple[Any, ...] = (
        (),
        EPSILON_DOMAIN,
        EPSILON,
        factored_epsilon,
        unfactored_epsilon,
        unfactored_compressed,
    )
    moving: tuple[Any, ...] = (
        ("m",),
        MOMENTUM_DOMAIN,
        MOMENTUM,
        factored_momentum,
        unfactored_momentum,
        unfactored_momentum_compressed,
    )
    made = {}
    for momentum, (more, domain, bodies, matrix, *vectors) in enumerate((plain, moving)):
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
                factored=bodies,
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
