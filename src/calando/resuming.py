"""Go on where a run was stored.

    resumed = calando.resume("run/", model=net, optimizer=optimizer)             the newest file that is whole

Three passes: the checksums of the whole file, of which nothing is kept; names, shapes, types and schedules against
model and optimizer; and only then the arrays, read from the file straight to where they belong. So there is never a
second copy of them in memory, and a file that does not fit has changed nothing.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import rotation, store
from .codecs.behind import WRITER
from .codecs.errors import CheckpointError, naming
from .fitting import Plan
from .saving import as_path, by_name
from .snapshot import SnapshotMismatch


class CheckpointWarning(UserWarning):
    """A checkpoint was passed over, or slots of it were rounded; the sentence says which and why."""


@dataclass(frozen=True)
class Resumed:
    """What ``resume`` found.

    Attributes:
        path: the file.
        step: updates so far.
        extra: what was given to ``save`` under this name; None where nothing was.
        metric: the same.
    """

    path: Path
    step: int
    extra: Any = None
    metric: float | None = None


def resume(
    path: str | os.PathLike[str], model: Any = None, optimizer: Any = None, *, best: str | None = None
) -> Resumed:
    """Go on where a run was stored: everything is written into the model and optimizer that are given.

    Args:
        path: a file, or a folder: then the newest file in it that is whole; a warning names the damaged ones.
        model, optimizer: built as those that were stored; None: that part of the file is not wanted.
        best: "min" or "max": not the newest file in the folder, but the one with the best metric.

    Returns:
        ``extra``, the step, the metric, and which file it was.

    Raises:
        FileNotFoundError: there is no such file, or none in the folder.
        CheckpointError: a file of another kind, torn, altered or of a newer calando; another optimizer; other names,
            shapes or types than the model's. Model, optimizer and random state are exactly as before.
    """
    as_path("resume", path)
    WRITER.wait()
    models, optimizers = by_name("model", model), by_name("optimizer", optimizer)
    with found(Path(path), best) as reader:
        place = reader.place
        try:
            with naming(place):
                plan = Plan(reader, models, optimizers)
                plan.carry_out()
        except (SnapshotMismatch, ValueError) as problem:
            told = str(problem)
            raise CheckpointError(told if told.startswith(str(place)) else f"{place}: {told}") from None
    for sentence in dict.fromkeys(text for course in plan.courses for text in course.rounded()):
        warnings.warn(f"{place}: {sentence} here; build it as it was", CheckpointWarning, stacklevel=2)
    return Resumed(place, plan.step, plan.extra, plan.metric)


# The file.


@contextmanager
def found(path: Path, best: str | None) -> Iterator[store.Reader]:
    """The file that is meant, open, its checksums compared.

    Raises:
        FileNotFoundError, CheckpointError: there is none; it is damaged.
    """
    search = path.is_dir() and best is None
    for place in places(path, best):
        if search and not place.exists():
            continue  # another process has just removed it
        with open(place, "rb", buffering=0) as file:
            try:
                reader = store.Reader(place, file)
                reader.verify()
            except CheckpointError as problem:
                if not search:
                    raise
                warnings.warn(f"{problem}; trying the one before it", CheckpointWarning, stacklevel=4)
                continue
            yield reader
            return
    raise FileNotFoundError(f"{path} has no checkpoint that could be read")


def places(path: Path, best: str | None) -> list[Path]:
    """Which files may be meant, the first choice first.

    Raises:
        FileNotFoundError, ValueError: none has a metric; the arguments do not go together.
    """
    if best is not None and best not in rotation.BETTER:
        raise ValueError(f"For 'resume': best must be 'min' or 'max', but got {best!r}")
    if best is not None and not path.is_dir():
        raise ValueError(f"For 'resume': best looks for a file in a folder, and {path} is none")
    if not path.is_dir():
        return [path]
    if best is None:
        return rotation.kept(path)[::-1]
    chosen = rotation.best(path, best)
    if chosen is None:
        raise FileNotFoundError(f"{path} has no checkpoint with a metric")
    return [chosen]
