"""L-BFGS as torch.optim spells it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch

from ..control import whole
from ..ending import to_the_end
from ..engine import UNBOUNDED, Engine, NonFiniteGradient
from ..groups import Group
from ..hyper import Hyper, shown
from ..matching import check
from ..member import Member
from ..rule import Rule
from ..rules.whole.lbfgs import (
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
from ..schedules import Schedule
from ..snapshot import Snapshot, SnapshotMismatch
from .ground import Ground
from .lbfgs_memory import check_memory, kept, own, recalled
from .optimizer import Optimizer
from .state import check_state

WHOLE = ("max_iter", "max_eval", "history_size")
MEMORY = "memory"  # where a state_dict that is being loaded has it, checked and copied


class Ledger(Engine):
    """Members, hyperparameters and clocks of an optimizer that makes its steps itself: nothing is arranged."""

    def admit(self, members: Sequence[Sequence[Member]], groups: Sequence[Group]) -> None:
        """Whatever is real or complex is taken; the optimizer says what is not."""

    def prepare(self, zeroing: bool = False) -> None:
        """There are no kernels."""

    def arrange(self, members: list[list[Member]], groups: list[Group]) -> None:
        """Take over members and groups."""
        self.members, self.groups, self.parts, self.order = members, groups, [], []


class Unclipped(Hyper):
    """The hyperparameters of L-BFGS: as everywhere, and max_norm stays None."""

    def checked(self, name: str, value: Any, step: int) -> Schedule | float:
        """The schedule or number that ``value`` means."""
        entry = super().checked(name, value, step)
        if name == "max_norm" and entry != UNBOUNDED:
            raise ValueError(f"{self.place}: 'max_norm' {UNCLIPPED}, but got {shown(value)}")
        return entry


class LBFGS(Optimizer):
    """L-BFGS (Nocedal & Wright 2006, algorithm 7.5), with a strong Wolfe line search if asked for.

    Takes the place of ``torch.optim.LBFGS``: same arguments, same ``state_dict``, same path (the same bits, as
    long as the closure gives the same numbers for the same parameters). lr and the two tolerances may also be
    lists, schedules or functions of the step, where a step is one call of ``step(closure)``: the clock counts these
    calls, not iterations and not evaluations. The formula is in ``calando.rules.whole.lbfgs``.

    Args:
        params: tensors of any shapes on one device, ``named_parameters()``, or one dictionary; complex ones count
            as pairs of real numbers.
        lr: step length, in [0, inf); with a line search, the first length that it tries.
        max_iter: iterations in one step, at least 1.
        max_eval: evaluations of the closure in one step, at least 1 (None: max_iter * 5 // 4).
        tolerance_grad: stop where the largest absolute gradient is at most this, in [0, inf).
        tolerance_change: stop where the largest change of a parameter is at most this, or the loss changes by
            less, in [0, inf).
        history_size: how many moves are remembered, at least 1; each costs two copies of all parameters.
        line_search_fn: ``"strong_wolfe"`` or None.
        max_norm: refused: a clipped gradient is not the gradient of the loss that is searched.
        on_nonfinite: what a gradient with infinity or not-a-number does where an iteration begins or ends (points
            that a line search only tries may have one): ``"train"`` on as torch does, ``"skip"`` the step, with
            all its iterations, or ``"raise"``.

    Raises:
        ValueError: a number outside its domain, an empty parameter list, a parameter given twice, more than one
            group.
        TypeError, KeyError: what cannot be a hyperparameter; an unknown key in a group.

    Differs from torch: the memory stands in ``state`` of the first parameter under torch's keys, and is replaced, not
    written into, by a step; lr = 0 with a line search moves nothing (torch divides by zero); a history_size made
    smaller on the way forgets the oldest; lr given as a tensor is read as a number (torch remembers the tensor as
    its last step length, so that a scheduler that writes into it spoils the next pair).

    Example:
        >>> import torch
        >>> w = torch.nn.Parameter(torch.tensor([-1.5, 2.0], dtype=torch.float64))
        >>> optimizer = LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> round(optimizer.step(closure).item(), 3)  # the loss before the step, as in torch
        12.5
        >>> [round(x, 4) for x in w.tolist()]
        [1.0, 1.0]
    """

    SPELLING = {name: name for name in ("lr", "tolerance_grad", "tolerance_change")}
    DOMAIN = METHOD.domain
    SLOTS = {}
    AGED = False
    ENGINE = Ledger
    HYPER = Unclipped

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: Any = 1e-7,
        tolerance_change: Any = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        max_norm: Any = None,
        on_nonfinite: str = "train",
    ) -> None:
        if max_eval is None:
            max_eval = whole("For 'LBFGS': 'max_iter'", max_iter) * 5 // 4
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        self._options.refuse_all("LBFGS", "a line search visits points that are no updates")
        super().__init__(params, defaults, max_norm, on_nonfinite)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take the one group that there is; ValueError for a second one."""
        if self._dicts:
            raise ValueError(
                "For 'LBFGS': it doesn't support per-parameter options (parameter groups): there is one direction for "
                "all parameters; give them in one group, or build one optimizer for each"
            )
        super().add_param_group(param_group)

    def _rule(self, group: Mapping[str, Any], hyper: Hyper) -> Rule:
        limits_of(hyper.place, group)
        for i, p in enumerate(group["params"]):
            if not (p.is_floating_point() or p.is_complex()):
                raise TypeError(
                    f"{hyper.place}: parameter {i} is of dtype {p.dtype}; only real and complex numbers move"
                )
        return cast(Rule, METHOD)

    @torch._disable_dynamo
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter iterations; then the clock advances by one.

        Args:
            closure: computes the loss anew, with gradients, and returns it; called several times.

        Returns:
            What the closure returned first: the loss before the step.

        Raises:
            TypeError: there is no closure.
            ValueError: a value that cannot be used, or parameters of another size than what is remembered.
            ScheduleEnd: a list is shorter than the training.
            NonFiniteGradient: as asked by ``on_nonfinite="raise"``.

        Whatever is raised, here or by the closure, parameters, memory and clock are as they were before the step.
        """
        if closure is None:
            raise TypeError("For 'LBFGS': step needs a closure that computes the loss anew, with gradients")
        if self._playing() != [0]:
            raise ValueError(f"For 'LBFGS': there must be one parameter group, but there are {len(self.param_groups)}")
        group, engine = self.param_groups[0], self.engine
        hyper = engine.hypers[0].at(engine.clocks[0])
        limits = limits_of(engine.hypers[0].place, group, engine.on_nonfinite != "train")
        ground = Ground(group["params"], closure)
        memory = self._recall(ground)
        with torch.no_grad():
            origin, clock = ground.copy(), engine.clocks[0]

            def write() -> None:
                self._keep(memory, ground)
                engine.clocks[0] = clock + 1
                self._post(0)

            try:
                minimize(ground, memory, hyper, limits, origin)
                engine.commit(write)
            except BaseException as problem:
                if engine.clocks[0] != clock:  # the step is made
                    raise
                engine.ending = None
                to_the_end(lambda: ground.put(origin))
                if not isinstance(problem, NotFinite):
                    raise
                if engine.on_nonfinite == "skip":
                    return ground.loss
                member = ground.owner(problem.args[0], engine.members[0])
                raise NonFiniteGradient(
                    f"For 'LBFGS': the gradient of {member.place} is not finite; the step was not made"
                ) from None
        return ground.loss

    def _recall(self, ground: Ground) -> Memory:
        """What is remembered; it stands in the state of the first parameter."""
        return recalled(self.state.get(self.param_groups[0]["params"][0], {}), ground)

    def _keep(self, memory: Memory, ground: Ground) -> None:
        """Put what is remembered into ``state``."""
        group = self.param_groups[0]
        self.state[group["params"][0]].update(kept(memory, ground, group["history_size"]))

    def _load(self, state_dict: dict[str, Any]) -> None:
        """As ``Optimizer._load``; torch's class does not count its steps: the clock is the one it carried along from
        here, else 0."""
        bare = {**state_dict, "state": {}} if "state" in state_dict else state_dict
        check_state(self, bare)
        (group,), params = state_dict["param_groups"], self.param_groups[0]["params"]
        missing = [key for key in (*WHOLE, "line_search_fn") if key not in group]
        if missing:
            raise ValueError(
                f"LBFGS: group 0 of the checkpoint has no {missing[0]!r}; was it written by another optimizer?"
            )
        limits_of("LBFGS: group 0 of the checkpoint", group)
        first, *others = group["params"] or [None]
        stored = state_dict["state"].get(first, {})
        if any(state_dict["state"].get(key) for key in others):
            raise ValueError("LBFGS: the checkpoint has a state of parameters besides the first; is it of LBFGS?")
        check_memory(stored, Ground(params).size)
        super()._load({**bare, MEMORY: {key: own(value, Ground(params)) for key, value in stored.items()}})

    def _exchange(self, state_dict: dict[str, Any]) -> None:
        super()._exchange(state_dict)
        if state_dict[MEMORY]:
            self.state[self.param_groups[0]["params"][0]] = dict(state_dict[MEMORY])

    def snapshot(self) -> Snapshot:
        """All that must survive, as plain data; the memory stands with the first parameter."""
        found, ground = super().snapshot(), Ground(self.param_groups[0]["params"])
        found.groups[0].params[0].slots = to_arrays(self._recall(ground), ground.plain)
        return found

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken, as if the run had not stopped.

        Raises:
            SnapshotMismatch: other parameters or another optimizer; nothing has changed.
            ValueError: a function was in force that this optimizer was not built with; nothing has changed.
        """
        params = [replace(kept, slots={}) for group in snapshot.groups for kept in group.params]
        bare = replace(snapshot, groups=[replace(group, params=params) for group in snapshot.groups])
        self._listen()
        check(self, bare)
        ground = Ground(self.param_groups[0]["params"])
        try:
            memory = from_arrays(snapshot.groups[0].params[0].slots, ground.size, ground.made)
        except ValueError as problem:
            raise SnapshotMismatch(f"For 'LBFGS': {problem}") from None
        lines = self._prepared(bare)

        def write() -> None:
            self._go_on(bare, lines, [{} for _ in params])
            self._keep(memory, ground)

        self.engine.commit(write)


def limits_of(place: str, group: Mapping[str, Any], finite: bool = False) -> Limits:
    """What a group says of how long a step may go on.

    Raises:
        TypeError, ValueError: a bound that is no whole number from 1 on, or a line search that is not known.
    """
    found = [whole(f"{place}: {key!r}", group[key]) for key in WHOLE]
    if 0 in found:
        raise ValueError(f"{place}: {WHOLE[found.index(0)]!r} must be at least 1, but got 0")
    search = group["line_search_fn"]
    if search not in SEARCHES:
        raise ValueError(f"{place}: 'line_search_fn' must be 'strong_wolfe' or None, but got {shown(search)}")
    return Limits(found[0], found[1], found[2], search is not None, finite)
