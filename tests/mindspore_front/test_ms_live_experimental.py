"""``experimental.optim``, its schedulers and ``mint.optim``, live, with hyperparameters that no recording has.

calando.torch has the same classes (``test_golden_experimental.py`` says why nn.Adam stands for experimental's Adam).
What is drawn keeps away from where MindSpore's float32 runs out of digits (docs/mindspore_quirks.md, "Where float32
runs out of digits"): β₂ and α up to 0.999, since it computes 1 - β₂ᵗ in float32, and a centered RMSprop that remembers.

    CALANDO_DRAWN=300 pytest tests/mindspore_front/test_ms_live_experimental.py
"""

import os
from itertools import count

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from mindspore_front import kinds
from mindspore_front.kinds import PARAMS, distance
from mindspore_front.test_ms_live_drawn import between

DRAWN = int(os.environ.get("CALANDO_DRAWN", "5"))
SHAPES = {"matrix": (3, 2, 2), "vector": (5,), "number": ()}
STEPS, RATES = 6, 20
FRESH = count()
RATE = between(0.0005, 0.1)
EPS = st.sampled_from([1e-8, 1e-6, 1e-3])
BETAS = {"betas": st.tuples(between(0.01, 0.98), between(0.1, 0.999))}
SIGN = {"maximize": st.booleans()}
OWN = {
    "ASGD": {"lambd": between(0.0, 1.0), "alpha": between(0.0, 2.0), "t0": st.sampled_from([0.0, 2.0, 1e6]), **SIGN},
    "Adadelta": {"rho": between(0.0, 0.99), "eps": EPS, **SIGN},
    "Adagrad": {"lr_decay": between(0.0, 1.0), "initial_accumulator_value": between(0.0, 2.0), "eps": EPS, **SIGN},
    "Adam": {**BETAS, "eps": EPS},
    "AdamW": {**BETAS, "eps": EPS, "amsgrad": st.booleans(), **SIGN},
    "Adamax": {**BETAS, "eps": EPS, **SIGN},
    "NAdam": {**BETAS, "eps": EPS, "momentum_decay": between(0.0, 1.0)},
    "RAdam": {**BETAS, "eps": EPS},
    "RMSprop": {
        "alpha": between(0.5, 0.99), "eps": EPS, "centered": st.booleans(), "momentum": between(0.0, 0.98), **SIGN
    },
    "Rprop": {
        "etas": st.tuples(between(0.1, 0.9), between(1.05, 2.0)),
        "step_sizes": st.tuples(between(0.0, 0.0005), between(0.1, 2.0)),
        **SIGN,
    },
    "SGD": {"momentum": between(0.1, 0.98), "nesterov": st.booleans(), **SIGN},
}  # fmt: skip
MINT = {
    "Adam": {**BETAS, "eps": EPS, **SIGN},
    "SGD": {"momentum": between(0.1, 0.98), "nesterov": st.booleans(), **SIGN},
}


def ours(name, groups, options, epsilon_hat):
    """calando's optimizer, and whether it is called with its gradients."""
    import calando.torch
    from calando.mindspore import nn

    if not epsilon_hat:
        return getattr(calando.torch, name)(groups, **options)
    beta1, beta2 = options.pop("betas")
    return nn.Adam(groups, beta1=beta1, beta2=beta2, **options)


def follow(mindspore, words, name, options, grouped, seed):
    """Play one case on both sides; the largest distance of any parameter after any step."""
    import torch

    rng, prefix = np.random.default_rng(seed), f"experimental{next(FRESH)}"
    start = {key: np.asarray(rng.standard_normal(shape), "f4") for key, shape in SHAPES.items()}
    real = kinds.mindspore_kind(mindspore)
    told = [real.param(p, f"{prefix}.{key}") for key, p in start.items()]
    held = [torch.nn.Parameter(torch.from_numpy(p.copy())) for p in start.values()]
    first = {"lr": options["lr"] / 2} if grouped else {}
    arranged = [[{"params": ps[:1], **first}, {"params": ps[1:]}] for ps in (told, held)]
    theirs = getattr(words, name)(arranged[0], **options)
    epsilon_hat = name == "Adam" and words.__name__.startswith("mindspore.experimental")
    optimizer = ours(name, arranged[1], dict(options), epsilon_hat)
    worst = 0.0
    for _ in range(STEPS):
        push = [np.asarray(rng.standard_normal(p.shape), "f4") for p in start.values()]
        theirs(real.grads(push))
        if epsilon_hat:
            optimizer(tuple(map(torch.from_numpy, push)))
        else:
            for p, g in zip(held, push, strict=True):
                p.grad = torch.from_numpy(g)
            optimizer.step()
        pairs = zip(held, told, strict=True)
        worst = max([worst, *(distance(p.detach().numpy(), real.read(q)) for p, q in pairs)])
    return worst


