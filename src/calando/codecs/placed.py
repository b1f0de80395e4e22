"""A file that appears whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..store import mask, settle


@contextmanager
def placed(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at ``path`` when all was written and flushed to the disk.

    Raises:
        OSError: no permission, no space; what was at ``path`` before is untouched.
    """
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError(f"{place} is a folder; give the name of a file")
    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp")
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
    settle(place.parent)
