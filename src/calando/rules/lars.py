r"""LARS: in front of any rule, gradients of every layer get a length in proportion to its weights.

    g ← c (scale g + λ p) - center
    c = η ‖p‖ / (‖scale g‖ + λ ‖p‖ + ε)          over one whole parameter

    ====================  =======================================  ==================================
    manner                c                                        used by
    ====================  =======================================  ==================================
    ``LARS``              as above                                 mindspore.nn.LARS
    ``LARS_CLIPPED``      min(c / lr, 1)                           mindspore.nn.LARS(use_clip=True)
    ``LARS_STARTING``     as above; 1 where p or g is all 0        calando.torch.LARS
    ====================  =======================================  ==================================

By the formula a parameter of zeros never moves; ``LARS_STARTING`` lets it start.

Sources: You, Gitman & Ginsburg 2017, arXiv:1708.03888, Algorithm 1; mindspore.nn.LARS 2.10.
"""

from collections.abc import Mapping
from math import inf, isnan

from ..decay import Added, Decay, l2, l2_mean


def local(hyper: Mapping[str, float], scale: float, weights: float, gradient: float) -> float:
    """The paper's local learning rate over the global one."""
    length = abs(scale) * gradient + hyper["weight_decay"] * weights + hyper["trust_eps"]
    return hyper["trust_coefficient"] * weights / length if length > 0 else 0.0


def trusted(hyper: Mapping[str, float], scale: float, weights: float, gradient: float) -> Added:
    c = local(hyper, scale, weights, gradient)
    return Added(scale * c, hyper["weight_decay"] * c, 0.0)


def clipped(hyper: Mapping[str, float], scale: float, weights: float, gradient: float) -> Added:
    c = local(hyper, scale, weights, gradient)
    if not isnan(c):
        c = min(c / hyper["lr"], 1.0) if hyper["lr"] > 0 else 1.0
    return Added(scale * c, hyper["weight_decay"] * c, 0.0)


def starting(hyper: Mapping[str, float], scale: float, weights: float, gradient: float) -> Added:
    if weights == 0 or gradient == 0:
        return Added(scale, hyper["weight_decay"], 0.0)
    return trusted(hyper, scale, weights, gradient)


DOMAIN = {"trust_coefficient": (0.0, inf), "trust_eps": (0.0, inf)}
PAPER = "arXiv:1708.03888, Algorithm 1"

LARS = Decay("lars", trusted, l2, l2_mean, f"{PAPER}; mindspore.nn.LARS 2.10", measured=True, domain=DOMAIN)
LARS_CLIPPED = Decay("lars_clipped", clipped, l2, l2_mean, "mindspore.nn.LARS 2.10", measured=True, domain=DOMAIN)
LARS_STARTING = Decay("lars_starting", starting, l2, l2_mean, PAPER, measured=True, domain=DOMAIN)
