"""The frameworks: the same path as torch.optim, live, through the engine on NumPy arrays."""

import numpy as np
import pytest

from calando.decay import DECOUPLED, L2
from calando.rules.adam import ADAM, AMSGRAD
from calando.rules.sgd import SGD, SGD_MOMENTUM, SGD_NESTEROV
from twins import Case, make

ADAMS = {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "eps": 1e-6}
STEPS, LATER = 12, 0.03  # from step 6 on, the rate is another
SHAPES = [(), (7,), (3, 4, 2), (200,)]

ROWS = [  # rule, decay, hyper, maximize, torch's name and options
    (SGD, L2, {"lr": 0.05}, False, "SGD", {}),
    (SGD, L2, {"lr": 0.05, "weight_decay": 0.1}, True, "SGD", {"weight_decay": 0.1, "maximize": True}),
    (
        SGD_MOMENTUM,
        L2,
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        False,
        "SGD",
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    ),
    (
        SGD_NESTEROV,
        L2,
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.0, "weight_decay": 0.1},
        False,
        "SGD",
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    (ADAM, L2, ADAMS, False, "Adam", {}),
    (ADAM, L2, ADAMS | {"weight_decay": 0.1}, False, "Adam", {"weight_decay": 0.1}),
    (
        AMSGRAD,
        L2,
        ADAMS | {"weight_decay": 0.1},
        True,
        "Adam",
        {"weight_decay": 0.1, "amsgrad": True, "maximize": True},
    ),
    (ADAM, DECOUPLED, ADAMS | {"weight_decay": 0.1}, False, "AdamW", {"weight_decay": 0.1}),
    (ADAM, DECOUPLED, ADAMS | {"weight_decay": 0.1}, True, "AdamW", {"weight_decay": 0.1, "maximize": True}),
    (
        AMSGRAD,
        DECOUPLED,
        ADAMS | {"weight_decay": 0.1},
        False,
        "AdamW",
        {"weight_decay": 0.1, "amsgrad": True},
    ),
]


def both(torch, dtype, row, clip=None):
    """The last parameters of ours and of torch's, after the same gradients."""
    rule, decay, hyper, maximize, name, options = row
    rng = np.random.default_rng(11)
    start = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
    grads = [[np.array(rng.standard_normal(shape), dtype) for shape in SHAPES] for _ in range(STEPS)]
    grads[3][1] = None  # sits one step out, and does not age
    rate = {"lr": lambda step: hyper["lr"] if step < 6 else LATER}
    front = {"weight_decay": 0.0} | ({"max_norm": clip} if clip else {})
    engine = make([Case([np.array(p) for p in start], rule, decay, front | hyper | rate, maximize)])

    tensors = [torch.nn.Parameter(torch.tensor(p)) for p in start]
    told = {"lr": hyper["lr"]} | options
    if name != "SGD":
        told |= {"betas": (hyper["beta1"], hyper["beta2"]), "eps": hyper["eps"]}
    theirs = getattr(torch.optim, name)(tensors, foreach=False, **told)
    for step, given in enumerate(grads):
        engine.step([given])
        for p, g in zip(tensors, given, strict=True):
            p.grad = None if g is None else torch.tensor(g)
        if step == 6:
            theirs.param_groups[0]["lr"] = LATER
        if clip:
            torch.nn.utils.clip_grad_norm_(tensors, clip)
        theirs.step()
    return [m.param for m in engine.members[0]], [p.detach().numpy() for p in tensors]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[4]}-{row[0].name}-{row[1].name}-{row[3]}")
def test_follows_torch_in_float64(torch, row):
    for ours, theirs in zip(*both(torch, "float64", row), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[4]}-{row[0].name}-{row[1].name}-{row[3]}")
def test_follows_torch_in_float32(torch, row):
    # torch rounds in another order (lerp, addcdiv) and its vectorised sqrt may be off by one ulp. Each step
    # adds about one rounding of p, so after 12 steps 8 ulp of the largest parameter leave room.
    for ours, theirs in zip(*both(torch, "float32", row), strict=True):
        assert ours.dtype == np.float32
        ulp = np.spacing(np.abs(theirs).max())
        assert np.abs(ours - theirs).max() <= 8 * ulp


@pytest.mark.parametrize("row", [ROWS[0], ROWS[5]], ids=["SGD", "Adam"])
@pytest.mark.parametrize("clip", [0.5, 1e6])
def test_clips_as_torch_does(torch, row, clip):
    for ours, theirs in zip(*both(torch, "float64", row, clip), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)
