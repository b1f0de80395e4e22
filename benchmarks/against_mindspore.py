"""Optimizers on parameters of real MindSpore, against ``mindspore.nn`` (PyNative mode, MindSpore's default).

MindSpore queues work, so each side reads its last parameter after the step, which waits for the queue.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from .shapes import MODELS, Shapes
from .sides import Bound, slopes, start
from .timing import Differ, Row, Wish, agree, compared, interleaved, not_compared, say

GOAL = 0.4
SECTION = "mindspore.nn"
RATE = {"learning_rate": 1e-3}
# name → (class, arguments)
FAMILY: dict[str, tuple[str, dict[str, Any]]] = {
    "Adam": ("Adam", RATE),
    "Adam, Nesterov": ("Adam", {**RATE, "use_nesterov": True}),
    "Adam, AMSGrad": ("Adam", {**RATE, "use_amsgrad": True}),
    "AdamWeightDecay": ("AdamWeightDecay", {**RATE, "weight_decay": 0.01}),
    "AdaMax": ("AdaMax", RATE),
    "Adadelta": ("Adadelta", RATE),
    "Adagrad": ("Adagrad", RATE),
    "ASGD": ("ASGD", RATE),
    "FTRL": ("FTRL", RATE),
    "Lamb": ("Lamb", RATE),
    "LARS, Momentum": ("Momentum", {**RATE, "momentum": 0.9}),
    "Momentum": ("Momentum", {**RATE, "momentum": 0.9}),
    "ProximalAdagrad": ("ProximalAdagrad", RATE),
    "RMSProp": ("RMSProp", {**RATE, "epsilon": 1e-6}),
    "RMSProp, centered": ("RMSProp", {**RATE, "epsilon": 1e-6, "centered": True}),
    "Rprop": ("Rprop", RATE),
    "SGD": ("SGD", {**RATE, "momentum": 0.9}),
    "AdaFactor": ("AdaFactor", {}),
}

# what MindSpore's error says → what the table says
FAILURES = {
    "Unsupported op": "MindSpore has no CPU kernel for it",
    "Exceed function call depth": "MindSpore cannot compile it for 161 parameters",
}


class Missing(Exception):
    """The peer cannot do this on the CPU."""


def family(wish: Wish) -> Iterator[Row]:
    """Every optimizer of ``mindspore.nn``, on ResNet-50."""
    if find_spec("mindspore") is None:
        say("MindSpore is not installed, nothing measured against it")
        return
    shapes = MODELS["ResNet-50"]()
    for name, (kind, arguments) in FAMILY.items():
        against = f"mindspore.nn.{kind}" if "LARS" not in name else "mindspore.nn.LARS"
        say(f"{name}: {against}")
        try:
            times = measured(name, shapes, kind, arguments, wish.rounds)
        except Differ as problem:
            yield not_compared(name, against, GOAL, problem, SECTION, name)
            continue
        except RuntimeError as problem:
            reason = next((told for sign, told in FAILURES.items() if sign in str(problem)), None)
            if reason is None:
                raise
            yield not_compared(name, against, GOAL, Missing(reason), SECTION, name)
            continue
        yield compared(name, against, times["ours"], times["peer"], GOAL, SECTION, name, times["floor"])


def measured(name: str, shapes: Shapes, kind: str, arguments: dict[str, Any], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of both sides.

    Raises:
        Differ: they do not end at the same numbers.
    """
    import mindspore

    from calando.mindspore import nn

    given = tuple(map(mindspore.Tensor, slopes(shapes)))
    begun = start(shapes)

    def optimizer(room: Any) -> tuple[list[Any], Any]:
        params = [mindspore.Parameter(mindspore.Tensor(p), name=f"p{i}") for i, p in enumerate(begun)]
        made = getattr(room, kind)(params, **arguments)
        return params, room.LARS(made) if "LARS" in name else made

    (ours, our_optimizer), (peer, their_optimizer) = optimizer(nn), optimizer(mindspore.nn)
    sides = {"ours": waiting(our_optimizer, given, ours[-1]), "peer": waiting(their_optimizer, given, peer[-1])}
    our_optimizer(given)  # what it moves is known with its slots
    bound = Bound(shapes, our_optimizer)
    their_optimizer(given)
    times = interleaved({**sides, "floor": bound.add}, rounds)
    times["floor"] = bound.seconds(times["floor"])
    watched = [0, -2]
    agree(name, [begun[i] for i in watched], *([side[i].asnumpy() for i in watched] for side in (ours, peer)))
    return times


def waiting(optimizer: Callable[..., Any], gradients: tuple[Any, ...], last: Any) -> Callable[[], None]:
    """A step that has ended when the call returns."""

    def step() -> None:
        optimizer(gradients)
        last.asnumpy()

    return step
