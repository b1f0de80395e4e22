"""float16 against live ``mindspore.nn``: parameters and all that is kept beside them, to the last bit.

Gradients span seven powers of ten, so squares and products underflow, and numbers lie in between two of float16.
"""

from itertools import count

import numpy as np
import pytest

from calando.mindspore import nn
from calando.rules.asgd import ASGD
from calando.rules.halves import HALVES
from mindspore_front import kinds
from mindspore_front.kinds import distance

FRESH = count()
SHAPES = {"matrix.weight": (40, 25), "bn.gamma": (8,), "bn.beta": (13,), "cube.weight": (6, 5, 7), "one": (1,)}
STEPS = 6
CASES = [
    ("ASGD", {"learning_rate": 0.05, "lambd": 0.1, "t0": 2.0, "weight_decay": 0.1}),
    ("AdaMax", {"learning_rate": 0.01, "eps": 1e-4, "weight_decay": 0.03, "loss_scale": 8.0}),
    ("Adadelta", {"learning_rate": 0.5, "epsilon": 1e-4, "weight_decay": 0.1}),
    ("Adagrad", {"learning_rate": 0.03, "weight_decay": 0.1, "loss_scale": 3.0}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.1, "beta2": 0.9999, "weight_decay": 0.1, "loss_scale": 1024.0}),
    ("Adam", {"learning_rate": 0.02, "beta1": 0.7, "use_nesterov": True, "eps": 1e-3}),
    ("AdamWeightDecay", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("AdamWeightDecay", {"learning_rate": 0.003, "beta2": 0.99, "eps": 1e-3}),
    ("LazyAdam", {"learning_rate": 0.01, "weight_decay": 0.01}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1, "loss_scale": 7.0}),
    ("ProximalAdagrad", {"learning_rate": 0.01, "l1": 0.01, "l2": 0.02, "weight_decay": 0.1}),
    ("RMSProp", {"learning_rate": 0.013, "momentum": 0.9}),
    ("RMSProp", {"learning_rate": 0.01, "centered": True, "epsilon": 1e-4, "weight_decay": 0.1}),
    ("Rprop", {"learning_rate": 0.013, "etas": (0.3, 1.7), "step_sizes": (1e-4, 0.02), "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "loss_scale": 128.0}),
    ("SGD", {"learning_rate": [0.05, 0.04, 0.03, 0.02, 0.01, 0.0], "dampening": 0.3, "momentum": 0.5}),
]
ADAFACTOR = [
    {},
    {"beta1": 0.0},
    {"beta1": None, "eps": (0.0, 0.0)},
    {"relative_step": False, "learning_rate": 0.01, "scale_parameter": False},
]


def kinds_of_ours(mindspore):
    return {"mindspore": kinds.mindspore_kind(mindspore), "calando": kinds.calando_kind(), "numpy": named_arrays()}


def named_arrays():
    cls = type("Named", (np.ndarray,), {"name": ""})

    def param(array, name):
        found = array.copy().view(cls)
        found.name = name
        return found

    return kinds.Kind("numpy", param, lambda array: array.copy())


def played(mindspore, name, options, kind, shapes=SHAPES, spread=(-6, 1)):
    """After each step: what MindSpore holds and what we hold, by name, float16 only."""
    rng, prefix = np.random.default_rng(len(str(options))), f"half{next(FRESH)}"
    start = {f"{prefix}.{key}": rng.standard_normal(shape).astype("f2") for key, shape in shapes.items()}
    real, mine = kinds.mindspore_kind(mindspore), kinds_of_ours(mindspore)[kind]
    told, held = ({key: k.param(p, key) for key, p in start.items()} for k in (real, mine))
    theirs = getattr(mindspore.nn, name)(list(told.values()), **options)
    optimizer = getattr(nn, name)(list(held.values()), **options)
    for _ in range(STEPS):
        push = [
            (rng.standard_normal(p.shape) * 10 ** rng.uniform(*spread, p.shape)).astype("f2") for p in start.values()
        ]
        theirs(real.grads(push))
        optimizer(mine.grads(push))
        kept = {key: np.asarray(value.asnumpy()) for key, value in theirs.parameters_dict().items()}
        ours = {key: mine.read(value) for key, value in optimizer.parameters_dict().items()}
        yield {key: (a, ours[key]) for key, a in kept.items() if a.dtype == np.float16 and key in ours}


@pytest.mark.parametrize("kind", ["mindspore", "calando", "numpy"])
@pytest.mark.parametrize("name, options", CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_every_bit_is_the_originals(mindspore, torch, name, options, kind):
    for pairs in played(mindspore, name, options, kind):
        assert len(pairs) >= len(SHAPES)
        for key, (theirs, ours) in pairs.items():
            np.testing.assert_array_equal(ours, theirs, key)


@pytest.mark.parametrize("kind", ["mindspore", "calando", "numpy"])
@pytest.mark.parametrize("options", ADAFACTOR, ids=str)
def test_adafactor_but_for_how_lengths_are_summed(mindspore, torch, options, kind):
    """A root mean square is a sum, one after another there: its last bits may put a number on the other side."""
    off = total = 0
    for pairs in played(mindspore, "AdaFactor", options, kind, spread=(-3, 0)):
        for key, (theirs, ours) in pairs.items():
            assert distance(ours, theirs) <= 2**-10, key
            off, total = off + (ours != theirs).sum(), total + theirs.size
    assert off <= 0.01 * total


def test_numbers_of_more_than_float16_are_computed_as_before(torch):
    """The same optimizer with parameters of both dtypes: those of float32 take no notice."""
    rng = np.random.default_rng(0)
    single, half, push = (rng.standard_normal(9).astype(dtype) for dtype in ("f4", "f2", "f4"))
    both, alone = ([x.copy() for x in xs] for xs in ((single, half), (single,)))
    mixed, plain = nn.Adam(both, 0.1, weight_decay=0.1), nn.Adam(alone, 0.1, weight_decay=0.1)
    for _ in range(3):
        mixed((push.copy(), push.astype("f2"))), plain((push.copy(),))
    np.testing.assert_array_equal(both[0], alone[0])


def test_an_average_follows_float16_too(torch):
    rng = np.random.default_rng(1)
    start, pushes = rng.standard_normal(40).astype("f2"), rng.standard_normal((4, 40)).astype("f2")
    plain, followed = [start.copy()], [start.copy()]
    one, other = nn.AdamWeightDecay(plain, 0.1), nn.AdamWeightDecay(followed, 0.1, ema=0.5)
    mean = start.astype("f4")
    for push in pushes:
        one((push.copy(),)), other((push.copy(),))
        np.testing.assert_array_equal(plain[0], followed[0])
        mean = mean + (plain[0] - mean) * np.float32(0.5)
    np.testing.assert_allclose(other.ema_parameters()[0], mean, rtol=2e-3, atol=1e-3)


def test_steps_of_asgd_are_numbers_of_float32(mindspore):
    """Operation by operation as MindSpore's construct: in float64 a weight was one unit of float16 off at times."""
    hyper = {"lr": float(np.float32(0.1216)), "lambd": 1e-4, "alpha": 0.9571, "t0": 1.0}
    tensor, rule = (lambda x: mindspore.Tensor(x, mindspore.float32)), HALVES[ASGD]
    eta, mu, rate = hyper["lr"], 1.0, tensor(0.1216)
    for age in range(1, 40):
        keep = 1.0 - hyper["lambd"] * tensor(eta)
        assert np.float32(rule.scalars(hyper, age, eta, mu).keep) == keep.asnumpy()
        eta, mu = rule.remember(hyper, age, eta, mu)
        grown = mindspore.ops.pow(1.0 + hyper["lambd"] * rate * tensor(age), hyper["alpha"])
        assert np.float32(eta) == (rate / grown).asnumpy()
