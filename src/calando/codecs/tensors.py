"""Tensors of any framework as entries of a file, and back.

Types that files have no word for (complex numbers, 8-bit floats) are stored as their bytes, with one more axis at the
end, and the name of the type beside them.
"""

from importlib import import_module
from typing import Any

import numpy as np

from ..arrays import adapter
from .entry import WORDS, Entry, raw
from .errors import CheckpointError


def taken(name: str, thing: Any) -> tuple[Entry, str]:
    """A tensor, array or number as an entry, the same memory where that can be, and its type where files have no word.

    Raises:
        TypeError: it is sparse, quantized, sharded, without memory, or of a type that is no number.
    """
    if isinstance(thing, np.generic):
        thing = np.asarray(thing)
    kind = adapter(thing).name
    if kind == "torch":
        return taken_from_torch(name, thing)
    array = adapter(thing).numpy(thing)
    if array.dtype.name in WORDS or array.dtype.name == "bfloat16":
        return Entry.of(array, name), ""
    if array.dtype.kind != "c":
        raise TypeError(f"{name!r} is an array of {array.dtype}; a checkpoint holds numbers and truth values")
    plain = np.require(array, array.dtype.newbyteorder("<"), "C")
    return Entry("UInt8", plain.reshape(*plain.shape, 1).view(np.uint8)), array.dtype.name


def taken_from_torch(name: str, x: Any) -> tuple[Entry, str]:
    """A tensor of torch as an entry."""
    torch = import_module("torch")
    if is_lazy(x):
        raise TypeError(f"{name!r} {LAZY}")
    if hasattr(x, "full_tensor"):
        raise TypeError(f"{name!r} is sharded; gather it first, or use torch.distributed.checkpoint")
    if x.layout is not torch.strided or x.is_quantized or x.device.type == "meta":
        what = "quantized" if x.is_quantized else "on the device 'meta'" if x.device.type == "meta" else "sparse"
        raise TypeError(f"{name!r} is {what}; a checkpoint holds dense tensors with memory")
    plain = x.detach().as_subclass(torch.Tensor).cpu().resolve_conj().resolve_neg()
    word = str(plain.dtype).removeprefix("torch.")
    if plain.dtype == torch.bfloat16:
        return Entry("BFloat16", plain.view(torch.int16).numpy().view(np.uint16)), ""
    if word in WORDS:
        return Entry.of(plain.numpy(), name), ""
    data = plain.contiguous().unsqueeze(-1).view(torch.uint8)
    return Entry("UInt8", data.numpy()), word


LAZY = "has no shape yet (a lazy module); call the model once first"


def is_lazy(x: Any) -> bool:
    """Whether it is a parameter of torch that waits for its shape."""
    return type(x).__name__ in ("UninitializedParameter", "UninitializedBuffer")


def array(entry: Entry, word: str = "") -> np.ndarray:
    """An entry as an array; bfloat16 widened to float32.

    Raises:
        CheckpointError: NumPy has no such type.
    """
    if not word:
        return entry.values()
    try:
        return np.ascontiguousarray(entry.data).view(np.dtype(word)).reshape(entry.shape[:-1])
    except (TypeError, ValueError):
        raise CheckpointError(f"an array is of type {word!r}, which NumPy does not have") from None


def tensor(entry: Entry, word: str = "") -> Any:
    """An entry as a tensor of torch, in the entry's own memory; as an array where torch is not installed.

    Raises:
        CheckpointError: torch has no such type.
    """
    try:
        torch = import_module("torch")
    except ImportError:
        return array(entry, word)
    data = np.require(entry.data, requirements=["C", "W"]).reshape(entry.shape)
    if entry.dtype == "BFloat16":
        return torch.from_numpy(data.view(np.int16)).view(torch.bfloat16)
    found = torch.from_numpy(data)
    if not word:
        return found
    kind = getattr(torch, word, None)
    if not isinstance(kind, torch.dtype) or not entry.shape or entry.shape[-1] != kind.itemsize:
        raise CheckpointError(f"a tensor is of type {word!r}, which this PyTorch does not have")
    return found.view(kind).squeeze(-1)


def real(x: Any) -> Any:
    """A complex tensor as pairs of real numbers, in its own memory; any other as it is."""
    arrays = adapter(x)
    return arrays.near(x) if arrays.name == "torch" else x


def memory(x: Any, dtype: str) -> memoryview | None:
    """The bytes of a tensor, to be written into; None where they are not those of a file that says this type.

    That is: on another device, not in the plain order of its axes, or truth values, which are checked when they are
    read.
    """
    arrays = adapter(x)
    if word_of(x) != dtype.lower() or dtype == "Bool":
        return None
    if arrays.name == "torch":
        plain = x.detach()
        if plain.device.type != "cpu" or not plain.is_contiguous() or plain.is_conj() or plain.is_neg():
            return None
        return raw(plain.reshape(-1).view(import_module("torch").uint8).numpy())
    found = arrays.numpy(x)
    return raw(found) if found.flags.carray and found.dtype.isnative else None


def touched(x: Any) -> None:
    """Tell the framework that the memory of a tensor has been written into."""
    if not (adapter(x).name == "torch" and x.is_inference()):  # such tensors count no versions
        adapter(x).touched([x])


def unwritable(x: Any) -> str:
    """Why nothing can be written into a tensor; "" where it can."""
    arrays = adapter(x)
    if arrays.name != "torch":
        return "" if arrays.numpy(x).flags.writeable else "is read-only"
    if is_lazy(x):
        return LAZY
    if x.device.type == "meta":
        return "is on the device 'meta'; give it memory first: model.to_empty(device=…)"
    if x.layout is not import_module("torch").strided or x.is_quantized or hasattr(x, "full_tensor"):
        return "is sparse, quantized or sharded; a checkpoint holds dense tensors"
    if any(stride == 0 and size > 1 for stride, size in zip(x.stride(), x.shape, strict=True)):
        return "is one number shown many times (expand); register a .clone() of it"
    return ""


def word_of(x: Any) -> str:
    """The type of a tensor's elements, as its framework calls it: ``"float32"``."""
    if isinstance(x, np.ndarray):
        return x.dtype.name  # in any order of bytes
    return str(x.dtype).removeprefix("torch.").lower()


def put(x: Any, entry: Entry, word: str = "") -> None:
    """Write an entry into a tensor, in place; shape and type have been compared."""
    arrays = adapter(x)
    if arrays.name == "torch":
        torch = import_module("torch")
        with torch.no_grad():
            x.copy_(tensor(entry, word))
    elif arrays.name == "mindspore" and entry.dtype == "BFloat16":
        arrays.numpy(x).view(np.uint16)[...] = entry.data
    else:
        arrays.write(x, array(entry, word))
