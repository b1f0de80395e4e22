r"""L-BFGS: a quasi-Newton method that keeps the last few steps in place of a matrix.

An iteration at the point x with gradient g, after a move s = x - x_before that changed the gradient by
y = g - g_before:

    remember     (s, y) where y·s > 1e-10, at most ``history_size`` pairs, the oldest is forgotten
    direction    d = -H g, by two loops over the pairs, from H = γ I with γ = y·s / y·y
    length       t = lr, in the very first iteration lr min(1, 1 / ‖g‖₁); or found by a line search
    move         x ← x + t d

The search is the one of ``strong_wolfe.py``.

Everything is written once for flat arrays of any framework; a *ground* is what a front end lends: where the
parameters are, how to move them and how to evaluate there, and five words of arithmetic.

Sources: Nocedal & Wright, Numerical Optimization, 2nd edition 2006: direction, algorithms 7.4 and 7.5,
equation 7.20. Tolerances and the order of all decisions as in torch.optim.LBFGS 2.13.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any, Protocol

import numpy as np

from ...rule import Domain
from .strong_wolfe import Point, strong_wolfe

LEAST = 1e-10  # y·s above which a pair is remembered
SEARCHES = (None, "strong_wolfe")
UNCLIPPED = "must be None for L-BFGS: clipped gradients are not those of the loss that it builds its curvature from"
DOMAIN: Domain = {"lr": (0.0, inf), "tolerance_grad": (0.0, inf), "tolerance_change": (0.0, inf)}


@dataclass(frozen=True, eq=False)
class Method:
    """What a front end knows of L-BFGS as it knows a Rule; it has no body that an engine could play.

    Args:
        name: checkpoints are found by it.
        domain: hyperparameter → [low, high).
        source: books and framework.
    """

    name: str
    domain: Domain
    source: str
    slots: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    kernel: bool = False
    whole: bool = True
    factored: None = None

    def suited(self, shape: tuple[int, ...]) -> "Method":
        """The same for parameters of any shape."""
        return self

    def slot_shapes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """No parameter has arrays of its own."""
        return {}


METHOD = Method("lbfgs", DOMAIN, "Nocedal & Wright 2006, algorithms 7.5, 3.5 and 3.6; torch.optim.LBFGS 2.13")


class NotFinite(ArithmeticError):
    """The gradient where an iteration begins holds infinity or not-a-number; it is the argument."""


class Ground(Protocol):
    """Where the parameters are, lent by a front end. Flat arrays are (n,), n the elements of all parameters.

    A *number* is whatever ``dot`` returns; it mixes with Python's floats, and its division by zero is no error.
    """

    def evaluate(self) -> tuple[float, Any]:
        """Loss and flat gradient here; the gradient is new memory, which nobody writes into."""

    def copy(self) -> Any:
        """A copy of the parameters."""

    def move(self, origin: Any, direction: Any, length: Any) -> None:
        """Put the parameters to origin + length · direction; where origin is None, from where they are."""

    def dot(self, a: Any, b: Any) -> Any:
        """The inner product of two flat arrays, a number."""

    def largest(self, a: Any) -> Any:
        """The largest absolute value in a flat array, a number: ‖a‖∞; not-a-number where there is one."""

    def total(self, a: Any) -> Any:
        """The sum of the absolute values in a flat array, a number: ‖a‖₁."""

    def add(self, a: Any, b: Any, factor: float) -> None:
        """a ← a + factor b, in place."""

    def rounded(self, x: float) -> float:
        """x in the precision that this framework's numbers have."""


@dataclass
class Memory:
    """What L-BFGS remembers between iterations; arrays in it are never written into, lists never changed.

    Args:
        iterations, evaluations: how many there were.
        direction, length: d and t of the last iteration.
        moves, changes, inverses: s, y and 1 / y·s of the remembered pairs, the oldest first.
        scale: γ.
        alphas: α of the last two-loop recursion, one for each pair; None before the second iteration.
        gradient, loss: where the last iteration began.
    """

    iterations: int = 0
    evaluations: int = 0
    direction: Any = None
    length: Any = None
    moves: list[Any] = field(default_factory=list)
    changes: list[Any] = field(default_factory=list)
    inverses: list[float] = field(default_factory=list)
    scale: float = 1
    alphas: list[float] | None = None
    gradient: Any = None
    loss: float | None = None


