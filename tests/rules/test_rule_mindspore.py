"""The frameworks: the same path as mindspore.nn, live, through the engine on NumPy arrays.

MindSpore computes in float32 and hands its hyperparameters to the kernels in float32, so these are
rounded first (1 - float32(0.999) is not 0.001). Compared by max|ours - theirs| / max|theirs|: float32
reaches about 3e-7 per parameter, and 1e-5 is the bound for all optimizers alike.
"""

from itertools import count

import numpy as np
import pytest

from calando.decay import DECOUPLED, L2
from calando.rules.adam import (
    ADAM_EPSILON_HAT,
    ADAM_EPSILON_HAT_AHEAD,
    ADAM_UNCORRECTED,
    AMSGRAD_EPSILON_HAT,
)
from calando.rules.sgd import MOMENTUM, SGD, SGD_MOMENTUM, SGD_NESTEROV
from twins import Case, make

STEPS, BOUND = 6, 1e-5
SHAPES = [(7,), (3, 4, 2), (200,)]
RATES = [0.05, 0.04, 0.03, 0.02, 0.015, 0.01]
ADAMS = {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3}

ROWS = [  # rule, decay, our hyperparameters besides lr, mindspore's name and options
    (SGD, L2, {"weight_decay": 0.1, "loss_scale": 16.0}, "SGD", {"weight_decay": 0.1, "loss_scale": 16.0}),
    (
        SGD_MOMENTUM,
        L2,
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        "SGD",
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    ),
    (SGD_NESTEROV, L2, {"momentum": 0.9, "dampening": 0.0}, "SGD", {"momentum": 0.9, "nesterov": True}),
    (
        MOMENTUM,
        L2,
        {"momentum": 0.9, "weight_decay": 0.1, "loss_scale": 4.0},
        "Momentum",
        {"momentum": 0.9, "weight_decay": 0.1, "loss_scale": 4.0},
    ),
    (ADAM_EPSILON_HAT, L2, ADAMS, "Adam", ADAMS),
    (
        ADAM_EPSILON_HAT,
        L2,
        ADAMS | {"weight_decay": 0.1, "loss_scale": 8.0},
        "Adam",
        ADAMS | {"weight_decay": 0.1, "loss_scale": 8.0},
    ),
    (ADAM_EPSILON_HAT_AHEAD, L2, ADAMS, "Adam", ADAMS | {"use_nesterov": True}),
    (AMSGRAD_EPSILON_HAT, L2, ADAMS, "Adam", ADAMS | {"use_amsgrad": True}),
    (
        ADAM_UNCORRECTED,
        DECOUPLED,
        ADAMS | {"weight_decay": 0.1},
        "AdamWeightDecay",
        ADAMS | {"weight_decay": 0.1},
    ),
]


FRESH = count()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """MindSpore may write a folder rank_0 where it runs."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("dynamic", [False, True], ids=["one lr", "lr list"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[3]}-{row[0].name}-{len(row[4])}")
def test_follows_mindspore(mindspore, row, dynamic):
    rule, decay, hyper, name, options = row
    rng = np.random.default_rng(12)
    start = [rng.standard_normal(shape).astype("f4") for shape in SHAPES]
    grads = [[rng.standard_normal(shape).astype("f4") for shape in SHAPES] for _ in range(STEPS)]
    lr = RATES if dynamic else RATES[0]

    rounded = {key: float(np.float32(value)) for key, value in hyper.items()}
    ours = {"weight_decay": 0.0} | rounded | {"lr": np.float32(lr).astype("f8").tolist()}
    engine = make([Case(start, rule, decay, ours)])

    # MindSpore may reuse what it compiled for an earlier optimizer whose parameters had the same names
    params = [mindspore.Parameter(mindspore.Tensor(p.copy()), name=f"told{next(FRESH)}") for p in start]
    theirs = getattr(mindspore.nn, name)(params, learning_rate=lr, **options)
    for given in grads:
        engine.step([given])
        theirs(tuple(mindspore.Tensor(g) for g in given))
    for member, p in zip(engine.members[0], params, strict=True):
        told = p.asnumpy()
        assert np.abs(member.param - told).max() <= BOUND * np.abs(told).max()
