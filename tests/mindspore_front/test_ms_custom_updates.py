"""ops.ApplyMomentum and its kin: one update against the same primitive of installed MindSpore, or its formula."""

import re

import numpy as np
import pytest

from mindspore_front.kinds import calando_kind, distance, mindspore_kind, numpy_kind, torch_kind

CLOSE = 3e-7  # of the largest number, after three updates
SHAPE = (5, 7)

# name → (arguments of the constructor, arguments of the call): p parameter, s any slot, + a slot above 0, c a slot
# near 0, 1 and 0 such slots, g gradient, (x,) a number.
CASES = {
    "ApplyGradientDescent": ((), "p", (0.1,), "g"),
    "ApplyMomentum": ((), "p", "s", (0.1,), "g", (0.9,)),
    "SGD": ((0.2, 0.01, False), "p", "g", (0.1,), "s", (0.9,), "1"),
    "SGD again": ((0.2, 0.01, False), "p", "g", (0.1,), "s", (0.9,), "0"),
    "SGD nesterov": ((0.0, 0.01, True), "p", "g", (0.1,), "s", (0.9,), "0"),
    "SGD nesterov first": ((0.0, 0.01, True), "p", "g", (0.1,), "s", (0.9,), "1"),
    "SGD plain": ((0.0, 0.01, False), "p", "g", (0.1,), "s", (0.0,), "1"),
    "Adam": ((), "p", "s", "+", (0.81,), (0.998,), (0.1,), (0.9,), (0.999,), (1e-6,), "g"),
    "Adam nesterov": ((False, True), "p", "s", "+", (0.9,), (0.999,), (0.1,), (0.9,), (0.999,), (1e-6,), "g"),
    "AdamWeightDecay": ((), "p", "s", "+", (0.1,), (0.9,), (0.999,), (1e-6,), (0.02,), "g"),
    "ApplyAdamWithAmsgrad": ((0.8, 0.99, 1e-5), "p", "s", "+", "+", (0.9,), (0.999,), (0.1,), "g"),
    "ApplyAdamWithAmsgradV2": ((), "p", "s", "+", "+", (0.9,), (0.999,), (0.1,), (0.9,), (0.999,), (1e-6,), "g"),
    "ApplyAdaMax": ((), "p", "s", "+", (0.9,), (0.1,), (0.9,), (0.999,), (1e-6,), "g"),
    "ApplyAdadelta": ((), "p", "+", "+", (0.5,), (0.9,), (1e-3,), "g"),
    "ApplyAdagrad": ((), "p", "+", (0.1,), "g"),
    "ApplyAdagradV2": ((1e-3,), "p", "+", (0.1,), "g"),
    "ApplyAdagradV2 standing": ((1e-3, False), "p", "+", (0.1,), "g"),
    "ApplyProximalAdagrad": ((), "p", "+", (0.1,), (0.05,), (0.02,), "g"),
    "ApplyFtrl": ((), "p", "+", "s", "g", (0.1,), (0.0,), (0.02,), (-0.5,)),
    "ApplyFtrl power": ((), "p", "+", "s", "g", (0.1,), (0.0,), (0.02,), (-0.7,)),
    "ApplyRMSProp": ((), "p", "+", "s", (0.1,), "g", (0.9,), (0.8,), (1e-6,)),
    "ApplyCenteredRMSProp": ((), "p", "c", "+", "s", "g", (0.1,), (0.9,), (0.8,), (1e-6,)),
}
NUMBERS = ("ApplyRMSProp", "ApplyCenteredRMSProp")  # whose decay, momentum and epsilon MindSpore takes as numbers only


def arrays(name, seed, dtype="float32"):
    """What a call is handed over, by place; numbers as they are."""
    rng = np.random.default_rng(seed)
    makers = {
        "p": lambda x: x,
        "s": lambda x: x,
        "g": lambda x: x,
        "c": lambda x: 0.1 * x,
        "+": lambda x: np.abs(x) + 0.5,
        "1": np.ones_like,
        "0": np.zeros_like,
    }
    given = [
        makers[a](rng.standard_normal(SHAPE)).astype(dtype) if isinstance(a, str) else a[0] for a in CASES[name][1:]
    ]
    return given, [a if isinstance(a, str) else "" for a in CASES[name][1:]]


