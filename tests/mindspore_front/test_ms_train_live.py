"""Model, callbacks, training cells and loss scales beside real MindSpore: the same code in both, live."""

import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindspore_front.programs import first_value

OURS, THEIRS = "calando.mindspore", "mindspore"
RNG = np.random.default_rng(3)
X = RNG.standard_normal((48, 4)).astype("f4")
Y = np.tanh(X[:, :1] - 2 * X[:, 1:2]).astype("f4")
CLASSES = (Y[:, 0] > 0).astype("i4")


class Side:
    """One of the two frameworks, by the names both have."""

    def __init__(self, package):
        self.real = package == THEIRS
        self.ms = importlib.import_module(package)
        self.nn = importlib.import_module(f"{package}.nn")
        self.ops = importlib.import_module(f"{package}.ops")
        self.train = importlib.import_module(f"{package}.train")
        self.ds = importlib.import_module(f"{package}.dataset")
        self.amp = importlib.import_module(f"{package}.amp")

    def net(self, outputs=1, norm=False):
        """A small network with the same weights on both sides."""
        nn = self.nn
        cells = [nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, outputs)]  # MindSpore's tanh is off by up to 7e-6
        cells[1:1] = [nn.BatchNorm1d(8)] if norm else []
        net = nn.SequentialCell(*cells)
        for parameter in net.trainable_params():
            parameter.asnumpy()[...] = first_value(parameter, parameter.name)
        return net

    def data(self, labels=Y, size=12):
        return self.ds.NumpySlicesDataset({"data": X, "label": labels}, shuffle=False).batch(size)

    def batch(self, size=12):
        return self.ms.Tensor(X[:size]), self.ms.Tensor(Y[:size])


@pytest.fixture
def both(mindspore, torch):
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    return Side(OURS), Side(THEIRS)


def weights(net):
    return {parameter.name: parameter.asnumpy().copy() for parameter in net.get_parameters()}


def near(first, second, bound=1e-5):
    """All parameters to ``bound`` of the largest."""
    assert first.keys() == second.keys()
    largest = max(np.abs(value).max() for value in second.values())
    assert max(np.abs(first[name] - second[name]).max() for name in first) <= bound * largest


# ---- Model


def scheduled(side, norm):
    """Model.train with Momentum and a learning rate that changes within and between epochs."""

    def falling(lr, cur_step_num):
        return lr * 0.5 if cur_step_num % 6 == 0 else lr * 0.99

    losses = []
    seen = side.train.Callback()
    seen.on_train_step_end = lambda run: losses.append(float(run.original_args().net_outputs.asnumpy()))
    net = side.net(norm=norm)
    optimizer = side.nn.Momentum(net.trainable_params(), 0.1, 0.9, weight_decay=1e-3)
    model = side.train.Model(net, side.nn.MSELoss(), optimizer)
    model.train(5, side.data(), callbacks=[seen, side.train.LearningRateScheduler(falling)])
    return losses, weights(net), float(optimizer.learning_rate.asnumpy()), int(optimizer.global_step.asnumpy()[0])


@pytest.mark.parametrize("norm", [False, True], ids=["dense", "with BatchNorm"])
def test_momentum_under_a_learning_rate_scheduler(both, norm):
    here, there = (scheduled(side, norm) for side in both)
    assert len(here[0]) == 20 and here[3] == there[3] == 20
    assert here[0] == pytest.approx(there[0], rel=1e-5)
    assert here[2] == pytest.approx(there[2], rel=1e-5)
    if norm:  # in front of BatchNorm only decay and rounding move a bias, and its mean follows it
        for found in (here[1], there[1]):
            found.pop("0.bias"), found.pop("1.moving_mean")
    near(here[1], there[1])


def told(side):
    """Every event with what callbacks are told at it, in training with evaluation, a stop on the way."""
    names = ("cur_epoch_num", "cur_step_num", "batch_num", "epoch_num", "mode")
    rows = []

    class Record(side.train.Callback):
        def __getattribute__(self, event):
            if not event.startswith("on_"):
                return super().__getattribute__(event)

            def record(run):
                args = run.original_args()
                rows.append((event, *(args.get(name) for name in names), sorted(args.get("metrics", {}))))
                if event == "on_train_step_end" and args.cur_step_num == 10:
                    run.request_stop()

            return record

    net = side.net()
    model = side.train.Model(net, side.nn.MSELoss(), side.nn.SGD(net.trainable_params(), 0.1), metrics={"mae", "loss"})
    model.fit(5, side.data(), side.data(size=16), valid_frequency=2, callbacks=[Record()])
    return rows


