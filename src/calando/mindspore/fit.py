"""Whether an entry of a checkpoint fits a parameter, and as what it is written there."""

from typing import Any

import numpy as np

from ..arrays import adapter
from ..codecs.entry import BITS, Entry
from ..store import CheckpointError

FLOATS = ("Float16", "BFloat16", "Float32", "Float64")
WHOLE = ("Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64")
LARGEST = {"Float16": 65504.0, "BFloat16": 3.3895313892515355e38, "Float32": float(np.finfo(np.float32).max)}


def fitted(
    place: str,
    name: str,
    param: Any,
    entry: Entry,
    strict: bool,
    shape: tuple[int, ...] | None = None,
    dtype: str | None = None,
) -> tuple[np.ndarray, str]:
    """The values to write into a parameter or one of its slots, and a sentence if numbers were rounded.

    Args:
        place, name: how errors call the caller, and the entry.
        param: the parameter; it is only looked at.
        shape, dtype: those of the slot; None: the parameter's.
        strict: refuse other types, and axes of length 1 at the end that should not be there.

    Raises:
        CheckpointError: another shape or type, or a number that the type cannot hold.
    """
    shape, word = tuple(adapter(param).shape(param)) if shape is None else shape, word_of(param, dtype)
    values = entry.values()
    longer = entry.shape[: len(shape)] == shape and set(entry.shape[len(shape) :]) == {1}
    if entry.shape != shape and (strict or not longer):
        raise CheckpointError(f"{place}: {name!r} is {shape} in the model and {entry.shape} in the checkpoint")
    values = values.reshape(shape)
    if entry.dtype == word:
        return values, ""
    alike = any({entry.dtype, word} <= set(family) for family in (FLOATS, WHOLE))
    if strict or not alike:
        way = "; strict_load=False converts it" if alike else ""
        raise CheckpointError(f"{place}: {name!r} holds {word} in the model and {entry.dtype} in the checkpoint{way}")
    if entry.dtype in FLOATS:
        return narrowed(place, name, values, word)
    info: Any = np.iinfo(BITS[word].name)
    if values.size and (int(values.min()) < info.min or int(values.max()) > info.max):
        raise CheckpointError(
            f"{place}: {name!r} has a number in the checkpoint that {word}, its type in the model, cannot hold"
        )
    return values.astype(BITS[word]), ""


def narrowed(place: str, name: str, values: np.ndarray, word: str) -> tuple[np.ndarray, str]:
    """Floating-point numbers in another type."""
    if word == "Float64":
        return values.astype(np.float64), ""
    finite = np.abs(values[np.isfinite(values)])
    if finite.size and float(finite.max()) > LARGEST[word]:
        raise CheckpointError(
            f"{place}: {name!r} has {float(finite.max()):g} in the checkpoint, too large for {word} in the model"
        )
    if word == "BFloat16":  # the framework rounds when it is written
        with np.errstate(invalid="ignore"):
            found = values.astype(np.float32)
        exact = found.dtype == values.dtype and not (found.view(np.uint32) & 0xFFFF).any()
    else:
        found = values.astype(BITS[word])
        exact = np.array_equal(found.astype(values.dtype), values, equal_nan=True)
    return found, "" if exact else f"{name!r} was rounded to {word}, its type in the model"


def word_of(x: Any, dtype: str | None = None) -> str:
    """MindSpore's word for a type; None: that of a parameter's elements."""
    name = adapter(x).kind(x)[1] if dtype is None else dtype
    if name == "bool":
        return "Bool"
    return name.capitalize().replace("Bfloat", "BFloat").replace("Uint", "UInt")
