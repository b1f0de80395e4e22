"""What is written by hand everywhere: a warm-up and what follows, in one call.

    warmup_cosine(peak, steps, warmup)               up in a line, down along half a cosine
    warmup_linear(peak, steps, warmup)               up and down in a line
    warmup_inverse_square_root(peak, warmup)         up in a line, down like 1 / √step, for ever
    noam(width, warmup)                              the same in the numbers of the Transformer's paper
    warmup_stable_decay(peak, steps, warmup, decay)  up, flat, and down in the last ``decay`` steps

``steps`` is the whole length, warm-up included. Each returns an ordinary schedule made of pieces, which
prints and is stored as these; ``warmup=0`` leaves the warm-up out. With ``start=0`` the first update changes
nothing, as with Hugging Face's ``get_..._schedule_with_warmup``, whose paths these are up to their end (where
its cosine rises again).
"""

from ..called import told
from .base import Schedule
from .checks import count, number, positive
from .constant import Constant
from .cosine import Cosine
from .inverse_square_root import InverseSquareRoot
from .linear import Linear

SHAPES = {"linear": Linear, "cosine": Cosine}


@told
def warmup_cosine(peak: float, steps: int, warmup: int, end: float = 0.0, start: float = 0.0) -> Schedule:
    """From ``start`` to ``peak`` in ``warmup`` steps, then half a cosine to ``end`` at ``steps``; then stay.

    Raises:
        ValueError, TypeError: warmup is not a whole number below steps, or a value is no finite number.

    Example:
        >>> warmup_cosine(0.1, steps=100, warmup=10)
        Linear(start=0.0, end=0.1, steps=10).then(Cosine(start=0.1, end=0.0, steps=90))
    """
    return warmed(peak, warmup, start, Cosine(peak, end, rest("warmup_cosine", steps, warmup)))


@told
def warmup_linear(peak: float, steps: int, warmup: int, end: float = 0.0, start: float = 0.0) -> Schedule:
    """From ``start`` to ``peak`` in ``warmup`` steps, then in a line to ``end`` at ``steps``; then stay.

    Raises:
        ValueError, TypeError: warmup is not a whole number below steps, or a value is no finite number.

    Example:
        >>> warmup_linear(0.1, steps=100, warmup=10)
        Linear(start=0.0, end=0.1, steps=10).then(Linear(start=0.1, end=0.0, steps=90))
    """
    return warmed(peak, warmup, start, Linear(peak, end, rest("warmup_linear", steps, warmup)))


@told
def warmup_inverse_square_root(peak: float, warmup: int, start: float = 0.0) -> Schedule:
    """From ``start`` to ``peak`` in ``warmup`` steps, then peak · √(warmup / step), for ever.

    Raises:
        ValueError, TypeError: warmup is not a whole number from 1 on, or a value is no finite number.

    Example:
        >>> warmup_inverse_square_root(0.1, warmup=10)
        Linear(start=0.0, end=0.1, steps=10).then(InverseSquareRoot(start=0.1, steps=10))
    """
    warmup = count(warmup, "warmup_inverse_square_root: warmup")
    return warmed(peak, warmup, start, InverseSquareRoot(peak, warmup))


@told
def noam(width: float, warmup: int, scale: float = 1.0) -> Schedule:
    """scale · width^-0.5 · min(n^-0.5, n · warmup^-1.5) with n = step + 1, for ever.

    Args:
        width: of the model, ``d_model``.
        warmup: the n at which it is highest, at least 1.
        scale: a factor of one's own.

    Source: Vaswani et al. 2017, arXiv:1706.03762, equation 3.

    Raises:
        ValueError, TypeError: warmup is not a whole number from 1 on, width not a positive number.

    Example:
        >>> noam(width=512, warmup=4000)(3999) == (512 * 4000) ** -0.5
        True
    """
    warmup = count(warmup, "noam: warmup")
    peak = number(scale, "noam: scale") * (positive(width, "noam: width") * warmup) ** -0.5
    return warmed(peak, warmup - 1, peak / warmup, InverseSquareRoot(peak, warmup))


@told
def warmup_stable_decay(
    peak: float, steps: int, warmup: int, decay: int, end: float = 0.0, start: float = 0.0, shape: str = "linear"
) -> Schedule:
    """Up in ``warmup`` steps, flat, then from ``peak`` to ``end`` in the last ``decay`` of ``steps``; then stay.

    Args:
        shape: of the decay, ``"linear"`` or ``"cosine"``.

    Source: Hu et al. 2024, MiniCPM, arXiv:2404.06395, section 4.

    Raises:
        ValueError, TypeError: warmup and decay do not fit into steps, or a value is no finite number.

    Example:
        >>> warmup_stable_decay(0.1, steps=100, warmup=10, decay=20)  # doctest: +NORMALIZE_WHITESPACE
        Linear(start=0.0, end=0.1, steps=10).then(Constant(value=0.1, steps=70)).then(Linear(start=0.1, end=0.0,
        steps=20))
    """
    if shape not in SHAPES:
        raise ValueError(f"warmup_stable_decay: shape must be one of {', '.join(SHAPES)}, not {shape!r}")
    decay = count(decay, "warmup_stable_decay: decay")
    flat = rest("warmup_stable_decay", steps, warmup) - decay
    if flat < 0:
        raise ValueError(
            f"warmup_stable_decay: warmup and decay must fit into steps, but {warmup} + {decay} is more than {steps}"
        )
    fall: Schedule = SHAPES[shape](peak, end, decay)
    return warmed(peak, warmup, start, Constant(peak, steps=flat).then(fall) if flat else fall)


def warmed(peak: float, warmup: int, start: float, following: Schedule) -> Schedule:
    """A line up to ``peak``, where it takes any steps, and what follows."""
    return Linear(start, peak, warmup).then(following) if warmup else following


def rest(word: str, steps: int, warmup: int) -> int:
    """The steps after the warm-up.

    Raises:
        ValueError, TypeError: there are none, or they are not whole.
    """
    steps, warmup = count(steps, f"{word}: steps"), count(warmup, f"{word}: warmup", least=0)
    if warmup >= steps:
        raise ValueError(f"{word}: warmup must be shorter than steps, but {warmup} is not less than {steps}")
    return steps - warmup
