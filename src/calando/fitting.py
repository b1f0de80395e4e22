"""How a stored run goes into a model and its optimizers: all is compared first, and then read to where it belongs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from . import random_state, store
from .arrays import adapter
from .codecs import tensors, tree
from .codecs.behind import shared
from .codecs.errors import CheckpointError, shown
from .codecs.names import COMPILED
from .saving import FRONTS, RUN, bare, parts, prefix
from .snapshot import Snapshot

FEW = 3
OURS = ("model/", "model:", "optimizer/", "optimizer:")  # how arrays begin that are read to where they belong
TORN = "model and optimizer are partly changed: resume"
FREE = {"foreach", "fused", "capturable", "differentiable"}  # choices that do not change a path


class Array(NamedTuple):
    """An array in the file, and what it will be read into.

    Args:
        name: in the file.
        word: its type, where files have no word for it.
        thing: the live tensor; None: not known yet.
    """

    name: str
    word: str
    shape: tuple[int, ...]
    thing: Any = None


@dataclass
class Plan:
    """How a run goes on from a file: all is checked here, and changed in ``carry_out``.

    Args:
        reader: the file, whose checksums are right.
        models, optimizers: by name.

    Raises:
        CheckpointError, SnapshotMismatch: the file does not belong to the model or optimizer.
    """

    reader: store.Reader
    models: dict[str, Any]
    optimizers: dict[str, Any]
    writes: list[Array] = field(default_factory=list)
    beside: list[tuple[Any, Any]] = field(default_factory=list)
    courses: list["Course"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place, self.meta = self.reader.place, self.reader.meta
        if type(self.meta.get("run")) is not int:
            raise CheckpointError(f"{self.place} is a file of calando, but no run that calando.save stored")
        if self.meta["run"] > RUN:
            told = f"is a run of version {self.meta['run']}, this calando reads 1 to {RUN}; use a newer calando"
            raise CheckpointError(f"{self.place} {told}")
        names = [name for name in self.reader.tensors if not name.startswith(OURS)]
        self.arrays = {name: self.reader.entry(name) for name in names}
        try:
            self.step, self.metric = int(self.meta["step"]), self.meta["metric"]
            self.extra = tree.gathered(self.meta["extra"], self.arrays)
            self.random = tree.gathered(self.meta["random"], self.arrays)
            for key, model in self.models.items():
                self.compare(key, model, self.part("models", key))
            for key, optimizer in self.optimizers.items():
                self.courses.append(self.understood(key, optimizer, self.part("optimizers", key)))
        except (KeyError, TypeError, AttributeError) as problem:
            raise CheckpointError(f"{self.place} was not stored by calando.save: {problem!r}") from None

    def part(self, what: str, key: str) -> dict[str, Any]:
        """What the file tells of one model or optimizer."""
        told = self.meta[what]
        if key not in told:
            single = f"no {what[:-1]} {key!r}" if key else f"no {what[:-1]}"
            others = f"; it has {few(list(told))}" if told.keys() - {""} else ""
            raise CheckpointError(f"{self.place} has {single}{others}")
        return told[key]

    def compare(self, key: str, model: Any, told: Mapping[str, Any]) -> None:
        """Raise CheckpointError unless names, shapes and types are the model's."""
        things, modules = parts(model)
        start, same = prefix("model", key), told["same"]
        there = {name.replace(COMPILED, ""): same.get(name, name) for name in told["names"]}
        refuse_names(self.place, type(bare(model)).__name__, list(things), list(there), told["made_of"])
        sources: dict[int, str] = {}
        for name, thing in things.items():
            source, known = there[name], id(thing) in sources
            if sources.setdefault(id(thing), source) != source:
                told_of = f"{sources[id(thing)]!r} and {name!r}"
                raise CheckpointError(f"{self.place}: {told_of} are one tensor in the model and two in the checkpoint")
            array = self.array(start + source, told["types"].get(source, ""))
            refuse_other(self.place, name, thing, array.shape, self.kind(array))
            self.writes += [] if known else [array._replace(thing=thing)]
        stored = tree.gathered(told["beside"], self.arrays)
        for name in modules.keys() & stored.keys():
            self.beside.append((modules[name][0], stored[name]))

    def array(self, name: str, word: str) -> Array:
        """An array of the file; KeyError where there is none."""
        shape = self.reader.tensors[name][1]
        return Array(name, word, shape[:-1] if word else shape)

    def kind(self, array: Array) -> str:
        """The type of its elements."""
        return array.word or self.reader.tensors[array.name][0].lower()

    def understood(self, key: str, optimizer: Any, told: Mapping[str, Any]) -> "Course":
        """What an optimizer will be, if its structure is the one that was stored."""
        start, types = prefix("optimizer", key), told.get("types", {})
        names = [name.removeprefix(start) for name in self.reader.tensors if name.startswith(start)]
        slots: dict[str, Any] = {name: self.array(start + name, types.get(name, "")) for name in names}
        keeper = next(cls for cls in type(optimizer).__mro__ if "restore" in vars(cls))
        plain = keeper.__module__ in FRONTS
        if not plain:
            slots = {name: tensors.array(self.reader.entry(start + name), types.get(name, "")) for name in names}
        snapshot = Snapshot.from_plain({**told, "controllers": {}}, slots)
        refuse_other_front(self.place, optimizer, snapshot, told.get("framework"))
        snapshot.controllers = tree.gathered(told["controllers"], self.arrays)
        if not all(isinstance(memory, dict) for memory in snapshot.controllers.values()):
            raise CheckpointError(f"{self.place}: what it has of controllers was not stored by calando")
        for number, (kept, group) in enumerate(zip(told["keys"], getattr(optimizer, "param_groups", ()), strict=False)):
            for name in kept.keys() & optimizer.defaults.keys() - FREE:
                if kept[name] != group[name] and type(group[name]) in (bool, str, int, type(None)):
                    raise CheckpointError(
                        f"{self.place}: group {number} of {type(optimizer).__name__} was stored with "
                        f"{name}={kept[name]!r}, and is built with {name}={group[name]!r}; build it as it was"
                    )
        course = Course(optimizer, snapshot, told["keys"])
        if plain:
            course.lines = optimizer._prepared(snapshot)
            self.make_room(course)
        return course

    def make_room(self, course: "Course") -> None:
        """Slots to read into: those that are there if they are alike, else new ones."""
        rows = zip(course.optimizer.engine.members, course.snapshot.groups, strict=True)
        for member, kept in ((m, k) for members, group in rows for m, k in zip(members, group.params, strict=True)):
            course.slots.append(room := {})
            arrays: Mapping[str, Any] = kept.slots
            for slot, array in arrays.items():
                made, like = member.slots.get(slot), (array.shape, self.kind(array))
                if made is None or (tuple(tensors.real(made).shape), tensors.word_of(tensors.real(made))) != like:
                    made = adapter(member.param).zeros(member.param, array.shape, like[1])
                room[slot] = made
                course.reads.append(array._replace(thing=tensors.real(made)))

    # What is changed.

    def carry_out(self) -> None:
        """Change model, optimizers and random state; whatever fails leaves all as it was.

        Raises:
            CheckpointError: the file cannot be read any more, or has been changed since it was opened: this alone,
                and Ctrl-C, leaves model and optimizer partly changed, and says so.
        """
        self.reader.refuse_changed()
        self.try_out()
        try:
            for course in self.courses:
                self.read(course.reads)
                course.follow()
            self.read(self.writes)
            self.reader.refuse_changed()
        except (OSError, CheckpointError) as problem:
            raise CheckpointError(
                f"{self.place} could not be read to its end, though it was whole a moment ago ({problem}); {TORN} "
                "from another checkpoint before you go on"
            ) from None
        except KeyboardInterrupt as interruption:
            interruption.add_note(f"{self.place} was not read to its end; {TORN} again before you go on")
            raise
        for module, state in self.beside:
            module.set_extra_state(state)

    def try_out(self) -> None:
        """Random state, and optimizers that restore themselves: what may still fail, and is undone then."""
        before, undo = random_state.taken(), []
        random_state.put(self.random)
        try:
            for course in self.courses:
                if course.lines is None:
                    undo.append((course.optimizer, course.optimizer.snapshot()))
                    course.optimizer.restore(course.snapshot)
        except BaseException:
            random_state.put(before)
            for optimizer, former in undo[:-1]:
                optimizer.restore(former)
            raise

    def read(self, arrays: list[Array]) -> None:
        """Read arrays to where they belong, several at once."""
        shared(self.read_one, arrays)

    def read_one(self, array: Array) -> None:
        """Read one array to where it belongs; by way of a copy where the memory lies otherwise."""
        room = None if array.word else tensors.memory(array.thing, self.reader.tensors[array.name][0])
        if room is None:
            tensors.put(array.thing, self.reader.entry(array.name), array.word)
        else:
            self.reader.into(array.name, room)
            tensors.touched(array.thing)


