"""One file around plain data: written whole or not at all, and checked when it is read.

The file is a safetensors file (arrays by name; no code in it, no pickle) whose metadata holds a JSON text,
a format version and a SHA-256 of text and arrays. It is written beside its place, flushed to the disk
and moved there in one step, so a crash leaves the old file or the new one, never half of one.
"""

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "calando"
VERSION = "1"
LONGEST_HEADER = 100_000_000  # bytes; safetensors' own limit


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint; the sentence says which and why."""


def write(path: str | os.PathLike[str], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``meta`` (JSON data) and ``arrays`` to ``path``, atomically.

    Raises:
        TypeError: ``meta`` is not JSON data.
        OSError: no permission, no space; a file that was there before is untouched.
    """
    from safetensors.numpy import save

    place = Path(path)
    text = json.dumps(meta, allow_nan=True, sort_keys=True)
    whole = {name: np.require(array, array.dtype.newbyteorder("<"), "C") for name, array in arrays.items()}
    told = {"format": FORMAT, "version": VERSION, "meta": text, "sha256": digest(text, whole)}
    data = save(whole, metadata=told)
    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            os.chmod(temporary, 0o666 & ~mask())  # as any file that a program opens; mkstemp keeps it private
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    settle(place.parent)


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


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What ``write`` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is another kind of file, torn, altered, or of a newer format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    place = Path(path)
    data = place.read_bytes()
    told = header(place, data).get("__metadata__")
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise CheckpointError(f"{place} is a safetensors file, but calando did not write it")
    if told.get("version") != VERSION:
        raise CheckpointError(
            f"{place} has format version {told.get('version')!r}, this calando reads {VERSION}; use a newer calando"
        )
    try:
        arrays = load(data)
        meta = json.loads(told["meta"])
    except (SafetensorError, KeyError, ValueError, RecursionError) as problem:
        raise CheckpointError(f"{place} is damaged: {problem}") from None
    if not isinstance(meta, dict):
        raise CheckpointError(f"{place} is no checkpoint: what it tells of itself is no table")
    if digest(told["meta"], arrays) != told.get("sha256"):
        raise CheckpointError(f"{place} is damaged: its checksum is wrong; use an older checkpoint")
    return meta, arrays


def header(place: Path, data: bytes) -> dict[str, Any]:
    """The table of contents in front of a safetensors file."""
    if len(data) < 8:
        raise CheckpointError(f"{place} is no checkpoint: it has only {len(data)} bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(len(data) - 8, LONGEST_HEADER):
        raise CheckpointError(f"{place} is no checkpoint, or torn: its header of {length} bytes is not in it")
    try:
        found = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as problem:
        raise CheckpointError(f"{place} is no checkpoint: its header cannot be read ({problem})") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{place} is no checkpoint: its header is not a table")
    return found


def digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of everything in the file, in a fixed order."""
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()