@dataclass(frozen=True)
class Limits:
    """What bounds one call of ``minimize``.

    Args:
        max_iter: iterations, at least 1.
        max_eval: evaluations of the loss, at least 1; a line search may end a little later.
        history_size: remembered pairs, at least 1.
        search: whether the length is searched for.
        finite: whether to raise NotFinite.
    """

    max_iter: int
    max_eval: int
    history_size: int
    search: bool
    finite: bool


def minimize(ground: Ground, memory: Memory, hyper: Mapping[str, float], limits: Limits, origin: Any) -> None:
    """Up to ``max_iter`` iterations from where the parameters are.

    Args:
        ground: the parameters.
        memory: what is remembered; brought up to date.
        hyper: lr, and the tolerances: an iteration is the last one where the largest |g| is at most tolerance_grad,
            or the largest element of the move, the change of the loss, or -g·d are at most tolerance_change.
        limits: the other bounds.
        origin: a copy of the parameters as they are now.

    Raises:
        NotFinite: as asked by ``limits``. This, and whatever ``evaluate`` raises, leaves memory and parameters in
            between; whoever calls puts both back.
    """
    loss, gradient = ground.evaluate()
    memory.evaluations += 1
    spent, small, move = 1, hyper["tolerance_change"], None
    if still(ground, gradient, hyper, limits):
        return
    for count in range(1, limits.max_iter + 1):
        aim(ground, memory, gradient, move, limits.history_size)
        memory.gradient, memory.loss, memory.length = gradient, loss, first_length(ground, memory, gradient, hyper)
        slope = ground.dot(gradient, memory.direction)
        if slope > -small:
            return
        used = 0
        if limits.search:
            origin = origin if count == 1 else ground.copy()
            start = Point(0, loss, gradient, slope)
            (memory.length, loss, gradient, _), used = along(ground, memory, start, limits.max_eval - spent, origin)
        else:
            ground.move(None, memory.direction, memory.length)
            if count < limits.max_iter:
                loss, gradient = ground.evaluate()
                used = 1
        spent += used
        memory.evaluations += used
        optimal = used and still(ground, gradient, hyper, limits)
        if count == limits.max_iter or spent >= limits.max_eval or optimal:
            return
        move = memory.direction * float(memory.length)
        if ground.largest(move) <= small or abs(loss - memory.loss) < small:
            return


def still(ground: Ground, gradient: Any, hyper: Mapping[str, float], limits: Limits) -> bool:
    """Whether the gradient is as good as zero."""
    largest = ground.largest(gradient)
    if limits.finite and not isfinite(largest):
        raise NotFinite(gradient)
    return bool(largest <= hyper["tolerance_grad"])


def first_length(ground: Ground, memory: Memory, gradient: Any, hyper: Mapping[str, float]) -> Any:
    """The length to begin with; in the very first iteration, nothing is known of the gradient's scale."""
    lr = hyper["lr"]
    return min(1.0, 1.0 / ground.total(gradient)) * lr if memory.iterations == 1 else lr


# The direction.


def aim(ground: Ground, memory: Memory, gradient: Any, move: Any, history_size: int) -> None:
    """Begin an iteration: remember the last move (None: not computed yet), and find the direction."""
    memory.iterations += 1
    if memory.iterations == 1:
        memory.direction = -gradient
        return
    move = memory.direction * float(memory.length) if move is None else move
    learn(ground, memory, move, gradient - memory.gradient, history_size)
    memory.direction, memory.alphas = recursion(ground, memory, gradient)


def learn(ground: Ground, memory: Memory, move: Any, change: Any, history_size: int) -> None:
    """Remember a move and what it did to the gradient, where the loss curves upwards along it."""
    product = float(ground.dot(change, move))
    moves, changes, inverses = memory.moves, memory.changes, memory.inverses
    if product > ground.rounded(LEAST):
        memory.scale = ground.rounded(product / float(ground.dot(change, change)))
        moves, changes = [*moves, move], [*changes, change]
        inverses = [*inverses, ground.rounded(1.0 / product)]
    memory.moves, memory.changes, memory.inverses = (kept[-history_size:] for kept in (moves, changes, inverses))


