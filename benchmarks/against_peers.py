"""Steps of ``calando.torch`` against optax, heavyball, torch-optimi, pytorch_optimizer and timm, on ResNet-50.

Runs inside ``.venv-bench`` (see ``peers``) and prints one row as JSON per line. Every peer gets the arguments
with which its formula is ours, and everything else as it comes. optax is jitted and gets its parameters and state
donated. heavyball plays its own arithmetic uncompiled: to tune it takes more minutes than all the rest.
"""

import importlib
import importlib.util
import json
import os
import sys
import types
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import calando.torch

from .against_torch import beside, made
from .shapes import MODELS, Shapes
from .sides import WATCHED, Bound, Pair, Side, Step, slopes, start
from .timing import Differ, Row, Wish, agree, compared, interleaved, not_compared, patience, say

OPTAX, OTHERS = 0.4, 0.3  # the goals
RATE, BETAS = 1e-3, (0.9, 0.999)
TINY = 1e-20  # an eps that does not tell where it stands
ADAM = {"lr": RATE, "betas": BETAS, "eps": 1e-8, "weight_decay": 0.01}
PLAIN = {"lr": RATE, "betas": BETAS, "eps": TINY}
LAMB = {"lr": RATE, "betas": BETAS, "eps": 1e-6, "weight_decay": 0.01}
LARS = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}
LION = {"lr": 1e-4, "betas": (0.9, 0.99)}
ADAN = {"lr": RATE, "betas": (0.98, 0.92, 0.99), "eps": 1e-8}
SGD = {"lr": 0.1, "momentum": 0.9}

