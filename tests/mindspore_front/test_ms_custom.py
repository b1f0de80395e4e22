"""One's own optimizers: the same text on calando and on real MindSpore, step by step, and what they may rely on."""

import copy
import pickle

import numpy as np
import pytest

from calando import resuming, saving
from calando.mindspore import nn
from calando.schedules import Linear, ScheduleEnd
from mindspore_front.custom_programs import PROGRAMS, read
from mindspore_front.kinds import calando_kind, distance, mindspore_kind, noises, started

SHAPES = {"conv.weight": (4, 3, 3, 3), "bn.gamma": (4,), "fc.weight": (6, 20), "fc.bias": (6,)}
CLOSE = 3e-7  # of the largest number: float32, over all steps


def groups(params, order=False):
    conv, gamma, weight, bias = params.values()
    found = [{"params": [weight, conv], "lr": 0.03, "weight_decay": 0.02}, {"params": [bias, gamma]}]
    return [*found, {"order_params": [gamma, conv, bias, weight]}] if order else found


def schedule_of(library):
    class Falling(library.nn.learning_rate_schedule.LearningRateSchedule):
        def construct(self, global_step):
            return 0.1 / (1.0 + library.ops.cast(global_step, library.float32))

    return Falling()


SETTINGS = {
    "plain": lambda params, library: (list(params.values()), 0.1),
    "list": lambda params, library: (list(params.values()), [0.1, 0.07, 0.05, 0.02, 0.01, 0.005]),
    "tensor": lambda params, library: (list(params.values()), library.Tensor(np.float32(0.05))),
    "schedule": lambda params, library: (list(params.values()), schedule_of(library)),
    "groups": lambda params, library: (groups(params), 0.1),
    "ordered": lambda params, library: (groups(params, order=True), 0.1),
}


def played(name, setting, library, kind, steps=5, ours=True, **options):
    """All that a program has after some steps, by name."""
    cls = read(name, ours)[name]
    params = kind.params(started(shapes=SHAPES))
    given, rate = SETTINGS[setting](params, library)
    optimizer = cls(given, rate, **options)
    for noise in noises(steps, shapes=SHAPES):
        named = kind.grads(noise[p.name] for p in optimizer.parameters)
        optimizer(named)
    return optimizer, {word: kind.read(value) for word, value in optimizer.parameters_dict().items()}


@pytest.mark.parametrize("decay", [0.0, 0.05])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_text_on_both(name, setting, decay, mindspore, torch):
    """Parameters, moments, numbers, global_step and learning rates: names, order and values."""
    import calando.mindspore as ms

    _, ours = played(name, setting, ms, calando_kind(), weight_decay=decay)
    _, theirs = played(name, setting, mindspore, mindspore_kind(mindspore), ours=False, weight_decay=decay)
    assert list(ours) == list(theirs)
    for word in theirs:
        assert ours[word].dtype == theirs[word].dtype
        assert distance(ours[word], theirs[word]) <= CLOSE, word
    assert ours["global_step"].tolist() == [0 if name == "MyMomentum" else 5]


@pytest.mark.parametrize("name", ["Counting", "Mapped"])
def test_loss_scale(name, mindspore, torch):
    import calando.mindspore as ms

    _, ours = played(name, "groups", ms, calando_kind(), weight_decay=0.05, loss_scale=8.0)
    _, theirs = played(
        name, "groups", mindspore, mindspore_kind(mindspore), ours=False, weight_decay=0.05, loss_scale=8.0
    )
    assert all(distance(ours[word], theirs[word]) <= CLOSE for word in theirs)


