"""What stands in torch's ``state``: the rule's slots and the ages, under torch's names.

Whoever exchanges them there is believed.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from operator import is_
from typing import Any, ClassVar

import torch

from ..average import SLOT
from ..choices import Options
from ..control import Controls
from ..eight import CODES, SCALE
from ..engine import Engine
from ..hyper import shown
from ..member import Member
from ..member import key as key_of
from ..plan import ASKED_AT_ONCE, TURN
from ..rounding import SEED
from ..rounding import SLOT as COMPENSATION
from ..spelling import Spelling
from ..stored import shapes
from .fit import check_number


class Faces(Controls, torch.optim.Optimizer):
    """The part of ``Optimizer`` that shows slots and ages, and sees when they were exchanged."""

    SPELLING: ClassVar[Spelling]  # torch's name → ours
    SLOTS: ClassVar[Mapping[str, str]]  # the rule's slot → the key in state
    AGED: ClassVar[bool] = True  # whether state has torch's "step"
    FIXED: ClassVar[Mapping[str, Any]] = {}  # choices that are not a group's to make
    LATE: ClassVar[tuple[str, ...]] = ()  # slots that begin when a choice or a number first asks for them
    MEMORY: ClassVar[tuple[str, ...]] = ()  # what the rule remembers, under the same names in state
    ENGINE: ClassVar[type[Engine]] = Engine

    _faces: list[tuple[Any, dict[str, Any], dict[str, Any]]]  # parameter, its entry in state, what we put there
    _mirrors: list[tuple[torch.Tensor, int]]  # all ages, and all that rules remember; where they lie
    _numbers_at: list[tuple[torch.Tensor, int]]  # each age, and each number that rules remember; where it lies
    _seen_state: Any
    _seen_count: int
    _shown: Any = None  # the arrangement whose slots and ages stand in state
    _seen: list[list[Any]]  # the entries of state, and all that stands in them
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

    def _for_all(self) -> dict[str, Any]:
        """The options that hold for all groups."""
        return {**vars(self._options), "on_nonfinite": self.engine.on_nonfinite}

    def ema_parameters(self) -> list[torch.Tensor]:
        """The running averages of all parameters, in their order: the tensors themselves, each of its shape.

        Before a parameter's first update its average is the parameter.

        Raises:
            ValueError: the optimizer was built without ``ema``.
        """
        return [mean if mean is not p else p.detach() for p, mean in self._averages()]

    def _begin(self) -> None:
        """Make all slots before the first update, as some of torch's classes do; an average waits for the weights."""
        if self._options.ema is not None:
            return
        for part in self.engine.parts:
            part.whole = True
            part.be_born(self.engine.newborn)
        self._show_state()

    def _show_state(self) -> None:
        """Put new slots into ``state``, under torch's names."""
        parts = self.engine.parts
        if not self.engine.newborn:
            self._shown = parts
            return
        self._clear_faces()
        gone = {id(p) for p, *_ in self._faces if p not in self.state}  # exchanged in a group that sits this step out
        faces: list[Any] = []
        mirrors: list[Any] = []
        for part in parts:
            ages, memory = torch.from_numpy(part.mirror), torch.from_numpy(part.memory)
            mirrors += [(ages, ages.data_ptr()), (memory, memory.data_ptr())]
            for i, member in enumerate(part.members):
                ours: dict[str, Any] = {"step": ages[i]} if self.AGED and (member.slots or part.ages[i]) else {}
                ours |= {key: member.slots[slot] for slot, key in self.SLOTS.items() if slot in member.slots}
                if ours and id(member.param) not in gone:
                    ours |= {name: memory[i, j] for j, name in enumerate(part.key.rule.memory)}
                    face = self.state[member.param]
                    face.update(ours)
                    faces.append((member.param, face, ours))
        plain = {"step", *self.MEMORY}
        numbers = [x for *_, ours in faces for key, x in ours.items() if key in plain]
        self._numbers_at = [(x, x.data_ptr()) for x in numbers]
        self._faces, self._mirrors = faces, mirrors
        self._seen_state, self._seen_count = self.state, len(self.state)
        self._seen = [list(self.state.values()), values_of(self.state.values())]
        self._shown = parts
        self.engine.newborn.clear()  # last: who is interrupted before shows it again

    def _clear_faces(self) -> None:
        """Take out of ``state`` what has ended: numbers became codes, codes numbers, half precision float32."""
        for member in (m for members in self.engine.members for m in members):
            face = self.state.get(member.param, {})
            for slot, key in self.SLOTS.items():
                if slot not in member.slots and face.get(key) is not None:
                    del face[key]

    def _face(self, member: Member) -> dict[str, Any]:
        """What ``state`` has of one parameter.

        Raises:
            ValueError: it cannot be what it is called.
        """
        face = {key: value for key, value in self.state.get(member.param, {}).items() if value is not None}
        rule, shape = key_of(member, self.engine.groups[member.group]).rule, tuple(member.param.shape)
        wanted, place = shapes(rule, shape, tuple(self.SLOTS)), f"For {type(self).__name__!r}: {member.place}"
        for slot, key in self.SLOTS.items():
            found = unlike(face[key], wanted[slot], member.param) if key in face else None
            if found:
                must = f"must be a tensor of shape {wanted[slot]}"
                raise ValueError(f"{place}: its state {key!r} {must}, but it is {found}")
        for key in ("step", *self.MEMORY):
            if key in face:
                check_number(place, key, face[key], "its state has")
        own = {"step", *self.MEMORY, *self.SLOTS.values()}
        needed = [slot for slot in rule.slots if slot in member.slots and slot not in (SLOT, *self.LATE)]
        gone = [
            self.SLOTS[slot] for slot in needed if face.keys().isdisjoint((self.SLOTS[slot], self.SLOTS[slot + CODES]))
        ]
        if gone and not own.isdisjoint(face) and face.get("step", 1):
            way = "put it back, or take all of it out for a fresh start"
            raise ValueError(f"{place}: {gone[0]!r} was taken out of its state; {way}")
        return face

    def _state_is_ours(self) -> bool:
        """Whether ``state`` still holds what we put there; in very large optimizers a part is asked each time."""
        if self.state is not self._seen_state or len(self.state) != self._seen_count:
            return False
        if any(x.data_ptr() != where for x, where in self._mirrors):  # put into shared memory
            return False
        self._turn += TURN
        if any(x.data_ptr() != where for x, where in in_turn(self._numbers_at, self._turn)):  # given other memory
            return False
        faces = self._faces
        if len(faces) <= ASKED_AT_ONCE:
            entries, values = self._seen
            if alike(self.state.values(), entries) and alike(values_of(entries), values):
                return True
        else:
            faces = in_turn(faces, self._turn)
        state = self.state
        for p, face, ours in faces:
            if state.get(p) is not face:
                return False
            for key, value in ours.items():
                if face.get(key) is not value:
                    return False
        return True

    def _overlook(self) -> None:
        """Whatever stands in ``state`` is as we know it, though nothing in it is ours."""
        self._faces, self._mirrors, self._numbers_at, self._shown = [], [], [], self.engine.parts
        self._seen_state, self._seen_count = self.state, len(self.state)
        self._seen = [list(self.state.values()), values_of(self.state.values())]

    def _adopt_state(self, ages: list[list[int]] | None = None) -> None:
        """Take slots and ages from ``state``, where others may have put them.

        Raises:
            ValueError: what stands there cannot be one; nothing has been taken.
        """
        engine = self.engine
        engine.settle()
        faces = {id(member): self._face(member) for members in engine.members for member in members}
        for number, members in enumerate(engine.members):
            for i, member in enumerate(members):
                face = faces[id(member)]
                member.slots = {slot: face[key] for slot, key in self.SLOTS.items() if key in face}
                member.memory = tuple(float(face[name]) for name in self.MEMORY if name in face)
                if self.AGED:
                    member.age = int(face.get("step", 0))
                elif ages is not None:
                    member.age = ages[number][i]
                else:
                    member.age = max(1, engine.clocks[number]) if member.slots else 0
        engine.forget()
        engine.rearrange()
        self._overlook()
        self._show_state()


def unlike(x: Any, shape: tuple[int, ...], p: torch.Tensor) -> str | None:
    """What is wrong with a slot of this shape for this parameter; None: nothing."""
    if not isinstance(x, torch.Tensor):
        return shown(x)
    if x.shape != shape:
        return f"of shape {tuple(x.shape)}"
    if x.is_complex() and not p.is_complex():
        return f"{x.dtype}, and the parameter is {p.dtype}"
    if x.is_meta and not p.is_meta:
        return "on the meta device, without elements"
    return None if x.layout is torch.strided else f"{x.layout}; make it dense"


def in_turn(things: list[Any], turn: int) -> list[Any]:
    """Those that are asked in this step."""
    if len(things) <= TURN:
        return things
    first = turn % len(things)
    return things[first : first + TURN]


def values_of(entries: Iterable[Any]) -> list[Any]:
    """All that stands in those entries of ``state`` that belong to parameters."""
    return list(chain.from_iterable(entry.values() for entry in entries if isinstance(entry, dict)))


def alike(xs: Collection[Any], ys: Collection[Any]) -> bool:
    """Whether two collections hold the same things in the same order."""
    return len(xs) == len(ys) and all(map(is_, xs, ys))
