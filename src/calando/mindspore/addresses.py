"""MindSpore's longer addresses, from which older scripts import: the same modules under a second name.

    from calando.mindspore.common import dtype as mstype
    from calando.mindspore.nn.optim.momentum import Momentum

``mindspore.common``, ``mindspore.nn.layer`` and the like only pass on what stands in ``mindspore`` and ``nn``; every
other address leads to the module itself, so there is one class of each name.

A script that is not to be changed at all reads ``mindspore`` as calando after

    sys.modules["mindspore"] = calando.mindspore

every ``mindspore.nn.optim.momentum`` is ``calando.mindspore.nn.optim.momentum`` then.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .missing import elsewhere, missing

ROOT = __package__
ORIGINAL = "mindspore"
LAYERS = ("activation", "basic", "container", "conv", "dense", "embedding", "normalization", "pooling")
ROOMS = {  # what they pass on
    "common": "",
    "common.api": "",
    **dict.fromkeys(("nn.layer", "nn.loss", "nn.loss.loss", "nn.optim", "nn.wrap"), "nn"),
    **{f"nn.layer.{name}": "nn" for name in LAYERS},
}
MODULES = {
    "common.dtype": "network.dtype",
    "common.initializer": "network.initializer",
    "common.parameter": "network.parameter",
    "common.seed": "network.seed",
    "common.tensor": "network.tensor",
    "context": "network.context",
    "nn.cell": "network.cell",
    "nn.dynamic_lr": "dynamic_lr",
    "nn.metrics": "train.metrics",
    "nn.optim.ada_grad": "nn.adagrad",
    "nn.optim.lazyadam": "nn.adam",
    "nn.optim.optimizer": "custom",
    "nn.optim.proximal_ada_grad": "nn.adagrad",
    "nn.wrap.cell_wrapper": "network.wrap",
    "nn.wrap.loss_scale": "network.scaling",
    "ops.primitive": "network.composite",
    **{
        f"nn.optim.{name}": f"nn.{name}"
        for name in (
            "adadelta", "adafactor", "adam", "adamax", "asgd", "ftrl", "lamb", "lars", "momentum", "rmsprop", "rprop",
            "sgd",
        )
    },
    "train.amp": "amp",
    "train.callback._early_stop": "train.callback.early_stopping",
    "train.callback._lr_scheduler_callback": "train.callback.lr_scheduler",
    "train.callback._reduce_lr_on_plateau": "train.callback.plateau",
    **{
        f"train.callback._{name}": f"train.callback.{name}"
        for name in ("callback", "checkpoint", "history", "lambda_callback", "loss_monitor", "time_monitor")
    },
}  # fmt: skip


class Addresses(MetaPathFinder, Loader):
    """Finds the modules of the two tables, after all that are files."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of an address; None for a name outside MindSpore's.

        Raises:
            ImportError: for a part of MindSpore that calando has elsewhere, or leaves to others; it says where.
            ModuleNotFoundError: for any other name that is not here, with where to go: Python asks for
                ``calando.mindspore.nn.Conv3d`` last of all when ``from calando.mindspore.nn import Conv3d`` fails.
        """
        short = fullname.removeprefix(f"{ROOT}.")
        name = short.rpartition(".")[2]
        if short == fullname:
            return None
        if where := elsewhere(name):
            raise ImportError(f"there is no {fullname}: {where}")
        if short in ROOMS or short in MODULES:
            return ModuleSpec(fullname, self, is_package=short in ROOMS)
        if name.startswith("_"):
            return None
        room = fullname.rpartition(".")[0]
        if hasattr(sys.modules.get(room), name):
            return None  # it is here, and no module
        known = sys.modules.get(room)
        raise ModuleNotFoundError(str(missing(room, name, getattr(known, "__all__", dir(known)))), name=room)

    def exec_module(self, module: ModuleType) -> None:
        """Put the module that is meant in the place of the new one; make a room pass things on."""
        short = module.__name__.removeprefix(f"{ROOT}.")
        if short in MODULES:
            meant = import_module(f"{ROOT}.{MODULES[short]}")
            vars(meant).setdefault("__path__", [])  # else an import of what it lacks would not come to find_spec
            sys.modules[module.__name__] = meant
        else:
            module.__getattr__ = passing_on(short)  # type: ignore[method-assign]


class Aliases(MetaPathFinder, Loader):
    """Finds ``mindspore.nn`` and the like where ``sys.modules["mindspore"]`` is calando's.

    It comes before the files are looked at: there ``mindspore.nn`` would be found a second time.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of an address of MindSpore, if it means one of calando's."""
        meant = fullname.startswith(f"{ORIGINAL}.") and sys.modules.get(ORIGINAL) is sys.modules.get(ROOT, self)
        return ModuleSpec(fullname, self, is_package=True) if meant else None

    def exec_module(self, module: ModuleType) -> None:
        """Put calando's module in the place of the new one."""
        sys.modules[module.__name__] = import_module(f"{ROOT}{module.__name__.removeprefix(ORIGINAL)}")


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
        sys.meta_path.insert(0, Aliases())
        sys.meta_path.append(Addresses())
