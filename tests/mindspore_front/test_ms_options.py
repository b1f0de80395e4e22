"""ema=, max_group_norm= and clip_value= on every optimizer: calando.torch's numbers, MindSpore's manners, and files."""

import inspect
from pkgutil import resolve_name

import numpy as np
import pytest

import calando
from calando.mindspore import nn
from calando.schedules import Linear
from mindspore_front.kinds import NEEDED, noises, numpy_kind, started
from mindspore_front.test_ms_resume import travelled

SHAPES = {"a": (3, 2), "b": (4,), "c": (2, 3, 2)}
OPTIONS = {"ema": Linear(0.5, 0.9, 4), "max_group_norm": [1.5, 1.0, 0.9, 0.8, 0.7, 0.6], "clip_value": 0.3}
STEPS = 5
PLAIN = ("LBFGS", "LARS", "Optimizer")  # they make their steps themselves, or those of another
NAMES = sorted(n for n, kind in vars(nn).items() if isinstance(kind, type) and issubclass(kind, nn.Optimizer))
RULED = [name for name in NAMES if name not in PLAIN]
NEEDED = {**NEEDED, "Lamb": {"learning_rate": 0.1}, "FTRL": {"learning_rate": 0.1}}


def built(kind, name="Adam", values=None, **options):
    """Two groups, of which the second has bounds of its own; parameters, and the optimizer."""
    params = kind.params(values or started(shapes=SHAPES))
    a, b, c = params.values()
    groups = [{"params": [c, a]}, {"params": [b], "max_group_norm": 2.0, "clip_value": lambda step: 0.25 + step / 8}]
    cls = getattr(nn, name) if isinstance(name, str) else name
    return params, cls([*groups, {"order_params": [a, b, c]}], **{**NEEDED.get(name, {}), **OPTIONS, **options})


def go(kind, optimizer, steps=range(STEPS)):
    pushes = noises(STEPS, shapes=SHAPES)
    for step in steps:
        optimizer(kind.grads(pushes[step].values()))


def read(kind, params, optimizer):
    return [kind.read(x).tobytes() for x in (*params.values(), *optimizer.ema_parameters())]


def slow(name):
    """The same path by the plain optimizer: gradients clipped by hand, the average beside it; float64."""
    kind, start = numpy_kind(), started(shapes=SHAPES, dtype="float64")
    params = kind.params(start)
    a, b, c = params.values()
    cls = getattr(nn, name)
    optimizer = cls([{"params": [c, a]}, {"params": [b]}, {"order_params": [a, b, c]}], **NEEDED.get(name, {}))
    mean = {key: array.copy() for key, array in start.items()}
    for step, pushed in enumerate(noises(STEPS, shapes=SHAPES, dtype="float64")):
        g = {key: array.copy() for key, array in pushed.items()}
        for keys, norm, value in ((("c", "a"), OPTIONS["max_group_norm"][step], 0.3), (("b",), 2.0, 0.25 + step / 8)):
            found = np.sqrt(sum((g[key] ** 2).sum() for key in keys))
            for key in keys:
                g[key] = np.clip(g[key] * min(1.0, norm / (found + 1e-6)), -value, value)
        optimizer(tuple(g.values()))
        keep = OPTIONS["ema"](step)
        mean = {key: keep * mean[key] + (1 - keep) * params[key] for key in mean}
    return params, mean


