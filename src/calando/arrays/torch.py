"""PyTorch tensors: their memory, their layout, and autograd's version counters."""

from typing import Any

import numpy as np
import torch
from torch._C import DisableTorchFunctionSubclass  # subclasses of Tensor would cost a microsecond a word

from . import NoGradient, Rows, refuse_sparse

name = "torch"

ADDRESS = torch.Tensor.data_ptr
CONTIGUOUS = torch.Tensor.is_contiguous
ELEMENTS = torch.Tensor.numel


def kind(x: torch.Tensor) -> tuple[str, str]:
    return str(x.device), str(x.dtype).removeprefix("torch.")


def shape(x: torch.Tensor) -> tuple[int, ...]:
    return tuple(x.shape)


def layout(x: torch.Tensor) -> tuple:
    with DisableTorchFunctionSubclass():
        return x.shape, x.stride(), x.dtype, x.device


def writable(x: torch.Tensor) -> bool:
    return True


def dense(x: torch.Tensor, rows: bool) -> bool:
    """Whether the elements fill one piece of memory, in any order of the axes; ``rows``: in the plain one."""
    if x.is_contiguous() or rows:
        return x.is_contiguous()
    expected = 1
    for stride, size in sorted(zip(x.stride(), x.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def hold(xs: list[torch.Tensor]) -> list[torch.Tensor]:
    return xs


def addresses(held: list[Any]) -> list[int]:
    with DisableTorchFunctionSubclass():
        return list(map(ADDRESS, held))


def zeros(x: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    x = x.detach().as_subclass(torch.Tensor)
    if tuple(shape) != tuple(x.shape):
        return torch.zeros(shape, dtype=x.dtype, device=x.device)
    return torch.zeros_like(x, memory_format=torch.preserve_format)


def gradients(grads: list[Any], members: list[Any], sizes: list[int], part: Any) -> tuple[list, np.ndarray]:
    """The gradients as their parameters lie in memory (copied where they do not), and their addresses.

    Autograd itself holds shape, dtype and device of ``grad`` to those of its parameter when it is
    assigned; a parameter whose memory was exchanged since then is caught here.

    Raises:
        NoGradient: one of them is None.
    """
    with DisableTorchFunctionSubclass():
        try:
            where = np.fromiter(map(ADDRESS, grads), np.uint64, len(grads))
            if part.plain and not part.moved and all(map(CONTIGUOUS, grads)) and list(map(ELEMENTS, grads)) == sizes:
                return grads, where
        except (RuntimeError, NotImplementedError, TypeError):
            pass  # a missing, sparse or foreign gradient: the search below names it
    if any(g is None for g in grads):
        raise NoGradient
    grads = [arranged(g, member) for g, member in zip(grads, members, strict=True)]
    part.sparse = any(isinstance(g, Rows) for g in grads)
    return grads, np.array([ADDRESS(g.values if isinstance(g, Rows) else g) for g in grads], np.uint64)


def check(grads: list[Any], members: list[Any]) -> None:
    """Raise the sentence for a gradient that autograd did not hold to its parameter; None passes."""
    with DisableTorchFunctionSubclass():
        for g, member in zip(grads, members, strict=True):
            if g is not None:
                compare(g, member)


def compare(g: Any, member: Any) -> None:
    """Raise TypeError, ValueError or RuntimeError unless a gradient has its parameter's kind and shape."""
    p = member.param
    if not isinstance(g, torch.Tensor):
        raise TypeError(f"the gradient of {member.place} must be a torch tensor, but got {type(g).__name__}")
    if g.layout is not torch.strided and (member.sparse == "refuse" or g.layout is not torch.sparse_coo):
        refuse_sparse(member)
    if g.shape != p.shape:
        raise ValueError(f"the gradient of {member.place} has shape {tuple(g.shape)}, not {tuple(p.shape)}")
    if g.dtype != p.dtype or g.device != p.device:
        raise TypeError(
            f"the gradient of {member.place} is {g.dtype} on {g.device}; the parameter is {p.dtype} on {p.device}"
        )


def arranged(g: Any, member: Any) -> Any:
    """One gradient, checked, and laid out as its parameter."""
    compare(g, member)
    p = member.param
    if g.layout is torch.sparse_coo:
        return rows(g, member)
    if g.stride() == p.stride() or (g.is_contiguous() and p.is_contiguous()):
        return g
    return torch.empty_like(p, memory_format=torch.preserve_format).copy_(g)


def rows(g: torch.Tensor, member: Any) -> Any:
    """A sparse gradient as Rows, or dense where the rule needs it whole or single elements are missing in rows."""
    if member.sparse != "rows" or g.sparse_dim() != 1 or not member.param.is_contiguous():
        return arranged(g.to_dense(), member)
    g = g.coalesce()
    return Rows(g.indices()[0].cpu().numpy(), g.values().contiguous())


def numpy(x: torch.Tensor) -> np.ndarray:
    x = x.detach().as_subclass(torch.Tensor).cpu()
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy()


def slot_addresses(slots: list[torch.Tensor]) -> list[int]:
    return list(map(ADDRESS, slots))


def adopted(slot: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """A slot that fits its parameter: itself, or a copy with the parameter's dtype, device and layout."""
    like = slot.stride() == p.stride() or slot.shape != p.shape
    if slot.dtype == p.dtype and slot.device == p.device and like:
        return slot
    return zeros(p, tuple(slot.shape)).copy_(slot)


def opened(x: torch.Tensor) -> Any:
    """What to compute with: a NumPy view on the CPU, the tensor elsewhere, float32 for half precision."""
    x = x.detach().as_subclass(torch.Tensor)
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()
    return x.numpy() if x.device.type == "cpu" else x


def native(x: torch.Tensor) -> torch.Tensor:
    """The tensor itself, without history, or float32 for half precision."""
    x = x.detach().as_subclass(torch.Tensor)
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def write(x: torch.Tensor, array: np.ndarray) -> None:
    with torch.no_grad():
        x.copy_(torch.as_tensor(array))


def write_rows(x: torch.Tensor, indices: np.ndarray, array: np.ndarray) -> None:
    with torch.no_grad():
        x[torch.from_numpy(indices).to(x.device)] = torch.as_tensor(array).to(x.dtype)


def touched(xs: list[torch.Tensor]) -> None:
    torch.autograd.graph.increment_version(xs)
