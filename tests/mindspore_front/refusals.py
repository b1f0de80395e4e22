"""What the tests of refusals have in common: two parameters, and all that a refused call must leave as it was."""

import numpy as np

from calando.mindspore import nn
from mindspore_front.kinds import NEEDED

SHAPES = [(3, 2), (2,)]


def make(name, groups, **options):
    return getattr(nn, name)(groups, **NEEDED.get(name, {}) | options)


def params_of(kind):
    return [
        kind.param(np.arange(1, 1 + np.prod(shape), dtype="f4").reshape(shape), f"p{i}")
        for i, shape in enumerate(SHAPES)
    ]


def grads_of(kind):
    return list(kind.grads(np.ones(shape, "f4") for shape in SHAPES))


def state(kind, optimizer):
    """All that a call may change, as bytes and texts."""
    snapshot = optimizer.snapshot()
    slots = [{n: a.tobytes() for n, a in kept.slots.items()} for group in snapshot.groups for kept in group.params]
    ages = [kept.age for group in snapshot.groups for kept in group.params]
    clocks = [group.clock for group in snapshot.groups]
    shown = [str(optimizer.get_lr()), str(optimizer.get_weight_decay()), str(optimizer.learning_rate)]
    return [kind.read(p).tobytes() for p in optimizer.parameters], slots, ages, clocks, repr(optimizer), shown
