"""MindSpore's safetensors files, read and written without MindSpore.

    8 bytes     the length of the header, little-endian
    header      JSON: name → {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, and under
                "__metadata__" {"format": "ms"}; after it spaces up to a multiple of 8
    contents    one after the other without gaps, little-endian, in C order

MindSpore's own additions stand in the metadata: ``crc_num``, the CRC-32 of names and contents in the order
of names, in decimal; and for each tensor of 4-bit integers, stored as I8, its name with ``"Int4"``.

Source: mindspore 2.10, ``train/serialization.py``; https://huggingface.co/docs/safetensors, "Format".
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from ..store import CheckpointError, header
from .entry import BITS, MOST_AXES, Entry, raw
from .mindspore_ckpt import Stored, checked, shown
from .placed import placed

SHORT = {  # MindSpore's word → safetensors', in the order in which the safetensors library lays contents, so aligned
    "UInt64": "U64", "Int64": "I64", "Float64": "F64", "Float32": "F32", "UInt32": "U32", "Int32": "I32",
    "BFloat16": "BF16", "Float16": "F16", "UInt16": "U16", "Int16": "I16", "Int8": "I8", "UInt8": "U8", "Bool": "BOOL",
}  # fmt: skip
LONG = {short: word for word, short in SHORT.items()}
RANK = {word: rank for rank, word in enumerate(SHORT)} | {"Int4": list(SHORT).index("Int8")}
LARGEST_NOUGHT = 1 << 24
PIECE = 1 << 20


def write(path: str | os.PathLike[str], entries: Mapping[str, Stored], crc: bool = False) -> None:
    """Write a safetensors file that MindSpore reads, atomically.

    Args:
        entries: tensors by name.
        crc: whether a CRC-32 stands in the metadata.

    Raises:
        TypeError: a text, which this format cannot hold.
        OSError: no permission, no space; a file that was there before is untouched.
    """
    tensors: dict[str, Entry] = {}
    for name, entry in sorted(entries.items()):
        if isinstance(entry, str):
            raise TypeError(f"{name!r} is a text, and safetensors holds only tensors; leave it out or save as 'ckpt'")
        tensors[name] = entry
    told: dict[str, str] = {"format": "ms"}
    told |= {name: "Int4" for name, entry in tensors.items() if entry.dtype == "Int4"}
    if crc:
        told["crc_num"] = str(summed((name, [spoken(entry)]) for name, entry in tensors.items()))
    order = sorted(tensors, key=lambda name: (RANK[tensors[name].dtype], name))
    listed: dict[str, Any] = {"__metadata__": told}
    where = 0
    for name in order:
        entry = tensors[name]
        span = [where, where + entry.data.nbytes]
        short = SHORT.get(entry.dtype, "I8")
        listed[name] = {"dtype": short, "shape": list(entry.shape), "data_offsets": span}
        where = span[1]
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with placed(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(tensors[name].raw)


def spoken(entry: Entry) -> memoryview | bytes:
    """What of an entry enters the CRC-32: its bytes; MindSpore takes so many zeros for a whole number without axes.

    (It calls ``bytes(array)``, which means that for such arrays.)
    """
    if entry.shape == () and entry.data.dtype.kind in "iu" and entry.dtype != "BFloat16":
        number = int(entry.data)
        if 0 <= number <= LARGEST_NOUGHT:  # MindSpore cannot sum others
            return bytes(number)
    return entry.raw


def summed(contents: Any) -> int:
    """The CRC-32 of (name, pieces) in their order."""
    total = 0
    for name, pieces in contents:
        total = crc32(name.encode(), total)
        for piece in pieces:
            total = crc32(piece, total)
    return total


def read(path: str | os.PathLike[str], choose: Callable[[str], bool] | None = None) -> dict[str, Stored]:
    """What is in a safetensors file, in the order of names.

    Args:
        choose: whether the tensor of a name is wanted; the others are passed over.

    Raises:
        OSError: there is no such file, or it may not be read.
        CheckpointError: another kind of file, a torn or altered one; the sentence names the byte or the entry.
    """
    with open(path, "rb", buffering=0) as file:
        return Reader(Path(path), file).entries(choose)


def checksummed(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds a CRC-32."""
    with open(path, "rb", buffering=0) as file:
        return "crc_num" in Reader(Path(path), file).told


class Reader:
    """Reads one file whose header has been compared with it.

    Args:
        place: how errors call the file.
        file: opened for reading, unbuffered.
    """

    def __init__(self, place: Path, file: BinaryIO):
        self.place, self.file = place, file
        size = os.fstat(file.fileno()).st_size
        first = file.read(8)
        length = int.from_bytes(first, "little")
        listed = header(place, first + (file.read(length) if length <= size - 8 else b""))
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
        word = LONG.get(row["dtype"]) if isinstance(row["dtype"], str) else None
        if word is None:
            raise CheckpointError(f"{here} is of type {shown(row['dtype'])}; known are {', '.join(LONG)}")
        if word == "Int8" and self.told.get(name) == "Int4":
            word = "Int4"
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

    def entries(self, choose: Callable[[str], bool] | None) -> dict[str, Stored]:
        """Every tensor that is wanted, by name."""
        self.compare()
        found: dict[str, Stored] = {}
        for name in self.tensors:
            if choose is None or choose(name):
                found[name] = self.entry(name)
        return found

    def entry(self, name: str) -> Entry:
        """One tensor."""
        word, shape, begin, _ = self.tensors[name]
        room = np.empty(shape, BITS[word])
        self.fill(raw(room), begin)
        return Entry(word, checked(room, word))

    def compare(self) -> None:
        """Raise CheckpointError unless the CRC-32, if there is one, is that of names and contents."""
        if "crc_num" not in self.told:
            return
        total = summed((name, self.pieces(name)) for name in self.tensors)
        if str(total) != self.told["crc_num"]:
            raise CheckpointError(f"{self.place} is damaged: its CRC-32 is wrong; use an older checkpoint")

    def pieces(self, name: str) -> Iterator[memoryview | bytes]:
        """What of a tensor enters the CRC-32, piece by piece."""
        _, shape, begin, end = self.tensors[name]
        if shape == ():
            yield spoken(self.entry(name))
            return
        for where in range(begin, end, PIECE):
            room = memoryview(bytearray(min(PIECE, end - where)))
            self.fill(room, where)
            yield room

    def fill(self, target: memoryview, begin: int) -> None:
        """Read from a place of the contents until the target is full."""
        self.file.seek(self.first + begin)
        while len(target):
            count = self.file.readinto(target)  # type: ignore[attr-defined]
            if not count:
                raise CheckpointError(f"{self.place} has become shorter while it was read")
            target = target[count:]


def counts(numbers: Any) -> bool:
    """Whether it is a list of whole numbers from 0 on."""
    return isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)