@pytest.mark.parametrize("setting", ["plain", "groups"])
def test_the_attribute_weight_decay_holds_the_loss_scale(setting, mindspore, torch):
    """What ``construct`` finds in ``self.weight_decay``: numbers, and a Cell that gives them."""
    import calando.mindspore as ms

    def halved(library):
        return type("Halved", (library.nn.Cell,), {"construct": lambda self, global_step: 0.5 / (1 + global_step)})()

    def shown(library, kind, mine, decay):
        optimizer, _ = played("Counting", setting, library, kind, 0, mine, weight_decay=decay, loss_scale=8.0)
        found = optimizer.weight_decay if setting == "groups" else (optimizer.weight_decay,)
        step = kind.tensor(np.ones(1, "i4"))
        return optimizer, [float(kind.read(x(step) if callable(x) else x).item()) for x in found]

    rooms = (ms, calando_kind(), True), (mindspore, mindspore_kind(mindspore), False)
    (optimizer, ours), (_, theirs) = (shown(*room, 0.05) for room in rooms)
    assert ours == pytest.approx(theirs) and max(theirs) == pytest.approx(0.4)
    (_, ours), (_, theirs) = (shown(*room, halved(room[0])) for room in rooms)
    assert ours == pytest.approx(theirs) and max(theirs) == pytest.approx(2.0)
    optimizer.weight_decay = 0.8
    assert optimizer.current()["weight_decay"] == 0.1


@pytest.mark.parametrize("setting", ["plain", "groups"])
@pytest.mark.parametrize("name", ["Counting", "Mapped", "Powers"])
def test_a_weight_decay_that_changes(name, setting, mindspore, torch):
    """A Cell of the step, as MindSpore documents dynamic weight decay."""
    import calando.mindspore as ms

    def falling(library):
        class Falling(library.nn.Cell):
            def construct(self, global_step):
                return library.ops.div(0.2, 1.0 + library.ops.cast(global_step, library.float32))[0]

        return Falling()

    real = mindspore_kind(mindspore)
    ours, mine = played(name, setting, ms, calando_kind(), weight_decay=falling(ms))
    theirs, real = played(name, setting, mindspore, real, ours=False, weight_decay=falling(mindspore))
    assert all(distance(mine[word], real[word]) <= CLOSE for word in real)
    assert ours.dynamic_weight_decay and theirs.dynamic_weight_decay


@pytest.mark.parametrize("name", ["MyMomentum", "Counting"])
def test_on_parameters_of_real_mindspore(name, mindspore):
    """Calando's text over MindSpore's own Parameters and gradients: the same path."""
    kind = mindspore_kind(mindspore)
    cls = read(name, True)[name]
    optimizer = cls(list(kind.params(started(shapes=SHAPES)).values()), 0.1, weight_decay=0.05)
    for noise in noises(5, shapes=SHAPES):
        optimizer(kind.grads(noise.values()))
    _, theirs = played(name, "plain", mindspore, kind, ours=False, weight_decay=0.05)
    ours = {word: kind.read(value) for word, value in optimizer.parameters_dict().items()}
    assert list(ours) == list(theirs)
    assert all(distance(ours[word], theirs[word]) <= CLOSE for word in theirs)


# What MindSpore's base class knows of itself.

FLAGS = (
    "is_group", "is_group_lr", "dynamic_lr", "dynamic_weight_decay", "exec_weight_decay", "decay_flags", "param_length",
    "need_scale", "use_parallel", "optim_filter", "cls_name", "target", "unique",
)  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_flags(setting, mindspore, torch):
    import calando.mindspore as ms

    ours, _ = played("MyMomentum", setting, ms, calando_kind(), steps=0, weight_decay=0.05)
    theirs, _ = played(
        "MyMomentum", setting, mindspore, mindspore_kind(mindspore), steps=0, ours=False, weight_decay=0.05
    )
    for flag in FLAGS:
        assert getattr(ours, flag) == getattr(theirs, flag), flag
    assert ours._is_dynamic_lr_or_weight_decay() == theirs._is_dynamic_lr_or_weight_decay()
    lr, wd = (getattr(ours, f"get_{what}")() for what in ("lr", "weight_decay"))
    for mine, real in ((lr, theirs.get_lr()), (wd, theirs.get_weight_decay())):
        mine, real = (x if isinstance(x, tuple) else (x,) for x in (mine, real))
        assert [float(x) for x in mine] == [float(x.asnumpy()) for x in real]


