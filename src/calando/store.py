"""One file around plain data: written whole or not at all, and checked when it is read.

The file is a safetensors file (arrays by name; no code in it, no pickle). Its metadata holds

    format, version    "calando", "2"
    meta               a JSON text
    sums               the CRC-32 of every array, eight hexadecimal digits each, in the order of names
    sha256             of the header itself, with 64 zeros in this place

so that every altered byte is noticed and the damaged array named. Arrays are summed while they are written and while
they are read: one pass over the memory, no copy of it. Version 1 had one SHA-256 of text and arrays; it is read too.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from .codecs import safetensors
from .codecs.behind import shared
from .codecs.entry import BITS, Entry, checked, raw
from .codecs.errors import CheckpointError as CheckpointError
from .codecs.errors import shown
from .codecs.placed import placed

FORMAT = "calando"
VERSION = 2
READERS = 2  # arrays that are read at once
WEIGHED = 1 << 20  # bytes that are summed at once while nothing of them is kept
UNKNOWN = "0" * 64  # in the place of the header's own SHA-256 while it is taken
OTHERS = {  # how files of others begin → what to do with them
    b"PK\x03\x04": "a file of torch.save; read it with torch.load(…, weights_only=True), or see calando convert",
    b"\x80\x02": "a file of pickle or of torch.save, which calando does not open; see calando convert",
    b"\x0a": "perhaps a .ckpt of MindSpore; read it with calando.mindspore.load_checkpoint, or see calando convert",
}


def write(path: str | os.PathLike[str], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray | Entry]) -> None:
    """Write ``meta`` (JSON data) and ``arrays`` to ``path``, atomically; nothing is copied.

    Raises:
        TypeError: ``meta`` is not JSON data, or an array is of a type that the file cannot hold.
        OSError: no permission, no space; a file that was there before is untouched.
    """
    text = json.dumps(meta, allow_nan=True, sort_keys=True)
    entries = {name: a if isinstance(a, Entry) else Entry.of(a, name) for name, a in arrays.items()}
    order = safetensors.layout(entries)
    told = {"format": FORMAT, "version": str(VERSION), "meta": text, "sums": "0" * 8 * len(order), "sha256": UNKNOWN}
    sums: dict[str, int] = {}
    with placed(path) as file:
        file.write(safetensors.header_of(entries, order, told))
        for name in order:
            sums[name] = 0
            content = entries[name].raw
            for first in range(0, len(content), safetensors.PIECE):
                piece = content[first : first + safetensors.PIECE]
                sums[name] = crc32(piece, sums[name])
                file.write(piece)
        told["sums"] = "".join(f"{sums[name]:08x}" for name in sorted(sums))
        told["sha256"] = hashlib.sha256(safetensors.header_of(entries, order, told)[8:]).hexdigest()
        file.seek(0)
        file.write(safetensors.header_of(entries, order, told))


def read(
    path: str | os.PathLike[str], choose: Callable[[str], bool] | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What ``write`` wrote; bfloat16 widened to float32, which is exact.

    Args:
        choose: whether the array of a name is wanted; the others are passed over (version 1: read nevertheless).

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is another kind of file, torn, altered, or of a newer format.
    """
    meta, entries = read_entries(path, choose)
    return meta, {name: entries.pop(name).values() for name in list(entries)}


def read_entries(
    path: str | os.PathLike[str], choose: Callable[[str], bool] | None = None
) -> tuple[dict[str, Any], dict[str, Entry]]:
    """As ``read``, with the arrays as they are stored."""
    with open(path, "rb", buffering=0) as file:
        reader = Reader(Path(path), file)
        return reader.meta, reader.entries(choose)


def peek(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, tuple[str, tuple[int, ...]]]]:
    """What stands in front of the arrays: ``meta``, and type and shape of each; raises as ``read`` does."""
    with open(path, "rb", buffering=0) as file:
        reader = Reader(Path(path), file)
        return reader.meta, {name: row[:2] for name, row in reader.tensors.items()}


