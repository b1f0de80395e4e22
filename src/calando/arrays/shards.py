"""Tensors of torch in pieces on several processes (DTensor): the piece that is here, and norms of the whole."""

from typing import Any

import numpy as np
import torch
import torch.distributed


def is_shard(x: Any) -> bool:
    """Whether a tensor says that only a piece of it is here."""
    return hasattr(type(x), "to_local")


def sharded(xs: list[Any]) -> bool:
    return any(map(is_shard, xs))


def local(x: Any) -> Any:
    """The piece of a tensor that is on this process; the tensor itself where it is whole."""
    if not is_shard(x):
        return x
    with torch.no_grad():
        x = x.to_local()
    return x.wait() if hasattr(x, "wait") else x


def placed(g: Any, p: Any) -> Any:
    """A gradient in the pieces that its parameter is in."""
    if not is_shard(p) or (is_shard(g) and (g.device_mesh, g.placements) == (p.device_mesh, p.placements)):
        return g
    return g.redistribute(p.device_mesh, p.placements)


def gathered(x: Any) -> Any:
    """A tensor in pieces, whole on every process that has one of them."""
    from torch.distributed.tensor import Replicate

    return x.detach().redistribute(x.device_mesh, [Replicate()] * x.device_mesh.ndim)


def everywhere(p: Any, shape: tuple[int, ...], dtype: torch.dtype) -> Any:
    """Zeros of another shape than a parameter in pieces: whole on every process that has one of them."""
    from torch.distributed.tensor import Replicate, zeros

    whole = [Replicate()] * p.device_mesh.ndim
    return zeros(*shape, dtype=dtype, device_mesh=p.device_mesh, placements=whole)


def everywhere_as(p: Any, x: torch.Tensor) -> Any:
    """The numbers of the whole, which every process has, as what a tensor in pieces can take its own of."""
    from torch.distributed.tensor import DTensor, Replicate

    return DTensor.from_local(x.to(local(p).device), p.device_mesh, [Replicate()] * p.device_mesh.ndim, run_check=False)


def joined(params: list[Any], norms: np.ndarray) -> np.ndarray:
    """The norms of whole tensors, from those of the pieces that are here; every process must ask.

    Args:
        norms: float64 (params,), 2-norms of something that has the shape of each.
    """
    norms = norms.copy()
    alike: dict[tuple[Any, int], list[int]] = {}
    for i, p in enumerate(params):
        for axis, placement in enumerate(p.placements) if is_shard(p) else ():
            if placement.is_shard():
                alike.setdefault((p.device_mesh, axis), []).append(i)
    for (mesh, axis), places in alike.items():
        group = mesh.get_group(axis)
        given = torch.as_tensor(norms[places], device=local(params[places[0]]).device)
        found = [torch.empty_like(given) for _ in range(torch.distributed.get_world_size(group))]
        torch.distributed.all_gather(found, given, group=group)
        norms[places] = np.hypot.reduce([x.cpu().numpy() for x in found])
    return norms