def test_the_same_events_in_the_same_order(both):
    """Names, order, counters, what is known when, and where a wish to stop takes effect."""
    here, there = (told(side) for side in both)
    shown = lambda row: row if row[1] is not None else (row[0],)  # noqa: E731 - before the first epoch
    first = next(i for i, row in enumerate(there) if row[0] == "on_train_epoch_begin")
    assert [row[0] for row in here] == [row[0] for row in there]
    assert list(map(shown, here[first:])) == list(map(shown, there[first:]))
    assert [row[0] for row in here].count("on_train_step_end") == 10


def test_loss_monitor_prints_the_same(both, capsys):
    def printed(side):
        net = side.net()
        model = side.train.Model(
            net, side.nn.MSELoss(), side.nn.SGD(net.trainable_params(), 0.1), metrics={"accuracy": side.train.MAE()}
        )
        capsys.readouterr()
        model.fit(3, side.data(), side.data(), callbacks=side.train.LossMonitor(3))
        return capsys.readouterr().out.splitlines()

    here, there = (printed(side) for side in both)
    assert len(here) == len(there) == 7
    for line, other in zip(here, there, strict=True):
        (words, number), (others, expected) = (text.rstrip("}").rsplit(" ", 1) for text in (line, other))
        assert words == others and float(number) == pytest.approx(float(expected), rel=1e-5)


PLATEAUS = [
    {"monitor": "mae", "factor": 0.5, "patience": 1, "min_delta": 0.02},
    {"monitor": "loss", "factor": 0.3, "patience": 2, "cooldown": 2, "min_delta": 0.05, "mode": "min"},
    {"monitor": "mae", "factor": 0.5, "patience": 1, "mode": "max", "min_lr": 0.02},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=["a metric", "the last loss", "upwards, to a bound"])
def test_reduce_on_plateau(both, options):
    def rates(side):
        seen, found = side.train.Callback(), []
        seen.on_train_epoch_end = lambda run: found.append(float(run.original_args().optimizer.learning_rate.asnumpy()))
        net = side.net()
        optimizer = side.nn.Momentum(net.trainable_params(), 0.2, 0.9)
        model = side.train.Model(net, side.nn.MSELoss(), optimizer, metrics={"mae"})
        model.fit(14, side.data(), side.data(), callbacks=[side.train.ReduceLROnPlateau(**options), seen])
        return found

    here, there = (rates(side) for side in both)
    assert here == pytest.approx(there, rel=1e-6)
    assert 2 <= len(set(np.round(here, 8))) <= 14


@pytest.mark.parametrize("kind", ["classes", "one-hot", "numbers"])
def test_eval_and_predict(both, kind):
    def figures(side):
        net = side.net(outputs=1 if kind == "numbers" else 2)
        labels = {"classes": CLASSES, "one-hot": np.eye(2, dtype="f4")[CLASSES], "numbers": Y}[kind]
        loss = side.nn.MSELoss() if kind == "numbers" else side.nn.CrossEntropyLoss()
        names = {"mae", "mse", "loss"} if kind == "numbers" else {"acc", "accuracy", "loss"}
        model = side.train.Model(net, loss, metrics=names)
        return model.eval(side.data(labels, size=16)), model.predict(side.ms.Tensor(X)).asnumpy()

    (here, outputs), (there, expected) = (figures(side) for side in both)
    assert here.keys() == there.keys() and here == pytest.approx({k: float(v) for k, v in there.items()}, rel=1e-5)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


# ---- cells


@pytest.mark.parametrize("sens", [None, 1.0, 128.0], ids=str)
def test_one_step_cell(both, sens):
    """``sens`` multiplies gradients, the optimizer's loss_scale divides them again; the loss is returned without."""

    def steps(side):
        net = side.net()
        optimizer = side.nn.Adam(net.trainable_params(), 0.05, weight_decay=0.01, loss_scale=sens or 1.0)
        step = side.nn.TrainOneStepCell(side.nn.WithLossCell(net, side.nn.MSELoss()), optimizer, sens).set_train()
        return [float(step(*side.batch()).asnumpy()) for _ in range(8)], weights(net)

    (losses, here), (expected, there) = (steps(side) for side in both)
    assert losses == pytest.approx(expected, rel=1e-5)
    near(here, there)


