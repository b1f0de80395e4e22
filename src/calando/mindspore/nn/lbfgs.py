"""L-BFGS: what MindSpore lacks in nn."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import nan
from typing import Any, cast

import numpy as np

from ...arrays import adapter
from ...choices import one_of
from ...control import signed, whole
from ...engine import UNBOUNDED, Engine, NonFiniteGradient
from ...hyper import Hyper, shown
from ...matching import check
from ...plan import Part
from ...rule import Rule
from ...rules.whole.lbfgs import (
    METHOD,
    SEARCHES,
    UNCLIPPED,
    Limits,
    Memory,
    NotFinite,
    from_arrays,
    minimize,
    to_arrays,
)  # fmt: skip
from ...snapshot import Snapshot, SnapshotMismatch
from ..optimizer import Optimizer
from ..state import Stored

Closure = Callable[[], tuple[Any, Sequence[Any]]]


class LBFGS(Optimizer):
    """L-BFGS (Nocedal & Wright 2006, algorithm 7.5), with a strong Wolfe line search if asked for.

    ``mindspore.nn`` has none; this one follows ``torch.optim.LBFGS`` step by step, in MindSpore's manners:

        optimizer(grads)       one iteration with these gradients, as torch's with max_iter=1
        optimizer(closure)     up to max_iter iterations; closure() returns (loss, gradients), which is what a
                               function made by ``mindspore.value_and_grad`` returns

    The clock (``global_step``, what schedules see) counts these calls, not iterations and not evaluations. The
    formula is in ``calando.rules.whole.lbfgs``.

    Args:
        params: parameters, or one group with ``params``, ``lr``, ``weight_decay``, ``grad_centralization`` and any
            hyperparameter; iterators too. There is one direction for all parameters, so there is one group.
        learning_rate: step length, in [0, inf); with a line search, the first length that it tries.
        max_iter: iterations in one ``optimizer(closure)``, at least 1.
        max_eval: calls of the closure in it, at least 1 (None: max_iter * 5 // 4).
        tolerance_grad: stop where the largest absolute gradient is at most this, in [0, inf).
        tolerance_change: stop where the largest change of a parameter is at most this, or the loss changes by
            less, in [0, inf).
        history_size: how many moves are remembered, at least 1; each costs two copies of all parameters.
        line_search_fn: ``"strong_wolfe"`` or None; a search needs a closure.
        weight_decay: λ, in [0, inf); λ p is added to the gradient and λ/2 ‖p‖² to the loss.
        loss_scale: what gradients, and the loss that the closure returns, are divided by, above 0.
        max_norm: refused: a clipped gradient is not the gradient of the loss that is searched.
        on_nonfinite: what a gradient with infinity or not-a-number does where an iteration begins or ends (points
            that a line search only tries may have one): ``"train"`` on as torch does, ``"skip"`` the step, with
            all its iterations, or ``"raise"``.

    Gradient centralization moves the parameters within the rows' means that they started with; direction and search
    stay there too. Numbers (products, step lengths) are float64, float16 parameters are computed in float32.

    Raises:
        ValueError, TypeError, KeyError: a value or a group that cannot be used; the sentence says which.

    Example:
        >>> import numpy as np
        >>> w = np.array([-1.5, 2.0])
        >>> optimizer = LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")
        >>> def closure():
        ...     a, b = 1 - w[0], w[1] - w[0] ** 2
        ...     return a**2 + 100 * b**2, [np.array([-2 * a - 400 * w[0] * b, 200 * b])]
        >>> round(float(optimizer(closure)), 3)  # the loss before the step
        12.5
        >>> w.round(4)
        array([1., 1.])
    """

    NAMES = ("tolerance_grad", "tolerance_change")
    DOMAIN = METHOD.domain
    PLAIN = "a line search visits points that are no updates, and a clipped gradient is not that of the loss"
    STORED = Stored(lacks="MindSpore's files have no place for its moves and curvature; snapshot() holds them")
    SINGLE = False  # torch.optim computes with exact hyperparameters

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: Any = 1e-7,
        tolerance_change: Any = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        iterations = counted("max_iter", max_iter)
        evaluations = iterations * 5 // 4 if max_eval is None else counted("max_eval", max_eval)
        if line_search_fn is not None and not one_of(SEARCHES[1:], line_search_fn):
            raise ValueError(
                f"For 'LBFGS': 'line_search_fn' must be 'strong_wolfe' or None, but got {shown(line_search_fn)}"
            )
        own = {"max_iter": iterations, "max_eval": evaluations, "history_size": counted("history_size", history_size)}
        self.__dict__.update(own, line_search_fn=line_search_fn, _memory=Memory())
        values = {
            "lr": learning_rate,
            "weight_decay": weight_decay,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
        }
        super().__init__(params, values, loss_scale, max_norm, on_nonfinite)
        if len(self.engine.groups) > 1:
            raise ValueError(
                f"For 'LBFGS': there is one direction for all parameters, so there is one group, but got "
                f"{len(self.engine.groups)}; give one, or build one optimizer for each"
            )

    def _rule(self, hyper: Hyper) -> Rule:
        latest = hyper.timelines["max_norm"].latest
        if latest != UNBOUNDED:
            raise ValueError(f"{hyper.place}: 'max_norm' {UNCLIPPED}, but got {latest!r}")
        return cast(Rule, METHOD)

    # The step.

    def construct(self, gradients: Any) -> Any:
        """Update all parameters once.

        Args:
            gradients: a tuple or list with one gradient per parameter, in the order of ``parameters``; or a closure.

        Returns:
            For gradients: True, or False if the step was skipped for a gradient that is not finite. For a closure:
            what ``step`` returns.

        Raises:
            ValueError, TypeError: gradients of wrong count, shape or dtype, a None among them, a value outside its
                domain, or a line search without a closure; nothing has changed.
            ScheduleEnd: a list is shorter than the training; nothing has changed.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``; nothing has changed.
        """
        if callable(gradients):
            return self.step(gradients)
        if self.line_search_fn is not None:
            raise TypeError(
                "For 'LBFGS': a line search needs the loss at other points than this; give a closure that returns "
                "(loss, gradients), or build it with line_search_fn=None"
            )
        return self._play(lambda: (nan, self._by_group(gradients)[0]), 1)

    def step(self, closure: Closure) -> Any:
        """Up to max_iter iterations; then the clock advances by one.

        Args:
            closure: computes loss and gradients for the parameters as they are, and returns (loss, gradients), the
                gradients in the order of ``parameters``; called several times. Where the loss is a tuple, as with
                ``has_aux``, the first of it counts.

        Returns:
            The first loss, as the closure returned it: the loss before the step.

        Raises:
            TypeError, ValueError: no closure, not (loss, gradients), unfit gradients, a value outside its domain.
            ScheduleEnd: a list is shorter than the training.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``.

        Whatever is raised, here or by the closure, parameters, memory and clock are as they were before the step.
        """
        if not callable(closure):
            raise TypeError(
                "For 'LBFGS': step needs a closure that returns (loss, gradients), "
                f"but got {type(closure).__name__}; optimizer(gradients) takes gradients"
            )
        first: list[Any] = []

        def evaluated() -> tuple[float, list[Any]]:
            loss, gradients = parted(closure())
            first.append(loss)
            return plain_loss(loss), self._by_group(gradients)[0]

        self._play(evaluated, self.max_iter)
        return first[0]

    def _play(self, evaluated: Callable[[], tuple[float, list[Any]]], max_iter: int) -> bool:
        """Make a step; whether it was made."""
        self._listen()
        engine = self.engine
        values = engine.hypers[0].at(engine.clocks[0])
        search, finite = self.line_search_fn is not None, engine.on_nonfinite != "train"
        limits = Limits(max_iter, self.max_eval, self.history_size, search, finite)
        memory = replace(self._memory)
        try:
            if not all(list(map(Part.look, engine.parts))):
                engine.rearrange()
            ground = Ground(engine, values, evaluated)
            origin = ground.copy()
            try:
                minimize(ground, memory, values, limits, origin)
            except BaseException:
                ground.put(origin)
                raise
            for part in engine.parts:
                part.grow_older(part.older([()] * len(part.kinds()[0])))
        except NotFinite as problem:
            if engine.on_nonfinite == "skip":
                return False
            told = f"the gradient of {ground.owner(problem.args[0]).place} is not finite"
            raise NonFiniteGradient(f"For 'LBFGS': {told}; the step was not made") from None
        except (TypeError, ValueError, RuntimeError) as problem:
            raise signed("LBFGS", problem) from None
        finally:
            for part in engine.parts:
                part.release()
        self.__dict__["_memory"] = memory
        engine.clocks[0] += 1
        self._post()
        return True

    # What survives.

    def snapshot(self) -> Snapshot:
        """All that must survive, as plain data; the memory stands with the first parameter."""
        found = super().snapshot()
        found.groups[0].params[0].slots = to_arrays(self._memory, np.asarray)
        return found

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken, as if the run had not stopped.

        Raises:
            SnapshotMismatch: other parameters or another optimizer; nothing has changed.
            ValueError: a function was in force that this optimizer was not built with; nothing has changed.
        """
        groups = [replace(g, params=[replace(kept, slots={}) for kept in g.params]) for g in snapshot.groups]
        bare = replace(snapshot, groups=groups)
        self._listen()
        check(self, bare)
        ground = Ground(self.engine, {}, None)
        try:
            memory = from_arrays(snapshot.groups[0].params[0].slots, ground.size, ground.made)
        except ValueError as problem:
            raise SnapshotMismatch(f"For 'LBFGS': {problem}") from None
        super().restore(bare)
        self.__dict__["_memory"] = memory


class Ground:
    """The parameters of any framework as one flat NumPy vector.

    Args:
        engine: its one group has the parameters.
        values: the hyperparameters in force.
        evaluated: gives the loss and one gradient per parameter, in the order of the group.
    """

    def __init__(self, engine: Engine, values: Any, evaluated: Callable[[], tuple[float, list[Any]]] | None):
        self.engine, self.values, self.evaluated = engine, values, evaluated
        self.members = engine.members[0]
        self.shapes = [adapter(m.param).shape(m.param) for m in self.members]
        self.ends = np.cumsum([np.prod(shape, dtype=np.int64) for shape in self.shapes])
        self.size = int(self.ends[-1])
        self.dtype = np.result_type(*(array_of(m.param).dtype for m in self.members))

    def evaluate(self) -> tuple[float, np.ndarray]:
        """Loss and flat gradient here, after loss scale, weight decay and centralization."""
        assert self.evaluated is not None
        loss, gradients = self.evaluated()
        scale, decay = 1 / self.values["loss_scale"], self.values["weight_decay"]
        loss *= scale
        rows = []
        for member, g in zip(self.members, self.checked(gradients), strict=True):
            row = array_of(g) * scale if scale != 1 else array_of(g)
            if decay and not member.exempt:
                p = array_of(member.param)
                row = row + decay * p
                loss += 0.5 * decay * float(np.vdot(p, p))
            if member.centered:
                row = row - row.mean(axis=tuple(range(1, row.ndim)), keepdims=True)
            rows.append(row.ravel())
        return loss, np.concatenate(rows, dtype=self.dtype)

    def checked(self, gradients: list[Any]) -> list[Any]:
        """The gradients, if each has its parameter's shape and kind."""
        self.engine.take([gradients], [0])
        found: list[Any] = [None] * len(self.members)
        for part, order in zip(self.engine.parts, self.engine.order, strict=True):
            for i, g in zip(order, part.grads, strict=True):
                found[i] = g
        return found

    def copy(self) -> np.ndarray:
        """A copy of the parameters."""
        return np.concatenate([array_of(m.param).ravel() for m in self.members], dtype=self.dtype)

    def put(self, point: np.ndarray) -> None:
        """Write a flat vector into the parameters."""
        for member, piece, shape in zip(self.members, self.pieces(point), self.shapes, strict=True):
            adapter(member.param).write(member.param, piece.reshape(shape))

    def move(self, origin: np.ndarray | None, direction: np.ndarray, length: Any) -> None:
        """Put the parameters to origin + length · direction; where origin is None, from where they are."""
        self.put((self.copy() if origin is None else origin) + direction * float(length))

    def pieces(self, flat: np.ndarray) -> list[np.ndarray]:
        """The part of each parameter."""
        return np.split(flat, self.ends[:-1])

    def dot(self, a: np.ndarray, b: np.ndarray) -> np.float64:
        """The inner product."""
        return np.float64(a.dot(b))

    def largest(self, a: np.ndarray) -> np.float64:
        """The largest absolute value."""
        return np.float64(np.abs(a).max(initial=0.0))

    def total(self, a: np.ndarray) -> np.float64:
        """The sum of the absolute values."""
        return np.float64(np.abs(a).sum())

    def add(self, a: np.ndarray, b: np.ndarray, factor: float) -> None:
        """a ← a + factor b."""
        a += b * factor

    def rounded(self, x: float) -> float:
        """x itself: numbers are float64."""
        return x

    def owner(self, gradient: np.ndarray) -> Any:
        """Whose gradient is not finite."""
        return next(m for m, row in zip(self.members, self.pieces(gradient), strict=True) if not np.isfinite(row).all())

    def made(self, array: np.ndarray) -> np.ndarray:
        """A flat vector of what a snapshot holds."""
        return np.array(array, self.dtype)


def array_of(x: Any) -> np.ndarray:
    """The elements of a parameter or gradient; half precision as float32."""
    array = x if isinstance(x, np.ndarray) else adapter(x).numpy(x)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def parted(result: Any) -> tuple[Any, Any]:
    """Loss and gradients, as a closure returned them."""
    if not isinstance(result, tuple) or len(result) != 2:
        what = f"{len(result)} things" if isinstance(result, tuple) else type(result).__name__
        raise TypeError(
            "For 'LBFGS': the closure must return (loss, gradients), as a function made by value_and_grad does, "
            f"but it returned {what}"
        )
    return result


def plain_loss(loss: Any) -> float:
    """The loss as a number."""
    first = loss[0] if isinstance(loss, (tuple, list)) and loss else loss
    try:
        return float(np.asarray(first.asnumpy() if hasattr(first, "asnumpy") else array_like(first)).item())
    except (TypeError, ValueError):
        raise TypeError(f"For 'LBFGS': the loss must be one number, but the closure returned {shown(loss)}") from None


def array_like(x: Any) -> Any:
    """What NumPy can read: a tensor of torch without its history."""
    return x.detach().cpu() if hasattr(x, "detach") else x


def counted(name: str, value: Any) -> int:
    """A whole number from 1 on.

    Raises:
        TypeError, ValueError: it is none.
    """
    found = whole(f"For 'LBFGS': {name!r}", value)
    if found < 1:
        raise ValueError(f"For 'LBFGS': {name!r} must be at least 1, but got {value!r}")
    return found
