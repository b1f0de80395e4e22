"""Arrange tensors for the step: once, after the groups are known.

A plan sorts the parameters into *parts*: those that share framework, device, dtype, rule and decay, and
whose memory a kernel can walk. A part cuts every tensor into chunks and remembers, for each chunk, where
its arrays begin and which row of scalars it reads:

    address  uint64 (chunks, 2 + slots)   p, g, then what is kept beside them, in bytes
    length   int64  (chunks,)             elements, at most CHUNK
    row      int64  (chunks,)             one row per (group, exempt, age, memory)
    center   dtype  (chunks,)             the mean that centralization subtracts, else 0

Kernels see chunks only, never tensors or groups; so one call serves all groups. Tensors without a
kernel (other devices, half precision, memory with gaps) form parts too, played as array expressions.

A plan is built when the optimizer is built, when a group is added or restored and when a parameter has
another memory. Between steps only the column of gradients changes, because backward allocates
gradients anew; chunks whose gradient is missing are left out.

Imports: numpy, the rules' room and the adapters; torch, mindspore and numba are only reached through these.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from .arrays import NoGradient, Rows
from .average import SLOT
from .distinct import distinct
from .eight import BLOCK, SCALE
from .groups import Group
from .member import Key, Member, key
from .rounding import keys
from .stored import ITEMSIZE, refuse_overflow, shapes

CHUNK, SMALLEST = 65_536, 8_192
SHARES = 32  # into so many chunks, at least, is work cut whose chunks are not the smallest: threads then end together
ASKED_AT_ONCE, TURN = 512, 64


Kind = tuple[int, bool, int, tuple[float, ...]]  # group, exempt, age, memory: what a row of scalars is for
Older = tuple[np.ndarray, np.ndarray, tuple[list[Kind], np.ndarray] | None]  # ages, memory, the coming rows


class Part:
    """The members that one kernel call serves.

    Attributes:
        members: in the order of groups and of parameters within them.
        sizes: int64 (members,), elements.
        ages: int64 (members,), updates so far.
        present: bool (members,), who has a gradient in this step.
        whole: whether all are present.
        plain: whether all lie in memory in the plain order of their axes.
        sharded: whether some are only in part on this process (FSDP).
        sparse: whether there are Rows among the gradients of this step.
        same: a test whether parameters are of the kinds, sizes and strides that they had; None: ask one by one.
        alike: a test whether gradients are of the kinds, sizes and strides of earlier ones that fitted; may be None.
        given: the gradients of this step, as they were given; None where they are those that members carry.
        glance: what looks at all of them in one call (``kernels.glance``); None: not asked yet, False: there is none.
        slots: all slots, one kind after the other, and ``slots_at``, where they lay when they were last sought.
        centers: whether the gradients of any member are centred.
        kernels: those of the update, once they were made, by whether they watch and whether they zero gradients.
        cells: what asks many of them in one call where they lie (``kernels.still``).
        whole_cut: how all are cut for sums, once it was sought (``kernels.sums``).
        lines: the rows that are centred when all take part, once they were sought (``kernels.centers``).
        mirror: float32 (members,), the ages as PyTorch keeps them, for others to see and to change.
        mirrored: the bytes of the mirror as we have left it.
        memory: float32 (members, numbers), what the rule remembers; likewise.
    """

    def __init__(self, key: Key, members: list[Member]):
        self.key = key
        self.members = members
        self.kept = key.kept
        self.noise_keys = np.zeros((len(members), 2), np.uint32)
        self.params = [m.param for m in members]
        self.sharded = key.arrays.sharded(self.params)
        self.layouts = [key.arrays.layout(p) for p in self.params]
        self.shapes = [key.arrays.shape(p) for p in self.params]
        self.turn = 0
        self.moved = True  # since gradients were last compared with their parameters
        self.sizes = np.array([prod(shape) for shape in self.shapes], np.int64)
        self.size_list = self.sizes.tolist()
        self.ages = np.array([m.age for m in members], np.int64)
        self.groups = np.array([m.group for m in members], np.int64)
        self.sorts = self.groups * 2 + np.array([m.exempt for m in members], np.int64)
        self.centered = np.array([m.centered for m in members], bool)
        self.centers = bool(self.centered.any())
        self.rows = np.array([s[0] if c else 1 for s, c in zip(self.shapes, self.centered, strict=True)], np.int64)
        self.coming: tuple[list[Kind], np.ndarray] | None = None
        self.everyone = np.ones(len(members), bool)
        self.complete = False  # whether everybody has slots
        self.placed = True  # whether the kernel knows where all of them are
        self.plain = all(key.arrays.dense(p, rows=True) for p in self.params)
        self.sparse = False
        self.same: Any = None
        self.alike: Any = None
        self.given: list[Any] | None = []
        self.glance: Any = None
        self.held: list[Any] = []
        self.mirror = self.ages.astype(np.float32)
        self.mirrored = self.mirror.tobytes()
        self.memory = np.zeros((len(members), len(key.rule.memory)), np.float32)
        for i, m in enumerate(members):
            if len(m.memory) == len(key.rule.memory):
                self.memory[i] = m.memory
        self.remembered = self.memory.copy()
        self.ranges: list[tuple[int, int]] = []
        self.threads = 0  # that the ranges are for
        self.lines: Any = None
        self.whole_cut: Any = None
        self.slots: list[Any] = []
        self.cells: Any = None
        self.kernels: dict[tuple[bool, bool], Any] = {}
        if key.fused:
            self.cut(int(np.clip(self.sizes.sum() // SHARES, SMALLEST, CHUNK)))

    def cut(self, chunk: int) -> None:
        """Cut every member into chunks: by rows where it is centred, then by size, never within a block of codes."""
        chunk = -(-chunk // BLOCK) * BLOCK if self.key.slot_dtype == "int8" else chunk
        self.threads, self.lines, self.whole_cut = 0, None, None
        piece = np.repeat(np.arange(len(self.rows)), self.rows)
        size = (self.sizes // np.maximum(self.rows, 1))[piece]
        within = np.arange(len(piece)) - np.repeat(np.cumsum(self.rows) - self.rows, self.rows)
        counts = -(-size // chunk)
        self.line = np.repeat(np.arange(len(piece)), counts)  # which row of all rows each chunk lies in
        first = (np.arange(len(self.line)) - np.repeat(np.cumsum(counts) - counts, counts)) * chunk
        self.piece = piece[self.line]
        self.length = np.minimum(chunk, size[self.line] - first)
        self.first = (within * size)[self.line] + first
        self.offset = (self.first * ITEMSIZE[self.key.dtype]).astype(np.uint64)
        self.line_piece, self.line_size = piece, size
        self.uncentered = np.zeros(len(self.piece), self.key.number)
        self.line_first = within * size
        self.address = np.zeros((len(self.piece), 2 + len(self.kept)), np.uint64)
        self.where = np.zeros(0, np.uint64)
        self.find_slots()

    def find_slots(self) -> None:
        """Write the addresses of the slots that exist."""
        names = self.kept.keys()
        alive = [m for m in self.members if names <= m.slots.keys()]
        living = np.array([names <= m.slots.keys() for m in self.members])
        self.slot_where = np.zeros((len(self.members), len(names)), np.uint64)
        for column, name in enumerate(names):
            self.slot_where[living, column] = self.key.arrays.slot_addresses([m.slots[name] for m in alive])
        self.slots = [m.slots[name] for name in names for m in alive]
        self.slots_at, self.cells = self.slot_where[living].T.ravel(), None
        self.address[:, 2:] = self.slot_where[self.piece] + self.slot_offset(self.first)

    def slot_offset(self, first: np.ndarray) -> np.ndarray:
        """How far into each array that is kept the elements from ``first`` on lie, in bytes, uint64 (n, slots)."""
        found = np.zeros((len(first), len(self.kept)), np.uint64)
        for column, (name, dtype) in enumerate(self.kept.items()):
            found[:, column] = (first // BLOCK if name.endswith(SCALE) else first) * ITEMSIZE[dtype]
        return found

    def within(self, member: np.ndarray, first: np.ndarray) -> np.ndarray:
        """Where p, g and what is kept have these members' elements from ``first`` on, uint64 (n, 2 + slots)."""
        offset = (first * ITEMSIZE[self.key.dtype]).astype(np.uint64)
        p, g = (base[member] + offset for base in (self.where, self.grad_where))
        return np.column_stack([p, g, self.slot_where[member] + self.slot_offset(first)])

    def draw(self, seeds: Mapping[int, float]) -> None:
        """Find the keys of this step's noise, where there is any; by group, what it is drawn from."""
        if self.key.noisy:
            given = [seeds.get(m.group, 0.0) for m in self.members]
            self.noise_keys = keys(given, self.ages + 1, [m.number for m in self.members])

    def noise(self, member: np.ndarray, first: np.ndarray) -> np.ndarray:
        """What elements of these members from ``first`` on are rounded with, uint32 (n, 3)."""
        return np.column_stack([self.noise_keys[member], first.astype(np.uint32)])

    def look(self) -> bool:
        """Find where the parameters are now, and keep them there; False when the part must be arranged anew.

        Raises:
            ValueError: a parameter has another shape than when the optimizer was built.
        """
        arrays = self.key.arrays
        if not self.key.fused:
            return all(map(self.belongs, self.members, self.layouts))
        self.held = arrays.hold(list(map(arrays.local, self.params)) if self.sharded else self.params)
        where = arrays.addresses(self.held)
        if where.tobytes() != self.where.tobytes():
            if not all(map(self.belongs, self.members, self.layouts)):
                return False
            self.move(where)
        return self.lasts() and (self.sharded or self.key.arrays.resting(self.slots, self.slots_at))

    def move(self, where: np.ndarray) -> None:
        """The parameters are elsewhere now."""
        self.moved = True
        self.address[:, 0] = where[self.piece] + self.offset
        self.where = where  # last: who is interrupted before looks again

    def see(self) -> None:
        """Take over what ``glance`` has found: everybody takes part, with the gradient that it carries."""
        self.held, self.given, self.sparse = self.params, None, False
        if self.glance.where.tobytes() != self.where.tobytes():
            self.move(self.glance.where.copy())
        self.whole, self.present = True, self.everyone
        self.grad_where = self.glance.grad_where
        self.address[:, 1] = self.grad_where[self.piece] + self.offset

    @property
    def grads(self) -> list[Any]:
        """The gradients of those present, in this step."""
        return self.key.arrays.carried(self.params) if self.given is None else self.given

    def touched(self) -> None:
        """Tell the framework that the present members were written in place."""
        if self.given is None:
            self.glance.touched()
        else:
            self.key.arrays.touched(self.chosen(self.params))

    def lasts(self) -> bool:
        """Whether all parameters still lie in memory as they were arranged, as far as they are asked.

        Raises:
            ValueError: a parameter has another shape than when the optimizer was built.
        """
        if self.same is not None and self.same(*self.params):
            return True
        if not all(map(self.belongs, *self.watched())):
            return False
        asked = len(self.members) <= ASKED_AT_ONCE and not self.sharded
        self.same = self.key.arrays.guard(self.params) if asked else None
        return True

    def watched(self) -> tuple[list[Member], list[Any]]:
        """Who is asked in this step whether its layout has changed at the same address, and what it was.

        Everybody, in parts of ordinary size and where a glance has found something odd; in very large ones by turns,
        as asking costs a third of a microsecond.
        """
        if len(self.members) <= ASKED_AT_ONCE or self.glance:
            return self.members, self.layouts
        first = self.turn
        self.turn = (first + TURN) % len(self.members)
        return self.members[first : first + TURN], self.layouts[first : first + TURN]

    def belongs(self, member: Member, layout: Any) -> bool:
        """Whether a parameter still lies in memory as it was arranged; False: it must be arranged anew.

        Raises:
            ValueError: it has another shape.
        """
        found = self.key.arrays.layout(member.param)
        if found == layout:
            return True
        if found[0] != layout[0]:
            raise ValueError(
                f"{member.place} had shape {tuple(layout[0])} when the optimizer was built "
                f"and has {tuple(found[0])} now; build a new optimizer for it"
            )
        return False

    def take(self, grads: list[Any]) -> None:
        """Take this step's gradients, one per member or None; check them, and write where they are.

        Raises:
            ValueError: a gradient of another shape.
            TypeError: a gradient of another dtype or device, or a sparse one.
        """
        gradients, self.sparse = self.key.arrays.gradients, False
        try:
            self.given, where = gradients(grads, self.members, self.size_list, self)
            self.whole, self.present = True, self.everyone
        except NoGradient:
            self.whole, self.present = False, np.array([g is not None for g in grads])
            self.given, where = gradients(*map(self.chosen, (grads, self.members, self.size_list)), self)
        self.moved = False
        if self.key.fused:
            self.grad_where = where
            if not self.whole:
                self.grad_where = np.zeros(len(grads), np.uint64)
                self.grad_where[self.present] = where
            self.address[:, 1] = self.grad_where[self.piece] + self.offset

    def rows_of(self) -> dict[int, Rows]:
        """The gradients of which there are only some rows, by the number of their member."""
        if not self.sparse:
            return {}
        here = np.flatnonzero(self.present).tolist()
        return {i: g for i, g in zip(here, self.grads, strict=True) if isinstance(g, Rows)}

    def chosen(self, things: list[Any]) -> list[Any]:
        """Those of the present members."""
        return things if self.whole else [x for x, here in zip(things, self.present, strict=True) if here]

    def kinds(self) -> tuple[list[Kind], np.ndarray]:
        """The rows of scalars this step needs, and which of them each member reads.

        As long as everybody takes part, everybody grows older together and the rows keep their order.
        """
        if self.coming is None or not self.whole:
            table = np.vstack([self.sorts, self.ages + 1, self.memory.T])[:, self.present]
            unique, inverse = distinct(table)
            rows = [
                (int(sort) // 2, bool(sort % 2), int(age), tuple(memory)) for sort, age, *memory in unique.T.tolist()
            ]
            index = np.zeros(len(self.members), np.int64)
            index[self.present] = inverse
            if not self.whole:
                return rows, index
            self.coming = rows, index
        return self.coming

    def older(self, memories: list[tuple[float, ...]]) -> Older:
        """What ``grow_older`` will write after one more update, with what each row remembers of it."""
        rows, index = self.kinds()
        memory, coming = self.memory, None
        if self.key.rule.memory:
            learned = np.array(memories, np.float32)
            memory = memory.copy()
            memory[self.present] = learned[index[self.present]]
            memories = list(map(tuple, learned.tolist()))
        if self.whole:
            pairs = zip(rows, memories, strict=True)
            coming = [(group, exempt, age + 1, memory) for (group, exempt, age, _), memory in pairs], index
        return self.ages + self.present, memory, coming

    def grow_older(self, older: Older) -> None:
        """Everybody who took part has had one more update; saying it twice changes nothing."""
        self.ages[:], self.memory[:], self.coming = older
        self.mirror[:], self.remembered[:] = self.ages, self.memory
        self.mirrored = self.mirror.tobytes()

    def settle(self) -> None:
        """Write ages and memories back to the members, before they are arranged anew."""
        rows = zip(self.members, self.ages.tolist(), self.memory.tolist(), strict=True)
        for member, age, memory in rows:
            member.age, member.memory = age, tuple(memory)

    def reflect(self) -> None:
        """Take over what others have written into the mirror or the memory."""
        remembers = self.key.rule.memory and (self.memory != self.remembered).any()
        if remembers or self.mirror.tobytes() != self.mirrored:
            wrong = ~(np.isfinite(self.mirror) & (self.mirror >= 0))
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                found = self.mirror[at].item()
                raise ValueError(f"the age ('step') of {self.members[at].place} must be from 0 on, but got {found}")
            self.ages[:], self.mirrored = self.mirror, self.mirror.tobytes()
            self.remembered[:] = self.memory
            self.coming = None

    def be_born(self, born: list[Member]) -> None:
        """Make the slots of those who have their first gradient now, and add them to ``born``."""
        names = self.kept.keys()
        if self.complete:
            return
        newborn = [m for m in self.chosen(self.members) if not names <= m.slots.keys()]
        for member in newborn:
            refuse_overflow(member.place, member.starts, self.kept)
        born += newborn  # before they have slots: who is interrupted here is asked again
        self.placed = self.placed and not newborn
        for member in newborn:
            missing = [name for name in names if name not in member.slots]  # in the rule's order
            shape = shapes(self.key.rule, tuple(member.param.shape), tuple(names))
            zeros = self.key.arrays.zeros
            made = {name: zeros(member.param, shape[name], self.kept[name]) for name in missing}
            if self.key.rule.inner is not None and SLOT in missing:  # the average begins where p is
                self.key.arrays.write(made[SLOT], self.key.arrays.opened(member.param))
            for name in member.starts.keys() & set(missing):
                self.key.arrays.fill(made[name], member.starts[name])
            member.slots |= made
        if not self.placed and self.key.fused:
            self.find_slots()
        self.placed = True
        self.complete = all(names <= m.slots.keys() for m in self.members)

    def release(self) -> None:
        """Let go of the memory that is not ours."""
        self.given, self.held = [], []
        if self.glance:
            self.glance.release()


def parts(members: Sequence[Member], groups: Sequence[Group]) -> list[Part]:
    """Sort all members into parts.

    Raises:
        TypeError: a parameter is no array or tensor, or not of a floating dtype.
        ValueError: a parameter may only be read.
    """
    sorted_out: dict[Key, list[Member]] = {}
    for member in members:
        sorted_out.setdefault(key(member, groups[member.group]), []).append(member)
    return [Part(key, found) for key, found in sorted_out.items()]