def test_get_lr_advances_nothing(torch):
    import calando.mindspore as ms

    optimizer, _ = played("Counting", "list", ms, calando_kind(), steps=2)
    assert [float(optimizer.get_lr()) for _ in range(3)] == [np.float32(0.05)] * 3
    assert optimizer.global_step.asnumpy().tolist() == [2]
    optimizer.global_step = 4
    assert float(optimizer.get_lr()) == np.float32(0.01)


def test_every_optimizer_here_is_an_instance():
    optimizer = nn.Momentum([np.zeros(3, "f4")], 0.1, 0.9)
    assert isinstance(optimizer, nn.Optimizer) and issubclass(nn.Adam, nn.Optimizer)

    class Own(nn.Optimizer):
        pass

    own = Own(0.1, [np.zeros(3, "f4")])
    assert isinstance(own, nn.Optimizer) and isinstance(own, Own)
    assert not isinstance(optimizer, Own) and not issubclass(nn.Adam, Own)
    assert not isinstance(3, nn.Optimizer)


def test_what_is_done_to_gradients(any_kind):
    """Against the formulas, on every kind of parameters; nothing that was given changes."""
    start, noise = started(shapes=SHAPES), noises(1, shapes=SHAPES)[0]
    params = any_kind.params(start)
    conv, gamma, weight, bias = params.values()
    given = [{"params": [conv, bias], "weight_decay": 0.25, "grad_centralization": True}, {"params": [gamma, weight]}]
    optimizer = nn.Optimizer(0.1, given, weight_decay=0.0, loss_scale=4.0)
    order = ["conv.weight", "fc.bias", "bn.gamma", "fc.weight"]
    grads = any_kind.grads(noise[name] for name in order)
    decayed, centered = optimizer.decay_weight(grads), optimizer.gradients_centralization(grads)
    scaled = optimizer.scale_grad(list(grads))
    for i, name in enumerate(order):
        g, p, first = noise[name].astype("f8"), start[name].astype("f8"), i < 2
        assert distance(any_kind.read(decayed[i]), g + first * 0.25 * 4 * p) <= 2e-7
        assert distance(any_kind.read(scaled[i]), g / 4) <= 2e-7
        middle = g.mean(axis=(1, 2, 3), keepdims=True) if name == "conv.weight" else 0.0
        assert distance(any_kind.read(centered[i]), g - middle) <= 3e-7
        assert any_kind.read(grads[i]).tobytes() == noise[name].tobytes()
    assert optimizer.flatten_gradients(grads) is grads


def test_sparse_gradients(torch):
    """RowTensor: only its rows decay, scale and are centred."""
    import calando.mindspore as ms

    w = ms.Parameter(np.arange(12, dtype="f4").reshape(4, 3), name="w")
    optimizer = nn.Optimizer(0.1, [{"params": [w], "weight_decay": 0.5, "grad_centralization": True}], loss_scale=2.0)
    g = ms.RowTensor([2, 0], [[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]], (4, 3))
    (decayed,), (centered,) = optimizer.decay_weight([g]), optimizer.gradients_centralization([g])
    (scaled,) = optimizer.scale_grad([g])
    assert decayed.values.tolist() == [[7, 9, 14], [0, 1, 5]] and decayed.indices.tolist() == [2, 0]
    assert centered.values.tolist() == [[-2, -1, 3], [-1, -1, 2]] and centered.dense_shape == (4, 3)
    assert scaled.values.tolist() == [[0.5, 1, 3], [0, 0, 1.5]]


def test_gradients_are_not_recorded(torch):
    import calando.mindspore as ms

    w = ms.Parameter(np.ones(3, "f4"), name="w")

    class Own(nn.Optimizer):
        def construct(self, gradients):
            return self.parameters[0] * 2

    optimizer = Own(0.1, [w], weight_decay=0.1)
    assert not optimizer((ms.Tensor(np.ones(3, "f4")),)).requires_grad
    assert not optimizer.decay_weight((ms.Tensor(np.ones(3, "f4")),))[0].requires_grad


