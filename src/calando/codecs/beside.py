"""What a checkpoint holds beside network and optimizer, as an epoch or a scheduler's state, in each format.

What a format cannot hold, or has another meaning for, is told.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .entry import Entry
from .errors import CheckpointError
from .portable import Portable, Told

INSIDE = "calando.beside"  # the key in the header of a safetensors file with torch's names


def sifted(found: Portable, target: Path, aim: str, told: Told) -> None:
    """Leave beside only what the file to be written can hold.

    Args:
        aim: whose names are written: ``"torch"`` or ``"mindspore"``.
    """
    holds, file = HOLDS[aim, target.suffix == ".safetensors"]
    own = {"model": bool(found.weights), "optimizer": found.optimizer is not None} if holds is is_loadable else {}
    for name, value in list(found.beside.items()):
        if not holds(value):
            told.lost.append(f"{name!r} of the file is a {type(value).__name__}, which {file} cannot hold")
        elif own.get(name):
            told.lost.append(f"{name!r} of the file: the new one has the state_dict of the {name} under this key")
        else:
            continue
        del found.beside[name]


def is_number(value: Any) -> bool:
    return isinstance(value, (bool, float)) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def is_line(value: Any) -> bool:
    """Whether it is a number or a text."""
    return isinstance(value, str) or is_number(value)


def is_json(value: Any) -> bool:
    """Whether JSON holds it; tuples become lists."""
    if isinstance(value, (list, tuple)):
        return all(map(is_json, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_json(inner) for key, inner in value.items())
    return value is None or isinstance(value, (str, bool, int, float))


def is_loadable(value: Any) -> bool:
    """Whether ``torch.load`` opens it without running code."""
    if isinstance(value, (list, tuple)):
        return all(map(is_loadable, value))
    if isinstance(value, Mapping):
        return all(is_loadable(key) and is_loadable(inner) for key, inner in value.items())
    kind = type(value)
    return value is None or kind in (str, bytes, bool, int, float) or kind.__module__.partition(".")[0] == "torch"


HOLDS: dict[tuple[str, bool], tuple[Callable[[Any], bool], str]] = {  # (whose names, whether safetensors) →
    ("torch", False): (is_loadable, "a file that torch.load opens without running code"),
    ("torch", True): (is_json, "a safetensors file"),
    ("mindspore", False): (is_line, "MindSpore's files"),
    ("mindspore", True): (is_number, "MindSpore's safetensors"),
}


def put(found: Portable, entries: dict[str, Entry | str], told: Told) -> None:
    """Put it among the entries of a file of MindSpore."""
    for name, value in found.beside.items():
        if name in entries:
            told.lost.append(f"{name!r} of the file: the new one has an entry of the optimizer under this name")
        else:
            entries[name] = value if isinstance(value, str) else Entry.of(np.array(value), name)


def header(beside: Mapping[str, Any]) -> dict[str, str]:
    """What a safetensors file tells of it."""
    return {INSIDE: json.dumps(dict(beside))} if beside else {}


def told_by(place: Path, header: Mapping[str, str], others: set[str]) -> dict[str, Any]:
    """What a safetensors file tells, without the keys of ``others``.

    Raises:
        CheckpointError: it cannot be read.
    """
    texts = {name: text for name, text in header.items() if name not in {INSIDE, *others}}
    try:
        return {**texts, **json.loads(header.get(INSIDE, "{}"))}
    except (TypeError, ValueError, RecursionError) as problem:
        raise CheckpointError(f"{place}: what it tells under {INSIDE!r} cannot be read: {problem!r}") from None