def played(name, kind, ops, wrapped, steps=3, dtype="float32"):
    """Parameter and slots after some updates, and how many things the last call returned."""
    given, marks = arrays(name, 3, dtype)
    rng = np.random.default_rng(8)
    handed = [
        kind.param(x, f"x{i}") if mark and mark != "g" else x
        for i, (x, mark) in enumerate(zip(given, marks, strict=True))
    ]
    update = getattr(ops, name.partition(" ")[0])(*CASES[name][0])
    for _ in range(steps):
        call = [
            kind.tensor(rng.standard_normal(SHAPE).astype(dtype)) if mark == "g" else x if mark else wrapped(x)
            for x, mark in zip(handed, marks, strict=True)
        ]
        found = update(*call)
    kept = [kind.read(x) for x, mark in zip(handed, marks, strict=True) if mark and mark != "g"]
    return kept, len(found) if isinstance(found, tuple) else 1


@pytest.mark.parametrize("name", CASES)
def test_as_mindspore_has_it(name, mindspore, torch):
    from calando.mindspore import ops

    real = mindspore_kind(mindspore)
    as_is = name.startswith(NUMBERS)
    theirs, count = played(name, real, mindspore.ops, lambda x: x if as_is else mindspore.Tensor(np.float32(x)))
    ours, found = played(name, calando_kind(), ops, lambda x: x)
    assert found == count
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert distance(mine, other) <= CLOSE
    same, _ = played(name, real, ops, lambda x: mindspore.Tensor(np.float32(x)))
    assert [x.tobytes() for x in same] == [x.tobytes() for x in ours]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_memory(name, dtype, torch):
    """NumPy arrays, torch tensors and calando's Parameters: the same bits."""
    from calando.mindspore import ops

    paths = [played(name, kind(), ops, lambda x: x, 2, dtype)[0] for kind in (numpy_kind, torch_kind, calando_kind)]
    assert paths[0][0].dtype == dtype
    for other in paths[1:]:
        assert [x.tobytes() for x in other] == [x.tobytes() for x in paths[0]]


# Where MindSpore's CPU kernel departs from its documentation: the formula, in float64.


def one(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(SHAPE).astype("f4") for _ in range(3)]


def test_nesterov_and_gradient_scale_of_momentum(torch):
    from calando.mindspore import ops

    p, m, g = one()
    wanted_m = 0.9 * m.astype("f8") + 0.5 * g
    wanted_p = p - 0.1 * (0.5 * g + 0.9 * wanted_m)
    assert ops.ApplyMomentum(use_nesterov=True, gradient_scale=0.5)(p, m, 0.1, g, 0.9) is p
    assert distance(m, wanted_m) <= 2e-7 and distance(p, wanted_p) <= 2e-7


def test_l1_of_ftrl(torch):
    from calando.mindspore import ops

    p, z, g = one()
    a = np.full(SHAPE, 0.5, "f4")
    new = a.astype("f8") + g.astype("f8") ** 2
    wanted_z = z + g - (np.sqrt(new) - np.sqrt(a)) / 0.1 * p
    shrunk = (np.sign(wanted_z) * 0.5 - wanted_z) / (np.sqrt(new) / 0.1 + 2 * 0.25)
    wanted_p = np.where(np.abs(wanted_z) > 0.5, shrunk, 0.0)
    ops.ApplyFtrl()(p, a, z, g, 0.1, 0.5, 0.25, -0.5)
    assert distance(a, new) <= 2e-7 and distance(z, wanted_z) <= 1e-6 and distance(p, wanted_p) <= 1e-6


def test_adagrad_that_stands(torch):
    from calando.mindspore import ops

    p, s, g = one()
    s = np.abs(s) + np.float32(0.5)
    kept, wanted = s.copy(), p - 0.1 * g / np.sqrt(s.astype("f8") + 1e-8)
    ops.ApplyAdagrad(update_slots=False)(p, s, 0.1, g)
    assert s.tobytes() == kept.tobytes() and distance(p, wanted) <= 2e-7


