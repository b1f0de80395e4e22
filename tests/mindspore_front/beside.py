"""An optimizer beside the formulas of its parameters, step by step."""

import numpy as np

from calando.mindspore import nn
from mindspore_front.kinds import NEEDED, Formula, distance, noises, started

SHAPES = {"a": (3, 2), "b": (4,)}


NEAR = 2e-6


def make(name, groups, **options):
    return getattr(nn, name)(groups, **NEEDED.get(name, {}) | options)


def number(x):
    """A tensor, Parameter or array of one number."""
    return float(np.asarray(x.asnumpy() if hasattr(x, "asnumpy") else x).item())


class Run:
    """An optimizer beside the formulas; ``lr`` and other numbers are changed in both."""

    def __init__(self, kind, name="SGD", groups=None, lr=0.1, formula=None, **options):
        self.kind, start = kind, started(shapes=SHAPES)
        self.params = kind.params(start)
        given = groups(self.params) if groups else self.params.values()
        self.optimizer = make(name, given, learning_rate=lr, **options)
        usual = {k: v for k, v in (NEEDED.get(name, {}) | options).items() if k != "learning_rate"}
        self.twins = {key: Formula(name, p, **(formula or usual)) for key, p in start.items()}
        self.pushes = iter(noises(40, shapes=SHAPES))
        self.lr = dict.fromkeys(SHAPES, lr)

    def step(self, count=1, **changed):
        for _ in range(count):
            grads = next(self.pushes)
            self.optimizer(self.kind.grads(grads.values()))
            for name, twin in self.twins.items():
                twin.step(grads[name], self.lr[name], **changed)
                assert distance(self.kind.read(self.params[name]), twin.p) <= NEAR, name
