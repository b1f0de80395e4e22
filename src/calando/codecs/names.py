"""What a parameter is called in the other framework, as far as the data says it.

    BatchNorm          weight  bias   running_mean  running_var        num_batches_tracked
                       gamma   beta   moving_mean   moving_variance    (nothing)
    LayerNorm …        weight  bias
                       gamma   beta
    Embedding          weight
                       embedding_table
    Conv1d             (out, in, k)
                       (out, in, 1, k)

All other names and layouts are the same in both (Dense and Linear keep (out, in); convolutions (out, in, h, w)).
From MindSpore to torch the names alone decide. The other way a ``weight`` may be that of a normalization (one axis), an
embedding (two axes, no bias beside it, and a name that says so) or a layer; a file of the other framework to be like,
``--like``, decides it exactly.
"""

from collections import Counter
from collections.abc import Mapping
from math import prod

import numpy as np

from .entry import Entry
from .errors import CheckpointError
from .portable import Told, listed

TO_TORCH = {
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
    "embedding_table": "weight",
}  # fmt: skip
COUNTER = "num_batches_tracked"
COMPILED = "_orig_mod."  # what torch.compile puts into names
BUFFERS = ("running_mean", "running_var", COUNTER, "moving_mean", "moving_variance")
EMBEDDINGS = ("emb", "wte", "wpe", "token", "vocab")  # in the name of an embedding, as a rule
CANDIDATES = {  # the end of a name in the file to be like → ends that it may have in ours
    "weight": ("weight", "gamma", "embedding_table"), "bias": ("bias", "beta"), "running_mean": ("moving_mean",),
    "running_var": ("moving_variance",), "gamma": ("weight",), "beta": ("bias",), "moving_mean": ("running_mean",),
    "moving_variance": ("running_var",), "embedding_table": ("weight",),
}  # fmt: skip


def split(name: str) -> tuple[str, str]:
    """The path to a layer, with its dot, and the parameter's own name."""
    path, dot, last = name.rpartition(".")
    return path + dot, last


def renamed(weights: Mapping[str, Entry], to: str, told: Told) -> dict[str, str]:
    """Old name → new name for every parameter that has a place in the other framework."""
    found: dict[str, str] = {}
    guessed: list[str] = []
    for name, entry in weights.items():
        path, last = split(name)
        if to == "torch":
            found[name] = path + TO_TORCH.get(last, last)
        elif last != COUNTER:
            found[name] = path + to_mindspore(path, last, weights, entry, guessed)
    twice = sorted(new for new, times in Counter(found.values()).items() if times > 1)
    if twice:
        raise CheckpointError(
            f"two parameters would both be called {twice[0]!r}; give --like a file of the other framework"
        )
    if guessed:
        told.given.append(
            f"{listed(guessed)}: taken for embeddings by their names; if one is none, give --like a checkpoint of the "
            "MindSpore network"
        )
    changed = [f"{old} → {new}" for old, new in found.items() if old != new]
    if changed:
        told.travelled.append(f"{len(changed)} names are others: {', '.join(changed[:3])}{' …' * (len(changed) > 3)}")
    return found


def to_mindspore(path: str, last: str, weights: Mapping[str, Entry], entry: Entry, guessed: list[str]) -> str:
    """What torch calls ``path + last`` has this end in MindSpore."""
    known = {"running_mean": "moving_mean", "running_var": "moving_variance"}
    if last in known:
        return known[last]
    beside = weights.get(path + "weight", entry)
    norm = path + "running_mean" in weights or (len(beside.shape) == 1 and path + "weight" in weights)
    if norm and last in ("weight", "bias"):
        return {"weight": "gamma", "bias": "beta"}[last]
    if last == "weight" and len(entry.shape) == 2 and path + "bias" not in weights and hinted(path):
        guessed.append(path + last)
        return "embedding_table"
    return last


def hinted(path: str) -> bool:
    """Whether the name of a layer says that it is an embedding."""
    return any(word in path.rstrip(".").rpartition(".")[2].lower() for word in EMBEDDINGS)


def like(weights: Mapping[str, Entry], template: Mapping[str, Entry]) -> dict[str, str]:
    """Old name → new name, by a file of the other framework; names that it does not have are left out.

    Raises:
        CheckpointError: it has a name for which there is nothing here.
    """
    found: dict[str, str] = {}
    for new in template:
        path, last = split(new)
        if last == COUNTER:
            continue
        olds = [path + end for end in (last, *CANDIDATES.get(last, ())) if path + end in weights]
        if not olds:
            raise CheckpointError(f"the file to be like has {new!r}, and nothing here belongs there")
        found[olds[0]] = new
    return found


def fitting(entry: Entry, shape: tuple[int, ...], name: str) -> Entry:
    """An entry in another shape that differs only by axes of length 1.

    Raises:
        CheckpointError: it differs otherwise.
    """
    if entry.shape == shape:
        return entry
    if prod(entry.shape) != prod(shape) or [n for n in entry.shape if n != 1] != [n for n in shape if n != 1]:
        raise CheckpointError(f"{name!r} is {entry.shape} here and {shape} in the file to be like")
    return Entry(entry.dtype, np.reshape(entry.data, shape))


def target_shape(name: str, shape: tuple[int, ...], to: str) -> tuple[int, ...]:
    """The shape in the other framework where the data says it: MindSpore's Conv1d has one more axis."""
    if to == "mindspore" and len(shape) == 3 and split(name)[1] == "weight":
        return (*shape[:2], 1, shape[2])
    return shape
