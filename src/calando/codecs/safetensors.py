"""Files of the safetensors format, read and written piece by piece.

    8 bytes     the length of the header, little-endian
    header      JSON: name → {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, and under
                "__metadata__" a table of texts; after it spaces up to a multiple of 8
    contents    one after the other without gaps, little-endian, in C order

Nothing of it is code. Every length is compared with the file before anything is allocated.

Source: https://huggingface.co/docs/safetensors, "Format".
"""

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np

from .entry import BITS, MOST_AXES, Entry, checked, raw
from .errors import CheckpointError, shown

SHORT = {  # our word → safetensors', in the order in which the safetensors library lays contents, so aligned
    "UInt64": "U64", "Int64": "I64", "Float64": "F64", "Float32": "F32", "UInt32": "U32", "Int32": "I32",
    "BFloat16": "BF16", "Float16": "F16", "UInt16": "U16", "Int16": "I16", "Int8": "I8", "UInt8": "U8", "Bool": "BOOL",
}  # fmt: skip
LONG = {short: word for word, short in SHORT.items()}
RANK = {word: rank for rank, word in enumerate(SHORT)} | {"Int4": list(SHORT).index("Int8")}
LONGEST_HEADER = 100_000_000  # bytes; the safetensors library's own limit
PIECE = 4 << 20


def layout(entries: Mapping[str, Entry]) -> list[str]:
    """The names in the order in which contents are laid down: the widest types first, so that all are aligned."""
    return sorted(entries, key=lambda name: (RANK[entries[name].dtype], name))


def header_of(entries: Mapping[str, Entry], order: list[str], told: Mapping[str, str], ascii: bool = True) -> bytes:
    """The header with its length in front."""
    listed: dict[str, Any] = {"__metadata__": dict(told)}
    where = 0
    for name in order:
        entry = entries[name]
        span = [where, where + entry.data.nbytes]
        short = SHORT.get(entry.dtype, "I8")
        listed[name] = {"dtype": short, "shape": list(entry.shape), "data_offsets": span}
        where = span[1]
    text = json.dumps(listed, ensure_ascii=ascii, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def header(place: Path, data: bytes, size: int | None = None) -> dict[str, Any]:
    """The table of contents in front of a file that begins with ``data`` and has ``size`` bytes."""
    size = len(data) if size is None else size
    if size < 8:
        raise CheckpointError(f"{place} is no checkpoint: it has only {size} bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(size - 8, LONGEST_HEADER):
        raise CheckpointError(f"{place} is no checkpoint, or torn: its header of {length} bytes is not in it")
    try:
        found = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as problem:
        raise CheckpointError(f"{place} is no checkpoint: its header cannot be read ({problem})") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{place} is no checkpoint: its header is not a table")
    return found


class Reader:
    """Reads one file whose header has been compared with it.

    Args:
        place: how errors call the file.
        file: opened for reading, unbuffered.

    Attributes:
        told: what stands under ``__metadata__``.
        tensors: name → (type, shape, begin, end) in the contents, in the order of names.
        first: where the contents begin.
        head: the header's own bytes.
    """

    def __init__(self, place: Path, file: BinaryIO):
        self.place, self.file, self.turn = place, file, Lock()
        size = os.fstat(file.fileno()).st_size
        first = file.read(8)
        length = int.from_bytes(first, "little")
        self.head = file.read(length) if length <= min(size - 8, LONGEST_HEADER) else b""
        listed = header(place, first + self.head)
        self.first, self.size = 8 + length, size
        told = listed.pop("__metadata__", None) or {}
        if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
            raise CheckpointError(f"{place}: what its header tells in __metadata__ is no table of texts")
        self.told: dict[str, str] = told
        self.tensors = {name: self.described(name, row) for name, row in sorted(listed.items())}
        where = 0
        for name, (_, _, begin, end) in sorted(self.tensors.items(), key=lambda item: item[1][2:]):
            if begin != where:
                raise CheckpointError(f"{place}: {shown(name)} begins at {begin} of the contents, not at {where}")
            where = end
        if self.first + where != size:
            raise CheckpointError(
                f"{place} should have {self.first + where} bytes and has {size}; it is torn or damaged"
            )

    def described(self, name: str, row: Any) -> tuple[str, tuple[int, ...], int, int]:
        """Type, shape and place of one tensor."""
        here = f"{self.place}: {shown(name)}"
        if not isinstance(row, dict) or not {"dtype", "shape", "data_offsets"} <= row.keys():
            raise CheckpointError(f"{here} has no dtype, shape and data_offsets in the header")
        word = self.word(name, row["dtype"])
        if word is None:
            raise CheckpointError(f"{here} is of type {shown(row['dtype'])}; known are {', '.join(LONG)}")
        shape, span = row["shape"], row["data_offsets"]
        if not counts(shape) or len(shape) > MOST_AXES or prod(filter(None, shape)) > 1 << 60:
            raise CheckpointError(f"{here} has the shape {shown(shape)}, which none has")
        size = prod(shape) * BITS[word].itemsize
        if not counts(span) or len(span) != 2 or span[1] - span[0] != size or self.first + span[1] > self.size:
            raise CheckpointError(
                f"{here} of shape {tuple(shape)} has {size} bytes, but its data_offsets are {shown(span)} "
                f"in {self.size - self.first} bytes of contents; the file is torn or damaged"
            )
        return word, tuple(shape), span[0], span[1]

    def word(self, name: str, short: Any) -> str | None:
        """Our word for the type of a tensor; None: there is none."""
        return LONG.get(short) if isinstance(short, str) else None

    def entries(self, choose: Callable[[str], bool] | None = None) -> dict[str, Entry]:
        """Every tensor that is wanted, by name."""
        return {name: self.entry(name) for name in self.tensors if choose is None or choose(name)}

    def entry(self, name: str) -> Entry:
        """One tensor."""
        word, shape, _, _ = self.tensors[name]
        room = np.empty(shape, BITS[word])
        self.into(name, raw(room))
        return Entry(word, checked(room, word))

    def into(self, name: str, room: memoryview) -> None:
        """Read the content of one tensor into memory of its size."""
        for _ in self.fill(room, self.tensors[name][2]):
            pass

    def pieces(self, name: str, room: memoryview) -> Iterator[memoryview]:
        """The content of one tensor, piece by piece, each in the same memory."""
        _, _, begin, end = self.tensors[name]
        for where in range(begin, end, len(room)):
            yield from self.fill(room[: end - where], where)

    def fill(self, target: memoryview, begin: int) -> Iterator[memoryview]:
        """Read from a place of the contents until the target is full, and give each piece that was read.

        Several threads may read at once.
        """
        where = self.first + begin
        while len(target):
            count = self.piece(target[:PIECE], where)
            if not count:
                raise CheckpointError(f"{self.place} has become shorter while it was read")
            yield target[:count]
            target, where = target[count:], where + count

    def piece(self, target: memoryview, where: int) -> int:
        """Read from a byte of the file; how many bytes there were."""
        if hasattr(os, "preadv"):
            return os.preadv(self.file.fileno(), [target], where)
        with self.turn:
            self.file.seek(where)
            return self.file.readinto(target)  # type: ignore[attr-defined]


def counts(numbers: Any) -> bool:
    """Whether it is a list of whole numbers from 0 on."""
    return isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)
