"""PyTorch tensors: their memory, their layout, and autograd's version counters."""

from typing import Any

import numpy as np
import torch
from torch._C import DisableTorchFunctionSubclass  # subclasses of Tensor would cost a microsecond a word

from . import NoGradient, Rows, refuse_sparse
from .shards import everywhere, everywhere_as, gathered, is_shard, local, placed
from .shards import joined as joined
from .shards import sharded as sharded

try:  # torch's own, from its compiler: one call compares kind, dtype, sizes and strides of many tensors
    from torch._C._dynamo.guards import TensorGuards
except ImportError:  # a torch without it: they are asked one by one
    TensorGuards = None  # type: ignore[assignment,misc]

name = "torch"
read_only = "has elements that share their memory, as expand() makes them; clone() it first"

ADDRESS = torch.Tensor.data_ptr
CONTIGUOUS = torch.Tensor.is_contiguous
ELEMENTS = torch.Tensor.numel
REAL = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}  # what complex numbers are pairs of


def kind(x: torch.Tensor) -> tuple[str, str]:
    dtype = str(x.dtype).removeprefix("torch.")
    return str(x.device), REAL.get(dtype, dtype)


def shape(x: torch.Tensor) -> tuple[int, ...]:
    x = local(x)
    return (*x.shape, 2) if x.is_complex() else tuple(x.shape)


def bare(x: torch.Tensor) -> torch.Tensor:
    """The tensor itself, without history and subclass; all its pieces."""
    return x.detach() if is_shard(x) else x.detach().as_subclass(torch.Tensor)


def near(x: torch.Tensor) -> torch.Tensor:
    """What is here of a tensor, without history: a plain tensor, of pairs of real numbers where it is complex."""
    x = bare(local(x))
    return torch.view_as_real(x) if x.is_complex() else x


def layout(x: torch.Tensor) -> tuple:
    with DisableTorchFunctionSubclass():
        return x.shape, x.stride(), x.dtype, x.device


def writable(x: torch.Tensor) -> bool:
    x = local(x)
    alone = all(stride or size < 2 for stride, size in zip(x.stride(), x.shape, strict=True))
    return alone or not x.requires_grad or not x.numel()


def dense(x: torch.Tensor, rows: bool) -> bool:
    """Whether the elements fill one piece of memory, in any order of the axes; ``rows``: in the plain one."""
    x = local(x)
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


def slot(x: torch.Tensor) -> torch.Tensor:
    return x


def addresses(held: list[Any]) -> np.ndarray:
    with DisableTorchFunctionSubclass():
        return np.fromiter(map(ADDRESS, held), np.uint64, len(held))


def carried(xs: list[torch.Tensor]) -> list[Any]:
    return [x.grad for x in xs]


def zeros(x: torch.Tensor, shape: tuple[int, ...], dtype: str | None = None) -> torch.Tensor:
    x = bare(x)
    kind = slot_kind(x, dtype)
    if is_shard(x) and tuple(shape) != tuple(x.shape):
        return everywhere(x, shape, kind)
    if tuple(shape) not in (tuple(x.shape), tuple(near(x).shape)):
        return x.new_zeros(shape, dtype=kind)
    return torch.zeros_like(x, dtype=kind, memory_format=torch.preserve_format)


def slot_kind(x: torch.Tensor, dtype: str | None) -> torch.dtype:
    """The dtype of a slot: the parameter's where nothing is said, or it is complex."""
    return x.dtype if dtype is None or x.is_complex() else getattr(torch, dtype)


def fill(x: torch.Tensor, value: float) -> None:
    near(x).fill_(value)


def gradients(grads: list[Any], members: list[Any], sizes: list[int], part: Any) -> tuple[list, np.ndarray]:
    """The gradients as their parameters lie in memory (copied where they do not), and their addresses.

    Autograd itself holds shape, dtype and device of ``grad`` to those of its parameter when it is
    assigned; a parameter whose memory was exchanged since then is caught here.

    Raises:
        NoGradient: one of them is None.
    """
    with DisableTorchFunctionSubclass():
        try:
            where = addresses(grads)
            if part.alike is not None and part.alike(*grads):
                return grads, where
            if part.plain and not part.moved and not part.sharded and fitting(grads, sizes, part.params[0].dtype):
                part.alike = guard(grads)
                return grads, where
        except (RuntimeError, NotImplementedError, TypeError):
            pass  # a missing, sparse or foreign gradient: the search below names it
    if any(g is None for g in grads):
        raise NoGradient
    grads = [arranged(g, member, part.key.rule.whole) for g, member in zip(grads, members, strict=True)]
    part.sparse = any(isinstance(g, Rows) for g in grads)
    return grads, np.array([ADDRESS(g.values if isinstance(g, Rows) else g) for g in grads], np.uint64)