# name → (our class, our arguments, the peer's class, its arguments), for each library of torch's kind
Case = tuple[str, dict[str, Any], str, dict[str, Any]]
TORCH_LIKE: dict[str, dict[str, Case]] = {
    "heavyball": {
        "AdamW": ("AdamW", {**ADAM, "eps": TINY}, "AdamW", {**ADAM, "eps": TINY}),
        "NAdam": ("NAdam", PLAIN, "NAdam", PLAIN),
    },
    "optimi": {
        "AdamW": ("AdamW", ADAM, "AdamW", ADAM),
        "RAdam": ("RAdam", PLAIN, "RAdam", PLAIN),
        "Lion": ("Lion", LION, "Lion", LION),
        "Adan": ("Adan", ADAN, "Adan", {**ADAN, "weight_decay": 0.0}),
        "SGD+momentum": ("SGD", SGD, "SGD", {**SGD, "torch_init": True}),
    },
    "pytorch_optimizer": {
        "Lamb": ("Lamb", LAMB, "Lamb", {**LAMB, "max_grad_norm": 0.0, "weight_decouple": False}),
        "LARS": ("LARS", LARS, "LARS", LARS),
        "Lion": ("Lion", LION, "Lion", LION),
        "Adan": ("Adan", ADAN, "Adan", ADAN),
        "NAdam": ("NAdam", PLAIN, "NAdam", PLAIN),
        "RAdam": ("RAdam", PLAIN, "RAdam", PLAIN),
        "Adamax": ("Adamax", PLAIN, "AdaMax", PLAIN),
        "FTRL": ("FTRL", {"lr": RATE, "initial_accumulator_value": 0.0}, "FTRL", {"lr": RATE}),
    },
    "timm": {
        "Lamb": ("Lamb", LAMB, "lamb.Lamb", {**LAMB, "max_grad_norm": None, "always_adapt": True}),
        "LARS": ("LARS", LARS, "lars.Lars", LARS),
        "Lion": ("Lion", LION, "lion.Lion", LION),
        "Adan": ("Adan", ADAN, "adan.Adan", ADAN),
        "AdamW": ("AdamW", ADAM, "adamw.AdamWLegacy", ADAM),
        "RAdam": ("RAdam", PLAIN, "radam.RAdamLegacy", PLAIN),
    },
}
FIXED, SLOW = {"learning_rate": RATE}, {"learning_rate": 0.01}
# name → (our class, our arguments, optax's function, its arguments)
JAX: dict[str, Case] = {
    "AdamW": ("AdamW", ADAM, "adamw", {**FIXED, "weight_decay": 0.01}),
    "AdamW, max_norm": ("AdamW", {**ADAM, "max_norm": 10.0}, "adamw", {**FIXED, "weight_decay": 0.01}),
    "AMSGrad": ("Adam", {**PLAIN, "amsgrad": True}, "amsgrad", {**FIXED, "eps": TINY}),
    "SGD+momentum": ("SGD", SGD, "sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    "SGD+Nesterov": (
        "SGD",
        {**SGD, "nesterov": True},
        "sgd",
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "Adagrad": ("Adagrad", {"lr": 0.01}, "adagrad", {**SLOW, "initial_accumulator_value": 0.0, "eps": TINY}),
    "Adadelta": ("Adadelta", {}, "adadelta", {"learning_rate": 1.0}),
    "Adamax": ("Adamax", PLAIN, "adamax", {**FIXED, "eps": TINY}),
    "RAdam": ("RAdam", PLAIN, "radam", {**FIXED, "eps": TINY}),
    "RMSprop": ("RMSprop", {"lr": RATE}, "rmsprop", {**FIXED, "decay": 0.99, "eps_in_sqrt": False}),
    "Rprop": ("Rprop", {"lr": 0.01, "etas": (0.5, 1.01)}, "rprop", {**SLOW, "eta_plus": 1.01}),
    "Lamb": ("Lamb", LAMB, "lamb", {**FIXED, "weight_decay": 0.01}),
    "LARS": ("LARS", LARS, "lars", {"learning_rate": 0.1, "weight_decay": 1e-4, "momentum": 0.9}),
    "Lion": ("Lion", LION, "lion", {"learning_rate": 1e-4, "weight_decay": 0.0}),
    "Adan": ("Adan", ADAN, "adan", {**FIXED, "eps_root": 0.0}),
}


def found(library: str, name: str) -> Any:
    """A class of a library; of timm, whose packages want torchvision, only the one file is loaded."""
    if library == "heavyball":
        importlib.import_module("heavyball.utils").compile_mode = None
    if library != "timm":
        return getattr(importlib.import_module(library), name)
    spec = importlib.util.find_spec("timm") if "timm" not in sys.modules else None
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        for package, place in (("timm", folder), ("timm.optim", folder / "optim")):
            sys.modules[package] = types.ModuleType(package)
            sys.modules[package].__path__ = [str(place)]
    file, _, kind = name.partition(".")
    return getattr(importlib.import_module(f"timm.optim.{file}"), kind)


def torch_like(wish: Wish) -> Iterator[Row]:
    """The libraries whose optimizers are torch's kind."""
    shapes = MODELS["ResNet-50"]()
    for library, cases in TORCH_LIKE.items():
        for name, (kind, ours, theirs, arguments) in cases.items():
            against = f"{library}.{theirs.rpartition('.')[2]}"
            say(f"{name}: {against}")
            peer: list[Any] = [partial(built, library, theirs, arguments)]
            if library == "heavyball":
                peer.append(giving)
            pair = Pair(f"{name}: {against}", shapes, [partial(made, calando.torch, kind, ours)], peer)
            try:
                times = beside(pair, wish.rounds, builds=2)
            except Differ as problem:
                yield not_compared(name, against, OTHERS, problem, library, name)
                continue
            yield compared(name, against, *times[:2], OTHERS, library, name, times[2])


def built(library: str, name: str, arguments: dict[str, Any], params: Any) -> Any:
    """A peer's optimizer."""
    return found(library, name)(params, **arguments)


def giving(side: Side) -> Step:
    """A step of heavyball, which takes the gradients away."""

    def step() -> None:
        side.give(side.given)
        side.optimizer.step()

    return step


class Jitted:
    """An optax chain, compiled as one function that may write over its own parameters and state."""

    def __init__(self, shapes: Shapes, name: str, arguments: dict[str, Any], max_norm: float | None):
        import jax
        import optax

        make = getattr(optax, name, None) or getattr(optax.contrib, name)
        chain = make(**arguments)
        if max_norm is not None:
            chain = optax.chain(optax.clip_by_global_norm(max_norm), chain)

        def update(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
            changes, state = chain.update(grads, state, params)
            return optax.apply_updates(params, changes), state

        self.update = jax.jit(update, donate_argnums=(0, 1))
        self.wait = jax.block_until_ready
        self.params = [jax.numpy.array(p) for p in start(shapes)]
        self.given = [jax.numpy.array(g) for g in slopes(shapes)]
        self.state = chain.init(self.params)

    def step(self) -> None:
        """One update, until it is there."""
        self.params, self.state = self.wait(self.update(self.params, self.state, self.given))

    def numbers(self) -> list[np.ndarray]:
        """Copies of the first and the last parameters."""
        half = WATCHED // 2
        return [np.array(p) for p in (*self.params[:half], *self.params[-half:])]


def optax_like(wish: Wish) -> Iterator[Row]:
    """optax on JAX's CPU backend."""
    shapes = MODELS["ResNet-50"]()
    for name, (kind, ours, theirs, arguments) in JAX.items():
        against = f"optax.{theirs}" + (" and clip_by_global_norm" if "max_norm" in ours else "")
        say(f"{name}: {against}")
        side = Side(shapes, partial(made, calando.torch, kind, ours))
        side.give(list(map(torch.from_numpy, slopes(shapes))))
        peer = Jitted(shapes, theirs, arguments, ours.get("max_norm"))
        bound = Bound(shapes, side.optimizer)
        times = interleaved({"ours": side.step, "peer": peer.step, "floor": bound.add}, wish.rounds)
        try:
            agree(name, side.start, side.numbers(), peer.numbers())
        except Differ as problem:
            yield not_compared(name, against, OPTAX, problem, "optax", name)
            continue
        floor = bound.seconds(times["floor"])
        yield compared(name, against, times["ours"], times["peer"], OPTAX, "optax", name, floor)


def main() -> None:
    """All of them, as JSON."""
    warnings.simplefilter("ignore")  # the peers' own
    rounds, patience[0], *chosen = int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]
    wish = Wish(("ResNet-50",), rounds, 0.0)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints is no row
    for rows in (optax_like, torch_like):
        if not chosen or rows.__name__ in chosen:
            for row in rows(wish):
                print(json.dumps(asdict(row)), file=out, flush=True)


if __name__ == "__main__":
    main()
