"""What may be given and changed while an optimizer runs, for every class: Cells of calando and of real MindSpore,
``lr=``, iterators, changes at any time beside a schedule.

A change is compared with what it means: an optimizer that was built with the list of all values.
"""

import numpy as np
import pytest

from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.kinds import PARAMS, distance

SHAPES = {"conv.weight": (2, 3, 1, 1), "bn.gamma": (4,), "fc.weight": (3, 2), "fc.bias": (3,)}
STEPS, CHANGED = 6, 3
NEEDED = {"Momentum": {"learning_rate": 0.1, "momentum": 0.5}, "Lamb": {"learning_rate": 0.1}}
OUTSIDE = {"LARS", "LBFGS", "Optimizer"}  # LARS wraps another one; LBFGS is given a closure
CLASSES = sorted(
    name
    for name in nn.__all__
    if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Optimizer) and name not in OUTSIDE
)
FREE = sorted(set(CLASSES) - {"AdaFactor"})  # takes its rate from the step, unless told otherwise
START = {"learning_rate": 0.05, "weight_decay": 0.1}
OTHER = {  # another value of a hyperparameter, inside the domain of all classes
    "lr": 0.02, "weight_decay": 0.3, "loss_scale": 4.0, "max_norm": 0.5, "momentum": 0.25, "dampening": 0.5, "rho": 0.5,
    "decay": 0.5, "epsilon": 0.01, "eps": 0.01, "beta1": 0.5, "beta2": 0.25, "l1": 0.1, "l2": 0.2, "lambd": 0.3,
    "alpha": 0.25, "t0": 2.0, "eta_minus": 0.25, "eta_plus": 1.5, "step_min": 0.01, "step_max": 0.02,
    "momentum_decay": 0.5, "lr_power": -0.25,
}  # fmt: skip


def made(name, params, **options):
    return getattr(nn, name)(params, **{**NEEDED.get(name, {}), **options})


def started():
    rng = np.random.default_rng(5)
    return {name: rng.standard_normal(shape).astype("f4") for name, shape in SHAPES.items()}


def pushes():
    rng = np.random.default_rng(6)
    return [[rng.standard_normal(shape).astype("f4") for shape in SHAPES.values()] for _ in range(STEPS)]


def arrays():
    return list(started().values())


def numbers_of(name):
    """All hyperparameters of a class with a value: what may be changed."""
    optimizer = made(name, arrays())
    return {key: value for key, value in optimizer.current()[0].items() if key in OTHER}


CHANGES = [(name, key) for name in FREE for key in numbers_of(name)]


def test_every_hyperparameter_is_changed():
    told = {(name, key) for name in FREE for key in made(name, arrays()).current()[0]}
    assert told == set(CHANGES)


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("name, key", CHANGES)
def test_any_number_changes_at_any_time(name, key, scheduled):
    """Also where a schedule was given: the path is that of the list with the same values."""
    before = numbers_of(name)[key]
    before = {"max_norm": 2.0, "momentum": 0.5}.get(key, before) if before in (None, 0.0) else before
    listed = [before] * CHANGED + [OTHER[key]] * (STEPS - CHANGED)
    mine, told = arrays(), arrays()
    optimizer = made(name, mine, **START)
    optimizer.set(key, (lambda step: before) if scheduled else before)
    twin = made(name, told, **START)
    twin.set(key, listed)
    for step, grads in enumerate(pushes()):
        if step == CHANGED:
            setattr(optimizer, key, OTHER[key])
        optimizer(tuple(grads))
        twin(tuple(grads))
        assert optimizer.trace(key, range(step + 1), group=0).tolist() == listed[: step + 1]
    assert all(np.array_equal(a, b) for a, b in zip(mine, told, strict=True))


def fading_cells(library):
    """A rate and a decay that change with the step, in one library's words."""

    class Rate(getattr(library.nn, "LearningRateSchedule", None) or base(library)):
        def construct(self, global_step):
            return 0.1 / (1 + global_step)

    class Decay(library.nn.Cell):
        def construct(self, global_step):
            return 0.2 / (1 + global_step)

    return Rate(), Decay()


def base(library):
    return library.nn.learning_rate_schedule.LearningRateSchedule


