"""What libtorch itself says of its tensors: the functions that it exports to C, by name, as addresses.

Asking a tensor in Python costs a twentieth of a microsecond a word; these cost a twentieth of that, and can be called
from compiled code for thousands of tensors at once (``glance``). All but four belong to the interface that PyTorch
keeps stable for compiled models (``torch/csrc/inductor/aoti_torch/c/shim.h``); those four are C++ methods, called only
in the versions of PyTorch in which the tests have seen them.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SEEN = ("2.13.",)  # versions of PyTorch
LIBRARIES = ("torch_cpu", "c10")
NAMES = {  # handle: the address of an at::Tensor; every answer is one word
    "grad": "_ZNK3c1010TensorImpl4gradEv",  # TensorImpl* → handle
    "data": "aoti_torch_get_data_ptr",  # handle, where to put the answer → error code
    "layout": "aoti_torch_get_layout",
    "device": "aoti_torch_get_device_type",
    "dtype": "aoti_torch_get_dtype",
    "rank": "aoti_torch_get_dim",
    "sizes": "aoti_torch_get_sizes",
    "strides": "aoti_torch_get_strides",
    "negative": "_ZN2at6native6is_negERKNS_6TensorE",  # handle → bool
    "conjugate": "_ZN2at6native7is_conjERKNS_6TensorE",
    "bump": "_ZN5torch8autograd4impl12bump_versionERKN2at6TensorE",  # handle
    "new": "aoti_torch_new_tensor_handle",  # handle, where to put another one of the same tensor
    "assign": "aoti_torch_assign_tensors",  # handle, handle that becomes one of the same tensor
    "delete": "aoti_torch_delete_tensor_object",  # handle
}
HEAD = 16  # bytes of every Python object: its count of references and its type


@cache
def functions() -> np.ndarray | None:
    """The addresses of these functions, uint64 in the order of ``NAMES``; None where they are not all there."""
    import torch

    if not torch.__version__.startswith(SEEN):
        return None
    folder = Path(torch.__file__).parent / "lib"
    files = [path for name in LIBRARIES for path in folder.glob(f"lib{name}.*") if path.suffix in (".so", ".dylib")]
    found = {name: address(files, symbol) for name, symbol in NAMES.items()}
    return np.array(list(found.values()), np.uint64) if all(found.values()) else None


def address(files: list[Path], symbol: str) -> int | None:
    """Where a function of one of these libraries, which PyTorch has loaded, lies."""
    for file in files:
        known: Any = getattr(ctypes.CDLL(str(file)), symbol, None)
        if known is not None:
            return ctypes.cast(known, ctypes.c_void_p).value
    return None


def handles(tensors: list[Any]) -> np.ndarray | None:
    """Where the at::Tensor within each Python tensor lies, uint64 (tensors,); None where it is not found."""
    cells = np.fromiter(map(id, tensors), np.uint64, len(tensors)) + np.uint64(HEAD)
    inside = [ctypes.c_uint64.from_address(cell).value for cell in cells.tolist()]
    return cells if inside == [x._cdata for x in tensors] else None


def nobody(grad: int) -> int:
    """The handle of the tensor that is none, which parameters without a gradient carry.

    Args:
        grad: the address of the function of this name.
    """
    import torch

    word = ctypes.c_uint64
    return ctypes.CFUNCTYPE(word, word)(int(grad))(torch.empty(0)._cdata)
