"""A folder of checkpoints: what they are called, which is the newest, which the best, and which may go.

    step-000000100.calando      after 100 updates

The newest is the one that was written last (after going back to an older one, a run writes smaller steps again).
"""

from collections.abc import Callable
from math import isnan
from pathlib import Path

from .store import CheckpointError, peek

SUFFIX = ".calando"
BETTER: dict[str, Callable[[float, float], bool]] = {"min": lambda a, b: a < b, "max": lambda a, b: a > b}


def place(folder: Path, step: int) -> Path:
    """Where the checkpoint after ``step`` updates lies."""
    return folder / f"step-{step:09d}{SUFFIX}"


def kept(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the one written first at the beginning."""
    found = [path for path in folder.glob(f"step-*{SUFFIX}") if path.stem.removeprefix("step-").isdigit()]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def best(folder: Path, keep_best: str) -> Path | None:
    """The checkpoint with the smallest or largest metric, the first of equals; None where none has one."""
    chosen, bound = None, float("nan")
    for path in kept(folder):
        try:
            metric = peek(path)[0].get("metric")
        except CheckpointError:
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