@pytest.mark.parametrize("whose", ["calando", "mindspore"])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", FREE)
def test_cells_as_rate_and_decay(request, torch, name, grouped, whose):
    """In every class, SGD, LazyAdam and FTRL included, where MindSpore refuses them."""
    import calando.mindspore

    library = calando.mindspore if whose == "calando" else request.getfixturevalue("mindspore")
    rate, decay = fading_cells(library)
    rates, decays = ([first / (1 + step) for step in range(STEPS)] for first in (0.1, 0.2))
    mine, told = arrays(), arrays()
    if grouped:
        optimizer = made(name, [{"params": mine[:2], "lr": rate, "weight_decay": decay}, {"params": mine[2:]}])
        twin = made(name, [{"params": told[:2], "lr": rates, "weight_decay": decays}, {"params": told[2:]}])
    else:
        optimizer = made(name, mine, learning_rate=rate, weight_decay=decay)
        twin = made(name, told, learning_rate=rates, weight_decay=decays)
    for grads in pushes():
        optimizer(tuple(grads))
        twin(tuple(grads))
    assert max(distance(a, b) for a, b in zip(mine, told, strict=True)) <= PARAMS


@pytest.mark.parametrize("name", CLASSES)
def test_lr_in_the_constructor(name):
    options = {key: value for key, value in NEEDED.get(name, {}).items() if key != "learning_rate"}
    optimizer = getattr(nn, name)(arrays(), lr=0.03, **options, **only_given(name))
    assert optimizer.current()["lr"] == optimizer.current()["learning_rate"] == 0.03
    with pytest.raises(TypeError, match=f"For '{name}': 'learning_rate' and 'lr' are one thing; give one of them"):
        getattr(nn, name)(arrays(), lr=0.03, learning_rate=0.03, **options)


def only_given(name):
    return {"relative_step": False} if name == "AdaFactor" else {}


def test_the_signature_is_the_one_that_was_written():
    from inspect import signature

    assert list(signature(nn.SGD).parameters)[:3] == ["params", "learning_rate", "momentum"]
    assert signature(nn.Adam).parameters["beta2"].default == 0.999
    assert nn.Adam.__init__.__name__ == "__init__"


@pytest.mark.parametrize("name", CLASSES)
def test_iterators_as_params(torch, name):
    """A generator, a filter: alone, and inside groups (which MindSpore empties by counting)."""
    kind = kinds.calando_kind()
    params = [kind.param(array, key) for key, array in started().items()]
    alone = made(name, (p for p in params))
    assert [p.name for p in alone.parameters] == list(SHAPES)
    groups = [
        {"params": filter(lambda p: "fc" in p.name, params)},
        {"params": (p for p in params[:2]), "weight_decay": 0.1},
        {"order_params": iter(params)},
    ]
    assert [p.name for p in made(name, iter(groups)).parameters] == list(SHAPES)


def test_print_lr(capsys):
    first, *rest = arrays()
    groups = [{"params": [first], "lr": [0.5, 0.25]}, {"params": rest, "name": "rest"}]
    optimizer = nn.SGD(groups, learning_rate=0.1)
    optimizer(tuple(pushes()[0]))
    assert optimizer.print_lr() is None
    assert capsys.readouterr().out.splitlines() == [
        "Learning rate of group 0 is 2.5000e-01 (step 1).",
        "Learning rate of group 'rest' is 1.0000e-01 (step 1).",
    ]


def test_names_that_would_change_nothing(torch):
    """A class of one's own may call its attributes as it likes; ours tell what is meant."""

    class Own(nn.SGD):
        pass

    optimizer = Own(arrays())
    optimizer.temperature, optimizer._beta1 = 3.0, 0.5
    assert optimizer.temperature == 3.0
    with pytest.raises(AttributeError, match=r"'RMSProp' has no attribute 'eps'; did you mean 'epsilon'\?"):
        _ = nn.RMSProp(arrays()).eps


def test_float32_sees_numbers_as_mindspore_holds_them():
    """1 - float32(0.9999) is 1.7e-4 larger than 0.0001; float64 parameters, and who asks, see the exact number."""
    for dtype, share in (("f4", 1 - float(np.float32(0.9999))), ("f8", 1 - 0.9999)):
        p = np.zeros(1, dtype)
        optimizer = nn.AdamWeightDecay([p], learning_rate=0.0, beta2=0.9999)
        optimizer((np.ones(1, dtype),))
        (kept,) = optimizer.snapshot().groups[0].params
        assert kept.slots["v"][0] == pytest.approx(share, rel=1e-7)
        assert optimizer.current()["beta2"] == 0.9999
