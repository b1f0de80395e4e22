"""The rest of mindspore.nn's family, step by step against the live original; NAdam and RAdam against torch."""

from itertools import count

import numpy as np
import pytest

from calando.mindspore import nn

STEPS = 8
SHAPES = [(4, 3), (7,), (2, 3, 2)]
FRESH = count()
ROWS = [
    ("Adadelta", {"rho": 0.8, "weight_decay": 0.1}),
    ("Adagrad", {"accum": 0.2, "weight_decay": 0.1}),
    ("ProximalAdagrad", {"l1": 0.01, "l2": 0.02, "loss_scale": 4.0}),
    ("AdaMax", {"beta1": 0.8, "weight_decay": 0.1}),
    ("ASGD", {"lambd": 0.01, "t0": 3.0, "alpha": 0.5}),
    ("FTRL", {"weight_decay": 0.1, "l2": 0.02}),
    ("FTRL", {"lr_power": -0.3}),
    ("FTRL", {"lr_power": -0.75, "initial_accum": 1e4}),  # sums whose powers differ in their last digits only
    ("RMSProp", {"centered": True, "epsilon": 1e-3}),
    ("RMSProp", {"centered": True, "momentum": 0.5, "decay": 0.8, "weight_decay": 0.1}),
    ("Rprop", {"etas": (0.4, 1.3), "weight_decay": 0.1}),
    ("LazyAdam", {"use_nesterov": True, "weight_decay": 0.1}),
    ("AdamOffload", {"weight_decay": 0.1, "loss_scale": 8.0}),
]


@pytest.fixture
def numbers():
    rng = np.random.default_rng(3)
    start = [rng.standard_normal(shape).astype("f4") for shape in SHAPES]
    return start, [[rng.standard_normal(shape).astype("f4") for shape in SHAPES] for _ in range(STEPS)]


def real(mindspore, arrays):
    # fresh names: MindSpore may reuse what it compiled for parameters of the same name
    return [mindspore.Parameter(mindspore.Tensor(a.copy()), name=f"kin{next(FRESH)}") for a in arrays]


