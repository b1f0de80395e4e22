"""What an optimizer is called in MindSpore's checkpoints.

    global_step                       int32 (1,): updates so far
    learning_rate                     float32 () of a constant, (n,) of a list; nothing of a schedule
    learning_rate_group_2             that of a group with a rate of its own: the third dictionary of the list
    conv.weight …                     the parameters, in the order of optimizer.parameters
    momentum, beta1_power …           numbers
    moment1.conv.weight …             slots, one kind after the other

Where any rate is a list or a schedule, that of the constructor for one, the rates stand at the end. MindSpore keeps
one clock and the powers of the betas; calando an age for each parameter. Ages become powers and powers ages; what
cannot be carried is told.

Source: ``parameters_dict()`` of mindspore.nn's optimizers, 2.10.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import adapter
from ..average import SLOT
from ..eight import CODES, SCALE
from ..groups import Group
from ..member import Member, key
from ..rules.singles import product
from ..schedules import Function, Listed, Schedule
from ..stored import shapes

if TYPE_CHECKING:
    from .optimizer import Optimizer

RATE = "learning_rate"
FOLLOWED = 2**20  # updates whose powers of β are multiplied as MindSpore does; beyond, the power of float64


@dataclass(frozen=True)
class Stored:
    """The names of one optimizer's state in MindSpore's checkpoints; ``{}`` stands for a parameter's name.

    Args:
        slots: our slots, in the order of the file → ``"moment1.{}"``.
        memory: the numbers that the rule remembers of each parameter → ``"mu_{}"``; stored in front of the slots.
        powers: hyperparameters → ``"beta1_power"``, where their power by the age is stored.
        axes: the shape of the powers.
        numbers: hyperparameters that are stored themselves → ``"momentum"``.
        fresh: what is 1 everywhere before a parameter's first update and 0 afterwards: ``"stat.{}"``.
        idle: slots that are in the file also when the rule has none.
        blank: the shape of idle slots; None: the parameter's.
        age: the name of the number of updates, float32 (1,), where it stands in the file beside ``global_step``.
        computed: learning rates that the original computes in the step; a file has 0 in their place.
        halved: (rule, slot) → whether the original keeps it in float16, whatever it is kept in here.
        sizes: slots of squares, absolute values or step sizes: a file where one is negative is refused.
        lacks: what a file cannot hold of this optimizer, told whenever one is written; empty where it holds all.

    A slot or memory that is not named here is called ``slot.{}`` or ``memory_{}`` by our own names; what is kept of a
    slot in 8 bits ``moment1_codes.{}`` and ``moment1_scale.{}``.
    """

    slots: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)
    powers: Mapping[str, str] = field(default_factory=dict)
    axes: tuple[int, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    fresh: str = ""
    idle: tuple[str, ...] = ()
    blank: tuple[int, ...] | None = None
    age: str = ""
    computed: tuple[Callable[[int], float], ...] = ()
    halved: Callable[[Any, str], bool] = lambda rule, slot: False
    sizes: tuple[str, ...] = ()
    lacks: str = ""

    def rate(self, latest: Any) -> Any:
        """What a file has of a learning rate: a number or a list; None for a schedule."""
        if isinstance(latest, Function) and latest.call in self.computed:
            return 0.0
        return latest if isinstance(latest, (float, Listed)) else None

    def slot_names(self, kept: Iterable[str]) -> dict[str, str]:
        """Pattern of each slot that a file has, where these are kept."""
        kept = dict.fromkeys(kept)
        known = {slot: name for slot, name in self.slots.items() if slot in kept or slot in self.idle}
        return known | {slot: self.pattern(slot) for slot in kept if slot not in known}

    def pattern(self, slot: str) -> str:
        """What a slot, or what is kept of it in 8 bits, is called."""
        for end in (CODES, SCALE):
            if slot.endswith(end):
                return coded(self.pattern(slot.removesuffix(end)), end)
        return self.slots.get(slot, f"{slot}.{{}}")

    def memory_names(self, rule: Any) -> dict[str, str]:
        """Pattern of each number that the rule remembers."""
        known = {name: pattern for name, pattern in self.memory.items() if name in rule.memory}
        return known | {name: f"{name}_{{}}" for name in rule.memory if name not in known}

    def patterns(self) -> list[str]:
        """Every pattern of a parameter's own entries."""
        return [*self.slots.values(), *self.memory.values(), *([self.fresh] if self.fresh else [])]

    def singles(self) -> list[str]:
        """Every name that stands once in a file."""
        return [*self.powers.values(), *self.numbers.values(), *([self.age] if self.age else [])]


def coded(pattern: str, end: str) -> str:
    """What codes or scales are called: ``"moment1.{}"`` → ``"moment1_codes.{}"``."""
    return pattern.replace(".{}", f"{end}.{{}}") if ".{}" in pattern else pattern + end


OWNERS: dict[str, list[str]] = {}  # pattern or single name → the optimizers that have it


def enrol(owner: str, stored: Stored) -> None:
    """Remember whose the names are, so that a foreign slot can be told from a weight."""
    for name in (*stored.patterns(), *stored.singles()):
        if owner not in OWNERS.setdefault(name, []):
            OWNERS[name].append(owner)


