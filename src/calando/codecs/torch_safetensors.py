"""safetensors with torch's names; an optimizer's numbers and groups stand in the header."""

import json
import os
from pathlib import Path
from typing import Any

from . import beside, safetensors, tensors
from .errors import CheckpointError
from .placed import placed
from .portable import Portable
from .torch import is_tensor, state_dict, state_of

INSIDE = "calando.optimizer"  # the key under which a safetensors file tells of an optimizer
STATE = "optimizer."  # how the names of an optimizer's tensors begin there


def read(path: str | os.PathLike[str]) -> Portable:
    """What is in a safetensors file with torch's names.

    Raises:
        OSError: there is no such file.
        CheckpointError: another kind of file, a torn or altered one.
    """
    place = Path(path)
    with open(path, "rb", buffering=0) as file:
        reader = safetensors.Reader(place, file)
        entries, told = reader.entries(), reader.told
    made = Portable("torch", entries, beside=beside.told_by(place, told, {"format", INSIDE}))
    if INSIDE in told:
        try:
            plain = json.loads(told[INSIDE])
            state: dict[int, dict[str, Any]] = {int(number): dict(face) for number, face in plain["numbers"].items()}
            for name in [name for name in entries if name.startswith(STATE)]:
                number, _, key = name.removeprefix(STATE).partition(".")
                state.setdefault(int(number), {})[key] = tensors.tensor(entries.pop(name))
            given = {"state": state, "param_groups": plain["param_groups"]}
        except (KeyError, TypeError, ValueError, RecursionError, AttributeError) as problem:
            raise CheckpointError(f"{place}: what it tells of an optimizer cannot be read: {problem!r}") from None
        made.optimizer = state_of(place, given, entries)
    return made


def write(path: str | os.PathLike[str], found: Portable) -> None:
    """Write a safetensors file with torch's names; an optimizer's tensors are called ``optimizer.0.exp_avg``."""
    entries, told = dict(found.weights), {"format": "pt", **beside.header(found.beside)}
    if found.optimizer is not None:
        whole = state_dict(found.optimizer)
        numbers: dict[int, dict[str, float]] = {}
        for number, face in whole["state"].items():
            for key, x in face.items():
                if is_tensor(x) and x.dim():
                    entries[f"{STATE}{number}.{key}"] = tensors.taken(key, x)[0]
                else:
                    numbers.setdefault(number, {})[key] = float(x)
        told[INSIDE] = json.dumps({"param_groups": whole["param_groups"], "numbers": numbers})
    order = safetensors.layout(entries)
    with placed(path) as file:
        file.write(safetensors.header_of(entries, order, told))
        for name in order:
            file.write(entries[name].raw)