class Reader(safetensors.Reader):
    """Reads one of our own files, of any version up to this one.

    Attributes:
        meta: the JSON data.
    """

    meta: dict[str, Any]

    def __init__(self, place: Path, file: Any):
        self.refuse_others(place, file)
        super().__init__(place, file)
        self.opened = stamp(file)
        if self.told.get("format") != FORMAT:
            raise CheckpointError(f"{place} is a safetensors file, but calando did not write it; see calando convert")
        version = self.told.get("version", "")
        if not version.isdecimal() or not 1 <= int(version[:9]) <= VERSION:
            raise CheckpointError(
                f"{place} has format version {shown(version)}, this calando reads 1 to {VERSION}; use a newer calando"
            )
        self.version = int(version)
        if self.version > 1:
            self.refuse_altered()
        try:
            found = json.loads(self.told["meta"])
        except (KeyError, ValueError, RecursionError) as problem:
            raise CheckpointError(f"{place} is damaged: what it tells in 'meta' cannot be read ({problem})") from None
        if not isinstance(found, dict):
            raise CheckpointError(f"{place} is no checkpoint: what it tells of itself is no table")
        self.meta = found

    @staticmethod
    def refuse_others(place: Path, file: Any) -> None:
        """Raise CheckpointError for what is known to be another kind of file."""
        first = file.read(9)
        file.seek(0)
        for mark, told in OTHERS.items():
            if first.startswith(mark) and first[8:9] != b"{":
                raise CheckpointError(f"{place} is no checkpoint of calando, but {told}")

    def refuse_altered(self) -> None:
        """Raise CheckpointError unless the header's SHA-256 is its own."""
        told = self.told.get("sha256", "")
        plain = self.head.replace(f'"sha256":"{told}"'.encode(), f'"sha256":"{UNKNOWN}"'.encode(), 1)
        if hashlib.sha256(plain).hexdigest() != told:
            raise CheckpointError(
                f"{self.place} is damaged: the checksum of its header, bytes 8 to {self.first}, is wrong; "
                "use an older checkpoint"
            )

    def entries(self, choose: Callable[[str], bool] | None = None) -> dict[str, Entry]:
        if self.version == 1:
            self.verify()
            return super().entries(choose)
        told = self.sums()
        wanted = [name for name in self.tensors if choose is None or choose(name)]
        return dict(zip(wanted, shared(lambda name: self.summed(name, told[name]), wanted), strict=True))

    def verify(self) -> None:
        """Compare all checksums and keep nothing, so that the arrays may then be read to where they belong.

        Raises:
            CheckpointError: one is wrong.
        """
        if self.version == 1:
            self.verify_first_version()
            return
        told = self.sums()
        waiting = iter(sorted(self.tensors, key=lambda name: self.tensors[name][2] - self.tensors[name][3]))
        shared(lambda _: self.weigh(waiting, told), range(READERS))

    def refuse_changed(self) -> None:
        """Raise CheckpointError if the file has been written into since it was opened."""
        if stamp(self.file) != self.opened:
            raise CheckpointError(f"{self.place} has been written into while it was read")

    def weigh(self, waiting: Iterator[str], told: Mapping[str, str]) -> None:
        """Compare the CRC-32 of one array after the other, as long as some are waiting."""
        room = memoryview(bytearray(WEIGHED))
        for name in waiting:
            self.compare(name, self.pieces(name, room), told[name])

    def summed(self, name: str, told: str) -> Entry:
        """One array, if its CRC-32 is the one that was told."""
        word, shape, begin, _ = self.tensors[name]
        room = np.empty(shape, BITS[word])
        self.compare(name, self.fill(raw(room), begin), told)
        return Entry(word, checked(room, word))

    def sums(self) -> dict[str, str]:
        """The checksum of each array, as the file tells it."""
        sums = self.told.get("sums", "")
        if len(sums) != 8 * len(self.tensors):
            raise CheckpointError(f"{self.place} is damaged: it has not one checksum for each array in 'sums'")
        return {name: sums[8 * number : 8 * number + 8] for number, name in enumerate(self.tensors)}

    def compare(self, name: str, pieces: Iterable[memoryview], told: str) -> None:
        """Raise CheckpointError unless the CRC-32 of an array is the one that was told."""
        total = 0
        for piece in pieces:
            total = crc32(piece, total)
        if f"{total:08x}" != told:
            _, _, begin, end = self.tensors[name]
            raise CheckpointError(
                f"{self.place} is damaged: the checksum of {shown(name)}, bytes {self.first + begin} to "
                f"{self.first + end}, is wrong; use an older checkpoint"
            )

    def verify_first_version(self) -> None:
        """A file of version 1 has one SHA-256 of text and arrays, in the order of names."""
        found, room = hashlib.sha256(self.told["meta"].encode()), memoryview(bytearray(WEIGHED))
        for name, (word, shape, _, _) in self.tensors.items():
            found.update(f"\n{name} {BITS[word].str} {shape}\n".encode())
            for piece in self.pieces(name, room):
                found.update(piece)
        if found.hexdigest() != self.told.get("sha256"):
            raise CheckpointError(f"{self.place} is damaged: its checksum is wrong; use an older checkpoint")


def stamp(file: BinaryIO) -> tuple[int, int]:
    """What changes when a file is written into: its size, and when that was."""
    told = os.fstat(file.fileno())
    return told.st_size, told.st_mtime_ns