# What stands in a checkpoint.


def rows(optimizer: "Optimizer") -> list[tuple[str, Callable[[], Any]]]:
    """(name, how to get its value) of everything, in MindSpore's order; slots and weights are the live ones."""
    optimizer._listen()
    optimizer.engine.settle()
    rates = list(rate_rows(optimizer))
    late = not all(isinstance(optimizer.STORED.rate(rate), float) for rate in rates_of(optimizer))
    clock = optimizer.engine.clocks[0]
    found: list[tuple[str, Callable[[], Any]]] = [("global_step", lambda: np.array([clock], np.int32))]
    found += [] if late else rates
    found += [(name, lambda p=member.param: p) for name, member in named(optimizer)]  # type: ignore[misc]
    found += number_rows(optimizer)
    found += slot_rows(optimizer)
    found += rates if late else []
    refuse_doubles(f"For '{type(optimizer).__name__}'", [name for name, _ in found])
    return found


def rates_of(optimizer: "Optimizer") -> list[Any]:
    """The rate of every group, and that of the constructor where no group has it."""
    held = [hyper.timelines["lr"].latest for hyper in optimizer.engine.hypers]
    return held if len(optimizer._own_rates) < len(held) else [*held, optimizer._given_rate]


def refuse_doubles(place: str, names: list[str]) -> None:
    """Raise ValueError if a name would stand in a checkpoint twice."""
    met: set[str] = set()
    for name in names:
        if name in met:
            raise ValueError(f"{place}: a checkpoint would hold {name!r} twice; rename the parameter")
        met.add(name)


def named(optimizer: "Optimizer") -> list[tuple[str, Member]]:
    """The members under the names of a checkpoint, in the order of ``parameters``; nameless ones by their number."""
    found = []
    for number, member in enumerate(optimizer._members()):
        name = getattr(member.param, "name", None)
        found.append((name if isinstance(name, str) and name else str(number), member))
    return found


def rate_names(optimizer: "Optimizer") -> list[str]:
    """What the learning rate of each group is called."""
    lines = [hyper.timelines["lr"] for hyper in optimizer.engine.hypers]
    shared = next((line.latest for n, line in enumerate(lines) if n not in optimizer._own_rates), None)
    numbers = enumerate(optimizer._numbers)
    return [
        RATE if n not in optimizer._own_rates and lines[n].latest == shared else own_rate(number)
        for n, number in numbers
    ]


def own_rate(number: int | None) -> str:
    """The name of the rate of one group's own."""
    return RATE if number is None else f"{RATE}_group_{number}"


def rate_rows(optimizer: "Optimizer") -> Iterator[tuple[str, Callable[[], Any]]]:
    """The learning rates that are numbers or lists, in the order of the parameters that they are for."""
    names, seen = rate_names(optimizer), set()
    for number, _ in optimizer._places:
        rate = optimizer.STORED.rate(optimizer.engine.hypers[number].timelines["lr"].latest)
        if names[number] not in seen and rate is not None:
            seen.add(names[number])
            yield names[number], lambda rate=rate: single(rate)  # type: ignore[misc]


def single(entry: Any) -> np.ndarray:
    """A number or a list as MindSpore stores it: float32."""
    with np.errstate(over="ignore"):
        return np.array(entry.values if isinstance(entry, Listed) else entry, np.float32)


def number_rows(optimizer: "Optimizer") -> list[tuple[str, Callable[[], Any]]]:
    """Numbers that stand once: the momentum, the powers of the betas."""
    stored, hyper, clock = optimizer.STORED, optimizer.engine.hypers[0], optimizer.engine.clocks[0]
    age = max(member.age for members in optimizer.engine.members for member in members)

    def power(ours: str) -> np.ndarray:
        beta = float(np.float32(hyper.shown(ours, clock)))
        return np.full(stored.axes, product(beta, age) if 0 < age <= FOLLOWED else beta**age, np.float32)

    found: list[tuple[str, Callable[[], Any]]] = []
    for ours, name in stored.numbers.items():
        found.append((name, lambda ours=ours: single(hyper.shown(ours, clock))))  # type: ignore[misc]
    for ours, name in stored.powers.items():
        found.append((name, lambda ours=ours: power(ours)))  # type: ignore[misc]
    return found


def slot_rows(optimizer: "Optimizer") -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every parameter's own entries, one kind after the other; then the age."""
    stored = optimizer.STORED
    members = [(name, member, rule_of(optimizer, member)) for name, member in named(optimizer)]
    first = optimizer.engine.groups[0].rule
    for word, pattern in stored.memory_names(first).items():
        i = first.memory.index(word)
        for name, member, _ in members:
            yield pattern.format(name), lambda m=member, i=i, word=word: remembered(m, i, word)  # type: ignore[misc]
    beside = {id(member): kept_of(member, optimizer.engine.groups[member.group]) for _, member, _ in members}
    for slot, pattern in stored.slot_names(slot for own in beside.values() for slot in own).items():
        for name, member, rule in members:
            if slot in beside[id(member)]:
                dtype, found = beside[id(member)][slot], halved if stored.halved(rule, slot) else kept
                yield pattern.format(name), lambda f=found, m=member, r=rule, s=slot, d=dtype: f(m, r, s, d)  # type: ignore[misc]
            elif slot in stored.idle:
                yield pattern.format(name), lambda m=member: blank(m, stored.blank)  # type: ignore[misc]
    for name, member, rule in members if stored.fresh else ():
        idle = not rule.slots  # MindSpore counts no first update there
        yield stored.fresh.format(name), lambda m=member, idle=idle: freshness(m, idle)  # type: ignore[misc]
    if stored.age:
        oldest = max(member.age for _, member, _ in members)
        yield stored.age, lambda: np.array([oldest], np.float32)


