"""Nested plain data with arrays in it, as JSON and arrays by name; no code, whatever a file says.

None, bool, int, float, str, lists, and dictionaries whose keys are texts are JSON as they are. All else is a dictionary
with one key that begins with ``#``: ``{"#tuple": […]}``, ``{"#dict": [[key, value], …]}``, ``{"#array": "extra/0"}``.
"""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..arrays import adapter
from ..schedules import Schedule
from . import tensors
from .entry import Entry
from .errors import CheckpointError, shown

DEEPEST = 100  # levels of nesting
PLAIN = "None, bool, int, float, str, bytes, list, tuple, dict, set, arrays, tensors and schedules"


def planted(place: str, thing: Any, arrays: dict[str, Entry], level: int = 0) -> Any:
    """``thing`` as JSON data; its arrays are put into ``arrays``, under names that begin with the place.

    Raises:
        TypeError: there is something in it that is not plain data; the sentence says where.
    """
    if level > DEEPEST:
        raise TypeError(f"{place[:80]}… is nested more than {DEEPEST} deep; does it contain itself?")
    if thing is None or type(thing) in (bool, int, float, str):
        return thing
    inner: Callable[[Any, Any], Any] = lambda key, value: planted(f"{place}[{key!r}]", value, arrays, level + 1)  # noqa: E731
    if isinstance(thing, list):
        return [inner(i, value) for i, value in enumerate(thing)]
    if isinstance(thing, Mapping):
        return mapped(thing, inner)
    if isinstance(thing, tuple):
        return {"#tuple": [inner(i, value) for i, value in enumerate(thing)]}
    if isinstance(thing, (set, frozenset)):
        return {"#set": [inner(i, value) for i, value in enumerate(sorted(thing, key=repr))]}
    if isinstance(thing, bytes):
        return {"#bytes": b64encode(thing).decode()}
    if isinstance(thing, Schedule):
        return {"#schedule": thing.to_dict()}
    if isinstance(thing, (bool, int, float, str)):  # a subclass, as an enumeration
        return next(kind(thing) for kind in (bool, int, float, str) if isinstance(thing, kind))
    return {"#" + kind_of(place, thing): grown(place, thing, arrays)}


def mapped(thing: Mapping[Any, Any], inner: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """A dictionary of any keys."""
    if isinstance(thing, Counter):
        return {"#counter": [[inner("a key", key), count] for key, count in thing.items()]}
    if all(type(key) is str and not key.startswith("#") for key in thing):
        return {key: inner(key, value) for key, value in thing.items()}
    return {"#dict": [[inner("a key", key), inner(key, value)] for key, value in thing.items()]}


def kind_of(place: str, thing: Any) -> str:
    """Whose array it is."""
    if isinstance(thing, np.generic):
        return "number"
    try:
        if not hasattr(thing, "dtype"):  # as torch.float32 itself, or torch.device
            raise TypeError
        return "array" if adapter(thing).name == "numpy" else "tensor"
    except TypeError:
        raise TypeError(f"{place} is a {type(thing).__name__}; a checkpoint holds {PLAIN}") from None


def grown(place: str, thing: Any, arrays: dict[str, Entry]) -> list[str]:
    """An array among the others: the name it has there, and its type where the file has no word for it."""
    entry, word = tensors.taken(place, thing)
    arrays[place] = entry
    return [place, word]


def gathered(thing: Any, arrays: Mapping[str, Entry], level: int = 0) -> Any:
    """The inverse of ``planted``; without PyTorch its tensors are arrays.

    Raises:
        CheckpointError: it was not made by ``planted``.
    """
    if level > DEEPEST + 1:
        raise CheckpointError(f"plain data is nested more than {DEEPEST} deep")
    inner: Callable[[Any], Any] = lambda value: gathered(value, arrays, level + 1)  # noqa: E731
    if isinstance(thing, list):
        return [inner(value) for value in thing]
    if not isinstance(thing, dict):
        return thing
    tag = next(iter(thing), "")
    if not tag.startswith("#"):
        return {key: inner(value) for key, value in thing.items()}
    try:
        return MADE[tag](thing[tag], inner, arrays)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        if isinstance(problem, CheckpointError):
            raise
        raise CheckpointError(f"plain data under {shown(tag)} cannot be read: {problem}") from None


def array_of(told: Any, arrays: Mapping[str, Entry]) -> np.ndarray:
    """An array, or a NumPy number as one without axes."""
    name, word = told
    return tensors.array(arrays[name], word)


MADE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "#tuple": lambda told, inner, arrays: tuple(map(inner, told)),
    "#set": lambda told, inner, arrays: set(map(inner, told)),
    "#dict": lambda told, inner, arrays: {inner(key): inner(value) for key, value in told},
    "#counter": lambda told, inner, arrays: Counter({inner(key): int(count) for key, count in told}),
    "#bytes": lambda told, inner, arrays: b64decode(told, validate=True),
    "#schedule": lambda told, inner, arrays: Schedule.from_dict(told),
    "#array": lambda told, inner, arrays: array_of(told, arrays),
    "#number": lambda told, inner, arrays: array_of(told, arrays)[()],
    "#tensor": lambda told, inner, arrays: tensors.tensor(arrays[told[0]], told[1]),
}