# Beyond MindSpore.


def test_seeing_and_changing(torch):
    import calando.mindspore as ms

    rate = Linear(0.0, 0.4, steps=4)
    cls = read("Counting", True)["Counting"]
    params = calando_kind().params(started(shapes=SHAPES))
    optimizer = cls(list(params.values()), rate)
    assert optimizer.trace("lr", range(5), group=0).tolist() == [0.0, 0.1, 0.2, 0.30000000000000004, 0.4]
    noise = noises(1, shapes=SHAPES)[0]
    optimizer(calando_kind().grads(noise.values()))
    assert (
        optimizer.current()[0]["lr"] == 0.1 and "step 1" in repr(optimizer) and "Linear(0, 0.4, 4)" in repr(optimizer)
    )
    optimizer.set("lr", 0.5)
    assert float(optimizer.get_lr()) == 0.5
    ms.ops.assign(optimizer.learning_rate, ms.Tensor(0.25))
    assert float(optimizer.get_lr()) == 0.25 and optimizer.at(1)["lr"] == 0.25
    optimizer.weight_decay = ms.Tensor([0.125])
    assert float(optimizer.get_weight_decay()) == 0.125
    with pytest.raises(KeyError, match="has no hyperparameter 'max_norm'"):
        optimizer.set("max_norm", 1.0)


def test_lr_is_learning_rate(torch):
    optimizer = read("MyMomentum", True)["MyMomentum"]
    w = calando_kind().params({"w": np.zeros(2, "f4")})["w"]
    assert float(optimizer([w], lr=0.5).get_lr()) == 0.5


def test_get_lr_parameter(torch):
    params = calando_kind().params(started(shapes=SHAPES))
    optimizer = read("MyMomentum", True)["MyMomentum"](groups(params), 0.1)
    found = optimizer.get_lr_parameter([params["fc.weight"], params["fc.bias"]])
    assert [float(p) for p in found] == [np.float32(0.03), np.float32(0.1)]
    assert found[0].name == "learning_rate_group_0"
    with pytest.raises(ValueError, match=r"'moments\.fc\.weight' is not one of its parameters"):
        optimizer.get_lr_parameter(optimizer.moments[0])


def test_a_subclass_of_an_optimizer_may_override_construct(torch, mindspore):
    """As in MindSpore: what is called is construct."""
    import calando.mindspore as ms

    def played(library, words, kind):
        class Clipped(words.Momentum):
            def construct(self, gradients):
                return super().construct(library.ops.clip_by_global_norm(gradients, 0.5))

        optimizer = Clipped(list(kind.params(started(shapes=SHAPES)).values()), 0.1, 0.9)
        for noise in noises(3, shapes=SHAPES):
            optimizer(kind.grads(noise.values()))
        return [kind.read(p) for p in optimizer.parameters]

    ours = played(ms, nn, calando_kind())
    theirs = played(mindspore, mindspore.nn, mindspore_kind(mindspore))
    assert all(distance(a, b) <= CLOSE for a, b in zip(ours, theirs, strict=True))


# What survives.