def test_a_half_gradient_of_a_single_parameter(torch):
    """As in MindSpore, the gradient is raised to the parameter's type."""
    import calando.mindspore as ms

    p = ms.Parameter(np.ones(3, "f4"), name="p")
    ms.ops.ApplyGradientDescent()(p, 0.5, ms.Tensor(np.array([1, 2, 3], "f2")))
    assert p.asnumpy().tolist() == [0.5, 0.0, -0.5]


def test_a_step_upwards(torch):
    """A negative rate climbs, as in MindSpore."""
    from calando.mindspore import ops

    p = np.zeros(2, "f4")
    ops.ApplyGradientDescent()(p, -0.5, np.array([1, 2], "f4"))
    assert p.tolist() == [0.5, 1.0]


def test_errors(torch):
    import calando.mindspore as ms
    from calando.mindspore import ops

    p, m, g = (ms.Parameter(x, name=n) for x, n in zip(one(), ("fc.weight", "m", "g"), strict=True))
    before = [x.asnumpy().tobytes() for x in (p, m)]
    long, double = ms.Parameter(np.ones(8, "f4"), name="short"), ms.Parameter(np.ones(SHAPE, "f8"), name="d")
    apply, adam = ops.ApplyMomentum(), ops.Adam()
    stat, nan = np.eye(*SHAPE, dtype="f4"), float("nan")
    cases = {
        "ApplyMomentum': the slot 'short' has shape (8,); the parameter has (5, 7)": lambda: apply(
            p, long, 0.1, g, 0.9
        ),
        "ApplyMomentum': the slot 'd' is float64 on cpu; the parameter is": lambda: apply(p, double, 0.1, g, 0.9),
        "ApplyMomentum': the gradient of parameter 'fc.weight' has shape": lambda: apply(p, m, 0.1, long, 0.9),
        "ApplyMomentum': the gradient of parameter 'fc.weight' is": lambda: apply(p, m, 0.1, double, 0.9),
        "ApplyMomentum': 'momentum' must lie in [0, inf), but got -1": lambda: apply(p, m, 0.1, g, -1),
        "ApplyMomentum': 'learning_rate' must be one number, but got": lambda: apply(p, m, long, g, 0.9),
        "ApplyMomentum': 'learning_rate' must be a number, but got None": lambda: apply(p, m, None, g, 0.9),
        "ApplyMomentum': 'learning_rate' must be a finite number": lambda: apply(p, m, nan, g, 0.9),
        "ApplyMomentum': 'use_nesterov' must be True or False": lambda: ops.ApplyMomentum(1),
        "ApplyMomentum': a parameter must be a torch tensor": lambda: apply(3.0, m, 0.1, g, 0.9),
        "Adam': 'beta1_power' must lie in [0, 1), but got 1": lambda: adam(p, m, m, 1, 0.9, 0.1, 0.9, 0.9, 1e-8, g),
        "ApplyFtrl': 'lr' must lie in (0, inf), but got 0": lambda: ops.ApplyFtrl()(p, m, m, g, 0.0),
        "SGD': nesterov needs a dampening of 0": lambda: ops.SGD(0.1, 0.0, True),
        "SGD': 'stat' must be 1 or 0 everywhere": lambda: ops.SGD()(p, g, 0.1, m, 0.9, stat),
    }
    for sentence, call in cases.items():
        with pytest.raises((TypeError, ValueError), match=re.escape(f"For '{sentence}")):
            call()
    assert [x.asnumpy().tobytes() for x in (p, m)] == before


def test_names_where_mindspore_has_them(mindspore, torch):
    from calando.mindspore import ops
    from calando.mindspore.network import updates
    from calando.mindspore.network.updates.update import Locking, Update

    names = {cls.__name__ for cls in {*Update.__subclasses__(), *Locking.__subclasses__()} - {Locking}}
    assert names == set(updates.__all__) == {name.partition(" ")[0] for name in CASES}
    for name in names:
        assert hasattr(mindspore.ops, name) and hasattr(mindspore.ops.operations, name)
        assert getattr(ops, name) is getattr(ops.operations, name)
