"""A folder of checkpoints: what they are called, which is the newest, which the best, and which may go.

    step-000000100.calando      after 100 updates

The newest is the one that was written last (after going back to an older one, a run writes smaller steps again).
"""

from collections.abc import Callable
from math import isnan
from pathlib import Path
from stat import S_ISREG

from .store import CheckpointError, peek

SUFFIX = ".calando"
BETTER: dict[str, Callable[[float, float], bool]] = {"min": lambda a, b: a < b, "max": lambda a, b: a > b}


def place(folder: Path, step: int) -> Path:
    """Where the checkpoint after ``step`` updates lies."""
    return folder / f"step-{step:09d}{SUFFIX}"


def kept(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the one written first at the beginning."""
    found = [path for path in folder.glob(f"step-*{SUFFIX}") if path.stem.removeprefix("step-").isdigit()]
    times = {path: time for path in found if (time := written(path)) is not None}
    return sorted(times, key=lambda path: (times[path], path.name))


def written(path: Path) -> int | None:
    """When a file was written; None: it is none, or another process has just removed it."""
    try:
        told = path.stat()
    except FileNotFoundError:
        return None
    return told.st_mtime_ns if S_ISREG(told.st_mode) else None


def best(folder: Path, keep_best: str) -> Path | None:
    """The checkpoint with the smallest or largest metric, the first of equals; None where none has one."""
    chosen, bound = None, float("nan")
    for path in kept(folder):
        try:
            metric = peek(path)[0].get("metric")
        except (CheckpointError, FileNotFoundError):
            continue  # resume tells of it; here it is only not the best
        if (
            isinstance(metric, (int, float))
            and not isnan(metric)
            and (isnan(bound) or BETTER[keep_best](metric, bound))
        ):
            chosen, bound = path, metric
    return chosen


def prune(folder: Path, keep_last: int, keep_best: str | None) -> None:
    """Remove all but the last ones and the best."""
    paths = kept(folder)
    spared = best(folder, keep_best) if keep_best else None
    for path in paths[: max(0, len(paths) - keep_last)]:
        if path != spared:
            path.unlink(missing_ok=True)
