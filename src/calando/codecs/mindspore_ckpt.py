"""MindSpore's ``.ckpt`` files, read and written without MindSpore.

A file is a row of frames, each one ``Checkpoint`` message with one named tensor (see ``mindspore_message``):

    0A <length>                     field 1 of Checkpoint: a Value
       0A <length> <tag>            its name
       12 <length>                  its tensor
          08 <dim> …                shape; nothing for a scalar
          12 <length> <type>        "Float32"; "str" for a text, stored in UTF-32 with dims [0]
          1A <length> <content>     the elements, little-endian, in C order

A tensor of more than 512 MiB is several frames of one name, each with the whole shape. After the last
frame there may stand ``crc_num`` and a CRC-32 of all before it, in ten bytes, the highest first.

The frames are walked here, so that contents go straight from the file into their arrays, every length is
compared with the file before anything is allocated, and an error can say at which byte; what stands in a
frame beside the content is read and written by the protobuf library.

Source: mindspore 2.10, ``train/serialization.py``, and files that it wrote.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import numpy as np
from google.protobuf.message import DecodeError

from .entry import BITS, MOST_AXES, Entry, checked, raw
from .errors import CheckpointError, shown
from .mindspore_message import TensorProto
from .placed import placed

SLICE = 512 << 20  # bytes of content in one frame, at most
LONGEST_HEAD = 1 << 16  # bytes of a name, or of all that stands beside a content
WINDOW = 4096
CRC_MARK, CRC_LENGTH = b"crc_num", 10
ENCRYPTED = (b"\xd8^:\x7f", b"\xd9^:\x7f")  # how files begin that MindSpore encrypted
WRONG = "it is torn or damaged, or no checkpoint of MindSpore"
VARINT, BYTES = 0, 2  # protobuf's wire types

Stored = Entry | str


def write(path: str | os.PathLike[str], entries: Mapping[str, Stored], crc: bool = False) -> None:
    """Write a ``.ckpt`` file that MindSpore reads, atomically; byte by byte what MindSpore would write.

    Args:
        entries: tensors and texts by name.
        crc: whether a CRC-32 stands at the end.

    Raises:
        OSError: no permission, no space; a file that was there before is untouched.
    """
    with placed(path) as file:
        total = 0
        for name, entry in entries.items():
            for piece in frames(name, entry):
                file.write(piece)
                total = crc32(piece, total) if crc else 0
        if crc:
            file.write(CRC_MARK + total.to_bytes(CRC_LENGTH, "big"))


def frames(name: str, entry: Stored) -> Iterator[bytes | memoryview]:
    """What the file holds of one entry, piece by piece."""
    dims: tuple[int, ...]
    if isinstance(entry, str):
        dims, word, content = (0,), "str", memoryview(entry.encode("utf-32-le") or bytes(4))
    else:
        dims, word = entry.shape, entry.dtype
        content = entry.raw
    beside = TensorProto(dims=dims, tensor_type=word).SerializePartialToString()
    for first in range(0, max(len(content), 1), SLICE):
        piece = content[first : first + SLICE]
        tensor = beside + key(3) + varint(len(piece))
        tag = framed(1, name.encode())
        length = len(tensor) + len(piece)
        value = tag + key(2) + varint(length) + tensor
        yield key(1) + varint(len(value) + len(piece)) + value
        yield piece


def key(field: int) -> bytes:
    """What announces a field of bytes."""
    return varint(field << 3 | BYTES)


def framed(field: int, content: bytes) -> bytes:
    """A whole field of bytes."""
    return key(field) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """A whole number, seven bits to the byte, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def read(path: str | os.PathLike[str], choose: Callable[[str], bool] | None = None) -> dict[str, Stored]:
    """What is in a ``.ckpt`` file, in its order.

    Args:
        choose: whether the entry of a name is wanted; the others are passed over.

    Raises:
        OSError: there is no such file, or it may not be read.
        CheckpointError: another kind of file, a torn or altered one; the sentence names the byte and the entry.
    """
    with open(path, "rb", buffering=0) as file:
        return Reader(Path(path), file).entries(choose)


def checksummed(path: str | os.PathLike[str]) -> bool:
    """Whether a file ends in a CRC-32."""
    with open(path, "rb", buffering=0) as file:
        return Reader(Path(path), file).crc is not None


@dataclass(frozen=True)
class Field:
    """One field of a message: its number, its wire type, and where its content lies."""

    number: int
    kind: int
    start: int
    end: int


@dataclass
class Head:
    """All that a frame says beside the content."""

    name: str
    dtype: str
    dims: tuple[int, ...]
    start: int  # of the content
    end: int


