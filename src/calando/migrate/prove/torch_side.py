"""PyTorch under observation: optimizers that are recorded or fed, networks that lend their parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from .given import given
from .journal import Call, Journal

NAMES: dict[int, str] = {}  # id of a parameter → the name that it has on the other side


class Watch:
    """Records every update of every optimizer, and feeds recorded gradients where there are some."""

    def __init__(
        self, journal: Journal, written: Callable[[Any], None] | None = None, lent: Callable[[Any], Any] | None = None
    ) -> None:
        self.journal, self.written = journal, written
        self.before: dict[int, Call] = {}
        self.frozen: set[torch.Tensor] = set()  # when an optimizer was made; MindSpore's hold none of these
        original = torch.optim.Optimizer.__init__

        def init(optimizer: Any, params: Any, *args: Any, **words: Any) -> None:
            original(optimizer, params if lent is None else given(params, lent), *args, **words)
            self.journal.number(optimizer)
            self.frozen |= {p for group in optimizer.param_groups for p in group["params"] if not p.requires_grad}

        torch.optim.Optimizer.__init__ = init  # type: ignore[method-assign, assignment]
        self.handles = [register_optimizer_step_pre_hook(self.pre), register_optimizer_step_post_hook(self.post)]
        self.original = original

    def end(self) -> None:
        """Leave PyTorch as it was."""
        torch.optim.Optimizer.__init__ = self.original  # type: ignore[method-assign]
        for handle in self.handles:
            handle.remove()

    def pre(self, optimizer: Any, args: Any, words: Any) -> Any:
        """Look at the gradients before an update; where a closure makes them, when it has."""
        closure = words.get("closure") or (args[1] if len(args) > 1 else None)
        if closure is None:
            self.look(optimizer)
            return None
        seen = False

        def watched() -> Any:
            nonlocal seen
            loss = closure()
            if not seen:
                self.look(optimizer)
                seen = True
            return loss

        return (args[0], watched), {key: value for key, value in words.items() if key != "closure"}

    def look(self, optimizer: Any) -> None:
        number = self.journal.number(optimizer)
        rows = self.rows(optimizer)
        params = [p for _, p in rows]
        names = [NAMES.get(id(p), "") for p in params]
        names = names if all(names) else []
        fed = self.journal.fed(number, names, [tuple(p.shape) for p in params])
        ups = [factor(group) for group, _ in rows]
        if fed is not None:
            for p, grad, up in zip(params, fed, ups, strict=True):
                p.grad = None if grad is None else torch.from_numpy(np.asarray(grad * up)).to(p.dtype)
        made = len(self.journal.calls[number])
        rates = [float(group["lr"]) / (1 + made * group.get("lr_decay", 0)) for group, _ in rows]
        decays = [float(group.get("weight_decay", 0.0)) for group, _ in rows]
        pairs = zip(params, ups, strict=True)  # kept as what weights go down along
        grads = [None if p.grad is None else read(p.grad) / up for p, up in pairs]
        powers = any("betas" in group for group in optimizer.param_groups)
        self.before[number] = Call(names, rates, decays, grads, powers=powers)

    def rows(self, optimizer: Any) -> list[tuple[dict[str, Any], torch.Tensor]]:
        """Each parameter that may move, behind its group."""
        held = [(group, p) for group in optimizer.param_groups for p in group["params"]]
        return [(group, p) for group, p in held if p.requires_grad or p not in self.frozen]

    def post(self, optimizer: Any, args: Any, words: Any) -> None:
        number = self.journal.number(optimizer)
        params = [p for _, p in self.rows(optimizer)]
        call = self.before.pop(number)
        call.weights = [read(p) for p in params]
        if self.written is not None:
            for p in params:
                self.written(p)
        self.journal.add(number, call)


def factor(group: dict[str, Any]) -> np.float32:
    """What the gradients of a group are divided by to be what its weights go down along."""
    scale = float(group.get("loss_scale") or 1.0)
    return np.float32(-scale if group.get("maximize") else scale)


def seed() -> None:
    """The same first numbers in every run; a script's own seed comes later and wins."""
    torch.manual_seed(0)


def read(p: Any) -> np.ndarray:
    """A tensor as an array of its own."""
    held = p.detach().cpu()
    return np.array((held.float() if held.dtype == torch.bfloat16 else held).numpy())


def version(p: Any) -> int:
    """How often a parameter was written to."""
    return int(p._version)


def write(p: Any, array: np.ndarray) -> None:
    """Put an array into a parameter."""
    with torch.no_grad():
        p.copy_(torch.from_numpy(np.array(array)).to(p.dtype))


def parameter(name: str, array: np.ndarray) -> Any:
    """A parameter that stands for one of the other side."""
    made = torch.nn.Parameter(torch.from_numpy(np.array(array)))
    NAMES[id(made)] = name
    return made


def accumulate(p: Any, grad: np.ndarray) -> None:
    """Add a gradient to what a parameter holds, as ``backward`` does."""
    come = torch.from_numpy(np.array(grad)).to(p.dtype)
    p.grad = come if p.grad is None else p.grad + come


