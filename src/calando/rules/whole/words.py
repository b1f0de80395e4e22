"""What rules on whole arrays may say besides ``calando.ops``: for NumPy arrays and torch tensors alike."""

import numpy as np


def mean(x, axis):
    """The mean along one axis, which stays with length 1."""
    return x.mean(axis, keepdim=True) if hasattr(x, "clamp") else x.mean(axis, keepdims=True)


def root_mean_square(x):
    """The root of the mean of the squares of all elements, as a number."""
    return float((x * x).mean()) ** 0.5 if 0 not in x.shape else 0.0


def at_least(x, low):
    """``x``, or ``low`` where it is smaller."""
    return x.clamp(low) if hasattr(x, "clamp") else x.clip(low)


def mixed(x, y, share):
    """x + share (y - x), computed as torch.lerp does, element by element."""
    if hasattr(x, "lerp"):
        return x.lerp(y, share)
    return x + (y - x) * share if abs(share) < 0.5 else y - (y - x) * (1 - share)


def matrix_sum(base, x, y, keep, gain):
    """keep base + gain x y, the matrix product."""
    return base.addmm(x, y, beta=keep, alpha=gain) if hasattr(base, "addmm") else base * keep + (x @ y) * gain


def coarse(x):
    """A copy in bfloat16, which matrices are multiplied in; NumPy has none and stays in float32."""
    return x.bfloat16() if hasattr(x, "bfloat16") else x.astype(np.float32)


def like(x, p):
    """``x`` in the dtype of ``p``."""
    return x.to(p.dtype) if hasattr(x, "to") else x.astype(p.dtype)


def moved(p, x, factor):
    """p + factor x in the dtype of ``p``; torch reads ``x`` as it lies, in one pass."""
    return p.add(x, alpha=factor) if hasattr(p, "add") else p + like(x, p) * factor


def unit(x, eps):
    """``x`` divided by its 2-norm, which is taken to be ``eps`` at least."""
    return x / x.norm().clamp(eps) if hasattr(x, "clamp") else x / max(np.sqrt((x * x).sum()), x.dtype.type(eps))
