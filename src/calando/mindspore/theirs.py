"""What MindSpore's own functions make of an optimizer from here, which is no Cell of MindSpore's.

They look at what they are given in checks of their own, which all of them call however they were imported. Those of
checkpoints answer with the way out for an optimizer from here, and for a Cell that holds one and is to be filled with
its state; that of ``mindspore.train.Model`` lets it pass, as a training step only calls it with the gradients. A
training step is saved with the optimizer that it holds, so that MindSpore's ``ModelCheckpoint`` writes the same file as
with an optimizer of MindSpore's.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

FILLING = "_check_load_param_into_net"
WAYS = {  # MindSpore's checks → what stands in the place of their function
    "_check_save_obj_and_ckpt_file_name": (
        "mindspore.save_checkpoint takes MindSpore's Cells, dictionaries and lists; give it "
        "optimizer.parameters_dict(), or call calando.mindspore.save_checkpoint(optimizer, …): both make the same file"
    ),
    FILLING: (
        "mindspore.load_param_into_net fills MindSpore's Cells; call "
        "calando.mindspore.load_param_into_net(optimizer, …), which takes what mindspore.load_checkpoint gives"
    ),
}
COLLECTING = "_convert_cell_param_and_names_to_dict"  # MindSpore's function that lists what a Cell is saved with
TAUGHT = "_taught_by_calando"


def teach(optimizers: type) -> None:
    """Let MindSpore's checks know optimizers of this class."""
    from mindspore.train import amp, serialization

    if not isinstance(amp.validator, Admitting):
        amp.validator = Admitting(amp.validator, optimizers)
    for name, way in WAYS.items():
        check = getattr(serialization, name, None)
        if check is not None and not hasattr(check, TAUGHT):
            told = taught(check, optimizers, way)
            setattr(serialization, name, filling(told, optimizers) if name == FILLING else told)
    collect = getattr(serialization, COLLECTING, None)
    if collect is not None and not hasattr(collect, TAUGHT):
        setattr(serialization, COLLECTING, with_optimizers(collect, optimizers))


def taught(check: Callable[..., Any], optimizers: type, way: str) -> Callable[..., Any]:
    """A check that raises TypeError, with the way out, for an optimizer of this class."""

    @wraps(check)
    def checking(given: Any, *more: Any, **options: Any) -> Any:
        if isinstance(given, optimizers):
            raise TypeError(f"For '{type(given).__name__}': {way}")
        return check(given, *more, **options)

    setattr(checking, TAUGHT, True)
    return checking


def filling(check: Callable[..., Any], optimizers: type) -> Callable[..., Any]:
    """A check of a Cell and what is to be written into it that raises TypeError where half of it would be filled."""

    @wraps(check)
    def checking(cell: Any, entries: Any) -> Any:
        check(cell, entries)
        refuse_half(cell, entries, optimizers)

    return checking


def refuse_half(cell: Any, entries: Any, optimizers: type) -> None:
    """Raise TypeError where a Cell is to be filled with the state of an optimizer that it holds: MindSpore would fill
    the weights, and leave moments, clock and rate as they are without a word."""
    for optimizer in held(cell, optimizers):
        own = {param.name for param in optimizer.parameters}
        state = [name for name, _ in optimizer.parameters_and_names() if name in entries and name not in own]
        if state:
            raise TypeError(
                f"For '{type(optimizer).__name__}': mindspore.load_param_into_net would fill {type(cell).__name__} "
                f"without the optimizer that it holds ({state[0]!r} and the like); call "
                "calando.mindspore.load_param_into_net(…) with the same arguments, which fills both"
            )


def held(cell: Any, optimizers: type) -> list[Any]:
    """The optimizers of this class that a Cell of MindSpore's and its cells hold."""
    parts = [part for _, part in cell.cells_and_names()]
    return [value for part in parts for value in vars(part).values() if isinstance(value, optimizers)]


def with_optimizers(collect: Callable[..., Any], optimizers: type) -> Callable[..., Any]:
    """A list of a Cell's parameters by name, and of all that optimizers of this class, held by its cells, are saved
    with."""

    @wraps(collect)
    def collecting(cell: Any, choice_func: Callable[[str], bool] | None = None, *more: Any, **options: Any) -> Any:
        found = collect(cell, choice_func, *more, **options)
        for optimizer in held(cell, optimizers):
            for name, value in optimizer.parameters_and_names():
                if name not in found and (choice_func is None or choice_func(name)):
                    found[name] = value
        return found

    setattr(collecting, TAUGHT, True)
    return collecting


class Admitting:
    """MindSpore's module of checks as ``build_train_network`` and ``Model`` see it: optimizers of this class pass."""

    def __init__(self, checks: Any, optimizers: type) -> None:
        self.checks, self.optimizers = checks, optimizers

    def __getattr__(self, name: str) -> Any:
        return getattr(self.checks, name)

    def check_value_type(self, name: str, value: Any, kinds: Any, *more: Any, **options: Any) -> Any:
        if name == "optimizer" and isinstance(value, self.optimizers):
            return value
        return self.checks.check_value_type(name, value, kinds, *more, **options)