class Reader:
    """Walks the frames of one file.

    Args:
        place: how errors call the file.
        file: opened for reading, unbuffered.
    """

    def __init__(self, place: Path, file: BinaryIO):
        self.place, self.file = place, file
        self.size = os.fstat(file.fileno()).st_size
        self.window, self.window_start = b"", 0
        tail = len(CRC_MARK) + CRC_LENGTH
        ending = self.exact(self.size - tail, tail) if self.size >= tail else b""
        marked = ending.startswith(CRC_MARK)
        self.crc = int.from_bytes(ending[len(CRC_MARK) :], "big") if marked else None
        self.end = self.size - tail if marked else self.size

    def entries(self, choose: Callable[[str], bool] | None = None) -> dict[str, Stored]:
        """Every entry that is wanted, by name."""
        if self.size == 0:
            raise CheckpointError(f"{self.place} is empty")
        if self.exact(0, min(4, self.size)) in ENCRYPTED:
            raise CheckpointError(
                f"{self.place} is encrypted; calando reads no encrypted files: load it in MindSpore with its "
                "dec_key and save it without enc_key"
            )
        self.compare()
        found: dict[str, Stored] = {}
        heads = self.heads()
        for head in heads:
            if head.name in found:
                raise CheckpointError(f"{self.at(head.start)}: the entry {shown(head.name)} stands there a second time")
            wanted = choose is None or choose(head.name)
            entry = self.text(head) if head.dtype == "str" else self.tensor(head, heads, wanted)
            if entry is not None and wanted:
                found[head.name] = entry
        return found

    def compare(self) -> None:
        """Raise CheckpointError unless the file's CRC-32, if it has one, is that of its content."""
        if self.crc is None:
            return
        total, where = 0, 0
        while where < self.end:
            piece = self.exact(where, min(1 << 20, self.end - where))
            total, where = crc32(piece, total), where + len(piece)
        if total != self.crc:
            raise CheckpointError(f"{self.place} is damaged: its CRC-32 is wrong; use an older checkpoint")

    def heads(self) -> Iterator[Head]:
        """The frames of the file, one after the other."""
        for value in self.fields(0, self.end, "Checkpoint"):
            if value.number != 1 or value.kind != BYTES:
                raise self.unknown(value, "Checkpoint")
            yield self.head(value)

    def head(self, value: Field) -> Head:
        """What one frame says."""
        name, tensor = None, None
        for field in self.fields(value.start, value.end, "Value"):
            if field.number == 1 and field.kind == BYTES:
                name = self.word(field)
            elif field.number == 2 and field.kind == BYTES and tensor is None:
                tensor = field
            elif field.number == 3:
                raise CheckpointError(
                    f"{self.at(field.start)}: {shown(name)} is a MapParameter, which calando does not read; "
                    "save the checkpoint in MindSpore without it"
                )
            else:
                raise self.unknown(field, "Value")
        if name is None or tensor is None:
            raise CheckpointError(f"{self.at(value.start)}: an entry lacks its {'name' if name is None else 'tensor'}")
        return self.described(name, tensor)

    def described(self, name: str, tensor: Field) -> Head:
        """Type, shape and place of one tensor."""
        content, beside, start = None, b"", tensor.start
        for field in self.fields(tensor.start, tensor.end, "TensorProto"):
            if field.number == 3 and field.kind == BYTES and content is None:
                content = field
            elif field.number in (1, 2):
                if len(beside) + field.end - start > LONGEST_HEAD:
                    raise CheckpointError(f"{self.at(start)}: the shape of {shown(name)} is longer than any shape is")
                beside += self.exact(start, field.end - start)
            else:
                raise self.unknown(field, "TensorProto")
            start = field.end
        try:
            found = TensorProto.FromString(beside)
        except (DecodeError, UnicodeDecodeError) as problem:  # the second in protobuf's pure Python
            raise CheckpointError(f"{self.at(tensor.start)}: {shown(name)} cannot be read: {problem}") from None
        if content is None or not found.HasField("tensor_type"):
            lacking = "content" if content is None else "type"
            raise CheckpointError(f"{self.at(tensor.start)}: {shown(name)} lacks its {lacking}")
        if found.tensor_type != "str" and found.tensor_type not in BITS:
            raise CheckpointError(
                f"{self.at(tensor.start)}: {shown(name)} is of type {shown(found.tensor_type)}; "
                f"a checkpoint holds {', '.join(BITS)} and str"
            )
        dims = tuple(found.dims)
        if len(dims) > MOST_AXES or any(dim < 0 for dim in dims) or prod(filter(None, dims)) > 1 << 60:
            raise CheckpointError(f"{self.at(tensor.start)}: {shown(name)} has the shape {shown(dims)}, which none has")
        return Head(name, found.tensor_type, dims, content.start, content.end)

    def text(self, head: Head) -> str:
        """A text, in UTF-32."""
        try:
            return self.exact(head.start, head.end - head.start).decode("utf-32-le").rstrip("\0")
        except UnicodeDecodeError:
            raise CheckpointError(f"{self.at(head.start)}: the text {shown(head.name)} cannot be read") from None

    def tensor(self, head: Head, heads: Iterator[Head], wanted: bool) -> Entry | None:
        """One tensor; the frames in which it goes on are taken from ``heads``."""
        bits, dims = BITS[head.dtype], head.dims
        if dims == (0,) and head.end - head.start == bits.itemsize:
            dims = ()  # how older files say that there are no axes
        size = prod(dims) * bits.itemsize
        if size > self.end - head.start:
            raise CheckpointError(
                f"{self.at(head.start)}: {shown(head.name)} of shape {dims} has {size} bytes, and the file only "
                f"{self.end - head.start} more; it is torn"
            )
        room = np.empty(dims, bits) if wanted else None
        target = None if room is None else raw(room)
        done = self.fill(target, 0, head, size)
        while done < size:
            following = next(heads, None)
            if following is None or (following.name, following.dims, following.dtype) != (
                head.name, head.dims, head.dtype,
            ):  # fmt: skip
                raise CheckpointError(
                    f"{self.at(head.start)}: {shown(head.name)} of shape {dims} should have {size} bytes "
                    f"and has {done}; the file is torn or damaged"
                )
            done = self.fill(target, done, following, size)
        return None if room is None else Entry(head.dtype, checked(room, head.dtype))

    def fill(self, target: memoryview | None, done: int, head: Head, size: int) -> int:
        """Read the content of one frame into its array; how many bytes there are now."""
        length = head.end - head.start
        if done + length > size or (length == 0 and done < size):
            raise CheckpointError(
                f"{self.at(head.start)}: {shown(head.name)} of shape {head.dims} should have {size} bytes "
                f"and has {done + length}; the file is damaged"
            )
        if target is not None:
            self.file.seek(head.start)
            self.read_into(target[done : done + length])
        return done + length

    def read_into(self, target: memoryview) -> None:
        """Read until the target is full."""
        while len(target):
            count = self.file.readinto(target)  # type: ignore[attr-defined]
            if not count:
                raise CheckpointError(f"{self.place} has become shorter while it was read")
            target = target[count:]

    # Protobuf's frames.

    def fields(self, start: int, end: int, message: str) -> Iterator[Field]:
        """The fields of one message, every length compared with where it ends."""
        where = start
        while where < end:
            announced, content = self.number(where, end)
            number, kind = announced >> 3, announced & 7
            if kind == VARINT:
                _, after = self.number(content, end)
            elif kind == BYTES:
                length, content = self.number(content, end)
                after = content + length
            else:
                raise self.unknown(Field(number, kind, where, where), message)
            if after > end:
                raise CheckpointError(
                    f"{self.at(where)}: field {number} of a {message} should have {after - content} bytes, and there "
                    f"are only {end - content} more; {WRONG}"
                )
            yield Field(number, kind, content, after)
            where = after

    def number(self, where: int, end: int) -> tuple[int, int]:
        """The varint at a byte, and the byte after it."""
        found, shift, first = 0, 0, where
        for byte in self.exact(where, min(10, end - where)):
            found |= (byte & 0x7F) << shift
            where, shift = where + 1, shift + 7
            if byte < 0x80:
                return found, where
        raise CheckpointError(f"{self.at(first)}: there should be a number; {WRONG}")

    def exact(self, where: int, count: int) -> bytes:
        """So many bytes from one place, by way of a window when they are few."""
        first = where - self.window_start
        if first >= 0 and first + count <= len(self.window):
            return self.window[first : first + count]
        self.file.seek(where)
        room = bytearray(min(max(count, WINDOW), self.size - where))
        self.read_into(memoryview(room))
        found = bytes(room)
        if len(found) <= WINDOW:
            self.window, self.window_start = found, where
        return found[:count]

    def word(self, field: Field) -> str:
        """A name."""
        if field.end - field.start > LONGEST_HEAD:
            raise CheckpointError(f"{self.at(field.start)}: the name of an entry is longer than any name is")
        try:
            return self.exact(field.start, field.end - field.start).decode()
        except UnicodeDecodeError:
            raise CheckpointError(f"{self.at(field.start)}: the name of an entry is no text") from None

    # Errors.

    def at(self, where: int) -> str:
        """How an error names a place."""
        return f"{self.place}, byte {where}"

    def unknown(self, field: Field, message: str) -> CheckpointError:
        """There is a field that the message does not have."""
        return CheckpointError(f"{self.at(field.start)}: a {message} has no field {field.number} like this; {WRONG}")