def fitting(grads: list[torch.Tensor], sizes: list[int], dtype: torch.dtype) -> bool:
    """Whether gradients lie in the plain order of their axes, as they are, and have these sizes and this dtype."""
    if not all(map(CONTIGUOUS, grads)) or list(map(ELEMENTS, grads)) != sizes:
        return False
    return all(g.dtype is dtype and not g.is_neg() for g in grads)  # is_neg: what lies there means its negative


def guard(xs: list[torch.Tensor]) -> Any:
    """A test whether other tensors are of the same kinds, dtypes, sizes and strides as these; None: no such test."""
    if TensorGuards is None:
        return None
    return TensorGuards(*xs, dynamic_dims_sizes=None, dynamic_dims_strides=None).check


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
    if g.dtype not in (p.dtype, getattr(p, "grad_dtype", None)) or g.device != p.device:
        raise TypeError(
            f"the gradient of {member.place} is {g.dtype} on {g.device}; the parameter is {p.dtype} on {p.device}: "
            "bring the gradient there, as in g.to(p)"
        )


def arranged(g: Any, member: Any, whole: bool = False) -> Any:
    """One gradient, checked, and laid out as its parameter; ``whole``: not only what is here of it."""
    compare(g, member)
    if g.layout is torch.sparse_coo:
        return rows(g, member)
    g = placed(g, member.param).to(member.param.dtype)  # another one where the user has set p.grad_dtype
    if whole:
        return g
    g, p = local(g).resolve_conj().resolve_neg(), local(member.param)
    if g.stride() == p.stride() or (g.is_contiguous() and p.is_contiguous()):
        return g
    return torch.empty_like(p.detach(), memory_format=torch.preserve_format).copy_(g)


def rows(g: torch.Tensor, member: Any) -> Any:
    """A sparse gradient as Rows, or dense where the rule needs it whole; single elements where rows are no piece."""
    if member.sparse != "rows" or (not g.sparse_dim() and g._nnz()):
        return arranged(g.to_dense(), member)
    g = g.coalesce()
    where, values = g.indices(), g.values()
    if member.centered and len(where) > 1:  # the mean is of whole rows
        where = where[:1].unique(dim=1)
        values = g.to_dense()[where[0]]
    if not member.param.is_contiguous():
        rest = values.shape[1:]
        within = torch.ones(rest, device=g.device).nonzero().T
        where = torch.cat([where.repeat_interleave(within.shape[1], 1), within.repeat(1, where.shape[1])])
        values = values.reshape(-1)
    indices = where.cpu().numpy()
    steps = np.array(member.param.stride()[: len(indices)], np.int64) * (2 if member.param.is_complex() else 1)
    return Rows(tuple(indices), near(values.resolve_conj().contiguous()), steps @ indices)


def numpy(x: torch.Tensor) -> np.ndarray:
    x = near(x).cpu()
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy()


def slot_addresses(slots: list[torch.Tensor]) -> list[int]:
    return [ADDRESS(local(x)) for x in slots]


def resting(slots: list[torch.Tensor], where: np.ndarray) -> bool:
    return addresses(slots).tobytes() == where.tobytes()


def adopted(slot: Any, p: Any, dtype: str) -> torch.Tensor:
    """A slot that fits its parameter: itself, or a copy in this dtype with the parameter's device and layout."""
    like = slot.stride() == p.stride() or slot.shape != p.shape
    here = not is_shard(p) or (is_shard(slot) and (slot.placements == p.placements or slot.shape != p.shape))
    if slot.dtype == slot_kind(p, dtype) and slot.device == p.device and like and here:
        return slot
    return zeros(p, tuple(slot.shape), dtype).copy_(slot)


def opened(x: torch.Tensor) -> Any:
    """What to compute with: a NumPy view on the CPU, the tensor elsewhere, float32 for half precision."""
    x = near(x)
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()
    return x.numpy() if x.device.type == "cpu" else x


def native(x: torch.Tensor) -> torch.Tensor:
    """The tensor itself, without history, or float32 for half precision."""
    x = gathered(x) if is_shard(x) else bare(x)
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def copied(x: torch.Tensor) -> torch.Tensor:
    return near(x).clone()


def write(x: torch.Tensor, array: Any) -> None:
    with torch.no_grad():
        if is_shard(x) and not is_shard(array) and tuple(array.shape) != tuple(local(x).shape):
            array = everywhere_as(x, torch.as_tensor(array))
        if is_shard(array):
            x.copy_(array)
        else:
            near(x).copy_(torch.as_tensor(array))


def write_rows(x: torch.Tensor, indices: tuple[np.ndarray, ...], array: np.ndarray) -> None:
    with torch.no_grad():
        place = tuple(torch.from_numpy(which).to(x.device) for which in indices)
        target = near(x)
        target[place] = torch.as_tensor(array).to(target.dtype)


def touched(xs: list[torch.Tensor]) -> None:
    torch.autograd.graph.increment_version(xs)