@pytest.mark.parametrize("kind", ["numpy", "real"])
@pytest.mark.parametrize("name, options", ROWS, ids=lambda row: str(row))
def test_follows_the_original(mindspore, tmp_path, monkeypatch, numbers, name, options, kind):
    monkeypatch.chdir(tmp_path)
    start, grads = numbers
    told = real(mindspore, start)
    theirs = getattr(mindspore.nn, name)(told, learning_rate=0.05, **options)
    mine = [p.copy() for p in start] if kind == "numpy" else real(mindspore, start)
    ours = getattr(nn, name)(mine, learning_rate=0.05, **options)
    for given in grads:
        theirs(tuple(mindspore.Tensor(g) for g in given))
        ours(tuple(given) if kind == "numpy" else tuple(mindspore.Tensor(g) for g in given))
    for p, q in zip(mine, told, strict=True):
        found, expected = (p if kind == "numpy" else p.asnumpy()), q.asnumpy()
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_centered_rmsprop_stands_still_where_rounding_leaves_no_variance(mindspore, tmp_path, monkeypatch, dtype):
    """Under gradients that do not change, v - c² is what rounding leaves, and often below 0."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    start, push = (rng.standard_normal(100).astype(dtype) for _ in range(2))
    options = {"learning_rate": 0.01, "decay": 0.0, "momentum": 0.5, "centered": True, "epsilon": 1e-10}
    (told,) = theirs = real(mindspore, [start])
    original, mine = mindspore.nn.RMSProp(theirs, **options), start.copy()
    optimizer, stood = nn.RMSProp([mine], **options), 0
    for _ in range(STEPS):
        before = mine.copy()
        original((mindspore.Tensor(push),)), optimizer((push.copy(),))
        stood += (mine == before).sum()
        np.testing.assert_array_equal(mine, told.asnumpy())
    assert np.isfinite(mine).all() and stood


@pytest.mark.parametrize("name, own", [("NAdam", {"momentum_decay": 0.01}), ("RAdam", {"beta2": 0.95})])
def test_what_mindspore_lacks_follows_torch(numbers, name, own):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    start, grads = numbers
    mine = [p.astype("f8") for p in start]
    told = [torch.nn.Parameter(torch.tensor(p)) for p in mine]
    ours = getattr(nn, name)(mine, learning_rate=0.02, **own)
    betas = (0.9, own.get("beta2", 0.999))
    theirs = getattr(torch.optim, name)(told, lr=0.02, betas=betas, **{k: v for k, v in own.items() if k != "beta2"})
    for given in grads:
        for p, g in zip(told, given, strict=True):
            p.grad = torch.tensor(g.astype("f8"))
        theirs.step()
        ours(tuple(g.astype("f8") for g in given))
    for p, q in zip(mine, told, strict=True):
        np.testing.assert_allclose(p, q.detach().numpy(), rtol=1e-12)


def test_rmsprop_as_documented(numbers):
    """ε inside the root (MindSpore's CPU kernel for float32 puts it outside in blocks of eight); v starts at 1."""
    start, grads = numbers
    mine, p = [start[0].astype("f8")], start[0].astype("f8")
    ours = nn.RMSProp(mine, learning_rate=0.05, decay=0.8, momentum=0.3, epsilon=1e-2)
    v, m = np.ones_like(p), np.zeros_like(p)
    for given in grads:
        g = given[0].astype("f8")
        v = 0.8 * v + 0.2 * g * g
        m = 0.3 * m + 0.05 * g / np.sqrt(v + 1e-2)
        p = p - m
        ours((g,))
    np.testing.assert_allclose(mine[0], p, rtol=1e-12)


def test_ftrl_as_documented(numbers):
    """sign(z) l1, where MindSpore's CPU kernel takes l1."""
    start, grads = numbers
    mine, p = [start[0].astype("f8")], start[0].astype("f8")
    ours = nn.FTRL(mine, learning_rate=0.1, l1=0.05, l2=0.02, initial_accum=0.3)
    a, z = np.full_like(p, 0.3), np.zeros_like(p)
    for given in grads:
        g = given[0].astype("f8")
        z += g - (np.sqrt(a + g * g) - np.sqrt(a)) / 0.1 * p
        a += g * g
        p = np.where(np.abs(z) > 0.05, (np.sign(z) * 0.05 - z) / (np.sqrt(a) / 0.1 + 0.04), 0.0)
        ours((g,))
    np.testing.assert_allclose(mine[0], p, rtol=1e-12)


def test_adagrad_whose_sum_stands_still(numbers):
    start, grads = numbers
    mine, p = [start[0].astype("f8")], start[0].astype("f8")
    ours = nn.Adagrad(mine, accum=0.25, learning_rate=0.1, update_slots=False)
    for given in grads:
        p = p - 0.1 * given[0].astype("f8") / np.sqrt(0.25 + 1e-8)
        ours((given[0].astype("f8"),))
    np.testing.assert_allclose(mine[0], p, rtol=1e-12)


def test_names_are_mindspores():
    optimizer = nn.RMSProp([np.ones(3, "f4")], decay=0.8, epsilon=1e-3)
    assert float(optimizer.decay) == pytest.approx(0.8) and float(optimizer.epsilon) == pytest.approx(1e-3)
    assert optimizer.current()["decay"] == 0.8 and optimizer.trace("epsilon", range(2), group=0).tolist() == [1e-3] * 2
    optimizer.set("decay", 0.5)
    assert float(optimizer.decay) == 0.5
    with pytest.raises(ValueError, match=r"For 'RMSProp': 'epsilon' must lie in \[0, inf\), but got -1.0"):
        nn.RMSProp([np.ones(3, "f4")], epsilon=-1)


LISTS = [
    ("cosine_decay_lr", (0.01, 0.1, 60, 5, 6)),
    ("exponential_decay_lr", (0.1, 0.9, 60, 5, 4, True)),
    ("exponential_decay_lr", (0.1, 0.9, 60, 5, 4)),
    ("natural_exp_decay_lr", (0.1, 0.9, 60, 5, 4, True)),
    ("natural_exp_decay_lr", (0.1, 0.3, 60, 5, 4)),
    ("inverse_decay_lr", (0.1, 0.5, 60, 5, 4, True)),
    ("inverse_decay_lr", (0.1, 0.5, 60, 5, 4)),
    ("polynomial_decay_lr", (0.1, 0.01, 60, 5, 4, 0.5)),
    ("polynomial_decay_lr", (0.1, 0.01, 60, 5, 4, 2.0, True)),
    ("warmup_lr", (0.1, 60, 5, 7)),
    ("piecewise_constant_lr", ([2, 5, 9], [0.1, 0.05, 0.01])),
]


@pytest.mark.parametrize("name, arguments", LISTS)
def test_lists_are_mindspores_to_the_last_bit(mindspore, name, arguments):
    assert getattr(nn, name)(*arguments) == getattr(mindspore.nn, name)(*arguments)


@pytest.mark.parametrize("name, arguments", LISTS[:-1])
def test_lists_refuse_what_mindspore_refuses(mindspore, name, arguments):
    for i, bad in [(0, "x"), (0, -1.0), (1, 0), (2, 0.5), (3, -2)]:
        wrong = (*arguments[:i], bad, *arguments[i + 1 :])
        with pytest.raises((TypeError, ValueError)) as theirs:
            getattr(mindspore.nn, name)(*wrong)
        with pytest.raises((TypeError, ValueError), match=f"For '{name}': ") as ours:
            getattr(nn, name)(*wrong)
        assert ours.type is theirs.type or {ours.type, theirs.type} == {TypeError, ValueError}


CELLS = [
    ("CosineDecayLR", (0.01, 0.1, 6)),
    ("ExponentialDecayLR", (0.1, 0.9, 4)),
    ("ExponentialDecayLR", (0.1, 0.9, 4, True)),
    ("NaturalExpDecayLR", (0.1, 0.3, 4)),
    ("NaturalExpDecayLR", (0.1, 0.9, 4, True)),
    ("InverseDecayLR", (0.1, 0.5, 4, True)),
    ("PolynomialDecayLR", (0.1, 0.01, 4, 0.5)),
    ("PolynomialDecayLR", (0.1, 0.01, 4, 2.0, True)),
    ("WarmUpLR", (0.1, 5)),
]


@pytest.mark.parametrize("name, arguments", CELLS)
def test_cells_are_mindspores(mindspore, name, arguments):
    ours, theirs = getattr(nn, name)(*arguments), getattr(mindspore.nn, name)(*arguments)
    expected = [float(theirs(mindspore.Tensor(step, mindspore.int32)).asnumpy()) for step in range(12)]
    found = [float(ours(step).asnumpy()) for step in range(12)]
    assert np.abs(np.subtract(found, expected)).max() <= 2e-5 * max(expected)
    optimizer = nn.SGD([np.ones(3, "f4")], learning_rate=ours)
    assert optimizer.trace("learning_rate", range(12), group=0) == pytest.approx(found, rel=1e-6)
