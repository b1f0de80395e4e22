"""Where scripts come from and results go: files, folders, standard input; nothing is written half."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

STDIN = "-"
SKIPPED = {".git", ".venv", "venv", "__pycache__", "node_modules", ".tox", "build", "dist", ".eggs", "site-packages"}
MOST_FILES = 5_000


@dataclass
class Gathered:
    """The scripts of a command, by name.

    Args:
        scripts: what each holds.
        bases: the folder that each was found under.
        unread: why a script of a folder could not be read.
    """

    scripts: dict[str, bytes] = field(default_factory=dict)
    bases: dict[str, Path] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def gather(paths: Iterable[str]) -> Gathered:
    """All scripts of files, folders and standard input; in a folder, what cannot be read is left out.

    Raises:
        OSError: a path that is not there or cannot be read.
        ValueError: something else than a script, a folder without scripts, or with too many.
    """
    found = Gathered()
    for path in paths:
        if path == STDIN:
            found.scripts["<stdin>"] = sys.stdin.buffer.read()
            continue
        place = Path(path)
        if not place.is_dir():
            found.scripts[path] = script(place)
            found.bases[path] = place.parent
            continue
        inside = sorted(folder_scripts(place))
        if not inside:
            raise ValueError(f"{path}: the folder holds no Python scripts")
        if len(inside) > MOST_FILES:
            raise ValueError(f"{path}: the folder holds {len(inside)} scripts, and {MOST_FILES} are the most")
        for each in inside:
            try:
                found.scripts[str(each)] = script(each)
                found.bases[str(each)] = place
            except (OSError, ValueError) as problem:
                told = f"{each}: {problem.strerror}" if isinstance(problem, OSError) else str(problem)
                found.unread.append(told)
    return found


def script(place: Path) -> bytes:
    """What a script holds.

    Raises:
        OSError, ValueError: it cannot be read, or is none.
    """
    if place.suffix.lower() not in (".py", ".pyw", ""):
        told = "a notebook; make a script of it first (jupyter nbconvert --to script)"
        raise ValueError(f"{place}: {told if place.suffix == '.ipynb' else 'no Python script (.py)'}")
    if place.exists() and not place.is_file():
        raise ValueError(f"{place}: no file that can be read as a script; - reads standard input")
    return place.read_bytes()


def folder_scripts(folder: Path) -> Iterable[Path]:
    """The scripts of a folder and the folders in it; environments and the like left out."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(root, name) for name in names if name.endswith(".py"))


def writable(path: Path, word: str, scripts: Iterable[str]) -> None:
    """Raise ValueError where a file cannot be written, or is one of the scripts, before anything is.

    Args:
        word: the option that names it.
    """
    if path.is_dir():
        raise ValueError(f"{word} {path}: a folder; name a file in it")
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"{word} {path}: nothing can be written in {above}")
    for name in scripts:
        if path.exists() and Path(name).exists() and path.samefile(name):
            raise ValueError(f"{word} {path}: this is the script itself; --in-place rewrites it where it is")


def apart(out: Path, bases: Iterable[Path]) -> None:
    """Raise ValueError where a folder of results is no folder, or that of the scripts."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out}: a file, where several results need a folder")
    if any(out.exists() and base.exists() and out.samefile(base) for base in bases):
        raise ValueError(f"--out {out}: the scripts are there; --in-place rewrites them where they are")


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the permissions that it had.

    Raises:
        OSError: it cannot be written; it names the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path = path.resolve()  # a link stays a link
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as problem:
        Path(temporary).unlink(missing_ok=True)
        raise OSError(problem.errno, problem.strerror, str(path)) from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