@dataclass
class Course:
    """How one optimizer goes on.

    Args:
        keys: what stood in the groups of torch beside hyperparameters.
        lines: what will be in force; None: the optimizer restores itself, and ``snapshot`` has its arrays.
        slots: for each parameter, the arrays to be read into.
    """

    optimizer: Any
    snapshot: Snapshot
    keys: list[dict[str, Any]]
    lines: list[Any] | None = None
    slots: list[dict[str, Any]] = field(default_factory=list)
    reads: list[Array] = field(default_factory=list)

    def follow(self) -> None:
        """Let the optimizer go on from slots that have been read."""
        if self.lines is not None:
            self.optimizer._go_on(self.snapshot, self.lines, self.slots)
        for kept, group in zip(self.keys, getattr(self.optimizer, "param_groups", ()), strict=False):
            group.update({name: value for name, value in kept.items() if name not in self.optimizer.defaults})

    def rounded(self) -> Iterator[str]:
        """A sentence where the optimizer keeps its slots in another type than they were stored in."""
        members = [member for members in self.optimizer.engine.members for member in members]
        for member, slots in zip(members, self.slots, strict=False):
            for slot, stored in slots.items():
                kinds = tensors.word_of(stored), tensors.word_of(member.slots.get(slot, stored))
                if kinds[0] != kinds[1]:
                    owner = type(self.optimizer).__name__
                    yield f"slots of {owner} were stored as {kinds[0]} and are kept as {kinds[1]}"


