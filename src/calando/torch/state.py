"""What survives an optimizer: ``state_dict``, pickle and deepcopy, and snapshots.

A ``state_dict`` is torch's, and under ``"calando"`` the schedules as plain data.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import Any

import torch

from ..average import SLOT
from ..called import told as telling
from ..events import Timeline
from ..groups import Group
from ..hyper import Hyper
from ..rounding import SEED
from ..schedules import Schedule
from ..snapshot import Snapshot
from ..spelling import spelled
from .faces import Faces
from .fit import VERSION, check_lines, check_state, kinds_of, tell_lost_schedules
from .refusals import DEMANDS
from .reminders import Reminders, remembered
from .resume import Resumed, clock_of, rewritten

HALF = (torch.float16, torch.bfloat16)


class Stateful(Reminders, Faces):
    """The part of ``Optimizer`` that is stored and loaded."""

    _dicts: list[dict[str, Any]]  # the groups, as they stood in param_groups
    _posted: list[dict[str, Any]]  # what we last wrote into each
    _sizes: list[int]  # how many keys each had when we last looked through them
    _boxes: list[dict[str, Any]]  # the numbers in those that are tensors
    _left: list[
        list[Any]
    ]  # all that stood in each after a step; empty where something was written since, or is a tensor
    _structures: list[tuple[Any, ...]]
    _given: dict[str, Any]

    def _hyper(self, place: str, given: Mapping[str, Any], clock: int = 0) -> Hyper:
        """The hyperparameters of one group, from what the user gave."""
        raise NotImplementedError

    def _group(self, group: Mapping[str, Any], hyper: Hyper) -> Group:
        """A group as the engine sees it."""
        raise NotImplementedError

    def _structure(self, group: Mapping[str, Any]) -> tuple[Any, ...]:
        """The choices in a group that are no numbers over time."""
        raise NotImplementedError

    def _show(self, number: int, group: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Write values in force into a group."""
        raise NotImplementedError

    def _remember(self, number: int, group: dict[str, Any]) -> None:
        """What stands in a group now was not written from outside."""
        raise NotImplementedError

    @telling
    def state_dict(self) -> dict[str, Any]:
        """torch's ``state_dict``, and under ``"calando"`` the schedules as plain data.

        ``torch.optim``'s class of the same name loads it, and ours loads that class's; clocks travel as
        ``param_groups[i]["step"]``. Loadable with ``weights_only=True``.
        """
        before, after = self._optimizer_state_dict_pre_hooks, self._optimizer_state_dict_post_hooks
        for hook in [*before.values()]:
            hook(self)
        self._listen()
        self.engine.settle()
        with waiting(before, after):
            stored = self._stored(super().state_dict())
        for change in [*after.values()]:
            found = change(self, stored)
            stored = stored if found is None else found
        return stored

    def _stored(self, stored: dict[str, Any]) -> dict[str, Any]:
        """torch's ``state_dict`` with what is ours in it."""
        own: dict[str, Any] = {
            "version": VERSION,
            "kind": kinds_of(self)[0],
            "timelines": tuple(hyper.stored() for hyper in self.engine.hypers),  # a list would be taken to pieces by
            "ages": [[m.age for m in members] for members in self.engine.members],  # torch.distributed.checkpoint
        }
        if self._controllers or self._waiting:
            own["controllers"] = self._reminders()
        return {**stored, "calando": own}

    @telling
    def load_state_dict(self, state_dict: dict[str, Any], keep: str | Iterable[str] = ()) -> None:
        """Go on where ``state_dict`` was taken: moments, clocks, and schedules with all their changes.

        A dictionary of ``torch.optim``'s class has no schedules: then numbers come from it, and a
        schedule given to this optimizer stays and goes on at the clock that the moments have.

        Args:
            state_dict: ours or of ``torch.optim``'s class of the same name.
            keep: hyperparameters (``"lr"``, …) that stay as this optimizer was given them; ``resume`` also sets clocks
                and finds parameters by name.

        Raises:
            UnknownName: a name in ``keep`` that this optimizer does not have; nothing has changed.
            ValueError: it belongs to other groups, shapes or another optimizer, or holds a function
                that this optimizer was not built with; nothing has changed.
        """
        told = partial(rewritten, self, keep=keep, clock=None, by_name=False)
        self._load_between_hooks(state_dict, told if keep else lambda found: (found, Resumed()))

    def _load_between_hooks(self, state_dict: Any, read: Callable[[Any], tuple[dict[str, Any], Resumed]]) -> Resumed:
        """Load what torch's hooks make of a checkpoint, as ``read`` understands it."""
        before, after = self._optimizer_load_state_dict_pre_hooks, self._optimizer_load_state_dict_post_hooks
        for change in [*before.values()]:
            found = change(self, state_dict := dict(state_dict))
            state_dict = state_dict if found is None else found
        self._listen()
        state_dict, report = read(state_dict)
        with waiting(before, after):
            self._load(state_dict)
        for hook in [*after.values()]:
            hook(self)
        return report

    def _load(self, state_dict: dict[str, Any]) -> None:
        """As ``load_state_dict``, without hooks: everything is checked, then everything is taken."""
        extra = check_state(self, state_dict)
        controllers = remembered(type(self).__name__, extra)
        if extra is not None:
            pairs = zip(self.engine.hypers, extra["timelines"], strict=True)
            lines = [hyper.loaded(stored) for hyper, stored in pairs]
        else:
            lines = [self._numbers_of(n, group) for n, group in enumerate(state_dict["param_groups"])]
        for number, (line, group) in enumerate(zip(lines, state_dict["param_groups"], strict=True)):
            faces = [state_dict["state"].get(key, {}) for key in group["params"]]
            clock = clock_of(group, faces, extra is not None)
            check_lines(self.engine.hypers[number], line, clock)
            if extra is None:
                tell_lost_schedules(self, number, group, clock)
        for number, (line, group) in enumerate(zip(lines, state_dict["param_groups"], strict=True)):
            self._try(number, line, group)
        shared = [self.defaults.keys() & group.keys() for group in self._dicts]

        def write() -> None:
            self._exchange(state_dict)
            self._reload(lines, extra["ages"] if extra is not None else None, shared)
            self._remind(controllers)

        self.engine.commit(write)

    def _exchange(self, state_dict: dict[str, Any]) -> None:
        """Put what was stored into ``param_groups`` and ``state``, as torch does."""
        super().load_state_dict(state_dict)
        for p in (p for group in self.param_groups for p in group["params"] if p in self.state):
            face = self.state[p]  # the dictionary may be alive in another optimizer
            face.update({key: own(x) for key, x in face.items() if isinstance(x, torch.Tensor)})
        self._unrounded(state_dict)

    def _try(self, number: int, line: dict[str, Timeline], group: Mapping[str, Any]) -> None:
        """Raise where a group could not be updated with the choices and numbers that were stored."""
        trial = copy(self.engine.hypers[number])
        trial.replace(line)
        own = self.param_groups[number]
        self._group({**self.defaults, **group, **self.FIXED, "params": own["params"]}, trial)

    def _unrounded(self, state_dict: Mapping[str, Any]) -> None:
        """Slots as they were stored: torch rounds those of parameters in half precision to it, and widens codes."""
        for theirs, ours in zip(state_dict["param_groups"], self.param_groups, strict=True):
            for key, p in zip(theirs["params"], ours["params"], strict=True):
                for name, value in state_dict["state"].get(key, {}).items():
                    kept = (torch.uint8, torch.float32, *HALF) if p.dtype in HALF else (torch.uint8,)
                    if isinstance(value, torch.Tensor) and value.dtype in kept and name != "step":
                        self.state[p][name] = value.to(p.device, copy=True)

    @telling
    def resume(
        self,
        state_dict: Mapping[str, Any],
        keep: str | Iterable[str] = (),
        clock: int | None = None,
        by_name: bool = False,
    ) -> Resumed:
        """Go on from a checkpoint, but differently on purpose.

        Args:
            state_dict: ours or of ``torch.optim``'s class of the same name.
            keep: hyperparameters (``"lr"``, ``"beta1"``, …) that stay as this optimizer was given them, schedules
                and all; a longer schedule goes on where the checkpoint's clock stands.
            clock: where all clocks are set, as 0 to let the schedules begin anew; None: where they stood. Moments
                keep their age.
            by_name: find parameters by their names (``named_parameters()``) and not by order. A group takes its
                clock and its schedules from the group that its first known parameter stood in, and stays as it
                was built if it has none. Parameters that are not found, or have another shape, start afresh.

        Returns:
            What did not match by name; empty by order, where everything must match.

        Raises:
            UnknownName: a name in ``keep`` that this optimizer does not have; nothing has changed.
            ValueError, TypeError: as ``load_state_dict``, or names are missing; nothing has changed.
            ScheduleEnd: what is kept has no value at that clock; nothing has changed.

        Example:
            >>> import torch
            >>> from calando.schedules import Cosine
            >>> from calando.torch import SGD
            >>> w = torch.nn.Parameter(torch.ones(3))
            >>> first = SGD([w], lr=Cosine(1.0, 0.0, steps=2), momentum=0.9)
            >>> for _ in range(2):
            ...     w.grad = torch.ones(3)
            ...     first.step()
            >>> longer = SGD([w], lr=Cosine(1.0, 0.0, steps=4), momentum=0.5)
            >>> print(longer.resume(first.state_dict(), keep="lr"))
            everything matched
            >>> longer.current()[0]["lr"], longer.current()[0]["momentum"]
            (0.5, 0.9)
        """
        return self._load_between_hooks(state_dict, partial(rewritten, self, keep=keep, clock=clock, by_name=by_name))

    def _numbers_of(self, number: int, group: Mapping[str, Any]) -> dict[str, Timeline]:
        """The numbers of a group that torch's class stored; a schedule given to this optimizer stays."""
        lines = self.engine.hypers[number].timelines
        kept = {name: line for name, line in lines.items() if isinstance(line.latest, Schedule)}
        return {**self._stored_numbers(number, group), **kept}

    def _stored_numbers(self, number: int, group: Mapping[str, Any]) -> dict[str, Timeline]:
        """The numbers that stand in a stored group."""
        own = {name: self.defaults.get(name) for name in (SLOT, SEED, *self._options.fronts)}
        return self._hyper(self.engine.hypers[number].place, {"max_norm": None, **own, **group}).timelines

    def _reload(self, lines: list[dict[str, Timeline]], ages: list[list[int]] | None, shared: list[set[str]]) -> None:
        """Make engine and groups agree after ``param_groups`` and ``state`` were exchanged.

        Args:
            shared: what each group had of the defaults, to which torch adds 'differentiable'.
        """
        self._dicts = list(self.param_groups)
        engine = self.engine
        for number, group in enumerate(self._dicts):
            for key in shared[number]:
                group.setdefault(key, self.defaults[key])
            group.update(self.FIXED)
            group.update({hint: False for hint in DEMANDS if hint in group})
            steps = [int(self.state[p]["step"]) for p in group["params"] if "step" in self.state.get(p, {})]
            if ages is None and steps:  # torch's class carries our clock along and does not advance it
                group["step"] = max(steps)
            engine.clocks[number] = group.setdefault("step", 0)
            hyper = engine.hypers[number]
            hyper.replace(lines[number])
            self._show(number, group, spelled(self.spelling, hyper.current(engine.clocks[number])))
            self._remember(number, group)
            self._structures[number] = self._structure(group)
            engine.groups[number] = self._group(group, hyper)
        self._adopt_state(ages)

    def _restored(self) -> None:
        for number, group in enumerate(self._dicts):
            group["step"] = self.engine.clocks[number]
        self.state.clear()
        self._overlook()
        self.engine.newborn = self.engine.known()
        self._show_state()

    @telling
    def snapshot(self) -> Snapshot:
        """As ``Controls.snapshot``, with what controllers (``Plateau``) remember.

        Raises:
            ValueError: parameters are in pieces on several processes.
        """
        self._refuse_pieces()
        found = super().snapshot()
        found.controllers = self._reminders()
        return found

    def _prepared(self, snapshot: Snapshot) -> list[dict[str, Timeline]]:
        """As ``Controls._prepared``; ValueError where parameters are in pieces on several processes."""
        self._refuse_pieces()
        return super()._prepared(snapshot)

    def _go_on(self, snapshot: Snapshot, lines: list[dict[str, Timeline]], slots: list[dict[str, Any]]) -> None:
        super()._go_on(snapshot, lines, slots)
        self._remind(snapshot.controllers)

    def _refuse_pieces(self) -> None:
        if any(part.sharded for part in self.engine.parts):
            way = "store state_dict() with torch.distributed.checkpoint"
            raise ValueError(
                f"{type(self).__name__}: a snapshot holds whole parameters, and these are in pieces; {way}"
            )

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: torch's three, and the schedules as they are."""
        self._listen()
        self.engine.settle()
        kept = {
            "timelines": [hyper.timelines for hyper in self.engine.hypers],
            "ages": [[m.age for m in members] for members in self.engine.members],
            "given": self._given,
            "options": self._options,
            "controllers": (self._controllers, self._waiting),
            "on_nonfinite": self.engine.on_nonfinite,
        }
        return {**super().__getstate__(), "calando": kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = state.pop("calando", None)
        super().__setstate__(state)
        if kept is None:
            return
        self._dress(kept["options"])
        self._given, self._turn = kept["given"], 0
        self._controllers, self._waiting = kept.get("controllers", ({}, {}))
        hypers = []
        for number, group in enumerate(self.param_groups):
            hyper = self._hyper(f"For '{type(self).__name__}', group {number}", group)
            hyper.replace(kept["timelines"][number])
            hypers.append(hyper)
        groups = [self._group(group, hyper) for group, hyper in zip(self.param_groups, hypers, strict=True)]
        self.engine = self.ENGINE(groups, hypers, kept["on_nonfinite"])
        self.engine.clocks = [group["step"] for group in self.param_groups]
        self._dicts = list(self.param_groups)
        self._posted, self._sizes, self._boxes, self._left = [], [], [], []
        for number, group in enumerate(self.param_groups):
            self._remember(number, group)
        self._structures = [self._structure(group) for group in self.param_groups]
        self._adopt_state(kept["ages"])


def own(x: torch.Tensor) -> torch.Tensor:
    """A copy of a tensor; dense, as torch's SGD keeps a sparse one where gradients are sparse."""
    return x.to_dense() if x.layout is not torch.strided else x.clone()


@contextmanager
def waiting(*hooks: MutableMapping[int, Any]) -> Iterator[None]:
    """Within this block torch does not call these hooks: whoever asked calls them around it."""
    kept = [dict(held) for held in hooks]
    try:
        for held in hooks:
            held.clear()
        yield
    finally:
        for held, old in zip(hooks, kept, strict=True):
            held.update(old)