@pytest.mark.parametrize("how", ["checkpoint", "snapshot", "file", "deepcopy"])
@pytest.mark.parametrize("name", ["Counting", "Mapped", "Powers", "SignMomentum"])
def test_exact_resume(name, how, torch, tmp_path):
    import calando.mindspore as ms

    kind, rates = calando_kind(), [0.1, 0.05, 0.02, 0.01, 0.005, 0.002]

    def built(seed):
        params = kind.params(started(seed, shapes=SHAPES))
        return read(name, True)[name](list(params.values()), rates, weight_decay=0.01)

    def trained(optimizer, noise):
        for each in noise:
            optimizer(kind.grads(each[p.name] for p in optimizer.parameters))

    noise = noises(6, shapes=SHAPES)
    whole, half, fresh = built(0), built(0), built(7)
    trained(whole, noise)
    trained(half, noise[:3])
    if how == "checkpoint":
        ms.save_checkpoint(half, str(tmp_path / "own.ckpt"))
        left = ms.load_param_into_net(fresh, ms.load_checkpoint(str(tmp_path / "own.ckpt")))
        assert left == ([], [])
    elif how in ("snapshot", "file"):
        if how == "snapshot":
            fresh.restore(pickle.loads(pickle.dumps(half.snapshot())))
        else:
            saving.save(tmp_path / "own.calando", None, half)
            resuming.resume(tmp_path / "own.calando", None, fresh)
        for p, q in zip(fresh.parameters, half.parameters, strict=True):
            p.set_data(q)
    else:
        fresh = copy.deepcopy(half)
    trained(fresh, noise[3:])
    ours, theirs = ({n: v.asnumpy() for n, v in o.parameters_dict().items()} for o in (fresh, whole))
    assert list(ours) == list(theirs)
    assert all(ours[word].tobytes() == theirs[word].tobytes() for word in theirs)


def test_a_checkpoint_of_real_mindspore_goes_on_here(mindspore, torch, tmp_path):
    import calando.mindspore as ms

    theirs, _ = played("Mapped", "plain", mindspore, mindspore_kind(mindspore), steps=3, ours=False)
    mindspore.save_checkpoint(theirs, str(tmp_path / "theirs.ckpt"))
    fresh, _ = played("Mapped", "plain", ms, calando_kind(), steps=0)
    assert ms.load_checkpoint(str(tmp_path / "theirs.ckpt"), net=fresh)
    for noise in noises(5, shapes=SHAPES)[3:]:
        fresh(calando_kind().grads(noise.values()))
    _, whole = played("Mapped", "plain", mindspore, mindspore_kind(mindspore), steps=5, ours=False)
    assert all(distance(fresh.parameters_dict()[word].asnumpy(), whole[word]) <= CLOSE for word in whole)


def test_foreign_state_is_refused(torch, tmp_path):
    import calando.mindspore as ms

    params = calando_kind().params(started(shapes=SHAPES))
    own = read("Counting", True)["Counting"](list(params.values()), 0.1)
    adam = nn.Adam(list(calando_kind().params(started(shapes=SHAPES)).values()))
    ms.save_checkpoint(adam, str(tmp_path / "adam.ckpt"))
    with pytest.raises(ValueError, match=r"has 'moment1.conv.weight', which is of .*Adam"):
        ms.load_checkpoint(str(tmp_path / "adam.ckpt"), net=own)
    with pytest.raises(ValueError, match=r"Counting: 'moments.conv.weight' is .* here and missing in the snapshot"):
        own.restore(adam.snapshot())
    other = read("SignMomentum", True)["SignMomentum"](list(params.values()))
    with pytest.raises(ValueError, match=r"'moments\.conv\.weight' is"):
        own.restore(other.snapshot())


def test_parameters_in_attributes(torch):
    """A Parameter, a tuple of them and a Cell belong to the optimizer; numbers are written into a Parameter."""
    import calando.mindspore as ms

    class Own(nn.Optimizer):
        def __init__(self, params):
            super().__init__(0.1, params)
            self.norm = ms.Parameter(ms.Tensor([0.0, 0.0]))
            self.counts = [ms.Parameter(ms.Tensor(3, ms.int32), name="count"), ms.Parameter(ms.Tensor(0.5))]
            self.mixer = nn.Dense(2, 2, has_bias=False)
            self.again = self.norm

        def construct(self, gradients):
            self.norm = ms.Tensor([1.0, 2.0])

    own = Own([ms.Parameter(np.zeros(2, "f4"), name="w")])
    assert list(own.parameters_dict()) == ["global_step", "learning_rate", "w", "norm", "count", "counts.1", "weight"]
    kept = own.norm
    own((ms.Tensor(np.ones(2, "f4")),))
    assert own.norm is kept and kept.asnumpy().tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"'norm' has shape \(2,\) and cannot take a value of shape \(3,\)"):
        own.norm = ms.Tensor([1.0, 2.0, 3.0])


