"""MindSpore's names of element types.

The names *are* torch's types: ``ms.float32 is torch.float32``. So every tensor of torch answers
``x.dtype == ms.float32``, every function of torch takes them, and nothing is translated in a step.
The price: ``print(x.dtype)`` says ``torch.float32`` where MindSpore says ``Float32``; the printed form of a
Tensor uses MindSpore's word, by :func:`name_of`.
"""

from typing import Any

import torch

float16 = half = torch.float16
float32 = single = torch.float32
float64 = double = torch.float64
bfloat16 = torch.bfloat16
int8 = byte = torch.int8
int16 = short = torch.int16
int32 = intc = torch.int32
int64 = intp = torch.int64
uint8 = ubyte = torch.uint8
bool_ = torch.bool

_SPOKEN = {"float": float32, "int": int64, "bool": bool_, "bool_": bool_}


def name_of(dtype: torch.dtype) -> str:
    """MindSpore's printed word for a type: ``Float32``, ``Int64``, ``Bool``, ``BFloat16``, ``UInt8``."""
    word = str(dtype).removeprefix("torch.").capitalize()
    return word.replace("Bfloat", "BFloat").replace("Uint", "UInt")


def as_dtype(dtype: Any) -> torch.dtype:
    """The torch type meant by ``dtype``: itself, a NumPy type, one of Python's, or a name.

    As in MindSpore the Python type ``float`` means float32 and ``int`` means int64.

    Raises:
        TypeError: when nothing of that name exists.
    """
    if isinstance(dtype, torch.dtype):
        return dtype
    word = getattr(dtype, "__name__", None) or str(dtype)  # np.float32, float; np.dtype("f4"), "float32"
    meant = _SPOKEN.get(word.lower()) or getattr(torch, word.lower(), None)
    if not isinstance(meant, torch.dtype):
        raise TypeError(f"dtype must be a type of elements such as ms.float32 or 'float32', not {dtype!r}")
    return meant


def is_finer(first: torch.dtype, second: torch.dtype) -> bool:
    """Whether ``first`` holds a kind of number that ``second`` cannot, as 0.5 in int32 or 2 in bool."""
    return not torch.can_cast(first, second)