def test_gradients_returned_are_scaled(both):
    def gradients(side):
        net = side.net()
        optimizer = side.nn.SGD(net.trainable_params(), 0.0)
        network = side.nn.WithLossCell(net, side.nn.MSELoss())
        _, found = side.nn.TrainOneStepCell(network, optimizer, 64.0, return_grad=True).set_train()(*side.batch())
        return {name: gradient.asnumpy() for name, gradient in found.items()}

    here, there = (gradients(side) for side in both)
    near(here, there)
    assert max(np.abs(gradient).max() for gradient in here.values()) > 10


def test_moving_statistics_take_in_a_batch_once(both):
    def mean(side):
        net = side.net(norm=True)
        network = side.nn.WithLossCell(net, side.nn.MSELoss())
        side.nn.TrainOneStepCell(network, side.nn.SGD(net.trainable_params(), 0.0)).set_train()(*side.batch())
        return net[1].moving_mean.asnumpy(), net[1].moving_variance.asnumpy()

    for here, there in zip(*(mean(side) for side in both), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-7)


def written(side):
    """A step as the model zoo writes it: GradOperation, sens filled by hand, clipping with MultitypeFuncGraph."""
    nn, ops = side.nn, side.ops
    clip = ops.MultitypeFuncGraph("clip")

    @clip.register("Number", "Tensor")
    def clip_one(bound, gradient):
        return ops.clip_by_value(gradient, -bound, bound)

    class Step(nn.TrainOneStepCell):
        def __init__(self, network, optimizer, sens):
            super().__init__(network, optimizer, sens)
            self.hyper_map = ops.HyperMap()

        def construct(self, data, label):
            loss = self.network(data, label)
            sens = ops.fill(loss.dtype, loss.shape, self.sens)
            grads = self.grad(self.network, self.weights)(data, label, sens)
            grads = self.hyper_map(ops.partial(clip, 3.0), grads)
            return ops.depend(loss, self.optimizer(grads))

    net = side.net()
    optimizer = nn.Momentum(net.trainable_params(), 0.1, 0.9, loss_scale=16.0)
    step = Step(nn.WithLossCell(net, nn.MSELoss()), optimizer, 16.0).set_train()
    return [float(step(*side.batch()).asnumpy()) for _ in range(6)], weights(net)


def test_a_step_as_the_model_zoo_writes_it(both):
    (losses, here), (expected, there) = (written(side) for side in both)
    assert losses == pytest.approx(expected, rel=1e-5)
    near(here, there)


