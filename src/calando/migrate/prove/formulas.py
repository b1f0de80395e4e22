"""Which class cannot follow which: where a proof that finds two weights apart has found no mistake."""

from __future__ import annotations

from typing import Any

from ...lexicon import COPIES, PAIRS, RETURNS


def kind(optimizer: Any) -> str:
    """The class of an optimizer, as ``torch.optim.Adam`` and ``mindspore.nn.Adam``."""
    cls = type(optimizer)
    return ".".join([*cls.__module__.split(".")[:2], cls.__name__])


def unequal(source: str, result: str) -> str:
    """Why one class does not follow another's formula, if that is known; empty where it does, or nothing is."""
    name = source.rpartition(".")[2]
    if source.startswith("torch.optim.") and (pair := PAIRS.get(name)) is not None:
        return pair.why if result == pair.guide else ""
    form = (RETURNS if source.startswith("mindspore.nn.") else COPIES).get(name)
    if not source.startswith("mindspore.") or form is None:
        return ""
    return form.why if result == f"torch.optim.{form.torch}" else ""
