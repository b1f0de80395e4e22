"""What an optimizer keeps between steps: torch's ``state``, ``state_dict``, pickle and deepcopy.

The rule's slots and the ages stand in ``state`` under torch's names; whoever exchanges them there is
believed. A ``state_dict`` is torch's, and under ``"calando"`` the schedules as plain data.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from ..average import SLOT
from ..control import Controls, Spelling, spelled
from ..eight import CODES, SCALE
from ..engine import Engine
from ..events import Timeline
from ..groups import Group
from ..hyper import Hyper
from ..plan import ASKED_AT_ONCE, TURN
from ..rounding import SEED
from ..rounding import SLOT as COMPENSATION
from ..schedules import Schedule
from ..snapshot import Snapshot
from .fit import VERSION, check_lines, check_state, kinds_of
from .options import Options
from .resume import Resumed, clock_of, rewritten

HALF = (torch.float16, torch.bfloat16)


class Stateful(Controls, torch.optim.Optimizer):
    """The half of ``Optimizer`` that is stored and loaded."""

    SPELLING: ClassVar[Spelling]  # torch's name → ours
    SLOTS: ClassVar[Mapping[str, str]]  # the rule's slot → the key in state
    AGED: ClassVar[bool] = True  # whether state has torch's "step"
    FIXED: ClassVar[Mapping[str, Any]] = {}  # choices that are not a group's to make
    LATE: ClassVar[tuple[str, ...]] = ()  # slots that begin when a choice or a number first asks for them
    MEMORY: ClassVar[tuple[str, ...]] = ()  # what the rule remembers, under the same names in state
    ENGINE: ClassVar[type[Engine]] = Engine

    _dicts: list[dict[str, Any]]  # the groups, as they stood in param_groups
    _posted: list[dict[str, Any]]  # what we last wrote into each
    _boxes: list[dict[str, Any]]  # the numbers in those that are tensors
    _structures: list[tuple[Any, ...]]
    _given: dict[str, Any]
    _controllers: dict[str, dict[str, Any]]  # what each remembers
    _waiting: dict[str, dict[str, Any]]  # the same from a checkpoint, before there is a controller
    _faces: list[tuple[Any, dict[str, Any], dict[str, Any]]]  # parameter, its entry in state, what we put there
    _seen_state: Any
    _seen_count: int
    _turn: int

    _options: Options

    def _dress(self, options: Options) -> None:
        """Know all names by which hyperparameters and slots are called."""
        self._options = options
        self.spelling = {**self.SPELLING, "max_norm": "max_norm", **{name: name for name in options.fronts}}
        self.spelling |= {SEED: SEED} if options.seeded else {}
        own = type(self).SLOTS
        codes = {slot + end: key + end for end in (CODES, SCALE) for slot, key in own.items()}
        self.SLOTS = {**own, **codes, COMPENSATION: COMPENSATION}  # type: ignore[misc]
        if options.ema is not None:
            self.spelling = {**self.spelling, SLOT: SLOT}
            self.SLOTS = {**self.SLOTS, SLOT: SLOT}  # type: ignore[misc]

    def ema_parameters(self) -> list[torch.Tensor]:
        """The running averages of all parameters, in their order: the tensors themselves, each of its shape.

        Before a parameter's first update its average is the parameter.

        Raises:
            ValueError: the optimizer was built without ``ema``.
        """
        return [mean if mean is not p else p.detach() for p, mean in self._averages()]

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

    def _show_state(self) -> None:
        """Put new slots into ``state``, under torch's names."""
        if not self.engine.newborn:
            return
        self._faces = []
        for part in self.engine.parts:
            ages, memory = torch.from_numpy(part.mirror), torch.from_numpy(part.memory)
            for i, member in enumerate(part.members):
                shown: dict[str, Any] = {"step": ages[i]} if self.AGED and (member.slots or part.ages[i]) else {}
                shown |= {key: member.slots[slot] for slot, key in self.SLOTS.items() if slot in member.slots}
                if shown:
                    shown |= {name: memory[i, j] for j, name in enumerate(part.key.rule.memory)}
                    face = self.state[member.param]
                    face.update(shown)
                    self._faces.append((member.param, face, shown))
        self.engine.newborn.clear()
        self._seen_state, self._seen_count = self.state, len(self.state)

    def _state_is_ours(self) -> bool:
        """Whether ``state`` still holds what we put there; in very large optimizers a part is asked each time."""
        if self.state is not self._seen_state or len(self.state) != self._seen_count:
            return False
        faces = self._faces
        if len(faces) > ASKED_AT_ONCE:
            first = self._turn = (self._turn + TURN) % len(faces)
            faces = faces[first : first + TURN]
        state = self.state
        for p, face, shown in faces:
            if state.get(p) is not face:
                return False
            for key, value in shown.items():
                if face.get(key) is not value:
                    return False
        return True

    def _adopt_state(self, ages: list[list[int]] | None = None) -> None:
        """Take slots and ages from ``state``, where others may have put them."""
        engine = self.engine
        engine.settle()
        for number, members in enumerate(engine.members):
            for i, member in enumerate(members):
                face = {key: value for key, value in self.state.get(member.param, {}).items() if value is not None}
                member.slots = {slot: face[key] for slot, key in self.SLOTS.items() if key in face}
                member.memory = tuple(float(face[name]) for name in self.MEMORY if name in face)
                if self.AGED:
                    member.age = int(face.get("step", 0))
                elif ages is not None:
                    member.age = ages[number][i]
                else:
                    member.age = max(1, engine.clocks[number]) if member.slots else 0
        engine.parts = []
        engine.rearrange()
        for member in (m for members in engine.members for m in members):
            face = self.state.get(member.param, {})
            for slot, key in self.SLOTS.items():
                if key in face and face[key] is not None and slot not in member.slots:
                    del face[key]  # numbers became codes, or codes numbers
        self._faces, self._seen_state, self._seen_count = [], self.state, len(self.state)
        self._show_state()

    def state_dict(self) -> dict[str, Any]:
        """torch's ``state_dict``, and under ``"calando"`` the schedules as plain data.

        ``torch.optim``'s class of the same name loads it, and ours loads that class's; clocks travel as
        ``param_groups[i]["step"]``. Loadable with ``weights_only=True``.
        """
        self._listen()
        self.engine.settle()
        with waiting(self._optimizer_state_dict_post_hooks) as hooks:
            stored = self._stored(super().state_dict())
        for hook in hooks:
            found = hook(self, stored)
            stored = stored if found is None else found
        return stored

    def _stored(self, stored: dict[str, Any]) -> dict[str, Any]:
        """torch's ``state_dict`` with what is ours in it."""
        own: dict[str, Any] = {
            "version": VERSION,
            "kind": kinds_of(self)[0],
            "timelines": [hyper.stored() for hyper in self.engine.hypers],
            "ages": [[m.age for m in members] for members in self.engine.members],
        }
        if self._controllers or self._waiting:
            own["controllers"] = self._reminders()
        return {**stored, "calando": own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where ``state_dict`` was taken: moments, clocks, and schedules with all their changes.

        A dictionary of ``torch.optim``'s class has no schedules: then numbers come from it, and a
        schedule given to this optimizer stays and goes on at the clock that the moments have.

        Raises:
            ValueError: it belongs to other groups, shapes or another optimizer, or holds a function
                that this optimizer was not built with; nothing has changed.
        """
        self._listen()
        with waiting(self._optimizer_load_state_dict_pre_hooks) as hooks:
            for hook in hooks:
                found = hook(self, state_dict := dict(state_dict))
                state_dict = state_dict if found is None else found
            with waiting(self._optimizer_load_state_dict_post_hooks) as following:
                self._load(state_dict)
        for hook in following:
            hook(self)

    def _load(self, state_dict: dict[str, Any]) -> None:
        """As ``load_state_dict``, without hooks: everything is checked, then everything is taken."""
        extra = check_state(self, state_dict)
        controllers = remembered(type(self).__name__, extra)
        if extra is not None:
            pairs = zip(self.engine.hypers, extra["timelines"], strict=True)
            lines = [hyper.loaded(stored) for hyper, stored in pairs]
        else:
            lines = [self._numbers_of(n, group) for n, group in enumerate(state_dict["param_groups"])]
        for hyper, line, group in zip(self.engine.hypers, lines, state_dict["param_groups"], strict=True):
            faces = [state_dict["state"].get(key, {}) for key in group["params"]]
            check_lines(hyper, line, clock_of(group, faces, extra is not None))
        super().load_state_dict(state_dict)
        for p in (p for group in self.param_groups for p in group["params"] if p in self.state):
            face = self.state[p]  # the dictionary may be alive in another optimizer
            face.update({key: x.clone() for key, x in face.items() if isinstance(x, torch.Tensor)})
        self._unrounded(state_dict)
        self._reload(lines, extra["ages"] if extra is not None else None)
        self._remind(controllers)

    def _unrounded(self, state_dict: Mapping[str, Any]) -> None:
        """Slots as they were stored: torch rounds those of parameters in half precision to it, and widens codes."""
        for theirs, ours in zip(state_dict["param_groups"], self.param_groups, strict=True):
            for key, p in zip(theirs["params"], ours["params"], strict=True):
                for name, value in state_dict["state"].get(key, {}).items():
                    kept = (torch.uint8, torch.float32) if p.dtype in HALF else (torch.uint8,)
                    if isinstance(value, torch.Tensor) and value.dtype in kept and name != "step":
                        self.state[p][name] = value.to(p.device, copy=True)

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
        self._listen()
        made, report = rewritten(self, state_dict, keep, clock, by_name)
        self.load_state_dict(made)
        return report

    def remember(self, key: str, memory: dict[str, Any]) -> dict[str, Any]:
        """Let a controller's memory travel in ``state_dict``, under a name of its own.

        Args:
            key: what the controller is called.
            memory: plain data; what a checkpoint already loaded has under this name is put into it, and so
                is what will be loaded.

        Returns:
            ``memory`` itself.
        """
        memory.update(self._waiting.pop(key, {}))
        self._controllers[key] = memory
        return memory

    def _numbers_of(self, number: int, group: Mapping[str, Any]) -> dict[str, Timeline]:
        """The numbers of a group that torch's class stored; a schedule given to this optimizer stays."""
        hyper, own = self.engine.hypers[number], {n: self.defaults.get(n) for n in (SLOT, SEED, *self._options.fronts)}
        loaded = self._hyper(hyper.place, {"max_norm": None, **own, **group}).timelines
        kept = {name: line for name, line in hyper.timelines.items() if isinstance(line.latest, Schedule)}
        return {**loaded, **kept}

    def _reload(self, lines: list[dict[str, Timeline]], ages: list[list[int]] | None) -> None:
        """Make engine and groups agree after ``param_groups`` and ``state`` were exchanged."""
        self._dicts = list(self.param_groups)
        engine = self.engine
        for number, group in enumerate(self._dicts):
            for key, value in self.defaults.items():
                group.setdefault(key, value)
            group.update(self.FIXED)
            group.update({hint: False for hint in ("capturable", "differentiable") if hint in group})
            steps = [int(self.state[p]["step"]) for p in group["params"] if "step" in self.state.get(p, {})]
            if ages is None and steps:  # torch's class carries our clock along and does not advance it
                group["step"] = max(steps)
            engine.clocks[number] = group.setdefault("step", 0)
            hyper = engine.hypers[number]
            hyper.timelines = lines[number]
            hyper.displaced.clear()
            hyper.sort()
            self._show(number, group, spelled(self.spelling, hyper.current(engine.clocks[number])))
            self._remember(number, group)
            self._structures[number] = self._structure(group)
            engine.groups[number] = self._group(group, hyper)
        self._adopt_state(ages)

    def _restored(self) -> None:
        for number, group in enumerate(self._dicts):
            group["step"] = self.engine.clocks[number]
        self.state.clear()
        self._show_state()

    def snapshot(self) -> Snapshot:
        """As ``Controls.snapshot``, with what controllers (``Plateau``) remember.

        Raises:
            ValueError: parameters are in pieces on several processes.
        """
        self._refuse_pieces()
        found = super().snapshot()
        found.controllers = self._reminders()
        return found

    def _reminders(self) -> dict[str, dict[str, Any]]:
        """What every controller remembers, and what waits for one; copies."""
        return {key: dict(memory) for key, memory in {**self._waiting, **self._controllers}.items()}

    def _prepared(self, snapshot: Snapshot) -> list[dict[str, Timeline]]:
        """As ``Controls._prepared``; ValueError where parameters are in pieces on several processes."""
        self._refuse_pieces()
        return super()._prepared(snapshot)

    def _go_on(self, snapshot: Snapshot, lines: list[dict[str, Timeline]], slots: list[dict[str, Any]]) -> None:
        super()._go_on(snapshot, lines, slots)
        self._remind(snapshot.controllers)

    def _remind(self, controllers: Mapping[str, Mapping[str, Any]]) -> None:
        """Give controllers their memory back; that of those who are not there yet waits for them."""
        for key, memory in controllers.items():
            (self._controllers if key in self._controllers else self._waiting).setdefault(key, {}).update(memory)

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
            hyper.timelines = kept["timelines"][number]
            hyper.sort()
            hypers.append(hyper)
        groups = [self._group(group, hyper) for group, hyper in zip(self.param_groups, hypers, strict=True)]
        self.engine = self.ENGINE(groups, hypers, kept["on_nonfinite"])
        self.engine.clocks = [group["step"] for group in self.param_groups]
        self._dicts = list(self.param_groups)
        self._posted, self._boxes = [], []
        for number, group in enumerate(self.param_groups):
            self._remember(number, group)
        self._structures = [self._structure(group) for group in self.param_groups]
        self._adopt_state(kept["ages"])


@contextmanager
def waiting(hooks: MutableMapping[int, Any]) -> Iterator[list[Any]]:
    """Within this block torch does not call these hooks; whoever asked calls them when all is in its place."""
    kept = dict(hooks)
    hooks.clear()
    try:
        yield list(kept.values())
    finally:
        hooks.update(kept)


def remembered(name: str, extra: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What controllers remembered, from our own part of a ``state_dict``.

    Raises:
        ValueError: it is no plain data under names.
    """
    found = (extra or {}).get("controllers", {})
    if not isinstance(found, Mapping) or not all(isinstance(memory, Mapping) for memory in found.values()):
        raise ValueError(f"{name}: what the checkpoint has of controllers was not stored by calando: {found!r}")
    return {str(key): dict(memory) for key, memory in found.items()}
