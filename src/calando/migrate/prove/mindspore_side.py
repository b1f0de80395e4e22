"""MindSpore under observation: optimizers that are recorded or fed, and the way to networks of the other side.

``other`` is the module that speaks for the other framework; only arrays and its own objects cross.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import mindspore
import numpy as np

from ...mindspore.nn.adam import Optimizer as Ours
from .given import given
from .journal import Call, Journal


class Watch:
    """Records every update of every optimizer, and feeds recorded gradients where there are some."""

    def __init__(
        self, journal: Journal, written: Callable[[Any], None] | None = None, lent: Callable[[Any], Any] | None = None,
        follow: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.journal, self.written, self.lent, self.follow = journal, written, lent, follow
        self.undone: list[Callable[[], None]] = []
        for cls in optimizers():
            self._wrap(cls, "__init__", self._made)
            self._wrap(cls, "__call__", self._called)
        homes = [mindspore, mindspore.context]
        context = mindspore.set_context

        def eager(*args: Any, **words: Any) -> None:
            for gone in ("mode", "device_target", "device_id"):
                words.pop(gone, None)
            if words:
                context(**words)

        def plain(fn: Any = None, **words: Any) -> Any:
            return fn if fn is not None else lambda given: given

        for home in homes:
            self._put(home, "set_context", eager)
        if hasattr(mindspore, "set_device"):
            self._put(mindspore, "set_device", lambda *args, **words: None)
        self._put(mindspore, "jit", plain)  # a compiled step cannot be watched
        # Small steps are twice as fast without MindSpore's pipeline of threads, and each is looked at anyway.
        context(mode=mindspore.PYNATIVE_MODE, device_target="CPU", pynative_synchronize=True)

    def _put(self, owner: Any, name: str, value: Any) -> None:
        original = getattr(owner, name)
        setattr(owner, name, value)
        self.undone.append(lambda: setattr(owner, name, original))

    def _wrap(self, cls: Any, name: str, around: Callable[..., Any]) -> None:
        had = name in cls.__dict__
        original = getattr(cls, name)

        def method(optimizer: Any, *args: Any, **words: Any) -> Any:
            return around(original, optimizer, *args, **words)

        setattr(cls, name, method)
        self.undone.append(lambda: setattr(cls, name, original) if had else delattr(cls, name))

    def end(self) -> None:
        """Leave MindSpore as it was."""
        for undo in reversed(self.undone):
            undo()

    def _made(self, original: Any, optimizer: Any, *args: Any, **words: Any) -> None:
        if (lent := self.lent) is not None:
            args = tuple(given(each, lent) if isinstance(each, (list, tuple, Iterator)) else each for each in args)
            words = {n: given(each, lent) if n in ("params", "parameters") else each for n, each in words.items()}
        original(optimizer, *args, **words)
        self.journal.number(optimizer)

    def _called(self, original: Any, optimizer: Any, grads: Any) -> Any:
        if self.follow is not None:  # what the script wrote into the other side's parameters must not be undone
            self.follow()
        number = self.journal.number(optimizer)
        scale = float(getattr(optimizer, "loss_scale", 1.0))  # gradients are kept as they are after it
        params = list(optimizer.parameters)
        names = [p.name for p in params]
        fed = self.journal.fed(number, names, [tuple(p.shape) for p in params])
        if fed is not None:
            zeros = [np.zeros(tuple(p.shape), np.float32) if g is None else g for p, g in zip(params, fed, strict=True)]
            grads = tuple(mindspore.Tensor(np.array(g * np.float32(scale))) for g in zeros)
        rates, decays = numbers(optimizer, len(params))
        call = Call(names, rates, decays, [np.array(g.asnumpy()) / np.float32(scale) for g in grads])
        call.powers = any(hasattr(optimizer, name) for name in ("beta1", "beta2", "beta1_power"))
        result = original(optimizer, grads)
        call.weights = [np.array(p.asnumpy()) for p in params]
        if self.written is not None:
            for p in params:
                self.written(p)
        self.journal.add(number, call)
        return result


def seed() -> None:
    """The same first numbers in every run; a script's own seed comes later and wins."""
    mindspore.set_seed(0)


def optimizers() -> list[Any]:
    """The classes that all optimizers derive from."""
    found = [Ours]
    if Ours not in mindspore.nn.Optimizer.__mro__:
        found.append(mindspore.nn.Optimizer)
    with contextlib.suppress(ImportError):
        from mindspore.experimental.optim import Optimizer as Grouped

        found.append(Grouped)
    return found


