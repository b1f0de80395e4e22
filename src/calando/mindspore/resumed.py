"""How an optimizer goes on from a checkpoint of MindSpore: all is checked first, then all is changed."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from math import inf, log
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import adapter
from ..average import SLOT
from ..codecs.entry import Entry
from ..eight import CODES, SCALE
from ..events import SET, Timeline
from ..groups import Group
from ..member import Member, dtypes, key
from ..rounding import SLOT as COMPENSATION
from ..schedules import Function, Listed, Schedule
from ..store import CheckpointError
from ..stored import dtype_of, shapes
from .fit import fitted
from .state import OWNERS, RATE, coded, kept_of, named, own_rate, rate_names, rows, rule_of, shape_of, single

if TYPE_CHECKING:
    from .optimizer import Optimizer

TINY = 1e-30  # a power below this has left float32's range, or is about to


class Resumed:
    """How an optimizer goes on from the entries of a checkpoint: all is checked here, and changed in ``apply``.

    Args:
        found: the entries by name.
        strict: whether other types and trailing axes of length 1 are refused.

    Attributes:
        taken: the names in the checkpoint that are used.
        missing: the optimizer's names that the checkpoint does not have.
        notes: sentences about what the checkpoint changes, and what it cannot say.

    Raises:
        CheckpointError: it is of another optimizer, or an entry has another shape, type or a number that cannot be.
    """

    def __init__(self, optimizer: "Optimizer", found: Mapping[str, Entry], strict: bool):
        self.optimizer, self.found, self.strict = optimizer, found, strict
        self.place = f"For '{type(optimizer).__name__}'"
        self.taken: set[str] = set()
        self.notes: list[str] = []
        self.writes: list[tuple[Any, np.ndarray]] = []
        self.slots: list[tuple[Member, dict[str, np.ndarray], tuple[float, ...] | None, int | None]] = []
        self.changes: dict[tuple[int, str], Schedule | float] = {}
        self.own: set[int] = set()
        self.begun: list[Member] = []  # whose average begins where the checkpoint's weights are
        self.covered: set[str] = set()  # what is in the checkpoint under other names
        names = [name for name, _ in rows(optimizer)]
        self.members = named(optimizer)
        self.refuse_others()
        self.clock = self.whole("global_step")
        self.take_weights()
        self.take_numbers()
        self.take_rates()
        self.take_slots()
        used = self.taken | self.covered
        self.missing = [name for name in names if name not in used]

    def refuse_others(self) -> None:
        """Raise CheckpointError for the slots of another optimizer."""
        stored, engine = self.optimizer.STORED, self.optimizer.engine
        rules = [rule_of(self.optimizer, member) for _, member in self.members]
        needed = [stored.fresh] if stored.fresh else []
        needed += stored.slot_names(slot for rule in rules for slot in rule.slots).values()
        needed += [pattern for group in engine.groups for pattern in stored.memory_names(group.rule).values()]
        weights = [name for name, _ in self.members]
        here = {pattern: self.first(pattern, weights) for pattern in (*OWNERS, *needed, *stored.powers.values())}
        ours = [*needed, *stored.singles()]
        foreign = [pattern for pattern, name in here.items() if name and pattern not in ours]
        if foreign:
            owners = " or ".join(OWNERS[foreign[0]])
            raise CheckpointError(
                f"{self.place}: the checkpoint has {here[foreign[0]]!r}, which is of {owners}; "
                f"this {type(self.optimizer).__name__} keeps {self.listed(ours)}. Load it into the optimizer that "
                "wrote it, or only the weights: load_param_into_net(net, …)"
            )
        own = [*needed, *stored.powers.values()]
        own = [pattern for pattern in own if pattern != f"{SLOT}.{{}}"]  # it begins where the weights are
        lacking = [pattern for pattern in own if not here[pattern]]
        if lacking and len(set(lacking)) < len(set(own)):
            there = next(here[pattern] for pattern in own if here[pattern])
            raise CheckpointError(
                f"{self.place}: the checkpoint has {there!r} but no {lacking[0].format('…')!r}; "
                "was it written by another optimizer, or with other options?"
            )

    def first(self, pattern: str, weights: list[str]) -> str | None:
        """The first name of this kind in the checkpoint, if it is no weight's."""
        names = [pattern.format(name) for name in weights] if "{}" in pattern else [pattern]
        names += [coded(pattern, end).format(name) for end in (CODES, SCALE) for name in weights if "{}" in pattern]
        found = next((name for name in names if name in self.found), None)
        return None if found in weights else found

    def listed(self, patterns: list[str]) -> str:
        """Names in an error."""
        return ", ".join(dict.fromkeys(repr(pattern.format("…")) for pattern in patterns)) or "no slots"

    # Taking over, entry by entry.

    def take_weights(self) -> None:
        for name, member in self.members:
            if name in self.found:
                self.writes.append((member.param, self.fit(name, member.param)))

    def fit(self, name: str, param: Any, shape: tuple[int, ...] | None = None, dtype: str | None = None) -> np.ndarray:
        """An entry as it will be written into a parameter, or into a slot of this shape."""
        self.taken.add(name)
        values, note = fitted(self.place, name, param, self.found[name], self.strict, shape, dtype)
        self.notes += [f"{self.place}: {note}"] if note else []
        return values

    def number(self, name: str) -> float | None:
        """One number, of shape () or with axes of length 1; None where the checkpoint has none."""
        if name not in self.found:
            return None
        self.taken.add(name)
        values = self.found[name].values()
        if values.size != 1 or values.dtype.kind not in "iuf":
            raise CheckpointError(f"{self.place}: {name!r} must be one number, but the checkpoint has {told(values)}")
        return float(values.item())

    def amount(self, name: str) -> float | None:
        """One number from 0 on."""
        found = self.number(name)
        if found is not None and not 0 <= found < inf:
            raise CheckpointError(f"{self.place}: {name!r} must lie in [0, inf), but the checkpoint has {found}")
        return found

    def whole(self, name: str) -> int | None:
        """One whole number from 0 on."""
        found = self.number(name)
        if found is not None and not (found >= 0 and found == int(min(found, 2**62))):
            raise CheckpointError(f"{self.place}: {name!r} counts updates, but the checkpoint has {found}")
        return None if found is None else int(found)

    def take_numbers(self) -> None:
        """The hyperparameters that are stored themselves."""
        for ours, name in self.optimizer.STORED.numbers.items():
            value = self.number(name)
            for n, hyper in enumerate(self.optimizer.engine.hypers) if value is not None else ():
                self.take_value(n, ours, name, value, hyper.timelines[ours].latest)
        numbers = {n for n, _ in self.changes}
        for n in numbers:
            self.optimizer._rule(self.trial(n))  # raises for numbers that do not go together

    def trial(self, n: int) -> Any:
        """The hyperparameters of a group as they will be."""
        hyper = copy(self.optimizer.engine.hypers[n])
        hyper.timelines = dict(hyper.timelines)
        for (number, ours), entry in self.changes.items():
            if number == n:
                hyper.timelines[ours] = Timeline([0], [entry], [SET])
        return hyper

    def take_value(self, n: int, ours: str, name: str, value: Any, latest: Schedule | float) -> None:
        """A number or list of the checkpoint, in the place of what is in force in a group."""
        entry: Any = value.tolist() if isinstance(value, np.ndarray) else value
        if isinstance(latest, Schedule) and not isinstance(latest, Listed):
            self.taken.discard(name)
            self.note(f"{name!r} of the checkpoint is not used: {latest.describe()}, given to this optimizer, stays")
            return
        if isinstance(entry, list) != isinstance(latest, Listed) or (
            isinstance(latest, Listed) and len(entry) != len(latest.values)
        ):
            raise CheckpointError(
                f"{self.place}: {name!r} is {kind(entry)} in the checkpoint and {kind(latest)} in the optimizer; "
                f"to keep the latter, leave it out: {leaving_out(name)}"
            )
        with np.errstate(over="ignore"):
            same = np.array_equal(single(latest), np.array(entry, np.float32))
        if same:
            return
        try:
            checked = self.optimizer.engine.hypers[n].checked(ours, entry, self.clock or 0)
        except (ValueError, TypeError) as problem:
            raise CheckpointError(f"{problem} (in the checkpoint, as {name!r})") from None
        self.changes[n, ours] = checked
        self.note(
            f"{name!r} is {kind(entry)} from now on, as the checkpoint says, and no longer {kind(latest)}; "
            f"to keep the latter, leave it out: {leaving_out(name)}"
        )

    def note(self, sentence: str) -> None:
        """Tell something once."""
        sentence = f"{self.place}: {sentence}"
        if sentence not in self.notes:
            self.notes.append(sentence)

    def take_rates(self) -> None:
        """The learning rates: a group's own where the checkpoint has one, else the common one."""
        optimizer = self.optimizer
        names = rate_names(optimizer)
        for n, number in enumerate(optimizer._numbers):
            name = next((word for word in (own_rate(number), names[n]) if word in self.found), None)
            if name is None:
                continue
            values = self.found[name].values()
            if values.ndim > 1 or values.dtype.kind not in "iuf":
                raise CheckpointError(
                    f"{self.place}: {name!r} must be a number or a list, but the checkpoint has {told(values)}"
                )
            latest = optimizer.engine.hypers[n].timelines["lr"].latest
            self.taken.add(name)
            if isinstance(latest, Function) and latest.call in optimizer.STORED.computed:
                continue
            one = values.ndim == 0 or (values.size == 1 and not isinstance(latest, Listed))
            self.take_value(n, "lr", name, float(values.item()) if one else values, latest)
            if name != names[n]:
                self.own.add(n)
        shared = [n for n, name in enumerate(names) if name == RATE]
        self.covered = {RATE} if self.own and self.own.issuperset(shared) else set()

    def take_slots(self) -> None:
        """Slots, what the rule remembers, and the age of each parameter."""
        stored, engine = self.optimizer.STORED, self.optimizer.engine
        ages = [self.age(n) for n in range(len(engine.groups))]
        for name, member in self.members:
            rule = self.optimizer._played(self.trial(member.group)).suited(shape_of(member))
            group = replace(engine.groups[member.group], rule=rule)
            wanted = kept_of(member, group)
            words = {slot: pattern.format(name) for slot, pattern in stored.slot_names(wanted).items()}
            slots = self.slots_of(name, member, group)
            self.taken.update(word for word in words.values() if word in self.found)  # idle ones too
            if SLOT in wanted and SLOT not in slots and name in self.found:
                self.begun.append(member)
                self.taken.add(words[SLOT])
                self.note("the checkpoint has no average of the weights; it begins where they are now")
            patterns = stored.memory_names(rule)
            memory = [self.amount(patterns[word].format(name)) for word in rule.memory]
            age = ages[member.group]
            if stored.fresh and stored.fresh.format(name) in self.found:
                age = self.after_first(stored.fresh.format(name), member, age, bool(rule.slots))
                if age == 0:
                    slots = {slot: np.zeros_like(array) for slot, array in slots.items()}
            if not all(slot in slots or slot + CODES in slots for slot in rule.slots if slot != SLOT):
                age = None  # an age belongs to its slots
            known = None if None in memory else tuple(float(x) for x in memory if x is not None)
            self.slots.append((member, slots, known, age))

    def slots_of(self, name: str, member: Member, group: Group) -> dict[str, np.ndarray]:
        """What the checkpoint has of a member's slots, as they are kept here or in the other way: numbers or codes."""
        if not kept_of(member, group):
            return {}
        own, shape, pattern = key(member, group), shape_of(member), self.optimizer.STORED.pattern
        forms: list[tuple[tuple[str, ...], ...]]
        forms = [((slot,), (slot + CODES, slot + SCALE)) for slot in own.rule.slots]
        forms += [((slot,),) for slot in own.kept if slot == COMPENSATION]
        found: dict[str, np.ndarray] = {}
        for ways in forms:
            there = [way for way in ways if all(pattern(slot).format(name) in self.found for slot in way)]
            for slot in next((way for way in there if {*way} <= own.kept.keys()), there[0] if there else ()):
                size, dtype = shapes(own.rule, shape, (slot,))[slot], dtype_of(slot, own.dtype, own.slot_dtype)
                dtype = "float16" if self.optimizer.STORED.halved(own.rule, slot) else dtype
                found[slot] = self.sized(slot, self.fit(pattern(slot).format(name), member.param, size, dtype), name)
            if there:
                self.covered |= {pattern(slot).format(name) for way in ways for slot in way if slot in own.kept}
        return found

    def sized(self, slot: str, values: np.ndarray, name: str) -> np.ndarray:
        """A slot as it is.

        Raises:
            CheckpointError: a square, an absolute value or a step size that is negative.
        """
        stored = self.optimizer.STORED
        if (slot in stored.sizes or slot.endswith(SCALE)) and (negative := values[values < 0]).size:
            told = f"must not be negative, but the checkpoint has {negative.min():g}"
            raise CheckpointError(f"{self.place}: {stored.pattern(slot).format(name)!r} {told}")
        return values

    def after_first(self, name: str, member: Member, age: int | None, aged: bool) -> int | None:
        """The age that ``stat`` tells: 0 where it is not 0, else what the clock says, at least 1."""
        fresh = self.fit(name, member.param).reshape(-1) != 0
        if aged and fresh.any() and not fresh.all():
            raise CheckpointError(f"{self.place}: {name!r} must be 1 or 0 everywhere, but the checkpoint has both")
        if not aged or fresh.size == 0:
            return age
        return 0 if fresh.all() else max(1, age or 0)

    def age(self, n: int) -> int | None:
        """How many updates the parameters of a group have had, from the powers of the betas and the clock."""
        if self.optimizer.STORED.age in self.found:
            return self.whole(self.optimizer.STORED.age)
        read = {ours: self.number(name) for ours, name in self.optimizer.STORED.powers.items()}
        powers = {ours: value for ours, value in read.items() if value is not None}
        if not powers:
            return self.clock
        trial = self.trial(n)
        clock = self.clock if self.clock is not None else self.optimizer.engine.clocks[n]
        found: set[int] = set()
        for ours, value in powers.items():
            name, base = self.optimizer.STORED.powers[ours], float(np.float32(trial.shown(ours, clock)))
            if not 0 <= value <= 1:
                raise CheckpointError(f"{self.place}: {name!r} must lie in [0, 1], but the checkpoint has {value}")
            if not fits(value, base, clock):
                age = round(log(value) / log(base)) if value > TINY and 0 < base < 1 else -1
                found.add(age if fits(value, base, max(age, 0)) else -1)
            elif value >= TINY:  # below, a power says nothing
                found.add(clock)
        if len(found) < 2 and -1 not in found:
            return found.pop() if found else clock
        self.note(
            f"{self.listed(list(self.optimizer.STORED.powers.values()))} of the checkpoint are not the powers of this "
            f"optimizer's {' and '.join(powers)} by one number of updates; the bias correction goes on as after {clock}"
        )
        return clock

    # Changing.

    def apply(self) -> None:
        """Take all over; nothing can fail any more."""
        optimizer, engine = self.optimizer, self.optimizer.engine
        for param, values in self.writes:
            adapter(param).write(param, values)
        if self.clock is not None:
            for n, hyper in enumerate(engine.hypers):
                engine.clocks[n] = self.clock
                hyper.rewind(self.clock)
        for (n, ours), entry in self.changes.items():
            engine.hypers[n].put(ours, entry, engine.clocks[n], SET)
        if self.own:
            optimizer._own.add("lr")
            optimizer._own_rates.update(self.own)
        for n in range(len(engine.groups)):
            optimizer._changed(n)
        engine.settle()
        for member in self.begun:
            member.slots.pop(SLOT, None)
        for member, slots, memory, age in self.slots:
            self.resume(member, slots, memory, age)
        engine.forget()
        engine.rearrange()
        optimizer._restored()

    def resume(
        self, member: Member, slots: dict[str, np.ndarray], memory: tuple[float, ...] | None, age: int | None
    ) -> None:
        """Put slots, memory and age into one member."""
        arrays = adapter(member.param)
        for slot, values in slots.items():
            if slot not in member.slots:
                dtype = dtype_of(slot, *dtypes(member, self.optimizer.engine.groups[member.group]))
                member.slots[slot] = arrays.zeros(member.param, values.shape, dtype)
            arrays.write(member.slots[slot], values)
        if age is not None:
            member.age = age
        if memory is not None:
            member.memory = memory


def fits(power: float, base: float, age: int) -> bool:
    """Whether a number is base^age, multiplied together in float32."""
    wanted = base**age
    return max(power, wanted) < TINY or abs(power - wanted) <= (1e-6 + 2e-7 * age) * wanted


def kind(entry: Any) -> str:
    """A number, list or schedule in a sentence."""
    if isinstance(entry, Listed):
        entry = list(entry.values)
    if isinstance(entry, list):
        return f"a list of {len(entry)} ({entry[0]:g} to {entry[-1]:g})" if entry else "an empty list"
    return f"{entry:g}"


def told(values: np.ndarray) -> str:
    """An array in a sentence."""
    return f"an array of {values.dtype} {values.shape}"


def leaving_out(name: str) -> str:
    """How to load a checkpoint without one entry."""
    return f"load_checkpoint(…, choice_func=lambda name: name != {name!r})"
