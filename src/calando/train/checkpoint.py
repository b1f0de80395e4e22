"""The folder of a run, and what is kept in it after each epoch.

runs/<name>/checkpoints/epoch-000.calando   before the first step
                        epoch-001.calando   after the first epoch, and so on
runs/<name>/history.csv
runs/<name>/curves.png
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, store
from ..snapshot import Snapshot
from .history import Difference
from .options import Options

FORMAT = 1
PLATFORM = ("torch", "numpy")  # whose versions decide the last bit


@dataclass
class Kept:
    """One dialect after an epoch: parameters and statistics by name, the optimizer, the rows so far."""

    values: dict[str, np.ndarray]
    optimizer: Snapshot
    history: np.ndarray


@dataclass
class Checkpoint:
    """A run after an epoch; nothing else decides how it goes on.

    torch's random generator is not in it because nothing draws from it: first parameters, order and shifts of
    the images come from the seed and the number of the epoch.
    """

    options: Options
    epoch: int
    seconds: float
    difference: Difference
    dialects: dict[str, Kept]
    made_with: dict[str, str] = field(default_factory=lambda: versions())

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        meta: dict[str, Any] = {
            "job": FORMAT,
            "options": self.options.plain(),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "difference": self.difference.plain(),
            "made_with": self.made_with,
            "optimizers": {},
        }
        arrays: dict[str, np.ndarray] = {}
        for dialect, kept in self.dialects.items():
            meta["optimizers"][dialect], slots = kept.optimizer.to_plain()
            arrays |= {f"{dialect}/optimizer/{name}": array for name, array in slots.items()}
            arrays |= {f"{dialect}/network/{name}": array for name, array in kept.values.items()}
            arrays[f"{dialect}/history"] = kept.history
        store.write(path, meta, arrays)

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """The inverse of ``write``.

        Raises:
            ValueError: a damaged file, or one that is no checkpoint of ``calando train``.
        """
        meta, arrays = store.read(path)
        if meta.get("job") != FORMAT:
            raise ValueError(f"{path} is no checkpoint of calando train, or one of a newer calando")
        dialects = {}
        for dialect, optimizer in meta["optimizers"].items():
            slots = within(arrays, f"{dialect}/optimizer/")
            values = within(arrays, f"{dialect}/network/")
            snapshot = Snapshot.from_plain(optimizer, slots)
            dialects[dialect] = Kept(values, snapshot, arrays[f"{dialect}/history"])
        return cls(
            Options.from_plain(meta["options"]),
            int(meta["epoch"]),
            float(meta["seconds"]),
            Difference.from_plain(meta["difference"]),
            dialects,
            meta["made_with"],
        )


def within(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays below a prefix, without it."""
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def versions() -> dict[str, str]:
    """Of everything that decides the last bit of a result."""
    found = {"calando": __version__}
    for name in PLATFORM:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


class Folder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.history = path / "history.csv"
        self.curves = path / "curves.png"

    @property
    def name(self) -> str:
        return self.path.name

    def kept(self) -> list[Path]:
        """The checkpoints, the oldest first."""
        return sorted(self.checkpoints.glob("epoch-*.calando"))

    def place(self, epoch: int) -> Path:
        """Where the checkpoint after an epoch lies."""
        return self.checkpoints / f"epoch-{epoch:03d}.calando"

    def make(self) -> None:
        """Make the folder.

        Raises:
            OSError: it cannot be written to.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise OSError(f"cannot write to {self.path}: {problem.strerror}") from None

    @contextmanager
    def written(self) -> Iterator[None]:
        """What goes wrong with the disk meanwhile names a file, or this folder."""
        try:
            yield
        except OSError as problem:
            problem.filename = problem.filename or str(self.path)
            raise

    def newest(self) -> tuple[Checkpoint, Path]:
        """The newest checkpoint that can be read; a damaged one is named on stderr and passed over.

        Raises:
            FileNotFoundError: there is none.
        """
        for torn in self.checkpoints.glob(".*.tmp"):  # of a save that was killed
            torn.unlink(missing_ok=True)
        for path in reversed(self.kept()):
            try:
                return Checkpoint.read(path), path
            except ValueError as problem:
                print(f"calando: {problem}; trying the one before it", file=sys.stderr)
        raise FileNotFoundError(f"{self.path} has no checkpoint to continue from; start a run with: calando train")


def fresh(out: Path, name: str | None, stem: str) -> Folder:
    """The folder of a new run: ``name``, else the first of stem, stem-2, stem-3 … that is free.

    Raises:
        FileExistsError: a run of that name is there.
        ValueError: the name is none for a folder.
    """
    if name is not None:
        if not name or name in (".", "..") or Path(name).name != name:
            raise ValueError(f"--name must be a plain folder name, but got {name!r}; its place is --out")
        if (out / name).exists() and (Folder(out / name).kept() or not unborn(out / name)):
            raise FileExistsError(
                f"{out / name} is there already; continue it with --resume {name}, or choose another --name"
            )
        return Folder(out / name)
    number = 1
    while (out / (free := stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return Folder(out / free)


def unborn(folder: Path) -> bool:
    """Whether nothing lies in a folder but what a run leaves that was killed inside its very first save."""
    return all(path.is_dir() or path.suffix == ".tmp" for path in folder.rglob("*"))


def find(out: Path, run: str) -> Folder:
    """The folder of a run to resume: its name in ``out``, a path to it, or the newest when empty.

    Raises:
        FileNotFoundError: there is no such run.
    """
    runs = [path.parent for path in out.glob("*/checkpoints") if any(path.glob("epoch-*.calando"))]
    if not run:
        if not runs:
            raise FileNotFoundError(f"there is no run to resume in {out}; --out names another folder")
        return Folder(max(runs, key=lambda path: max(p.stat().st_mtime_ns for p in Folder(path).kept())))
    for path in (out / run, Path(run)):
        if (path / "checkpoints").is_dir():
            return Folder(path)
    names = ", ".join(sorted(path.name for path in runs)) or "none"
    raise FileNotFoundError(f"there is no run {run!r} in {out}; the runs there: {names}")
