"""What is in an object that is saved or loaded into, and entries of checkpoints as Parameters and back."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays import adapter
from ..codecs.entry import Entry
from ..hyper import shown
from ..store import CheckpointError
from . import boxes
from .optimizer import Optimizer
from .state import rows

SAVING, LOADING = "For 'save_checkpoint'", "For 'load_checkpoint'"


def inside(net: Any) -> tuple[dict[str, Any], list[Optimizer]]:
    """The parameters of a Cell by name, and the optimizers that it is or that its cells hold."""
    if isinstance(net, Optimizer):
        return {}, [net]
    if not hasattr(net, "parameters_and_names"):
        return {}, []
    params: dict[str, Any] = {}
    for _, param in net.parameters_and_names():
        if params.setdefault(param.name, param) is not param:
            raise ValueError(f"two parameters of {type(net).__name__} are called {param.name!r}; rename one of them")
    values = (value for _, cell in net.cells_and_names() for value in vars(cell).values())
    return params, list({id(value): value for value in values if isinstance(value, Optimizer)}.values())


def saved_things(save_obj: Any) -> dict[str, Any]:
    """What is to be saved, by name; live."""
    if hasattr(save_obj, "parameters_and_names"):
        params, optimizers = inside(save_obj)
        found = dict(params)
        for optimizer in optimizers:
            for name, value in rows(optimizer):
                thing = value()
                if found.setdefault(name, thing) is not thing:
                    raise ValueError(f"{SAVING}: {name!r} is in the checkpoint twice; save the optimizers one by one")
        return found
    if isinstance(save_obj, Mapping):
        wrong = [key for key in save_obj if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"{SAVING}: the names in 'save_obj' must be texts, but one is {wrong[0]!r}")
        return dict(save_obj)
    if isinstance(save_obj, (list, tuple)):
        return listed_things(save_obj)
    raise TypeError(
        f"{SAVING}: 'save_obj' must be a Cell, an optimizer, a list or a dictionary, but got {type(save_obj).__name__}"
    )


def listed_things(things: Iterable[Any]) -> dict[str, Any]:
    """A list of Parameters, or of dictionaries with name and data."""
    found: dict[str, Any] = {}
    name: Any
    for place, thing in enumerate(things):
        if isinstance(thing, Mapping):
            if not {"name", "data"} <= thing.keys() or not isinstance(thing["name"], str):
                raise TypeError(
                    f"{SAVING}: entry {place} of 'save_obj' needs 'name', a text, and 'data', but is {shown(thing)}"
                )
            name, data = thing["name"], thing["data"]
        else:
            name, data = getattr(thing, "name", None), thing
            if not isinstance(name, str) or not name:
                raise TypeError(
                    f"{SAVING}: entry {place} of 'save_obj' must be a Parameter with a name or a dictionary with name "
                    f"and data, but is a {type(thing).__name__}"
                )
        if name in found:
            raise ValueError(f"{SAVING}: 'save_obj' has two entries {name!r}; rename one of them")
        found[name] = data
    return found


def appended(append_dict: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entries that were asked for beside the object's own."""
    if append_dict is None:
        return {}
    if not isinstance(append_dict, Mapping):
        raise TypeError(f"{SAVING}: 'append_dict' must be a dictionary, but got {type(append_dict).__name__}")
    found = {}
    for name, value in append_dict.items():
        if not isinstance(name, str):
            raise TypeError(f"{SAVING}: the names in 'append_dict' must be texts, but one is {name!r}")
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            raise ValueError(f"{SAVING}: {name!r} in 'append_dict' is {value}, which is too large for int64")
        found[name] = np.array(value, float if isinstance(value, float) else None) if is_number(value) else value
    return found


def is_number(value: Any) -> bool:
    """A number of Python's, or truth."""
    return isinstance(value, (bool, int, float))


def entry_of(name: str, thing: Any) -> Entry:
    """A parameter, tensor or array as an entry; the same memory where that can be.

    Raises:
        TypeError: it is none, or of a type that checkpoints do not have.
    """
    if isinstance(thing, Entry):
        return thing
    if isinstance(thing, np.generic) or is_number(thing):
        return Entry.of(thing, name)
    try:
        kind = adapter(thing).name
    except TypeError:
        raise TypeError(
            f"{name!r} must be a Parameter, a Tensor or an array, but is a {type(thing).__name__}"
        ) from None
    if kind != "torch":
        return Entry.of(thing.asnumpy() if hasattr(thing, "asnumpy") else thing, name)
    import torch

    plain = thing.detach().as_subclass(torch.Tensor).cpu().contiguous().resolve_conj()
    if plain.dtype == torch.bfloat16:
        return Entry("BFloat16", plain.view(torch.int16).numpy().view(np.uint16))
    return Entry.of(plain.numpy(), name)


def parameter_of(name: str, entry: Entry) -> Any:
    """An entry as a Parameter of that name; truth values as a Tensor; without PyTorch an array."""
    if entry.dtype == "Int4":
        raise CheckpointError(
            f"{LOADING}: {name!r} holds 4-bit integers, which PyTorch does not have; leave it out with choice_func"
        )
    try:
        import torch
    except ImportError:
        return entry.values()
    bits = entry.data.view(np.int16) if entry.dtype == "BFloat16" else entry.data
    tensor = torch.from_numpy(bits)
    tensor = tensor.view(torch.bfloat16) if entry.dtype == "BFloat16" else tensor
    words = boxes.Library("torch").words()
    return words.Tensor(tensor) if entry.dtype == "Bool" else words.Parameter(tensor, name=name)