def numbers(optimizer: Any, count: int) -> tuple[list[float], list[float]]:
    """The learning rate and weight decay that each parameter has in the coming update."""
    if hasattr(optimizer, "param_groups") and not isinstance(optimizer, Ours):
        pairs = [(g, len(g["params"])) for g in optimizer.param_groups]
        rates = [rate for g, n in pairs for rate in spread(g["lr"], n)]
        return rates, [decay for g, n in pairs for decay in spread(g.get("weight_decay", 0.0), n)]
    if isinstance(optimizer, Ours):
        values, places = optimizer.current(), optimizer._places
        groups = optimizer.engine.groups
        decays = [0.0 if i in groups[n].exempt else values[n]["weight_decay"] for n, i in places]
        made = int(optimizer.global_step.asnumpy()[0])
        return [values[n]["lr"] / (1 + made * values[n].get("lr_decay", 0)) for n, _ in places], decays
    rates = spread(optimizer.get_lr(), count)
    scale = float(optimizer.loss_scale)
    decays = [x / scale for x in spread(optimizer.get_weight_decay(), count)]
    flags = getattr(optimizer, "decay_flags", None) or (True,) * count
    return rates, [x if flag else 0.0 for x, flag in zip(decays, flags, strict=True)]


def spread(value: Any, count: int) -> list[float]:
    """One number per parameter."""
    if isinstance(value, (tuple, list)):
        return [float(x.asnumpy() if hasattr(x, "asnumpy") else x) for x in value]
    return [float(value.asnumpy() if hasattr(value, "asnumpy") else value)] * count


class Bridge:
    """Networks of the other side under MindSpore's optimizers: their forward pass there, the update here."""

    def __init__(self, other: Any) -> None:
        self.other = other
        self.lent: dict[int, tuple[Any, Any]] = {}  # id of a parameter there → (it, ours)
        self.owner: dict[int, Any] = {}  # id of ours → the parameter there
        undo, self.called = other.lend(self.give, self.rename)
        self.undone = [undo]
        self.patch(mindspore, "value_and_grad", self.value_and_grad)
        self.patch(mindspore.ops, "value_and_grad", self.value_and_grad)
        self.patch(mindspore.ops, "stop_gradient", self.stop_gradient)
        self.patch(mindspore.ops, "assign", self.assign)
        for cls in (mindspore.amp.DynamicLossScaler, mindspore.amp.StaticLossScaler):
            for name in ("scale", "unscale"):
                self.patch(cls, name, self.scaler(cls, name))

    def patch(self, owner: Any, name: str, value: Any) -> None:
        original = getattr(owner, name)
        setattr(self, f"original_{name}", original)
        setattr(owner, name, value)
        self.undone.append(lambda: setattr(owner, name, original))

    def end(self) -> None:
        for undo in reversed(self.undone):
            undo()

    def give(self, name: str, theirs: Any) -> Any:
        """Our parameter for one of theirs."""
        if id(theirs) not in self.lent:
            held = mindspore.Parameter(mindspore.Tensor(self.other.read(theirs)), name=name)
            held.requires_grad = theirs.requires_grad
            self.lent[id(theirs)] = theirs, held
            self.owner[id(held)] = theirs
        return self.lent[id(theirs)][1]

    def taken(self, theirs: Any) -> Any:
        """Our parameter for one of theirs that an optimizer is given by itself; anything else as it is."""
        if not self.other.is_tensor(theirs) or isinstance(theirs, mindspore.Parameter):
            return theirs
        return self.give(self.called(theirs) or f"parameter_{len(self.lent)}", theirs)

    def rename(self, held: Any, prefix: str) -> None:
        held.name = prefix + held.name

    def written(self, held: Any) -> None:
        """Our parameter was updated: theirs follows."""
        if id(held) in self.owner:
            self.other.write(self.owner[id(held)], held.asnumpy())

    def refresh(self) -> None:
        """Theirs may have been loaded anew, or written to: ours follow."""
        for theirs, held in self.lent.values():
            array = self.other.read(theirs)
            if not np.array_equal(array, held.asnumpy()):
                mindspore.ops.assign(held, mindspore.Tensor(array))

    def value_and_grad(
        self, fn: Any, grad_position: Any = 0, weights: Any = None, has_aux: bool = False, **more: Any
    ) -> Any:
        ours = list(weights) if isinstance(weights, (tuple, list)) else [weights]
        theirs = [self.owner.get(id(w)) for w in ours]
        if weights is None or any(p is None for p in theirs):
            return self.original_value_and_grad(fn, grad_position, weights, has_aux, **more)  # type: ignore[attr-defined]

        def run(*args: Any) -> Any:
            self.refresh()
            out, grads = self.other.gradients(lambda: fn(*args), theirs)
            return out, tuple(mindspore.Tensor(g) for g in grads)

        return run

    def stop_gradient(self, x: Any) -> Any:
        return x.detach() if self.other.is_tensor(x) else self.original_stop_gradient(x)  # type: ignore[attr-defined]

    def assign(self, held: Any, value: Any) -> Any:
        done = self.original_assign(held, value)  # type: ignore[attr-defined]
        self.written(held)
        return done

    def scaler(self, cls: type, name: str) -> Any:
        original = getattr(cls, name)

        def method(scaler: Any, x: Any) -> Any:
            if not self.other.is_tensor(x):
                return original(scaler, x)
            factor = float(scaler.scale_value.asnumpy())
            return x * factor if name == "scale" else x / factor

        return method
