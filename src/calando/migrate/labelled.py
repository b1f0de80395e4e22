"""Parameter groups with keys of a script's own (``lr_scale``, ``name``), or with numbers in PyTorch's words, on
optimizers in MindSpore's manners.

    optimizer = of(torch_optim.AdamW)([{"params": stem, "lr_scale": 0.5}, {"params": head}], learning_rate=1e-3)
    for group in groups(optimizer):
        group["lr"] = rate * group.get("lr_scale", 1.0)

The optimizer is given the numbers that it knows; the other keys are kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from ..mindspore.lr_scheduler import Driven, Group

SHARED = ("params", "lr", "weight_decay")
WORDS = {  # what PyTorch calls numbers of a group → what MindSpore does
    "betas": ("beta1", "beta2"), "alpha": ("decay",), "eps": ("epsilon",), "etas": ("eta_minus", "eta_plus"),
    "step_sizes": ("step_min", "step_max"),
}  # fmt: skip
LABELS: WeakKeyDictionary[Any, list[dict[str, Any]]] = WeakKeyDictionary()


class Labelled(Group):
    """One group: a number that is written is set on the optimizer, a key of the script's own is kept."""

    def __init__(self, optimizer: Any, at: int, row: Mapping[str, Any], initial: float, labels: dict[str, Any]) -> None:
        super().__init__(optimizer, at, {**row, **labels}, initial)
        self.labels = labels

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self.optimizer.spelling:
            super().__setitem__(name, value)
        else:
            self.labels[name] = value
            dict.__setitem__(self, name, value)

    def setdefault(self, name: str, value: Any = None) -> Any:
        """What stands under a key; the value, which is written, where there is nothing."""
        if name not in self:
            self[name] = value
        return self[name]


def of(cls: Any) -> Callable[..., Any]:
    """A class of ``calando.mindspore`` that takes groups as PyTorch does.

    ``betas`` in a group are ``beta1`` and ``beta2``; what the class does not know is kept.
    """
    return partial(make, cls)


def make(cls: Any, params: Iterable[Mapping[str, Any]], **words: Any) -> Any:
    """An optimizer over groups as PyTorch takes them; errors are the class's own."""
    known = {*SHARED, *cls.NAMES}
    given = [numbered(group, known) for group in params]
    optimizer = cls([{key: value for key, value in group.items() if key in known} for group in given], **words)
    LABELS[optimizer] = [{key: value for key, value in group.items() if key not in known} for group in given]
    return optimizer


def numbered(group: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """A group with its numbers as a class calls them."""
    found: dict[str, Any] = {}
    for key, value in group.items():
        names = WORDS.get(key, ())
        if key in known or not names or not known.issuperset(names):
            found[key] = value
        else:
            found.update(zip(names, value if len(names) > 1 else [value], strict=True))
    return found


def groups(optimizer: Any, ago: int = 0) -> list[Any]:
    """An optimizer's groups in PyTorch's words, with the keys of the script's own.

    Args:
        ago: how many updates ago; 0: as they are for the coming one.
    """
    optimizer = getattr(optimizer, "optimizer", optimizer)
    rows = optimizer.at(int(optimizer.global_step.asnumpy()[0]) - ago) if ago else optimizer.current()
    kept = LABELS.setdefault(optimizer, [{} for _ in rows])
    began = Driven(optimizer).initial
    return [Labelled(optimizer, n, *each) for n, each in enumerate(zip(rows, began, kept, strict=True))]