def drawn(mindspore, words, name, own, share=1.0):
    decay = {} if name == "Rprop" else {"weight_decay": between(0.0, 0.5)}
    options = st.fixed_dictionaries({"lr": RATE, **own, **decay})

    @settings(max_examples=max(2, int(DRAWN * share)))
    @given(options, st.booleans(), st.integers(0, 9999))
    def play(options, grouped, seed):
        note(repr(options))
        assert follow(mindspore, words, name, options, grouped, seed) <= PARAMS

    play()


@pytest.mark.parametrize("name", OWN)
def test_optimizers(mindspore, torch, name):
    from mindspore.experimental import optim

    drawn(mindspore, optim, name, OWN[name], 0.5 if name in ("ASGD", "Rprop") else 1.0)


@pytest.mark.parametrize("name", MINT)
def test_mint(mindspore, torch, name, monkeypatch):
    """With ``Tensor.add_`` and its like given their meaning: MindSpore's CPU leaves the tensor alone there."""
    from mindspore import mint

    def in_place(new):
        def write(self, *args, **options):
            self.asnumpy()[...] = new(self, *args, **options).asnumpy()
            return self

        return write

    for word, new in {
        "add_": lambda x, y, alpha=1: mint.add(x, y, alpha=alpha),
        "mul_": mint.mul,
        "copy_": lambda x, y: y + 0,
    }.items():
        monkeypatch.setattr(mindspore.Tensor, word, in_place(new), raising=False)
    drawn(mindspore, mint.optim, name, MINT[name])


def lengths(first, last):
    return st.integers(first, last)


SCHEDULERS = {
    "StepLR": {"step_size": lengths(1, 8), "gamma": between(0.1, 1.5)},
    "MultiStepLR": {"milestones": st.sets(lengths(1, 30), max_size=4).map(sorted), "gamma": between(0.1, 1.2)},
    "ExponentialLR": {"gamma": between(0.5, 1.1)},
    "LinearLR": {"start_factor": between(0.1, 1), "end_factor": between(0, 1), "total_iters": lengths(1, 20)},
    "ConstantLR": {"factor": between(0.1, 1), "total_iters": lengths(0, 20)},
    "PolynomialLR": {"total_iters": lengths(1, 40), "power": between(0.2, 3)},
    "CosineAnnealingLR": {"T_max": lengths(1, 50), "eta_min": between(0, 0.1)},
    "CosineAnnealingWarmRestarts": {"T_0": lengths(1, 9), "T_mult": lengths(1, 4), "eta_min": between(0, 0.1)},
    "CyclicLR": {
        "base_lr": between(0.001, 0.1),
        "max_lr": between(0.1, 1),
        "step_size_up": lengths(1, 12),
        "step_size_down": st.none() | lengths(1, 12),
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
        "gamma": between(0.5, 1),
    },
    "LambdaLR": {"lr_lambda": st.sampled_from([lambda e: 0.9**e, lambda e: 1 / (1 + e), lambda e: e // 3])},
    "MultiplicativeLR": {"lr_lambda": st.sampled_from([lambda e: 0.95, lambda e: 1 / (1 + e / 10)])},
    "ReduceLROnPlateau": {
        "mode": st.sampled_from(["min", "max"]),
        "factor": between(0.1, 0.9),
        "patience": lengths(0, 4),
        "threshold": st.sampled_from([1e-4, 0.1]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
        "cooldown": lengths(0, 3),
        "min_lr": st.sampled_from([0.0, 0.01]),
        "eps": st.sampled_from([1e-8, 1e-3]),
    },
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers(mindspore, torch, name):
    from mindspore.experimental import optim

    import calando.torch

    more = {"cycle_momentum": False} if name == "CyclicLR" else {}

    @settings(max_examples=DRAWN)
    @given(st.fixed_dictionaries(SCHEDULERS[name]), st.lists(RATE, min_size=1, max_size=2), st.integers(0, 9999))
    def follow(options, rates, seed):
        prefix, rng = f"scheduled{next(FRESH)}", np.random.default_rng(seed)
        real = kinds.mindspore_kind(mindspore)
        told = [real.param(np.ones(2, "f4"), f"{prefix}.{i}") for i in range(len(rates))]
        held = [torch.nn.Parameter(torch.ones(2)) for _ in rates]
        theirs = optim.SGD([{"params": [p], "lr": lr} for p, lr in zip(told, rates, strict=True)], lr=0.1)
        optimizer = calando.torch.SGD([{"params": [p], "lr": lr} for p, lr in zip(held, rates, strict=True)], lr=0.1)
        one = getattr(optim.lr_scheduler, name)(theirs, **options)
        other = getattr(torch.optim.lr_scheduler, name)(optimizer, **options, **more)
        shown, mine = [], []
        for step in range(RATES):
            shown.append([float(group["lr"].asnumpy()) for group in theirs.param_groups])
            mine.append([float(group["lr"]) for group in optimizer.param_groups])
            metric = [abs(rng.standard_normal()) / (1 + step / 4)] if name == "ReduceLROnPlateau" else []
            for p in held:
                p.grad = torch.zeros(2)
            optimizer.step()
            one.step(*metric), other.step(*metric)
        assert distance(mine, shown) <= 2e-5

    follow()
