"""LBFGS in MindSpore's manners: torch's path with gradients and with a closure, on every kind of parameters."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.engine import NonFiniteGradient
from calando.mindspore import nn
from calando.schedules import Linear, ScheduleEnd
from calando.snapshot import Snapshot, SnapshotMismatch
from mindspore_front.kinds import numpy_kind

SHAPES = [(4, 6), (6,), (6, 1)]
CALLS = 5
RNG = np.random.default_rng(7)
INPUT = RNG.standard_normal((20, 4))
TARGET = np.tanh(INPUT @ np.arange(4.0)[:, None]) + 0.1
SEARCHES = pytest.mark.parametrize("search", [None, "strong_wolfe"])
DTYPES = pytest.mark.parametrize("dtype, close", [("float64", 1e-10), ("float32", 1e-4)])


def network(arrays):
    """Mean square error of tanh(x A + b) C with its gradients, worked out by hand; in the arrays' own precision."""
    a, b, c = arrays
    x, y = INPUT.astype(a.dtype), TARGET.astype(a.dtype)
    hidden = np.tanh(x @ a + b)
    error = hidden @ c - y
    out = 2 * error / error.size
    inner = out @ c.T * (1 - hidden**2)
    return float((error**2).mean()), [x.T @ inner, inner.sum(0), hidden.T @ out]


def started(dtype="float64", seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]


def made(kind, dtype="float64", **options):
    """Parameters, an optimizer and a closure."""
    params = [kind.param(array, f"p{i}") for i, array in enumerate(started(dtype))]
    optimizer = nn.LBFGS(params, **options)

    def closure():
        loss, gradients = network([kind.read(p) for p in params])
        return kind.tensor(np.array(loss, dtype)), kind.grads(gradients)

    return params, optimizer, closure


def torch_path(torch, calls, f=network, start=None, **options):
    """torch's own on the same function: losses, and the parameters after each step."""
    params = [torch.nn.Parameter(torch.tensor(array)) for array in (start or started())]
    optimizer, path = torch.optim.LBFGS(params, **options), []

    def closure():
        loss, gradients = f([p.detach().numpy() for p in params])
        for p, g in zip(params, gradients, strict=True):
            p.grad = torch.tensor(np.array(g, copy=True))
        return loss

    for _ in range(calls):
        loss = optimizer.step(closure)
        path.append((float(loss), [p.detach().numpy().copy() for p in params]))
    return path, optimizer


def near(kind, params, expected, close):
    for p, q in zip(params, expected, strict=True):
        np.testing.assert_allclose(kind.read(p), q, rtol=0, atol=close * np.abs(q).max())


# The same path as torch's.


@DTYPES
def test_gradients_make_one_iteration(any_kind, torch, dtype, close):
    params, optimizer, closure = made(any_kind, dtype, learning_rate=0.5)
    expected, theirs = torch_path(torch, CALLS, start=started(dtype), lr=0.5, max_iter=1)
    for _, numbers in expected:
        assert optimizer(closure()[1]) is True
        near(any_kind, params, numbers, close)
    assert int(any_kind.read(optimizer.global_step).item()) == CALLS
    assert optimizer._memory.iterations == theirs.state[theirs.param_groups[0]["params"][0]]["n_iter"]


@SEARCHES
@DTYPES
def test_a_closure_makes_many(any_kind, torch, search, dtype, close):
    options = {"max_iter": 3, "history_size": 2, "line_search_fn": search}
    params, optimizer, closure = made(any_kind, dtype, learning_rate=0.7, **options)
    expected, theirs = torch_path(torch, CALLS, start=started(dtype), lr=0.7, **options)
    for loss, numbers in expected:
        found = optimizer.step(closure) if search else optimizer(closure)
        assert float(any_kind.read(found)) == pytest.approx(loss, rel=close)
        near(any_kind, params, numbers, close)
    state = theirs.state[theirs.param_groups[0]["params"][0]]
    assert (optimizer._memory.iterations, optimizer._memory.evaluations) == (state["n_iter"], state["func_evals"])
    assert int(any_kind.read(optimizer.global_step).item()) == CALLS


