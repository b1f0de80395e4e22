"""Optimizers whose checkpoints are compared: what they are made of, and how they are run and read."""

from itertools import count

import numpy as np

from mindspore_front.kinds import PARAMS, SLOTS, distance, started

fresh = count()  # MindSpore compiles by parameter names: no two tests may share them
SHAPES = {"fc.weight": (3, 4), "bn.gamma": (3,), "fc.bias": (3,)}
HERE, AWAY = 3, 3  # updates before the change and after it
ROWS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1, "loss_scale": 4.0}),
    ("Adam", {"learning_rate": 0.02}),
    ("Adam", {"learning_rate": 0.02, "use_amsgrad": True, "beta2": 0.9}),
    ("Adam", {"learning_rate": 0.02, "use_nesterov": True}),
    ("Adam", {"learning_rate": 0.02, "use_lazy": True}),
    ("Adam", {"learning_rate": 0.02, "use_offload": True}),
    ("AdamWeightDecay", {"learning_rate": 0.02, "weight_decay": 0.1}),
    ("LazyAdam", {"learning_rate": 0.02}),
    ("AdamOffload", {"learning_rate": 0.02}),
    ("AdaMax", {"learning_rate": 0.02}),
    ("Adadelta", {"epsilon": 1e-2}),
    ("Adagrad", {"learning_rate": 0.05}),
    ("ProximalAdagrad", {"learning_rate": 0.05, "l1": 0.01, "l2": 0.1}),
    ("ASGD", {"learning_rate": 0.05, "t0": 2.0, "lambd": 0.1}),
    ("FTRL", {"learning_rate": 0.05}),
    ("RMSProp", {"learning_rate": 0.02, "momentum": 0.5}),
    ("RMSProp", {"learning_rate": 0.02, "centered": True}),
    ("Rprop", {"learning_rate": 0.02}),
]
IDS = [f"{name}-{'-'.join(options) or 'default'}" for name, options in ROWS]
LISTED = [0.05, 0.04, 0.03, 0.02, 0.015, 0.01]


def build(library, kind, name, options, shapes, grouping=None, values=None):
    """Parameters, and the optimizer of that library; ``grouping`` takes (parameters, library)."""
    params = kind.params(values or started(shapes=shapes))
    if kind.name == "numpy":
        params = {key: named_array(array, key) for key, array in params.items()}
    groups = list(params.values()) if grouping is None else grouping(list(params.values()), library)
    return params, getattr(library, name)(groups, **options)


class Named(np.ndarray):
    """A NumPy array with a name, so that three kinds of parameters have the same checkpoints."""


def named_array(array, name):
    made = array.view(Named)
    made.name = name
    return made


def go(kind, params, optimizer, pushes):
    known = {id(p): name for name, p in params.items()}
    order = [known[id(p)] for p in optimizer.parameters]
    for grads in pushes:
        optimizer(kind.grads(grads[name] for name in order))


def contents(optimizer):
    return {name: np.array(p.asnumpy()) for name, p in optimizer.parameters_dict().items()}


def compare(ours, theirs, names=()):
    """Same names in the same order, same shapes and types, same numbers."""
    assert list(ours) == list(theirs)
    for name, there in theirs.items():
        here = ours[name]
        assert (here.shape, here.dtype) == (there.shape, there.dtype), name
        bound = PARAMS if name in names else SLOTS
        assert distance(here, there) <= bound, f"{name}: {distance(here, there):.2g}"


def groups_of(params, library):
    return [{"params": params[:1], "lr": 0.03, "weight_decay": 0.1}, {"params": params[1:], "weight_decay": 0.2}]
