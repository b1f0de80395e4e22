"""One tensor of a checkpoint: MindSpore's word for its type, and its elements as they lie in the file.

NumPy has no bfloat16: such elements are kept as their 16 bits, and ``values`` widens them to float32.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

BITS = {  # MindSpore's word → the NumPy type whose bytes are the same, little-endian
    "Bool": np.dtype("bool"),
    "Int8": np.dtype("int8"),
    "UInt8": np.dtype("uint8"),
    "Int16": np.dtype("<i2"),
    "UInt16": np.dtype("<u2"),
    "Int32": np.dtype("<i4"),
    "UInt32": np.dtype("<u4"),
    "Int64": np.dtype("<i8"),
    "UInt64": np.dtype("<u8"),
    "Float16": np.dtype("<f2"),
    "BFloat16": np.dtype("<u2"),
    "Float32": np.dtype("<f4"),
    "Float64": np.dtype("<f8"),
    "Int4": np.dtype("int8"),  # two numbers in each byte; the shape counts bytes
}
WORDS = {bits.name: word for word, bits in BITS.items() if word not in ("BFloat16", "Int4")}
MOST_AXES = 32  # of a NumPy array


@dataclass(frozen=True, eq=False)
class Entry:
    """A tensor as it is stored.

    Args:
        dtype: MindSpore's word: ``"Float32"``, ``"BFloat16"``, …; the keys of ``BITS``.
        data: its elements, of the type that ``BITS`` gives; in memory in any order, in a file in C order.
    """

    dtype: str
    data: np.ndarray

    @classmethod
    def of(cls, array: Any, name: str = "") -> "Entry":
        """The entry for an array of any shape, or a number.

        Raises:
            TypeError: there is no such type in MindSpore's checkpoints, as complex128.
        """
        found = np.asarray(array)
        if found.dtype.name == "bfloat16":  # a type that ml_dtypes or MindSpore itself lends to NumPy
            return cls("BFloat16", np.ascontiguousarray(found).view(np.uint16).reshape(found.shape))
        word = WORDS.get(found.dtype.name)
        if word is None:
            raise TypeError(f"{name!r} is of type {found.dtype}; a checkpoint holds {', '.join(BITS)}")
        return cls(word, np.asarray(found, BITS[word]))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def raw(self) -> memoryview:
        """Its bytes; the same memory where its elements lie in C order."""
        return raw(np.ascontiguousarray(self.data))

    def values(self) -> np.ndarray:
        """Its elements as numbers: bfloat16 widened to float32, everything else as it is stored."""
        return widened(self.data) if self.dtype == "BFloat16" else self.data


def checked(room: np.ndarray, dtype: str) -> np.ndarray:
    """The array itself; of truth values, whatever is not 0 as True."""
    return np.asarray(room.view(np.uint8) != 0) if dtype == "Bool" else room


def raw(array: np.ndarray) -> memoryview:
    """The memory of an array that lies in C order."""
    return array.reshape(-1).view(np.uint8).data


def widened(bits: np.ndarray) -> np.ndarray:
    """bfloat16, given as its bits, in float32: exact."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(bits.shape)
