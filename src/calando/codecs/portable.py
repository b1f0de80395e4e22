"""What a checkpoint says, in words of neither framework: the hub of ``calando convert``.

Parameters keep the names of the framework that they come from (``names`` translates them); hyperparameters, slots and
what a rule remembers have calando's names (``families`` knows what others call them).
"""

from dataclasses import dataclass, field
from typing import Any

from .entry import Entry


@dataclass
class Aged:
    """The state of one parameter.

    Args:
        slots: the rule's arrays by our names.
        memory: the numbers that the rule remembers.
        age: how many updates it has had; None: the file does not say.
    """

    slots: dict[str, Entry] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    age: int | None = None


@dataclass
class Grouped:
    """One group.

    Args:
        params: the names of its parameters, in order.
        numbers: hyperparameters by our names; those that the file has.
        choices: ``amsgrad``, ``nesterov``, ``maximize``, ``centered`` …, where they are not False.
        schedules: our name → how a schedule describes itself; the number at this moment stands in ``numbers``.
    """

    params: list[str]
    numbers: dict[str, float] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=dict)


@dataclass
class State:
    """An optimizer.

    Args:
        family: a key of ``families.FAMILIES``; or, where there is none, what the optimizer is called.
        groups: its groups in order.
        params: the state of each parameter by its name.
        clock: updates so far; None: the file does not say.
        called: the class of MindSpore's, where it is not the family's own.
        in_order: whether its parameters had no names, and got those of the network in the network's order.
    """

    family: str
    groups: list[Grouped]
    params: dict[str, Aged]
    clock: int | None = None
    called: str = ""
    in_order: bool = False


@dataclass
class Portable:
    """A checkpoint.

    Args:
        framework: whose names the parameters have: ``"torch"`` or ``"mindspore"``.
        weights: parameters and buffers by name.
        optimizer: None where the file has none.
        beside: whatever else it holds: numbers, texts, tensors by name.
    """

    framework: str
    weights: dict[str, Entry] = field(default_factory=dict)
    optimizer: State | None = None
    beside: dict[str, Any] = field(default_factory=dict)


@dataclass
class Told:
    """What came of a conversion, in sentences.

    Args:
        travelled: what is in the new file.
        given: what the new file has no place for and is to be given to a constructor, or means something else there.
        lost: what could not be carried.
    """

    travelled: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def listed(names: list[str], most: int = 3) -> str:
    """Some names in a sentence."""
    more = f" and {len(names) - most} others" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
