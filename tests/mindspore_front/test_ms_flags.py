"""MindSpore's flags on every optimizer, as callbacks read them; and what is told of MindSpore's slots, which are no
attributes here."""

import numpy as np
import pytest

from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.checkpointed import fresh
from mindspore_front.kinds import NEEDED

FLAGS = (
    "cls_name",
    "decay_flags",
    "dynamic_lr",
    "dynamic_weight_decay",
    "exec_weight_decay",
    "is_group",
    "is_group_lr",
    "need_scale",
    "param_length",
    "reciprocal_scale",
    "target",
)
GIVEN = {
    "nothing": (lambda p: p, {}),
    "a decay": (lambda p: p, {"weight_decay": 0.1, "loss_scale": 8.0}),
    "a list": (lambda p: p, {"learning_rate": [0.1, 0.2]}),
    "groups": (lambda p: [{"params": p[:1]}, {"params": p[1:]}], {}),
    "rates": (lambda p: [{"params": p[:1], "lr": 0.2}, {"params": p[1:]}], {"learning_rate": 0.1}),
    "decays": (lambda p: [{"params": p[:1], "weight_decay": 0.2}, {"params": p[1:]}], {}),
    "lists": (lambda p: [{"params": p[:1], "lr": [0.2, 0.1]}, {"params": p[1:]}], {"weight_decay": 0.1}),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("name", ["Adam", "Adagrad", "Momentum", "SGD"])
def test_flags_are_the_originals(mindspore, torch, name, given):
    prefix, (groups, options) = f"flags{next(fresh)}", GIVEN[given]
    found = []
    for kind, room in ((kinds.mindspore_kind(mindspore), mindspore.nn), (kinds.calando_kind(), nn)):
        params = [kind.param(np.ones(2, "f4"), f"{prefix}.{word}") for word in ("weight", "gamma")]
        optimizer = getattr(room, name)(groups(params), **{**NEEDED.get(name, {}), **options})
        found.append({flag: getattr(optimizer, flag) for flag in FLAGS})
    theirs, ours = found
    theirs["decay_flags"] = tuple(theirs["decay_flags"])
    for flag in ("need_scale", "exec_weight_decay"):
        theirs[flag] = bool(theirs[flag])
    assert {flag: float(x) if flag == "reciprocal_scale" else x for flag, x in ours.items()} == {
        flag: float(x) if flag == "reciprocal_scale" else x for flag, x in theirs.items()
    }


@pytest.mark.parametrize("flag", ["decay_flags", "dynamic_lr", "exec_weight_decay", "is_group", "need_scale"])
def test_flags_follow_and_are_not_assigned_to(flag):
    optimizer = nn.SGD([np.ones(2, "f4")], 0.1)
    with pytest.raises(AttributeError, match=rf"^For 'SGD': '{flag}' follows from its arguments; set those"):
        setattr(optimizer, flag, True)
    optimizer.set("lr", [0.1, 0.2])
    optimizer.set("weight_decay", 0.1)
    assert optimizer.dynamic_lr and optimizer.exec_weight_decay
    optimizer.target = "CPU"  # as scripts do for sparse gradients
    assert optimizer.target == "CPU"


@pytest.mark.parametrize(
    ("make", "name"),
    [(nn.Adam, "moment1"), (nn.Adam, "beta1_power"), (nn.AdaFactor, "exp_avg_sq"), (nn.RMSProp, "mean_square")],
)
def test_slots_are_in_parameters_dict(make, name):
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}': parameters_dict\(\) shows .* changes it$"):
        getattr(make([np.ones(2, "f4")]), name)


@pytest.mark.parametrize("steps", [3, [3], [0, 1, 5], [[2], [4]]], ids=str)
def test_cells_give_as_many_rates_as_there_are_steps(mindspore, torch, steps):
    import calando.mindspore as ms

    for name, arguments in (("ExponentialDecayLR", (0.1, 0.5, 2)), ("CosineDecayLR", (0.01, 0.1, 4))):
        theirs = getattr(mindspore.nn, name)(*arguments)(mindspore.Tensor(steps, mindspore.int32))
        ours = getattr(nn, name)(*arguments)(ms.Tensor(steps, ms.int32))
        assert tuple(ours.shape) == tuple(theirs.shape) == np.shape(steps)
        np.testing.assert_allclose(ours.asnumpy(), theirs.asnumpy(), rtol=2e-5)
