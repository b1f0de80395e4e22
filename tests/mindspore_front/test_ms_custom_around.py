"""Optimizers around and below others: LARS around every one, and subclasses that override ``construct``."""

import numpy as np
import pytest

from calando.mindspore import nn
from calando.schedules import Linear
from mindspore_front.kinds import calando_kind, noises, started

SHAPES = {"a.weight": (4, 5), "a.bias": (4,), "b.weight": (3, 4)}
AROUND = {
    name: {}
    for name in (
        "ASGD", "AdaMax", "Adadelta", "Adagrad", "Adam", "AdamOffload", "FTRL", "LazyAdam", "NAdam", "ProximalAdagrad",
        "RAdam", "RMSProp", "Rprop", "SGD",
    )
} | {"Momentum": {"learning_rate": Linear(0.1, 0.01, 20), "momentum": 0.9}, "SGD": {"momentum": 0.5}}  # fmt: skip


def around(name, seed=0, **options):
    params = list(calando_kind().params(started(seed, shapes=SHAPES)).values())
    return nn.LARS(getattr(nn, name)(params, weight_decay=0.01, **AROUND[name]), **options)


def trained(optimizer, noise):
    for each in noise:
        optimizer(calando_kind().grads(each.values()))
    return [p.asnumpy().tobytes() for p in optimizer.parameters]


@pytest.mark.parametrize("use_clip", [False, True])
@pytest.mark.parametrize("how", ["checkpoint", "snapshot"])
@pytest.mark.parametrize("name", AROUND)
def test_lars_goes_on_exactly(name, how, use_clip, torch, tmp_path):
    """Also after its coefficient was changed in mid-training."""
    import calando.mindspore as ms

    noise = noises(6, shapes=SHAPES)
    whole, half = around(name, use_clip=use_clip), around(name, use_clip=use_clip)
    fresh = around(name, seed=5, coefficient=0.01, use_clip=use_clip)
    for optimizer in (whole, half):
        trained(optimizer, noise[:3])
        optimizer.coefficient = 0.01
    wanted = trained(whole, noise[3:])
    if how == "checkpoint":
        ms.save_checkpoint(half, str(tmp_path / "lars.ckpt"))
        assert ms.load_param_into_net(fresh, ms.load_checkpoint(str(tmp_path / "lars.ckpt"))) == ([], [])
    else:
        fresh.restore(half.snapshot())
        for p, q in zip(fresh.parameters, half.parameters, strict=True):
            p.set_data(q)
    assert trained(fresh, noise[3:]) == wanted


def test_what_lars_refuses(torch):
    """Before anything has changed: the optimizer inside makes its own steps afterwards."""
    params = list(calando_kind().params(started(shapes=SHAPES)).values())

    class Own(nn.Optimizer):
        def construct(self, gradients):
            return True

    inner = nn.SGD(params, 0.1)
    shown = repr(inner)
    cases = [
        ("LBFGS makes its steps itself", lambda: nn.LARS(nn.LBFGS(params))),
        ("Own makes its steps itself", lambda: nn.LARS(Own(0.1, params))),
        ("'lars_filter' must be a function of a parameter, but got 3", lambda: nn.LARS(inner, lars_filter=3)),
        ("'use_clip' must be True or False, but got 3", lambda: nn.LARS(inner, use_clip=3)),
        ("must be an optimizer of calando.mindspore.nn, but got list", lambda: nn.LARS(params)),
        ("must leave weight decay to LARS; Lamb does not", lambda: nn.LARS(nn.Lamb(params, 0.1))),
    ]
    for sentence, made in cases:
        with pytest.raises(TypeError, match=f"For 'LARS': .*{sentence}"):
            made()
    assert repr(inner) == shown


@pytest.mark.parametrize(
    "name, options",
    [("SGD", {}), ("Lamb", {"learning_rate": 0.1}), ("AdaFactor", {}), ("LBFGS", {"learning_rate": 0.1})],
)
def test_a_subclass_may_override_construct(name, options, torch):
    """What is called is construct: halved gradients make the path of halved gradients."""
    base = getattr(nn, name)

    class Halved(base):
        def construct(self, gradients):
            return super().construct(tuple(g * 0.5 for g in gradients))

    noise = noises(3, shapes=SHAPES)
    halves = [{word: np.float32(0.5) * g for word, g in each.items()} for each in noise]
    ours, plain = (
        cls(list(calando_kind().params(started(shapes=SHAPES)).values()), **options) for cls in (Halved, base)
    )
    assert trained(ours, noise) == trained(plain, halves)