def loaded(after: Callable[[], Any]) -> Callable[[], None]:
    """Be told when ``calando.migrate.whole.load`` has written weights; what undoes it."""
    from .. import whole as room

    original = room.load

    def load(optimizer: Any, stored: Any) -> Any:
        told = original(optimizer, stored)
        after()
        return told

    room.load = load
    return lambda: setattr(room, "load", original)


def scaled(foreign: type) -> Callable[[], None]:
    """Let ``GradScaler.scale`` take losses of the other side; what undoes it."""
    original = torch.amp.GradScaler.scale

    def scale(scaler: Any, outputs: Any) -> Any:
        if not isinstance(outputs, foreign):
            return original(scaler, outputs)
        original(scaler, torch.zeros(()))  # which makes its scale where it is the first
        return outputs * scaler.get_scale()

    torch.amp.GradScaler.scale = scale  # type: ignore[method-assign, assignment]
    return lambda: setattr(torch.amp.GradScaler, "scale", original)


def taken(foreign: type, found: Callable[[Any, list[Any]], list[np.ndarray]]) -> Callable[[], None]:
    """Let ``calando.migrate.gradients.by_weights`` take losses of the other side; what undoes it."""
    from .. import gradients as room

    original = room.by_weights

    def by_weights(loss: Any, weights: Any, sens: Any = 1.0) -> Any:
        if not isinstance(loss, foreign):
            return original(loss, weights, sens)
        return tuple(torch.from_numpy(g) * sens for g in found(loss, list(weights)))

    room.by_weights = by_weights
    return lambda: setattr(room, "by_weights", original)


def is_tensor(x: Any) -> bool:
    return isinstance(x, torch.Tensor)


class Within(TorchFunctionMode):
    """What was computed before this block is a constant in it: MindSpore records a function only while it runs."""

    def __enter__(self) -> Within:
        node: Any = (torch.zeros((), requires_grad=True) + 1).grad_fn
        self.before = node._sequence_nr()
        super().__enter__()
        return self

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*self.given(args), **self.given(kwargs or {}))

    def given(self, x: Any) -> Any:
        """An argument without the tape that led to it."""
        if isinstance(x, torch.Tensor):
            node = x.grad_fn
            return x.detach() if node is not None and node._sequence_nr() <= self.before else x
        if type(x) in (tuple, list):
            return type(x)(map(self.given, x))
        return {name: self.given(each) for name, each in x.items()} if type(x) is dict else x


def gradients(run: Callable[[], Any], params: list[Any]) -> tuple[Any, list[np.ndarray]]:
    """What a forward pass returns, and the gradient of the first of it by every parameter.

    As in MindSpore, only what is computed in it has gradients.
    """
    with torch.enable_grad():
        with Within() as within:
            out = run()
        loss = within.given(out[0] if isinstance(out, tuple) else out)
        found = torch.autograd.grad(loss, params, allow_unused=True) if loss.requires_grad else [None] * len(params)
    arrays = [
        np.zeros(tuple(p.shape), np.float32) if g is None else read(g) for p, g in zip(params, found, strict=True)
    ]
    return settled(out), arrays


def settled(out: Any) -> Any:
    """Results without a graph."""
    if isinstance(out, tuple):
        return tuple(settled(each) for each in out)
    return out.detach() if isinstance(out, torch.Tensor) else out


def lend(
    give: Callable[[str, Any], Any], rename: Callable[[Any, str], None]
) -> tuple[Callable[[], None], Callable[[Any], str]]:
    """Give networks the methods of MindSpore's; what undoes it, and how a parameter is called there."""

    above: dict[int, tuple[Any, str]] = {}  # id of a module → the module it is a part of, and its name there
    homes: dict[int, tuple[Any, str]] = {}  # the same of parameters

    def full(module: Any, name: str) -> str:
        while id(module) in above:
            module, part = above[id(module)]
            name = f"{part}.{name}"
        return name

    def registered(module: Any, name: str, part: Any) -> None:
        if part is not None:
            above[id(part)] = module, name

    def held(module: Any, name: str, p: Any) -> None:
        if p is not None:
            homes[id(p)] = module, name

    def called(p: Any) -> str:
        return full(*homes[id(p)]) if id(p) in homes else ""

    hooks = torch.nn.modules.module
    handles = [
        hooks.register_module_module_registration_hook(registered),
        hooks.register_module_parameter_registration_hook(held),
    ]

    def trainable_params(self: Any, recurse: bool = True) -> list[Any]:
        named = self.named_parameters(recurse=recurse)
        return [give(full(self, name), p) for name, p in named if p.requires_grad]

    def parameters_and_names(self: Any, name_prefix: str = "", expand: bool = True) -> Any:
        for name, p in self.named_parameters(recurse=expand):
            yield name, give(full(self, name), p)

    def update_parameters_name(self: Any, prefix: str = "", recurse: bool = True) -> None:
        for name, p in self.named_parameters():
            rename(give(full(self, name), p), prefix)

    methods = (trainable_params, parameters_and_names, update_parameters_name)
    for method in methods:
        setattr(torch.nn.Module, method.__name__, method)

    def undo() -> None:
        for handle in handles:
            handle.remove()
        for method in methods:
            delattr(torch.nn.Module, method.__name__)

    return undo, called
