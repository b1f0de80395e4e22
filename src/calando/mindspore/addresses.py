"""MindSpore's longer addresses, from which older scripts import: the same modules under a second name.

    from calando.mindspore.common import dtype as mstype
    from calando.mindspore.nn.optim.momentum import Momentum

``mindspore.common``, ``mindspore.nn.optim`` and ``mindspore.nn.wrap`` only pass on what stands in ``mindspore`` and
``nn``; every other address leads to the module itself, so there is one class of each name.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .missing import DISTRIBUTED, distributed, missing

ROOT = __package__
ROOMS = {"common": "", "nn.optim": "nn", "nn.wrap": "nn"}  # what they pass on
MODULES = {
    "common.dtype": "network.dtype",
    "common.initializer": "network.initializer",
    "common.parameter": "network.parameter",
    "common.seed": "network.seed",
    "common.tensor": "network.tensor",
    "context": "network.context",
    "nn.cell": "network.cell",
    "nn.dynamic_lr": "dynamic_lr",
    "nn.optim.ada_grad": "nn.adagrad",
    "nn.optim.lazyadam": "nn.adam",
    "nn.optim.optimizer": "custom",
    "nn.optim.proximal_ada_grad": "nn.adagrad",
    "nn.wrap.cell_wrapper": "network.wrap",
    "nn.wrap.loss_scale": "network.scaling",
    **{
        f"nn.optim.{name}": f"nn.{name}"
        for name in (
            "adadelta", "adafactor", "adam", "adamax", "asgd", "ftrl", "lamb", "lars", "momentum", "rmsprop", "rprop",
            "sgd",
        )
    },
}  # fmt: skip


class Addresses(MetaPathFinder, Loader):
    """Finds the modules of the two tables."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of an address; None for a name outside MindSpore's.

        Raises:
            ImportError: for MindSpore's names for several processes, with what does their work here.
            ModuleNotFoundError: for any other name that is not here, with where to go: Python asks for
                ``calando.mindspore.nn.Conv3d`` last of all when ``from calando.mindspore.nn import Conv3d`` fails.
        """
        short = fullname.removeprefix(f"{ROOT}.")
        name = short.rpartition(".")[2]
        if short != fullname and name in DISTRIBUTED:
            raise ImportError(f"there is no {fullname}: {distributed(name)}")
        if short == fullname or name.startswith("_"):
            return None
        if short in ROOMS or short in MODULES:
            return ModuleSpec(fullname, self, is_package=short in ROOMS)
        room = fullname.rpartition(".")[0]
        if hasattr(sys.modules.get(room), name):
            return None  # it is here, and no module
        raise ModuleNotFoundError(str(missing(room, name, dir(sys.modules.get(room)))), name=room)

    def exec_module(self, module: ModuleType) -> None:
        """Put the module that is meant in the place of the new one; make a room pass things on."""
        short = module.__name__.removeprefix(f"{ROOT}.")
        if short in MODULES:
            sys.modules[module.__name__] = import_module(f"{ROOT}.{MODULES[short]}")
        else:
            module.__getattr__ = passing_on(short)  # type: ignore[method-assign]


def passing_on(room: str) -> Any:
    """How a room finds a name: a module of the tables, or what the other room has."""

    def found(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module '{ROOT}.{room}' has no {name!r}")
        if f"{room}.{name}" in MODULES:
            return import_module(f"{ROOT}.{room}.{name}")
        return getattr(import_module(f"{ROOT}.{ROOMS[room]}".rstrip(".")), name)

    return found


def open_addresses() -> None:
    """Let imports find them."""
    if not any(isinstance(finder, Addresses) for finder in sys.meta_path):
        sys.meta_path.append(Addresses())