def accumulated(side, micro):
    """Gradients of several batches added up by HyperMap, then one update."""
    net, loss = side.net(), side.nn.MSELoss()
    optimizer = side.nn.Momentum(net.trainable_params(), 0.1, 0.9)
    inner = optimizer.parameters.clone(prefix="acc", init="zeros")
    each = side.ops.HyperMap()
    gradient = side.ms.value_and_grad(lambda x, y: loss(net(x), y), None, optimizer.parameters)
    for start in range(0, 48, 12):
        _, grads = gradient(side.ms.Tensor(X[start : start + 12]), side.ms.Tensor(Y[start : start + 12]))
        each(side.ops.partial(side.ops.assign_add), inner, grads)
        if (start // 12 + 1) % micro == 0:
            optimizer(inner)
            each(side.ops.partial(side.ops.assign), inner, each(side.ops.zeros_like, inner))
    return [p.name for p in inner], weights(net)


def test_accumulation(both):
    (names, here), (expected, there) = (accumulated(side, 2) for side in both)
    assert names == expected
    near(here, there)


# ---- loss scales


def on_cpu(side):
    """MindSpore asks an accelerator about overflow; here it looks at the gradients itself, the rest is its own."""
    if not side.real:
        return side.nn.TrainOneStepWithLossScaleCell

    class Step(side.nn.TrainOneStepWithLossScaleCell):
        def get_overflow_status(self, status, compute_output):
            found = [side.ops.isfinite(gradient).all() for gradient in compute_output]
            return side.ops.logical_not(side.ops.stack(found).all())

    return Step


@pytest.mark.parametrize("first, factor, window", [(2.0**125, 2, 3), (2.0**122, 4, 1), (1024.0, 3, 2), (1.0, 2, 5)])
def test_dynamic_scale_step_by_step(both, first, factor, window):
    """Scale, overflow, clock and weights after each of 12 steps; with the largest scales gradients are inf at first."""

    def run(side):
        net = side.net()
        optimizer = side.nn.Momentum(net.trainable_params(), 1e-4, 0.9)
        update = side.nn.DynamicLossScaleUpdateCell(first, factor, window)
        step = on_cpu(side)(side.nn.WithLossCell(net, side.nn.MSELoss()), optimizer, update).set_train()
        rows = []
        for _ in range(12):
            loss, overflow, scale = step(side.ms.Tensor(X[:12]), side.ms.Tensor(Y[:12] * 200))
            counts = [int(each.asnumpy()) for each in (update.cur_iter, update.last_overflow_iter)]
            rows.append([float(loss.asnumpy()), bool(overflow.asnumpy()), float(scale.asnumpy()), *counts])
            rows[-1].append(int(optimizer.global_step.asnumpy()[0]))
        return rows, weights(net)

    (rows, here), (expected, there) = (run(side) for side in both)
    assert [row[1:] for row in rows] == [row[1:] for row in expected]
    assert [row[0] for row in rows] == pytest.approx([row[0] for row in expected], rel=1e-5)
    near(here, there)
    assert any(row[1] for row in rows) == (first > 2.0**100)


def test_a_scale_given_as_a_tensor(both):
    def run(side):
        net = side.net()
        optimizer = side.nn.SGD(net.trainable_params(), 0.1)
        sense = side.ms.Tensor(1024.0, side.ms.float32)
        step = on_cpu(side)(side.nn.WithLossCell(net, side.nn.MSELoss()), optimizer, sense).set_train()
        found = [step(*side.batch())[2]]
        step.set_sense_scale(side.ms.Tensor(8.0, side.ms.float32))
        found.append(step(*side.batch())[2])
        return float(found[-1].asnumpy()), weights(net)

    (scale, here), (expected, there) = (run(side) for side in both)
    assert scale == expected == 8.0
    near(here, there)


@given(
    st.lists(st.booleans(), max_size=40),
    st.sampled_from([1.0, 3.0, 2.0**24]),
    st.sampled_from([2, 3, 8]),
    st.integers(1, 6),
)
def test_the_managers_sequence(mindspore, overflows, first, factor, window):
    from mindspore.train.loss_scale_manager import DynamicLossScaleManager as Theirs

    from calando.mindspore.amp import DynamicLossScaleManager as Ours

    here, there = Ours(first, factor, window), Theirs(first, factor, window)
    for overflow in overflows:
        here.update_loss_scale(overflow), there.update_loss_scale(overflow)
        assert here.get_loss_scale() == there.get_loss_scale()
    assert here.get_drop_overflow_update() and (here.cur_iter, here.bad_step) == (there.cur_iter, there.bad_step)


@given(st.lists(st.booleans(), max_size=12), st.sampled_from([1.0, 512.0, 2.0**127]), st.integers(1, 3))
def test_the_scalers_sequence(mindspore, finites, first, window):
    here, there = (
        importlib.import_module(f"{name}.amp").DynamicLossScaler(first, 2, window) for name in (OURS, THEIRS)
    )
    for finite in finites:
        here.adjust(importlib.import_module(OURS).Tensor(finite)), there.adjust(mindspore.Tensor(finite))
        assert float(here.scale_value.asnumpy()) == float(there.scale_value.asnumpy())
        assert int(here.counter.asnumpy()) == int(there.counter.asnumpy())


def test_scaling_and_unscaling(both):
    def run(side):
        scaler = side.amp.StaticLossScaler(2.0**10)
        given = (side.ms.Tensor(np.array([1.5, 1.0], "f2")), side.ms.Tensor(np.array([1.2], "f4")))
        scaled = scaler.scale(given[1])
        finite = [
            bool(side.amp.all_finite((side.ms.Tensor(np.array([1.0, x], "f4")),))) for x in (1, math.inf, math.nan)
        ]
        return [each.asnumpy() for each in scaler.unscale(given)] + [scaled.asnumpy()], finite

    (here, finite), (there, expected) = (run(side) for side in both)
    assert finite == expected == [True, False, False]
    for a, b in zip(here, there, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_a_fixed_scale_that_drops_nothing_in_a_model(both):
    """The only loss scale MindSpore's Model takes on CPU."""

    def run(side):
        net = side.net()
        optimizer = side.nn.Momentum(net.trainable_params(), 0.1, 0.9, loss_scale=1024.0)
        manager = side.amp.FixedLossScaleManager(1024.0, False)
        model = side.train.Model(net, side.nn.MSELoss(), optimizer, loss_scale_manager=manager)
        model.train(2, side.data())
        return weights(net)

    near(*(run(side) for side in both))
