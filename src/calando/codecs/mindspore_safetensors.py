"""MindSpore's safetensors files, read and written without MindSpore.

They are safetensors files with ``"__metadata__": {"format": "ms"}``. MindSpore's own additions stand there too:
``crc_num``, the CRC-32 of names and contents in the order of names, in decimal; and for each tensor of 4-bit
integers, stored as I8, its name with ``"Int4"``.

Source: mindspore 2.10, ``train/serialization.py``; https://huggingface.co/docs/safetensors, "Format".
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from . import safetensors
from .entry import Entry
from .errors import CheckpointError
from .mindspore_ckpt import Stored
from .placed import placed

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
    order = safetensors.layout(tensors)
    with placed(path) as file:
        file.write(safetensors.header_of(tensors, order, told, ascii=False))
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
        return dict(Reader(Path(path), file).entries(choose))


def checksummed(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds a CRC-32."""
    with open(path, "rb", buffering=0) as file:
        return "crc_num" in Reader(Path(path), file).told


class Reader(safetensors.Reader):
    """Reads one file of MindSpore's whose header has been compared with it."""

    def word(self, name: str, short: Any) -> str | None:
        word = super().word(name, short)
        return "Int4" if word == "Int8" and self.told.get(name) == "Int4" else word

    def entries(self, choose: Callable[[str], bool] | None = None) -> dict[str, Entry]:
        """Every tensor that is wanted, by name."""
        self.compare()
        return super().entries(choose)

    def compare(self) -> None:
        """Raise CheckpointError unless the CRC-32, if there is one, is that of names and contents."""
        if "crc_num" not in self.told:
            return
        room = memoryview(bytearray(PIECE))
        total = summed((name, self.spoken(name, room)) for name in self.tensors)
        if str(total) != self.told["crc_num"]:
            raise CheckpointError(f"{self.place} is damaged: its CRC-32 is wrong; use an older checkpoint")

    def spoken(self, name: str, room: memoryview) -> Iterator[memoryview | bytes]:
        """What of a tensor enters the CRC-32, piece by piece."""
        if self.tensors[name][1] == ():
            yield spoken(self.entry(name))
        else:
            yield from self.pieces(name, room)
