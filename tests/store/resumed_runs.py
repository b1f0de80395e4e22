"""Runs that are stored, and gone on with in another process: every optimizer, several schedules, both dialects.

As a script (``resumed_runs.py DIALECT FOLDER``) it resumes every file in the folder, makes the remaining steps, and
prints what came out, as JSON: case → SHA-256 of all parameters.
"""

import hashlib
import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import torch

import calando
from calando.schedules import Constant, Cosine, Exponential, Linear, Listed, Piecewise

BEFORE, AFTER = 4, 5

RATES = {  # name → how often the rate is, as a factor of the optimizer's usual one
    "number": lambda lr: lr,
    "cosine": lambda lr: Cosine(lr, lr / 10, 8),
    "list": lambda lr: Listed([lr * (1 + step % 3) / 3 for step in range(6)]).hold(),
    "composed": lambda lr: (
        Linear(lr / 5, lr, 3).then(Exponential(lr, 0.9, 2)) * Piecewise([1.0, 0.5], [5]) + Constant(lr / 9)
    ),
    "function": lambda lr: lambda step: lr / (1 + step),
}

OPTIONS = {  # more of an optimizer than its defaults
    "torch": [
        ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
        ("SGD", {"momentum": 0.9, "nesterov": True, "maximize": True}),
        ("Adam", {"amsgrad": True, "betas": (Linear(0.5, 0.9, 7), 0.99), "max_norm": 1.0}),
        ("RMSprop", {"momentum": 0.9, "centered": True}),
        ("ASGD", {"t0": 2.0}),
        ("LBFGS", {"line_search_fn": "strong_wolfe"}),
        ("AdamW", {"ema": Linear(0.5, 0.9, 7), "max_norm": Cosine(2.0, 0.5, 8), "dtype": "float64"}),
        ("AdamW", {"ema": 0.9, "dtype": "bfloat16"}),
        ("NAdam", {"dtype": "float16", "slot_dtype": "param"}),
        ("SGD", {"momentum": 0.9, "dtype": "bfloat16", "slot_dtype": "bfloat16"}),
        ("Adam", {"amsgrad": True, "slot_dtype": "bfloat16"}),
        ("Adam", {"watched": True}),
        ("RMSprop", {"momentum": 0.9, "late": True}),
        ("Adafactor", {"late": True, "dtype": "bfloat16"}),
        ("Adam", {"dtype": "complex64"}),
    ],
    "mindspore": [
        ("Momentum", {"momentum": Linear(0.5, 0.9, 7), "use_nesterov": True, "weight_decay": Cosine(0.1, 0.0, 8)}),
        ("SGD", {"momentum": 0.9, "dampening": 0.5}),
        ("Adam", {"use_amsgrad": True}),
        ("Adam", {"use_nesterov": True}),
        ("RMSProp", {"centered": True, "momentum": 0.9}),
        ("ASGD", {"t0": 2.0}),
    ],
}
OWN = ("dtype", "watched", "late")  # what a case asks of the run and not of the optimizer
NEEDED = {
    "AdaFactor": {"relative_step": False, "scale_parameter": False},
    "Momentum": {"momentum": 0.9, "loss_scale": 4.0},
}
SPARSE = ("SparseAdam",)  # those that take only sparse gradients
SLOW = {"Adadelta": 1.0, "LBFGS": 0.1}  # usual rates that are not 0.01


def rooms(dialect):
    """Where the optimizers of a dialect are, and their base."""
    room = import_module({"torch": "calando.torch", "mindspore": "calando.mindspore.nn"}[dialect])
    return room, room.Optimizer


def cases(dialect):
    """name of the case → (optimizer, options, rate): every optimizer that the dialect has."""
    room, base = rooms(dialect)
    names = [n for n, x in vars(room).items() if isinstance(x, type) and issubclass(x, base) and x is not base]
    rows = [(name, NEEDED.get(name, {})) for name in sorted(names)] + OPTIONS[dialect]
    return {
        f"{number:02d}-{name}-{rate}": (name, options, rate)
        for number, (name, options) in enumerate(rows)
        for rate in RATES
    }


