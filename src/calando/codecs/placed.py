"""A file that appears whole or not at all.

It is written beside its place under a name that begins with a dot and ends in ``.tmp``, flushed to the disk, moved to
its place in one step, and then the folder's own entry is flushed. A crash at any instant leaves the former file or
the new one; what a killed process left half written is removed by the next writing into that folder.
"""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

WAYS = {  # what the system refuses → the way out
    errno.ENOSPC: "free some space, or choose another folder",
    errno.EDQUOT: "free some space, or choose another folder",
    errno.EFBIG: "choose a file system that holds larger files",
    errno.EACCES: "choose a folder that you may write into",
    errno.EPERM: "choose a folder that you may write into",
    errno.EROFS: "choose a folder that you may write into",
    errno.ENOENT: "make the folder first",
}


@contextmanager
def placed(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at ``path`` when all was written and flushed to the disk.

    A link stays, and what it points to is replaced.

    Raises:
        OSError: no permission, no space, no such folder, something that is no file; what was at ``path`` before is
            untouched, and nothing else is left.
    """
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise IsADirectoryError(f"{place} is a folder; give the name of a file")
    if place.exists() and not place.is_file():
        raise FileExistsError(f"{place} is a device, pipe or socket, and not to be replaced; give the name of a file")
    with explained(Path(path)):
        sweep(place.parent)
        prefix = f".{place.name[:100]}.{owner(os.getpid())}."
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=prefix, suffix=".tmp")
        yield from written(handle, temporary, place)
        settle(place.parent)


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Let what the system says of a file that cannot be written name it, and say what to do."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in WAYS:
            raise
        told = f"{problem.strerror}; nothing was written, what was there before is untouched: {WAYS[problem.errno]}"
        raise type(problem)(problem.errno, told, os.fspath(place)) from None


def written(handle: int, temporary: str, place: Path) -> Iterator[BinaryIO]:
    """The file under its passing name; then it takes its place."""
    try:
        with os.fdopen(handle, "wb") as file:
            os.chmod(temporary, 0o666 & ~mask())  # as any file that a program opens; mkstemp keeps it private
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def owner(process: int) -> str:
    """Who writes a file: the machine and the process."""
    return f"{socket.gethostname()}-{process}"


def sweep(folder: Path) -> None:
    """Remove the half-written files of processes of this machine that are no more."""
    machine = owner(0).removesuffix("0")
    for path in folder.glob(".*.tmp"):
        told = path.name.split(".")[-3:-2]  # .name.machine-process.random.tmp
        process = told[0].rpartition("-")[2] if told else ""
        if f".{machine}{process}." in path.name and process.isdigit() and not alive(int(process)):
            path.unlink(missing_ok=True)


def alive(process: int) -> bool:
    """Whether a process of this machine still runs."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def mask() -> int:
    """The permissions that new files of this process do not get."""
    found = os.umask(0)
    os.umask(found)
    return found


def settle(folder: Path) -> None:
    """Flush a folder's own entries to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
