r"""Muon: momentum whose singular values are all brought near 1, for matrices.

    m ← m + (1 - μ)(g - m)
    o = NS(m), or with Nesterov's look ahead NS(μ m + (1 - μ) g)
    p ← p - lr s o                             s depends on the shape (A, B) only

NS is ``steps`` rounds of Newton-Schulz on x = o / max(‖o‖, ε), wide matrices as they are, tall ones
transposed:  y = x xᵀ,  x ← a x + (b y + c y²) x, in bfloat16 (NumPy arrays: float32).

    ================================  ====================  ===================================
    rule                              s                     used by
    ================================  ====================  ===================================
    ``MUON``, ``MUON_NESTEROV``       √max(1, A/B)          torch.optim.Muon, "original"
    ``MUON_RMS``, ``…_NESTEROV_RMS``  0.2 √max(A, B)        torch.optim.Muon, "match_rms_adamw"
    ================================  ====================  ===================================

Decoupled decay stands in front.

Sources: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; Liu et al. 2025,
arXiv:2502.16982, section 2.2; torch.optim 2.13.
"""

from collections.abc import Mapping
from math import inf
from math import sqrt as root
from typing import NamedTuple

from ...rule import Rule
from .words import coarse, matrix_sum, mixed, moved, unit


class Scalars(NamedTuple):
    lr: float
    keep: float  # μ
    eps: float
    a: float
    b: float
    c: float
    rounds: float


def scalars(hyper: Mapping[str, float], age: int) -> Scalars:
    coefficients = hyper["ns_a"], hyper["ns_b"], hyper["ns_c"]
    return Scalars(hyper["lr"], hyper["momentum"], hyper["eps"], *coefficients, hyper["ns_steps"])


def muon(p, g, m, lr, keep, eps, a, b, c, rounds):
    m = mixed(m, g, 1 - keep)
    return moved(p, orthogonal(m, eps, a, b, c, rounds), -lr * original(p.shape)), m


def muon_nesterov(p, g, m, lr, keep, eps, a, b, c, rounds):
    m = mixed(m, g, 1 - keep)
    return moved(p, orthogonal(mixed(g, m, keep), eps, a, b, c, rounds), -lr * original(p.shape)), m


def muon_rms(p, g, m, lr, keep, eps, a, b, c, rounds):
    m = mixed(m, g, 1 - keep)
    return moved(p, orthogonal(m, eps, a, b, c, rounds), -lr * matching(p.shape)), m


def muon_nesterov_rms(p, g, m, lr, keep, eps, a, b, c, rounds):
    m = mixed(m, g, 1 - keep)
    return moved(p, orthogonal(mixed(g, m, keep), eps, a, b, c, rounds), -lr * matching(p.shape)), m


def orthogonal(x, eps, a, b, c, rounds):
    """The matrix with its singular values brought near 1."""
    tall = x.shape[0] > x.shape[1]
    x = unit(coarse(x).T if tall else coarse(x), eps)
    for _ in range(int(rounds)):
        y = x @ x.T
        x = matrix_sum(x, matrix_sum(y, y, y, b, c), x, a, 1)
    return x.T if tall else x


def original(shape):
    """√max(1, A/B): the spectral norm of a step is that of a square matrix."""
    return root(max(1, shape[0] / shape[1])) if shape[1] else 1.0


def matching(shape):
    """0.2 √max(A, B): the root mean square of a step is near AdamW's."""
    return 0.2 * root(max(shape[0], shape[1]))


DOMAIN = {
    "lr": (0.0, inf),
    "momentum": (0.0, inf),
    "eps": (0.0, inf),
    "ns_a": (-inf, inf),
    "ns_b": (-inf, inf),
    "ns_c": (-inf, inf),
    "ns_steps": (0.0, 100.0),
}
SOURCE = "Jordan et al. 2024; torch.optim.Muon 2.13"


def muons(name, element):
    return Rule(name, ("m",), DOMAIN, scalars, element, SOURCE, whole=True, matrices=True)


MUON = muons("muon", muon)
MUON_NESTEROV = muons("muon_nesterov", muon_nesterov)
MUON_RMS = muons("muon_rms", muon_rms)
MUON_NESTEROV_RMS = muons("muon_nesterov_rms", muon_nesterov_rms)