def shapes(name):
    return {"w": (6, 4), "v": (3, 5)} if name == "Muon" else {"w": (6, 4), "b": (7,), "x": (2, 3, 2)}


class Run:
    """One optimizer over a few parameters; gradients are drawn from torch's global generator.

    Some options are the run's own: ``dtype`` of the parameters; ``watched`` by a Plateau; the last parameter comes
    ``late``, in a group of its own with the same rate, and has no gradient in some steps.
    """

    def __init__(self, dialect, name, options, rate):
        self.dialect, self.name = dialect, name
        self.kind = getattr(torch, options.get("dtype", "float32"))
        self.late = options.get("late", False)
        watched = options.get("watched", False)
        options = {key: value for key, value in options.items() if key not in OWN}
        rng = np.random.default_rng(7)
        start = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in shapes(name).items()}
        lr = RATES[rate](SLOW.get(name, 0.01))
        if dialect == "torch":
            import calando.torch as room

            self.params = {key: torch.nn.Parameter(torch.from_numpy(x).to(self.kind)) for key, x in start.items()}
            first = list(self.params.values())
            self.optimizer = getattr(room, name)(first[:-1] if self.late else first, lr=lr, **options)
            if self.late:
                self.optimizer.add_param_group({"params": first[-1:], "lr": RATES[rate](0.003)})
            self.plateau = room.Plateau(self.optimizer, patience=0, factor=0.7) if watched else None
        else:
            import calando.mindspore as room
            from calando.mindspore import nn

            self.params = {key: room.Parameter(x, name=key) for key, x in start.items()}
            values = list(self.params.values())
            if name == "LARS":
                self.optimizer = nn.LARS(nn.Momentum(values, learning_rate=lr, momentum=0.9, weight_decay=0.1))
            else:
                self.optimizer = getattr(nn, name)(values, learning_rate=lr, **options)

    def go(self, first, last):
        for step in range(first, last):
            if step == 2 and self.name not in ("LARS",):
                self.optimizer.set("weight_decay" if "weight_decay" in self.optimizer.spelling else "lr", 0.02)
            targets = [torch.randn(p.shape, dtype=self.kind) for p in self.params.values()]
            if self.dialect == "torch":
                self.step_torch(targets, idle=self.late and step % 3 == 1)
                if self.plateau is not None:
                    self.plateau.step(float(targets[0].sum()))
            else:
                self.step_mindspore(targets)

    def step_torch(self, targets, idle):
        def closure():
            self.optimizer.zero_grad()
            loss = sum((p - t).abs().square().sum() for p, t in zip(self.params.values(), targets, strict=True))
            loss.backward()
            for p in self.params.values() if self.name in SPARSE else ():
                p.grad = p.grad.to_sparse(1)
            if idle:
                list(self.params.values())[-1].grad = None
            return loss

        self.optimizer.step(closure) if self.name == "LBFGS" else (closure(), self.optimizer.step())

    def step_mindspore(self, targets):
        from calando.mindspore import Tensor

        self.optimizer(tuple(Tensor(2 * (p.detach() - t)) for p, t in zip(self.params.values(), targets, strict=True)))

    def digest(self):
        found = hashlib.sha256()
        for p in self.params.values():
            found.update(p.detach().as_subclass(torch.Tensor).reshape(-1).view(torch.uint8).numpy().tobytes())
        for array in self.optimizer.snapshot().to_plain()[1].values():
            found.update(array.tobytes())
        return found.hexdigest()


def main(dialect, folder):
    told = {}
    for case, row in cases(dialect).items():
        torch.manual_seed(99)  # the file's state must win
        run = Run(dialect, *row)
        resumed = calando.resume(folder / f"{case}.calando", model=run.params, optimizer=run.optimizer)
        run.go(resumed.step, BEFORE + AFTER)
        told[case] = run.digest()
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