def refuse_other_front(place: Path, optimizer: Any, snapshot: Snapshot, stored: str | None) -> None:
    """Raise CheckpointError for another front end's optimizer that computes another formula under the same name."""
    here = "torch" if hasattr(optimizer, "param_groups") else "mindspore"
    rules = {group.rule.name for group in optimizer.engine.groups}
    if stored not in (None, here) and any(kept.rule not in rules for kept in snapshot.groups):
        raise CheckpointError(
            f"{place}: the optimizer is {snapshot.optimizer} of calando.{stored}, which follows "
            f"{snapshot.groups[0].rule}, and this one of calando.{here} follows {sorted(rules)[0]}; build that one, or "
            "see calando convert"
        )


def refuse_other(place: Path, name: str, thing: Any, shape: tuple[int, ...], kind: str) -> None:
    """Raise CheckpointError unless a tensor of the model has this shape and type, and can be written into."""
    unwritable = tensors.unwritable(thing)
    if unwritable:
        raise CheckpointError(f"{place}: {name!r} of the model {unwritable}")
    here, its = tuple(thing.shape), tensors.word_of(thing)
    if shape != here:
        raise CheckpointError(f"{place}: {name!r} is {here} in the model and {shape} in the checkpoint")
    if its != kind:
        raise CheckpointError(
            f"{place}: {name!r} is {its} in the model and {kind} in the checkpoint; "
            "convert the model to that type, then resume"
        )


def refuse_names(place: Path, owner: str, here: list[str], there: list[str], made_of: str) -> None:
    """Raise CheckpointError unless model and file have the same names."""
    missing, strange = [n for n in here if n not in set(there)], [n for n in there if n not in set(here)]
    if not missing and not strange:
        return
    told = [f"the checkpoint lacks {few(missing)} of {owner}"] if missing else []
    told += [f"{owner} lacks {few(strange)} of the checkpoint"] if strange else []
    for longer, shorter, whose in ((there, here, "the checkpoint"), (here, there, owner)):
        start = longer[0].removesuffix(shorter[0]) if longer and shorter else ""
        if start and start != longer[0] and sorted(longer) == sorted(start + name for name in shorter):
            told = [f"every name in {whose} begins with {start!r}; store and resume the same module, wrapped or not"]
    hint = f"; the checkpoint is of {made_of}" if made_of != owner else ""
    raise CheckpointError(f"{place}: {', and '.join(told)}{hint}")


def few(names: list[str]) -> str:
    """Some names in a sentence."""
    more = f" and {len(names) - FEW} others" if len(names) > FEW else ""
    return ", ".join(map(shown, names[:FEW])) + more
