"""Networks of MindSpore under PyTorch's optimizers: their gradients there, the update here.

``other`` is the module that speaks for PyTorch; only arrays and its own objects cross.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mindspore
import numpy as np


class Tape:
    """What MindSpore does from one moment on, so that a loss can be differentiated when it is there.

    ``value_and_grad`` wants a function; a script for PyTorch has a loss only. PyNative mode records between these two
    calls of its executor, which ``value_and_grad`` itself makes around its function.
    """

    def __init__(self) -> None:
        self.executor = mindspore.common.api._pynative_executor
        self.operation = mindspore.ops.GradOperation(get_by_list=True)
        self.open = False

    def begin(self) -> None:
        """Record anew."""
        if self.open:
            self.executor.clear_res()
        self.executor.set_grad_flag(True)
        self.executor.new_graph(self.begin)
        self.open = True

    def end(self) -> None:
        """Record no more."""
        self.executor.clear_res()
        self.executor.set_grad_flag(False)
        self.open = False

    def gradients(self, loss: Any, weights: list[Any]) -> list[np.ndarray]:
        """The gradient of a loss by each weight; the record goes on empty."""
        self.executor.end_graph(self.begin, loss)
        found = self.executor.grad(self.begin, self.operation, tuple(weights), None, False)
        self.open = False
        self.begin()
        return [np.array(g.asnumpy()) for g in found]


class Loan:
    """Networks of MindSpore under the other side's optimizers: their gradients here, the update there."""

    def __init__(self, other: Any) -> None:
        self.other = other
        self.theirs: dict[int, tuple[Any, Any]] = {}  # id of ours → (it, the parameter there)
        self.owner: dict[int, Any] = {}
        self.seen: dict[int, int] = {}  # id of a parameter there → its version when ours followed it last
        self.undone: list[Callable[[], None]] = []
        cell = mindspore.nn.Cell
        run = cell.__call__

        def followed(net: Any, *args: Any, **words: Any) -> Any:
            self.follow()
            return run(net, *args, **words)

        cell.__call__ = followed
        self.undone.append(lambda: setattr(cell, "__call__", run))
        self.add(cell, "parameters", lambda net, recurse=True: (self.take(p) for p in own(net, recurse)))
        self.add(cell, "named_parameters", lambda net: ((p.name, self.take(p)) for p in own(net, True)))
        self.add(cell, "modules", lambda net: (part for _, part in net.cells_and_names()))
        self.add(cell, "state_dict", lambda net: {p.name: p.asnumpy() for p in net.get_parameters()})
        self.add(mindspore.Tensor, "backward", self.backward)
        self.add(mindspore.Tensor, "detach", lambda tensor: tensor)
        self.tape = Tape()
        self.undone += [other.scaled(mindspore.Tensor), other.taken(mindspore.Tensor, self.gradients)]
        self.undone.append(other.loaded(self.refresh))
        self.tape.begin()
        self.undone.append(self.tape.end)

    def add(self, owner: Any, name: str, value: Any) -> None:
        if not hasattr(owner, name):
            setattr(owner, name, value)
            self.undone.append(lambda: delattr(owner, name))

    def end(self) -> None:
        for undo in reversed(self.undone):
            undo()

    @property
    def backward(self) -> Callable[..., None]:
        """What ``loss.backward()`` does: gradients into the parameters there, of ``inputs`` alone where said."""

        def backward(tensor: Any, *args: Any, inputs: Any = None, **more: Any) -> None:
            wanted = [made for _, made in self.theirs.values()] if inputs is None else list(inputs)
            for made, grad in zip(wanted, self.gradients(tensor, wanted), strict=True):
                self.other.accumulate(made, grad)

        return backward

    def gradients(self, loss: Any, wanted: list[Any]) -> list[np.ndarray]:
        """The gradients of one of our losses by parameters there."""
        ours = [self.owner[id(made)] for made in wanted]
        return self.tape.gradients(loss, ours)

    def refresh(self) -> None:
        """Theirs were loaded anew: ours follow."""
        for _, made in list(self.theirs.values()):
            self.written(made)

    def follow(self) -> None:
        """What the script wrote into theirs since our networks ran last, ours have too."""
        for _, made in self.theirs.values():
            if self.other.version(made) != self.seen[id(made)]:
                self.written(made)

    def take(self, held: Any) -> Any:
        """Their parameter for one of ours."""
        if id(held) not in self.theirs:
            made = self.other.parameter(held.name, held.asnumpy())
            self.theirs[id(held)] = held, made
            self.owner[id(made)] = held
            self.seen[id(made)] = self.other.version(made)
        return self.theirs[id(held)][1]

    def lent(self, held: Any) -> Any:
        """Their parameter for one of ours that an optimizer is given by itself; anything else as it is."""
        return self.take(held) if isinstance(held, mindspore.Parameter) else held

    def written(self, made: Any) -> None:
        """Their parameter was updated: ours follows."""
        if id(made) in self.owner:
            held = self.owner[id(made)]
            self.seen[id(made)] = self.other.version(made)
            held.set_data(mindspore.Tensor(self.other.read(made).astype(np.float32)))


def own(net: Any, recurse: bool) -> list[Any]:
    """The trainable parameters of a network, or of this layer alone."""
    return [p for p in net.get_parameters(expand=recurse) if p.requires_grad]


class RoomLoan:
    """Networks of calando's network room under PyTorch's optimizers: the room's tensors are PyTorch's own."""

    def __init__(self, other: Any) -> None:
        self.undone: list[Callable[[], None]] = []
        cell = mindspore.nn.Cell

        def parameters(net: Any, recurse: bool = True) -> list[Any]:
            for p in net.get_parameters():
                other.NAMES[id(p)] = p.name
            return own(net, recurse)

        self.add(cell, "parameters", parameters)
        self.add(cell, "named_parameters", lambda net: ((p.name, p) for p in parameters(net)))
        self.add(cell, "modules", lambda net: (part for _, part in net.cells_and_names()))
        self.add(cell, "state_dict", lambda net: {p.name: p.asnumpy() for p in net.get_parameters()})

    def add(self, owner: Any, name: str, value: Any) -> None:
        if name not in owner.__dict__:
            setattr(owner, name, value)
            self.undone.append(lambda: delattr(owner, name))

    def end(self) -> None:
        for undo in reversed(self.undone):
            undo()

    written = None  # nothing has to follow an update: there is one memory
    lent = None