# Bad input.


def test_errors(torch):
    import calando.mindspore as ms

    cls = read("MyMomentum", True)["MyMomentum"]
    start = started(shapes=SHAPES)
    params = list(calando_kind().params(start).values())
    cases = [
        (
            ValueError,
            r"For 'MyMomentum': 'learning_rate' must lie in \[0, inf\), but got -0.1",
            lambda: cls(params, -0.1),
        ),
        (ValueError, "'params' is empty", lambda: cls([], 0.1)),
        (ValueError, "'weight_decay' must lie in", lambda: cls(params, 0.1, weight_decay=-1.0)),
        (ValueError, "'loss_scale' must lie in", lambda: cls(params, 0.1, loss_scale=0.0)),
        (
            ValueError,
            "'max_norm' is not for one's own optimizers",
            lambda: cls([{"params": params, "max_norm": 1}], 0.1),
        ),
        (
            TypeError,
            "'params' must be a list of parameters or of dictionaries, but got 0.1",
            lambda: nn.Optimizer(params, 0.1),
        ),
    ]
    for kind, sentence, made in cases:
        with pytest.raises(kind, match=sentence):
            made()
    optimizer = cls(params, 0.1)
    grads = calando_kind().grads(noises(1, shapes=SHAPES)[0].values())
    for kind, sentence, wrong in [
        (ValueError, "3 gradients for 4 parameters", grads[:3]),
        (TypeError, "the gradient of 'bn.gamma' is None", (grads[0], None, *grads[2:])),
        (ValueError, r"the gradient of 'conv.weight' has shape \(6,\)", (grads[3], *grads[1:3], grads[0])),
    ]:
        with pytest.raises(kind, match=sentence):
            optimizer(wrong)
    assert all(p.asnumpy().tobytes() == start[p.name].tobytes() for p in optimizer.parameters)
    with pytest.raises(NotImplementedError, match=r"For 'Optimizer': there is no construct\(self, gradients\)"):
        nn.Optimizer(0.1, params)(grads)
    with pytest.raises(AttributeError, match=r"torch\.distributed"):
        optimizer.broadcast_params  # noqa: B018
    assert ms.nn.Optimizer is nn.Optimizer


def test_the_end_of_a_list(torch):
    """Refused before construct has changed anything."""
    import calando.mindspore as ms

    optimizer, before = played("Counting", "list", ms, calando_kind(), steps=6)
    with pytest.raises(ScheduleEnd):
        optimizer(calando_kind().grads(noises(1, shapes=SHAPES)[0][p.name] for p in optimizer.parameters))
    assert all(
        value.asnumpy().tobytes() == before[name].tobytes() for name, value in optimizer.parameters_dict().items()
    )


def test_in_a_training_by_model(torch):
    """Model and TrainOneStepCell take it as they take all others."""
    import calando.mindspore as ms

    def trained(make):
        net = nn.Dense(3, 1)
        net.weight.set_data(ms.Tensor(np.array([[0.5, -0.25, 0.125]], "f4")))
        net.bias.set_data(ms.Tensor(np.zeros(1, "f4")))
        rng = np.random.default_rng(0)
        batches = [tuple(ms.Tensor(rng.random((4, n)).astype("f4")) for n in (3, 1)) for _ in range(5)]
        model = ms.train.Model(net, nn.MSELoss(), make(net.trainable_params()))
        model.train(2, batches, callbacks=[], dataset_sink_mode=False)
        return [p.asnumpy().copy() for p in net.trainable_params()]

    own = trained(lambda params: read("Counting", True)["Counting"](params, 0.1))
    known = trained(lambda params: nn.Momentum(params, 0.1, 0.9))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(own, known, strict=True))