@pytest.mark.parametrize("name", RULED)
def test_as_clipped_by_hand_and_averaged_beside(name):
    params, optimizer = built(numpy_kind(), name, started(shapes=SHAPES, dtype="float64"))
    for step, pushed in enumerate(noises(STEPS, shapes=SHAPES, dtype="float64")):
        assert optimizer.at(step)[0]["ema"] == OPTIONS["ema"](step)
        optimizer(tuple(pushed.values()))
    wanted, means = slow(name)
    for (key, want), mean in zip(wanted.items(), optimizer.ema_parameters(), strict=True):
        np.testing.assert_allclose(params[key], want, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(mean, means[key], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["SGD", "Momentum", "Adam", "AdamWeightDecay", "FTRL", "Lamb", "RMSProp"])
def test_every_kind_has_the_same_bits(any_kind, name):
    params, optimizer = built(any_kind, name)
    go(any_kind, optimizer)
    same, other = built(numpy_kind(), name)
    go(numpy_kind(), other)
    assert read(any_kind, params, optimizer) == read(numpy_kind(), same, other)


PAIRS = [  # the same formula in both rooms
    ("mindspore.torch_optim.Adam", "torch.Adam"),
    ("mindspore.torch_optim.AdamW", "torch.AdamW"),
    ("mindspore.torch_optim.RMSprop", "torch.RMSprop"),
    ("mindspore.torch_optim.Adagrad", "torch.Adagrad"),
    ("mindspore.torch_optim.Adamax", "torch.Adamax"),
    ("mindspore.nn.Adam", "torch.mindspore_nn.Adam"),
    ("mindspore.nn.AdaMax", "torch.mindspore_nn.AdaMax"),
    ("mindspore.nn.Adagrad", "torch.mindspore_nn.Adagrad"),
    ("mindspore.nn.AdamWeightDecay", "torch.mindspore_nn.AdamWeightDecay"),
]


@pytest.mark.parametrize("here, there", PAIRS, ids=[here for here, _ in PAIRS])
def test_bit_for_bit_as_in_calando_torch(kind, here, there):
    torch = pytest.importorskip("torch")
    params, optimizer = built(kind, resolve_name(f"calando.{here}"), learning_rate=0.01)
    a, b, c = ours = [torch.nn.Parameter(torch.from_numpy(x.copy())) for x in started(shapes=SHAPES).values()]
    groups = [{"params": [c, a]}, {"params": [b], "max_group_norm": 2.0, "clip_value": lambda step: 0.25 + step / 8}]
    theirs = resolve_name(f"calando.{there}")(groups, lr=0.01, **OPTIONS)
    for pushed in noises(STEPS, shapes=SHAPES):
        for p, g in zip(ours, pushed.values(), strict=True):
            p.grad = torch.from_numpy(g.copy())
        theirs.step()
        optimizer(kind.grads(pushed.values()))
    c_mean, a_mean, b_mean = theirs.ema_parameters()
    wanted = [x.detach().numpy().tobytes() for x in (a, b, c, a_mean, b_mean, c_mean)]
    assert read(kind, params, optimizer) == wanted


def test_for_evaluation_and_back_also_after_an_error(any_kind):
    params, optimizer = built(any_kind)
    before = [any_kind.read(p) for p in params.values()]
    for p, mean in zip(before, optimizer.ema_parameters(), strict=True):
        assert np.array_equal(any_kind.read(mean), p)  # before the first update it is the parameter
    go(any_kind, optimizer)
    before = [any_kind.read(p) for p in params.values()]

    def evaluate():
        with optimizer.averaged():
            for p, mean in zip(params.values(), optimizer.ema_parameters(), strict=True):
                assert np.array_equal(any_kind.read(p), any_kind.read(mean))
            assert not np.array_equal(any_kind.read(params["a"]), before[0])
            raise KeyError

    with pytest.raises(KeyError):
        evaluate()
    assert all(np.array_equal(any_kind.read(p), b) for p, b in zip(params.values(), before, strict=True))


@pytest.mark.parametrize("when", [0, 3])
@pytest.mark.parametrize("way", ["snapshot", "save", "checkpoint"])
def test_the_run_goes_on_with_its_average(kind, way, when, tmp_path):
    whole, straight = built(kind)
    go(kind, straight)
    params, first = built(kind)
    go(kind, first, range(when))
    values = {key: kind.read(p) for key, p in params.items()}
    fresh, second = built(kind, values=values)
    if way == "snapshot":
        second.restore(travelled(first.snapshot()))
    elif way == "save":
        calando.save(tmp_path / "run.calando", optimizer=first)
        calando.resume(tmp_path / "run.calando", optimizer=second)
    else:
        carry(kind, first, second, tmp_path)
    go(kind, second, range(when, STEPS))
    assert read(kind, fresh, second) == read(kind, whole, straight)


def carry(kind, first, second, folder):
    pytest.importorskip("torch")
    if kind.name == "numpy":
        pytest.skip("MindSpore's files hold Parameters")
    import calando.mindspore as ms

    ms.save_checkpoint(first, str(folder / "one.ckpt"))
    found = ms.load_checkpoint(str(folder / "one.ckpt"))
    assert [name for name in found if name.startswith("ema.")] == ["ema.a", "ema.b", "ema.c"]
    assert ms.load_param_into_net(second, found) == ([], [])


def test_an_average_begins_where_a_file_has_none(tmp_path):
    pytest.importorskip("torch")
    import calando.mindspore as ms
    from mindspore_front.kinds import calando_kind

    kind = calando_kind()
    params, plain = built(kind, ema=None)
    go(kind, plain, range(2))
    ms.save_checkpoint(plain, str(tmp_path / "one.ckpt"))
    fresh, optimizer = built(kind)
    go(kind, optimizer, range(3))  # an average that belongs to other weights
    with pytest.warns(UserWarning, match="For 'Adam': the checkpoint has no average of the weights; it begins where"):
        missing, _ = ms.load_param_into_net(optimizer, ms.load_checkpoint(str(tmp_path / "one.ckpt")))
    assert missing == []
    for mean, p in zip(optimizer.ema_parameters(), params.values(), strict=True):
        assert np.array_equal(kind.read(mean), kind.read(p))
    go(kind, optimizer, [2]), go(kind, plain, [2])
    assert [kind.read(p).tobytes() for p in fresh.values()] == [kind.read(p).tobytes() for p in params.values()]


def test_lars_wraps_an_optimizer_that_has_them(kind):
    params, inner = built(kind, "Momentum")
    same, bare = built(kind, "Momentum", ema=None)
    optimizer, other = nn.LARS(inner), nn.LARS(bare)
    go(kind, optimizer), go(kind, other)
    assert [kind.read(p).tobytes() for p in params.values()] == [kind.read(p).tobytes() for p in same.values()]
    assert [kind.read(x).tobytes() for x in optimizer.ema_parameters()] == read(kind, params, inner)[3:]


def test_seen_and_changed_like_all_others(kind):
    params, optimizer = built(kind)
    optimizer.set("clip_value", None)
    optimizer.set("max_group_norm", None)
    optimizer.set("ema", 0.0)
    go(kind, optimizer, [0])
    free, plain = built(kind, ema=0.5, clip_value=1e30, max_group_norm=1e30)
    plain.set("clip_value", 1e30, group=1), plain.set("max_group_norm", 1e30, group=1)
    go(kind, plain, [0])
    assert read(kind, params, optimizer)[:3] == read(kind, free, plain)[:3] == read(kind, params, optimizer)[3:]
    optimizer.clip_value = 1e-3
    assert optimizer.current()["clip_value"] == 1e-3 and "clip_value = 0.001" in repr(optimizer)


def test_a_cell_drives_the_rate():
    pytest.importorskip("torch")
    from mindspore_front.kinds import calando_kind

    kind = calando_kind()
    _, optimizer = built(kind, ema=nn.PolynomialDecayLR(0.5, 0.1, 4, 1.0))
    assert optimizer.at(4)["ema"] == pytest.approx(0.1)
    go(kind, optimizer, [0])
    with pytest.raises(ValueError, match=r"For 'Adam': 'ema' must lie in \[0, 1\), but got 1.5"):
        built(kind, ema=nn.PolynomialDecayLR(1.5, 0.1, 4, 1.0))


class Own(nn.Optimizer):
    """One that makes its steps itself."""

    def construct(self, gradients):
        return True


REFUSED = [
    (lambda w: nn.LBFGS(w, ema=0.9), "For 'LBFGS': 'ema' must stay None: a line search visits points"),
    (lambda w: nn.LBFGS([{"params": w, "clip_value": 1.0}]), "For 'LBFGS', group 0: 'clip_value' must stay None"),
    (lambda w: Own(0.1, w, clip_value=1.0), "For 'Own': 'clip_value' must stay None: construct makes the step"),
    (lambda w: Own(0.1, [{"params": w, "max_group_norm": 1.0}]), "For 'Own', group 0: 'max_group_norm' must stay None"),
    (lambda w: nn.LARS(nn.SGD(w), ema=0.9), "For 'LARS': 'ema' must stay None: .* give it to that one"),
    (lambda w: nn.SGD([{"params": w, "ema": 0.9}]), "For 'SGD', group 0: 'ema' is 0.9, but .* give ema= to the"),
    (lambda w: nn.SGD(w, ema=1.0), r"For 'SGD': 'ema' must lie in \[0, 1\), but got 1"),
    (lambda w: nn.SGD(w, clip_value=0.0), r"For 'SGD': 'clip_value' must lie in \(0, inf\), but got 0"),
    (lambda w: nn.SGD(w, max_group_norm=[1.0, -1.0]), r"For 'SGD': 'max_group_norm' must lie in .* \(entry 1 of"),
    (lambda w: nn.SGD(w).ema_parameters(), "For 'SGD': there is no average; build the optimizer with ema="),
    (lambda w: nn.SGD(w).averaged().__enter__(), "For 'SGD': there is no average"),
]


@pytest.mark.parametrize("make, told", REFUSED, ids=[told[:40] for _, told in REFUSED])
def test_refused_in_one_sentence(make, told):
    with pytest.raises(ValueError, match=told):
        make([np.ones(2, "f4")])


def test_without_them_nothing_is_there_and_a_generator_is_read_once():
    optimizer = nn.SGD(np.ones(2, "f4") for _ in range(3))
    assert len(optimizer.parameters) == 3 and "ema" not in optimizer.current()[0]
    with pytest.raises(AttributeError, match="'ema' is fixed when the optimizer is built"):
        optimizer.ema = 0.9


def test_a_subclass_may_name_them_and_its_caller_has_the_last_word():
    class Averaged(nn.SGD):
        def __init__(self, params, **more):
            super().__init__(params, ema=0.75, **more)

    class Named(nn.SGD):
        def __init__(self, params, clip_value=None):
            self._seen = clip_value
            super().__init__(params)

    w = [np.ones(2, "f4")]
    assert Averaged(w).current()["ema"] == 0.75 and Averaged(w, ema=0.5).current()["ema"] == 0.5
    assert Named(w, clip_value="mine")._seen == "mine" and "clip_value" not in Named(w).current()[0]


@pytest.mark.parametrize("name", NAMES)
def test_signatures_say_so(name):
    if name != "Optimizer":
        kinds = {p.name: p.kind for p in inspect.signature(getattr(nn, name)).parameters.values()}
        assert {kinds[option] for option in OPTIONS} == {inspect.Parameter.KEYWORD_ONLY}
