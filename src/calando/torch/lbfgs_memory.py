"""What L-BFGS remembers, in the form of torch's ``state``."""

from collections.abc import Mapping
from typing import Any

import torch

from ..rules.whole.lbfgs import Memory
from .ground import Ground

COUNTS = {"func_evals": "evaluations", "n_iter": "iterations"}
FLAT = {"d": "direction", "prev_flat_grad": "gradient"}
LISTS = {"old_dirs": "changes", "old_stps": "moves", "ro": "inverses"}
NUMBERS = {"t": "length", "H_diag": "scale", "prev_loss": "loss"}


def recalled(face: Mapping[str, Any], ground: Ground) -> Memory:
    """What is remembered, as the algorithm wants it.

    Raises:
        ValueError: it belongs to another number of elements.
    """
    memory = Memory(evaluations=face.get("func_evals", 0))
    if not face.get("n_iter"):
        return memory
    for key, name in (*COUNTS.items(), *FLAT.items(), *LISTS.items(), *NUMBERS.items()):
        setattr(memory, name, face[key])
    if memory.direction.numel() != ground.size:
        counts = f"{memory.direction.numel()} elements, the parameters have {ground.size} now"
        raise ValueError(f"For 'LBFGS': what is remembered has {counts}; build a new optimizer for them")
    memory.inverses = [float(x) for x in memory.inverses]
    memory.scale = number(memory.scale)
    if (memory.direction.dtype, memory.direction.device) != (ground.dtype, ground.device):
        memory.direction, memory.gradient = map(ground.adopted, (memory.direction, memory.gradient))
        memory.moves, memory.changes = (list(map(ground.adopted, x)) for x in (memory.moves, memory.changes))
    return memory


def kept(memory: Memory, ground: Ground, history: int) -> dict[str, Any]:
    """What is remembered, in torch's form."""
    face = {key: getattr(memory, name) for key, name in COUNTS.items()}
    if not memory.iterations:
        return face
    face |= {key: getattr(memory, name) for key, name in (*FLAT.items(), *LISTS.items(), *NUMBERS.items())}
    face["ro"] = ground.numbers(memory.inverses)
    if isinstance(memory.scale, float):
        face["H_diag"] = ground.numbers([memory.scale])[0]
    if memory.alphas is not None:
        face["al"] = [*ground.numbers(memory.alphas), *[None] * (history - len(memory.alphas))]
    return face


def number(x: Any) -> Any:
    """A Python number of what may be a tensor of shape ()."""
    return x.item() if isinstance(x, torch.Tensor) else x


def own(value: Any, ground: Ground) -> Any:
    """A copy of what a checkpoint holds, in the dtype and on the device of the parameters."""
    if isinstance(value, list):
        return [own(x, ground) for x in value]
    return ground.adopted(value.detach()).clone() if isinstance(value, torch.Tensor) else value


def check_memory(stored: Mapping[str, Any], size: int) -> None:
    """Raise ValueError unless what is stored is L-BFGS's memory for that many elements."""
    place = "LBFGS: the checkpoint"
    known = {**COUNTS, **FLAT, **LISTS, **NUMBERS, "al": "alphas"}
    for key in stored:
        if key not in known:
            raise ValueError(f"{place} has a state {key!r}; was it written by another optimizer?")
    for key in COUNTS:
        if not isinstance(stored.get(key, 0), int) or stored.get(key, 0) < 0:
            raise ValueError(f"{place}: {key!r} must be a whole number from 0 on, but it has {stored[key]!r}")
    if not stored.get("n_iter"):
        return
    missing = [key for key in (*FLAT, *LISTS, *NUMBERS) if stored.get(key) is None]
    if missing:
        raise ValueError(f"{place} lacks {missing[0]!r}")
    lengths = {key: len(stored[key]) for key in LISTS}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{place} remembers pairs of different number: {lengths}")
    rows = [(key, stored[key]) for key in FLAT] + [(key, x) for key in ("old_dirs", "old_stps") for x in stored[key]]
    for key, x in rows:
        if not isinstance(x, torch.Tensor) or tuple(x.shape) != (size,):
            found = tuple(x.shape) if isinstance(x, torch.Tensor) else repr(x)
            raise ValueError(f"{place}: {key!r} is {found}; the parameters together have {size} elements")
    for key, x in [(key, stored[key]) for key in NUMBERS] + [("ro", x) for x in stored["ro"]]:
        if not isinstance(number(x), (int, float)):
            raise ValueError(f"{place}: {key!r} must be a number, but it has {x!r}")