def recursion(ground: Ground, memory: Memory, gradient: Any) -> tuple[Any, list[float]]:
    """-H g by two loops, and the α of all pairs: Nocedal & Wright, algorithm 7.4, on -g."""
    found, alphas = -gradient, []
    pairs = list(zip(memory.moves, memory.changes, memory.inverses, strict=True))
    for move, change, inverse in reversed(pairs):
        alpha = ground.rounded(float(ground.dot(move, found)) * inverse)
        ground.add(found, change, -alpha)
        alphas.append(alpha)
    alphas.reverse()
    found *= memory.scale
    for (move, change, inverse), alpha in zip(pairs, alphas, strict=True):
        beta = ground.rounded(float(ground.dot(change, found)) * inverse)
        ground.add(found, move, alpha - beta)
    return found, alphas


# The length.


def along(ground: Ground, memory: Memory, start: Point, most: int, origin: Any) -> tuple[Point, int]:
    """Search along the direction and leave the parameters at the point found; how many evaluations it took."""
    direction = memory.direction
    met: list[Any] = []

    def look(length: Any) -> Point:
        ground.move(origin, direction, length)
        loss, gradient = ground.evaluate()
        met.append(length)
        return Point(length, loss, gradient, ground.dot(gradient, direction))

    if memory.length == 0:  # lr = 0
        return start, 0
    end = strong_wolfe(look, start, memory.length, ground.largest(direction), most)
    if end.length is not met[-1]:
        ground.move(origin, direction, end.length)
    return end, len(met)


# What survives, as plain arrays.

FLAT = ("direction", "gradient")
PAIRS = ("moves", "changes")
NUMBERS = ("iterations", "evaluations", "length", "scale", "loss")


def to_arrays(memory: Memory, plain: Callable[[Any], np.ndarray]) -> dict[str, np.ndarray]:
    """What a snapshot keeps: flat arrays (n,), pairs (m, n), inverses (m,) and the numbers, float64.

    Args:
        memory: after any number of iterations.
        plain: makes a NumPy array of a flat array.
    """
    found = {"numbers": np.array([getattr(memory, name) for name in NUMBERS], np.float64)}
    if memory.iterations == 0:
        found["numbers"] = np.array([0, memory.evaluations, 0, 1, 0], np.float64)
        return found
    found |= {name: np.array(plain(getattr(memory, name))) for name in FLAT}
    if memory.moves:
        found |= {name: np.stack([plain(x) for x in getattr(memory, name)]) for name in PAIRS}
        found["inverses"] = np.array(memory.inverses, np.float64)
    return found


def from_arrays(arrays: Mapping[str, np.ndarray], size: int, made: Callable[[np.ndarray], Any]) -> Memory:
    """The inverse of ``to_arrays``.

    Args:
        arrays: as ``to_arrays`` gives them.
        size: elements of all parameters together.
        made: makes a flat array of a NumPy array, new memory.

    Raises:
        ValueError: an array is missing or of another shape.
    """
    if not arrays:
        return Memory()
    wanted: dict[str, tuple[int, ...]] = {"numbers": (len(NUMBERS),)}
    count = len(arrays.get("inverses", ()))
    if "numbers" in arrays and arrays["numbers"].shape == wanted["numbers"] and arrays["numbers"][0]:
        wanted |= dict.fromkeys(FLAT, (size,))
        wanted |= {**dict.fromkeys(PAIRS, (count, size)), "inverses": (count,)} if count else {}
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != wanted:
        raise ValueError(f"what L-BFGS remembers has shapes {shapes}, but {wanted} would fit")
    memory = Memory(**dict(zip(NUMBERS, arrays["numbers"].tolist(), strict=True)))
    memory.iterations, memory.evaluations = int(memory.iterations), int(memory.evaluations)
    for name in FLAT if memory.iterations else ():
        setattr(memory, name, made(arrays[name]))
    for name in PAIRS if count else ():
        setattr(memory, name, [made(row) for row in arrays[name]])
    memory.inverses = arrays["inverses"].tolist() if count else []
    return memory
