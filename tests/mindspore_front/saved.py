"""A small optimizer and a small network to be saved and loaded, and all that either may change."""

import numpy as np

import calando.mindspore as ms
from calando.mindspore import nn
from mindspore_front.kinds import noises, started

SHAPES = {"a.weight": (3, 4), "b.bias": (3,)}


def params(seed=0):
    return [ms.Parameter(array, name=name) for name, array in started(seed, shapes=SHAPES).items()]


def stepped(optimizer, steps=2):
    for grads in noises(steps, shapes=SHAPES):
        optimizer(tuple(ms.Tensor(g) for g in grads.values()))
    return optimizer


def adam(ps):
    return nn.Adam(ps, 0.02)


def all_of(optimizer):
    kept = optimizer.snapshot()
    groups = [(group.clock, repr(group.timelines)) for group in kept.groups]
    ages = [(param.name, param.age, param.memory) for group in kept.groups for param in group.params]
    arrays = {name: array.tobytes() for name, array in kept.to_plain()[1].items()}
    return repr(optimizer), groups, ages, arrays, [p.asnumpy().tobytes() for p in optimizer.parameters]


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(4, 3)
        self.bn = nn.BatchNorm2d(3)

    def construct(self, x):
        return self.fc(x)


def values(net):
    return {p.name: p.asnumpy().copy() for p in net.get_parameters()}


def same(here, there):
    return here.keys() == there.keys() and all(np.array_equal(here[name], there[name]) for name in here)
