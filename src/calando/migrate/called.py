"""MindSpore's names of parameters, where they are asked for far from the network: they go with the parameters.

Used by scripts that ``calando migrate --to torch`` wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .whole import names

KEPT = "called_in_mindspore"  # the attribute of a parameter that holds its name


def trained(network: Any) -> list[Any]:
    """The parameters of a network that need gradients, each with MindSpore's name of it: ``trainable_params()``."""
    found = [(p, name) for p, name in names(network).items() if p.requires_grad]
    for p, name in found:
        setattr(p, KEPT, name)
    return [p for p, _ in found]


def name(parameter: Any) -> str:
    """MindSpore's name of a parameter.

    Raises:
        ValueError: it was not taken from its network by ``trained``.
    """
    found = getattr(parameter, KEPT, None)
    if found is None:
        shape = tuple(parameter.shape)
        raise ValueError(f"the parameter of shape {shape} has no name: take it with calando.migrate.called.trained")
    return str(found)


def groups(params: Iterable[Any]) -> list[Any]:
    """Parameters as MindSpore decays them: without groups, those called beta or gamma have ``weight_decay`` 0.

    Groups stay as they are: MindSpore decays all of a group.
    """
    given = list(params)
    if any(isinstance(p, dict) for p in given):
        return given
    exempt = [p for p in given if "beta" in name(p) or "gamma" in name(p)]
    decayed = [p for p in given if all(p is not other for other in exempt)]
    return [g for g in ({"params": decayed}, {"params": exempt, "weight_decay": 0.0}) if g["params"]]