def rule_of(optimizer: "Optimizer", member: Member) -> Any:
    """The rule that a member follows."""
    return optimizer.engine.groups[member.group].rule.suited(shape_of(member))


def kept_of(member: Member, group: Group) -> dict[str, str]:
    """What is kept beside a member's parameter, name → dtype; nothing beside what a subclass keeps itself."""
    return key(member, group).kept if group.rule.slots or group.rounding else {}


def shape_of(member: Member) -> tuple[int, ...]:
    """The shape of a member's parameter."""
    return tuple(adapter(member.param).shape(member.param))


def blank(member: Member, shape: tuple[int, ...] | None, dtype: str | None = None) -> Any:
    """Zeros of this type and shape; None: of the parameter's."""
    return adapter(member.param).zeros(member.param, shape_of(member) if shape is None else shape, dtype)


def kept(member: Member, rule: Any, slot: str, dtype: str) -> Any:
    """A slot; before the first update, what it will start with."""
    if slot in member.slots:
        return member.slots[slot]
    made = blank(member, shapes(rule, shape_of(member), (slot,))[slot], dtype)
    if slot == SLOT:
        adapter(member.param).write(made, adapter(member.param).opened(member.param))
    if slot in member.starts:
        made[...] = member.starts[slot]
    return made


def halved(member: Member, rule: Any, slot: str, dtype: str) -> Any:
    """A copy of a slot in float16."""
    found = kept(member, rule, slot, dtype)
    made = blank(member, tuple(found.shape), "float16")
    adapter(member.param).write(made, adapter(member.param).numpy(found))
    return made


def remembered(member: Member, index: int, word: str) -> np.ndarray:
    """A number that the rule remembers; before the first update, what MindSpore starts with."""
    start = 0.0 if word == "eta" else 1.0
    return np.array(member.memory[index] if member.age and member.memory else start, np.float32)


def freshness(member: Member, idle: bool) -> Any:
    """1 everywhere before the first update, then 0."""
    made = blank(member, None)
    if idle or not member.age:
        made[...] = 1.0
    return made


def losses(optimizer: "Optimizer") -> list[str]:
    """What a checkpoint of MindSpore cannot hold of an optimizer's state, one sentence each."""
    optimizer._listen()
    optimizer.engine.settle()
    engine, stored, place = optimizer.engine, optimizer.STORED, f"For '{type(optimizer).__name__}'"
    ages = sorted({member.age for members in engine.members for member in members})
    told = [f"{place}: {stored.lacks}"] if stored.lacks else []
    if len(set(engine.clocks)) > 1:
        told.append(
            f"{place}: the groups have made {engine.clocks} updates; the checkpoint says {engine.clocks[0]} of all"
        )
    if len(ages) > 1 and not (stored.fresh and ages[0] == 0 and len(ages) == 2):
        told.append(
            f"{place}: parameters have had {ages[0]} to {ages[-1]} updates each; MindSpore keeps one number, "
            f"so the checkpoint says {ages[-1] if stored.powers or stored.age else engine.clocks[0]} of all"
        )
    elif not (stored.powers or stored.fresh or stored.age) and ages[-1] != engine.clocks[0]:
        told.append(
            f"{place}: parameters have had {ages[-1]} updates and global_step is {engine.clocks[0]}; "
            f"the checkpoint says {engine.clocks[0]} of both"
        )
    for ours in (*stored.numbers, *stored.powers):
        lines = [hyper.timelines[ours].latest for hyper in engine.hypers]
        if any(isinstance(line, Schedule) or line != lines[0] for line in lines):
            word = stored.numbers.get(ours) or stored.powers[ours]
            told.append(
                f"{place}: {ours!r} is a schedule or differs between groups; {word!r} holds only its present number "
                "in group 0"
            )
    return told


def left_out(optimizer: "Optimizer") -> list[str]:
    """What has to be given to the constructor again: schedules, one sentence each."""
    found = []
    for number, hyper in enumerate(optimizer.engine.hypers):
        for ours, line in hyper.timelines.items():
            if isinstance(line.latest, Schedule) and not (
                ours == "lr" and optimizer.STORED.rate(line.latest) is not None
            ):
                found.append(
                    f"For '{type(optimizer).__name__}', group {number}: {hyper.spelled(ours)!r} is "
                    f"{line.latest.describe()}; MindSpore's checkpoints hold no schedules, so build the optimizer with "
                    "it again"
                )
    return found