@given(
    shapes=st.lists(st.lists(st.integers(1, 3), max_size=3), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    search=st.sampled_from([None, "strong_wolfe"]),
    max_iter=st.integers(1, 4),
    history=st.integers(1, 4),
)
def test_drawn_shapes(torch, shapes, seed, search, max_iter, history):
    def convex(arrays):
        return sum(float(np.cosh(a - 0.5).sum()) for a in arrays), [np.array(np.sinh(a - 0.5)) for a in arrays]

    rng = np.random.default_rng(seed)
    start = [rng.standard_normal(shape) for shape in shapes]
    options = {"max_iter": max_iter, "history_size": history, "line_search_fn": search}
    params = [np.array(array) for array in start]
    optimizer = nn.LBFGS(params, 0.8, **options)
    for loss, numbers in torch_path(torch, 4, convex, start, lr=0.8, **options)[0]:
        assert float(optimizer(lambda: convex(params))) == pytest.approx(loss, rel=1e-9)
        near(numpy_kind(), params, numbers, 1e-9)


def test_rosenbrock_as_torch(torch):
    def f(arrays):
        (w,) = arrays
        a, b = 1 - w[0], w[1] - w[0] ** 2
        return a**2 + 100 * b**2, [np.array([-2 * a - 400 * w[0] * b, 200 * b])]

    w, options = np.array([-1.2, 1.0]), {"max_iter": 5, "line_search_fn": "strong_wolfe"}
    optimizer = nn.LBFGS([w], **options)
    for loss, numbers in torch_path(torch, 9, f, [w], **options)[0]:
        assert float(optimizer(lambda: f([w]))) == pytest.approx(loss, rel=1e-6, abs=1e-12)
        np.testing.assert_allclose(w, numbers[0], rtol=1e-6)
    np.testing.assert_allclose(w, [1, 1], atol=1e-3)


def test_a_closure_of_value_and_grad(torch):
    """In the network room; with has_aux the loss is the first of what the function returned."""
    import calando.mindspore as ms

    for aux in (False, True):
        torch.manual_seed(0)
        net = ms.nn.Dense(4, 1)
        x, y = ms.Tensor(INPUT.astype("float32")), ms.Tensor(TARGET.astype("float32"))

        def forward(aux=aux, net=net, x=x, y=y):
            loss = ((net(x) - y) ** 2).mean()
            return (loss, net(x)) if aux else loss

        optimizer = nn.LBFGS(net.trainable_params(), 1.0, 15, line_search_fn="strong_wolfe")
        grad_fn = ms.value_and_grad(forward, None, optimizer.parameters, has_aux=aux)
        first = optimizer(grad_fn)
        first = first[0] if aux else first
        design = np.hstack([INPUT, np.ones((20, 1))])
        best = np.linalg.lstsq(design, TARGET, rcond=None)[0]
        assert float(first) > float(((design @ best - TARGET) ** 2).mean())
        np.testing.assert_allclose(net.weight.asnumpy()[0], best[:4, 0], atol=1e-3)


def test_a_training_loop_of_real_mindspore(mindspore):
    net = mindspore.nn.Dense(4, 1)
    x, y = (mindspore.Tensor(array.astype("float32")) for array in (INPUT, TARGET))
    optimizer = nn.LBFGS(net.trainable_params(), max_iter=15, line_search_fn="strong_wolfe")
    grad_fn = mindspore.value_and_grad(lambda: ((net(x) - y) ** 2).mean(), None, net.trainable_params())
    for _ in range(2):
        optimizer(grad_fn)
    best = np.linalg.lstsq(np.hstack([INPUT, np.ones((20, 1))]), TARGET, rcond=None)[0]
    np.testing.assert_allclose(net.weight.asnumpy()[0], best[:4, 0], atol=1e-3)
    assert int(optimizer.global_step.asnumpy().item()) == 2


# MindSpore's own words.


@SEARCHES
def test_weight_decay_and_loss_scale_belong_to_loss_and_gradients(kind, torch, search):
    """Gradients times 8 + λ p, the loss times 8 + λ/2 ‖p‖²; a parameter named beta is left out, as in MindSpore."""
    decays = (0, 1, 2) if kind.name == "numpy" else (0, 2)  # NumPy's arrays have no names
    params = [kind.param(array, name) for array, name in zip(started(), ("a", "beta", "c"), strict=True)]
    options = {"max_iter": 3, "line_search_fn": search}
    optimizer = nn.LBFGS(params, 0.7, weight_decay=0.1, loss_scale=8.0, **options)

    def closure():
        loss, gradients = network([kind.read(p) for p in params])
        return kind.tensor(np.array(8 * loss)), kind.grads([8 * g for g in gradients])

    def decayed(arrays):
        loss, gradients = network(arrays)
        more = 0.05 * sum(float((arrays[i] ** 2).sum()) for i in decays)
        return loss + more, [
            g + 0.1 * p if i in decays else g for i, (g, p) in enumerate(zip(gradients, arrays, strict=True))
        ]

    for _, numbers in torch_path(torch, CALLS, decayed, lr=0.7, **options)[0]:
        optimizer(closure)
        near(kind, params, numbers, 1e-9)


def test_a_group_has_its_own_words_and_order(kind):
    """Centralized rows keep their means, whatever the direction remembers."""
    params = [kind.param(array, f"p{i}") for i, array in enumerate(started())]
    a, b, c = params
    group = {"params": [c, a, b], "lr": 0.3, "grad_centralization": True, "tolerance_grad": 1e-5}
    optimizer = nn.LBFGS([group, {"order_params": [a, b, c]}], max_iter=4, line_search_fn="strong_wolfe")
    means, losses = kind.read(a).mean(1), []

    def closure():
        loss, gradients = network([kind.read(p) for p in params])
        losses.append(loss)
        return loss, kind.grads(gradients)

    for _ in range(4):
        optimizer(closure)
    np.testing.assert_allclose(kind.read(a).mean(1), means, atol=1e-12)
    assert losses[-1] < 0.8 * losses[0]
    assert optimizer.current()["lr"] == 0.3 and optimizer.current()["tolerance_grad"] == 1e-5


def test_the_clock_counts_calls(kind):
    _, optimizer, closure = made(kind, learning_rate=[0.5, 0.25, 0.125], max_iter=4)
    assert optimizer.trace("learning_rate", range(3), group=0).tolist() == [0.5, 0.25, 0.125]
    optimizer(closure)
    assert float(kind.read(optimizer.get_lr())) == 0.25
    optimizer(closure()[1])
    optimizer(closure)
    with pytest.raises(ScheduleEnd, match="For 'LBFGS': 'learning_rate'"):
        optimizer(closure)
    optimizer.learning_rate = 0.5
    optimizer.set("tolerance_grad", 1e3)
    before = optimizer._memory.iterations
    optimizer(closure)
    assert optimizer._memory.iterations == before
    assert "tolerance_grad = 1000" in repr(optimizer)


def test_a_function_and_a_cell_give_the_rate():
    class Halved(nn.LearningRateSchedule):
        def construct(self, global_step):
            return 0.5**global_step

    for rate in (Halved(), lambda step: 0.5**step):
        _, optimizer, closure = made(numpy_kind(), learning_rate=rate)
        optimizer(closure)
        assert float(optimizer.get_lr()) == 0.5


# The run goes on.


def travelled(optimizer):
    meta, arrays = optimizer.snapshot().to_plain()
    arrays = {name: array.copy() for name, array in arrays.items()}
    return Snapshot.from_plain(json.loads(json.dumps(meta)), arrays)


@SEARCHES
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("stop", [0, 1, 3])
def test_exact_resume(any_kind, search, dtype, stop):
    options = {"learning_rate": Linear(0.2, 1.0, steps=4), "max_iter": 2, "line_search_fn": search, "history_size": 3}
    whole, optimizer, closure = made(any_kind, dtype, **options)
    for _ in range(CALLS):
        optimizer(closure)
    params, first, closure = made(any_kind, dtype, **options)
    for _ in range(stop):
        first(closure)
    second = nn.LBFGS(params, **options)
    second.restore(travelled(first))
    for _ in range(CALLS - stop):
        second(closure)
    for p, q in zip(params, whole, strict=True):
        assert any_kind.read(p).tobytes() == any_kind.read(q).tobytes()
    assert int(any_kind.read(second.global_step).item()) == CALLS


def test_another_framework_goes_on(kind):
    whole, optimizer, closure = made(numpy_kind())
    for _ in range(4):
        optimizer(closure)
    params, first, closure = made(numpy_kind())
    for _ in range(2):
        first(closure)
    there = [kind.param(array, f"p{i}") for i, array in enumerate(params)]
    second = nn.LBFGS(there)
    second.restore(travelled(first))
    for _ in range(2):
        second(lambda: (lambda loss, gradients: (loss, kind.grads(gradients)))(*network([kind.read(p) for p in there])))
    for p, q in zip(there, whole, strict=True):
        assert kind.read(p).tobytes() == q.tobytes()


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_a_twin_goes_the_same_way(twin):
    _, optimizer, closure = made(numpy_kind(), max_iter=2)
    optimizer(closure)
    other = twin(optimizer)
    for _ in range(2):
        optimizer(closure)
        other(lambda: network(list(other.parameters)))
    for p, q in zip(optimizer.parameters, other.parameters, strict=True):
        assert p is not q and p.tobytes() == q.tobytes()


def test_a_snapshot_that_does_not_fit(kind):
    _, optimizer, closure = made(kind, max_iter=3)
    optimizer(closure)
    before = everything(kind, optimizer)
    spoilt = travelled(optimizer)
    del spoilt.groups[0].params[0].slots["gradient"]
    with pytest.raises(SnapshotMismatch, match="For 'LBFGS': what L-BFGS remembers has shapes"):
        optimizer.restore(spoilt)
    with pytest.raises(SnapshotMismatch, match="follows lbfgs, the snapshot"):
        optimizer.restore(nn.Adam(optimizer.parameters).snapshot())
    assert everything(kind, optimizer) == before


# What cannot be.


def everything(kind, optimizer):
    memory = {name: str(value) for name, value in vars(optimizer._memory).items()}
    return [kind.read(p).tobytes() for p in optimizer.parameters], memory, repr(optimizer)


def test_a_search_needs_a_closure(kind):
    _, optimizer, closure = made(kind, line_search_fn="strong_wolfe")
    before = everything(kind, optimizer)
    with pytest.raises(TypeError, match="For 'LBFGS': a line search needs the loss at other points than this; give a"):
        optimizer(closure()[1])
    with pytest.raises(TypeError, match=r"For 'LBFGS': step needs a closure .* but got tuple; optimizer\(gradients\)"):
        optimizer.step(closure()[1])
    assert everything(kind, optimizer) == before


RETURNED = [
    (
        lambda loss, gradients: gradients,
        TypeError,
        r"must return \(loss, gradients\).* but it returned (3 things|list)",
    ),
    (lambda loss, gradients: loss, TypeError, r"must return \(loss, gradients\)"),
    (
        lambda loss, gradients: (None, gradients),
        TypeError,
        "the loss must be one number, but the closure returned None",
    ),
    (lambda loss, gradients: (np.ones(3), gradients), TypeError, "the loss must be one number"),
    (lambda loss, gradients: (loss, gradients[:2]), ValueError, "2 gradients for 3 parameters"),
    (lambda loss, gradients: (loss, (*gradients[:2], None)), TypeError, "the gradient of parameter .* is None"),
    (
        lambda loss, gradients: (loss, gradients[::-1]),
        ValueError,
        r"the gradient of .* has shape \(6, 1\), not \(4, 6\)",
    ),
]


@pytest.mark.parametrize("spoil, error, sentence", RETURNED, ids=[row[2] for row in RETURNED])
@SEARCHES
@pytest.mark.parametrize("fails_at", [1, 3])
def test_a_closure_that_errs_changes_nothing(kind, search, spoil, error, sentence, fails_at):
    _, optimizer, closure = made(kind, max_iter=6, line_search_fn=search)
    optimizer(closure)
    before, calls = everything(kind, optimizer), []

    def wrong():
        calls.append(1)
        loss, gradients = closure()
        return spoil(loss, gradients) if len(calls) == fails_at else (loss, gradients)

    with pytest.raises(error, match=sentence):
        optimizer(wrong)
    assert everything(kind, optimizer) == before


def test_gradients_that_are_not_finite(kind):
    def broken(policy):
        params, optimizer, closure = made(kind, on_nonfinite=policy)
        optimizer(closure()[1])
        gradients = [kind.read(g) for g in closure()[1]]
        gradients[1][0] = np.nan
        return params, optimizer, kind.grads(gradients)

    _, optimizer, gradients = broken("skip")
    before = everything(kind, optimizer)
    assert optimizer(gradients) is False and everything(kind, optimizer) == before
    _, optimizer, gradients = broken("raise")
    with pytest.raises(NonFiniteGradient, match=r"the gradient of parameter 'p?1' of group 0 is not finite"):
        optimizer(gradients)
    assert everything(kind, optimizer) == before
    params, optimizer, gradients = broken("train")
    assert optimizer(gradients) is True and np.isnan(kind.read(params[1])).any()


BUILT = [
    ({"learning_rate": -1.0}, ValueError, r"For 'LBFGS': 'learning_rate' must lie in \[0, inf\), but got -1.0"),
    ({"max_iter": 0}, ValueError, "For 'LBFGS': 'max_iter' must be at least 1, but got 0"),
    ({"max_eval": 1.5}, TypeError, "For 'LBFGS': 'max_eval' is a whole number from 0 on, not 1.5"),
    ({"history_size": 0}, ValueError, "For 'LBFGS': 'history_size' must be at least 1, but got 0"),
    ({"line_search_fn": "armijo"}, ValueError, "'line_search_fn' must be 'strong_wolfe' or None, but got 'armijo'"),
    ({"max_norm": 1.0}, ValueError, "For 'LBFGS': 'max_norm' must be None for L-BFGS: clipped gradients are not"),
    ({"tolerance_change": -1e-9}, ValueError, r"'tolerance_change' must lie in \[0, inf\), but got -1e-09"),
    ({"momentum": 0.9}, TypeError, "For 'LBFGS': unknown argument 'momentum'"),
]


@pytest.mark.parametrize("options, error, sentence", BUILT, ids=lambda x: str(x) if isinstance(x, dict) else "")
def test_refused_when_built(options, error, sentence):
    with pytest.raises(error, match=sentence):
        nn.LBFGS([np.ones(3)], **options)


def test_one_group(kind):
    a, b, c = (kind.param(array, f"p{i}") for i, array in enumerate(started()))
    with pytest.raises(
        ValueError, match="For 'LBFGS': there is one direction for all parameters, so there is one group"
    ):
        nn.LBFGS([{"params": [a, b]}, {"params": [c]}])


def test_refused_on_the_way():
    _, optimizer, closure = made(numpy_kind())
    before = everything(numpy_kind(), optimizer)
    with pytest.raises(ValueError, match="'max_norm' must be None for L-BFGS"):
        optimizer.set("max_norm", 1.0)
    with pytest.raises(AttributeError, match="For 'LBFGS': 'max_iter' is fixed when the optimizer is built"):
        optimizer.max_iter = 3
    with pytest.raises(ValueError, match=r"'tolerance_grad' must lie in \[0, inf\)"):
        optimizer.tolerance_grad = -1.0
    assert everything(numpy_kind(), optimizer) == before
    optimizer(closure)


def test_a_file_of_mindspore_says_what_it_lacks(kind):
    from calando.mindspore.state import losses

    _, optimizer, closure = made(kind)
    optimizer(closure)
    assert losses(optimizer) == [
        "For 'LBFGS': MindSpore's files have no place for its moves and curvature; snapshot() holds them"
    ]
