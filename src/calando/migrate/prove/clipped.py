"""Gradients that are shortened on one side only: by a clip that acts at some update, or by a scale."""

from __future__ import annotations

import numpy as np

from .journal import Call, matched

LEAST = 0.01  # of the gradients' length; less is not told from what came before
STEEP = 30  # how many times as far apart gradients may be as the weights are, in shares of what there was
SHORT = 0.1  # of the longest gradients so far; where they are nearly gone, rounding is most of them
LEFT = 0.1  # of the difference: what may stay unexplained


def shortened(mine: list[np.ndarray], its: list[np.ndarray], share: float, longest: float) -> str:
    """How the gradients of one update were shortened on one side, in words; empty where they were not.

    Weights that are a little apart turn gradients and change their lengths alike; a clip changes lengths only.

    Args:
        mine: the source's gradients.
        its: the result's, of the same parameters.
        share: how far apart the weights were before, in shares of the way gone.
        longest: how long the gradients of an update have been at most.
    """
    lengths = [length(mine), length(its)]
    most = max(lengths)
    off = length([a - b for a, b in zip(mine, its, strict=True)])
    if most < SHORT * longest or not off > max(LEAST, STEEP * share) * most:
        return ""
    first = lengths[0] >= lengths[1]
    long, short = (mine, its) if first else (its, mine)
    for word, clipped in ways(long, short):
        if length([a - b for a, b in zip(clipped, short, strict=True)]) <= LEFT * off:
            return f"{word} in the {'result' if first else 'source'} only"
    return ""


def ways(long: list[np.ndarray], short: list[np.ndarray]) -> list[tuple[str, list[np.ndarray]]]:
    """What the longer gradients would be, clipped or scaled in each of the usual ways to be like the shorter."""
    limit = max(float(np.max(np.abs(b), initial=0.0)) for b in short)
    whole = part(np.concatenate([a.ravel() for a in long]), np.concatenate([b.ravel() for b in short]))
    return [
        (f"clipped by norm, or scaled, by {whole:.3g}", [a * whole for a in long]),
        ("clipped one by one", [a * part(a, b) for a, b in zip(long, short, strict=True)]),
        (f"clipped by value at {limit:.3g}", [np.clip(a, -limit, limit) for a in long]),
    ]


def part(long: np.ndarray, short: np.ndarray) -> float:
    """The factor that brings one array nearest to another."""
    square = float(np.sum(long * long))
    return float(np.sum(long * short)) / square if square else 1.0


def length(arrays: list[np.ndarray]) -> float:
    """The root of the sum of all squares."""
    return float(sum(float(np.sum(a * a)) for a in arrays) ** 0.5)


def gradients(mine: Call, its: Call) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Both sides' gradients of one update, of the same parameters in the same order; zeros where there are none."""
    order = matched(mine.names, its.names, len(mine.weights))
    pairs = [(mine.grads[j], its.grads[i], mine.weights[j]) for i, j in enumerate(order)]
    filled = [[np.zeros(w.shape) if g is None else g.astype(np.float64) for g in (a, b)] for a, b, w in pairs]
    return [a for a, _ in filled], [b for _, b in filled]
