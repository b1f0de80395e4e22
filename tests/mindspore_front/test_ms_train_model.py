"""Model and its callbacks on calando's own: what it trains on, what it refuses, files, the bar."""

import io
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are built on it")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import amp, nn  # noqa: E402
from calando.mindspore import dataset as ds  # noqa: E402
from calando.mindspore.train import (  # noqa: E402
    Accuracy,
    Callback,
    CheckpointConfig,
    History,
    LambdaCallback,
    LearningRateScheduler,
    LossMonitor,
    Metric,
    Model,
    ModelCheckpoint,
    ReduceLROnPlateau,
    RunContext,
    TimeMonitor,
    get_metric_fn,
)
from mindspore_front.programs import first_value  # noqa: E402

RNG = np.random.default_rng(5)
X = RNG.standard_normal((32, 4)).astype("f4")
Y = (X[:, :1] - X[:, 1:2]).astype("f4")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 32, 8)]


def built(lr=0.05, loss=True, **options):
    """A small Model with the same weights each time."""
    net = nn.SequentialCell(nn.Dense(4, 8), nn.Tanh(), nn.Dense(8, 1))
    for parameter in net.trainable_params():
        parameter.set_data(first_value(parameter, parameter.name))
    scale = options.pop("loss_scale", 1.0)
    optimizer = nn.Momentum(net.trainable_params(), lr, 0.9, loss_scale=scale)
    model = Model(net, nn.MSELoss() if loss else None, optimizer, **options)
    return model, net, optimizer


def ended(dataset, epochs=3, **options):
    """The weights after a training."""
    model, net, _ = built(**options)
    model.train(epochs, dataset)
    return [parameter.asnumpy().copy() for parameter in net.get_parameters()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


# ---- what it trains on


class Anew:
    def __iter__(self):
        return iter(BATCHES)


def generated():
    yield from BATCHES


def loader():
    tensors = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    return torch.utils.data.DataLoader(tensors, batch_size=8)


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return zip(X, Y, strict=True)


SOURCES = {
    "tensors": lambda: [(ms.Tensor(x), ms.Tensor(y)) for x, y in BATCHES],
    "dictionaries": lambda: [{"data": x, "label": y} for x, y in BATCHES],
    "a DataLoader": loader,
    "a DataLoader of unknown length": lambda: torch.utils.data.DataLoader(Stream(), batch_size=8),
    "an object that begins anew": Anew,
    "a generator function": lambda: generated,
    "NumpySlicesDataset": lambda: ds.NumpySlicesDataset({"x": X, "y": Y}, shuffle=False).batch(8),
    "GeneratorDataset": lambda: ds.GeneratorDataset(list(zip(X, Y, strict=True)), ["x", "y"], shuffle=False).batch(8),
}


@pytest.mark.parametrize("source", SOURCES)
def test_all_data_sets_train_alike(source):
    assert same(ended(SOURCES[source]()), ended(BATCHES))


def test_training_is_the_loop_written_by_hand():
    _, net, optimizer = built()
    loss = nn.MSELoss()
    step = ms.value_and_grad(lambda x, y: loss(net(x), y), None, optimizer.parameters)
    net.set_train()
    for _ in range(3):
        for x, y in BATCHES:
            optimizer(step(ms.Tensor(x), ms.Tensor(y))[1])
    assert same([p.asnumpy() for p in net.get_parameters()], ended(BATCHES))


def test_an_iterator_serves_for_one_epoch():
    assert same(ended(iter(BATCHES), epochs=1), ended(BATCHES, epochs=1))


def test_real_data_sets(mindspore):
    from mindspore.dataset import NumpySlicesDataset

    real = NumpySlicesDataset({"x": X, "y": Y}, shuffle=False).batch(8)
    assert same(ended(real), ended(BATCHES))


def test_the_loss_may_be_a_function_or_part_of_the_network():
    _, net, optimizer = built()
    Model(net, torch.nn.functional.mse_loss, optimizer).train(3, BATCHES)
    _, other, optimizer = built()
    Model(nn.WithLossCell(other, nn.MSELoss()), optimizer=optimizer).train(3, BATCHES)
    _, third, optimizer = built()
    Model(nn.TrainOneStepCell(nn.WithLossCell(third, nn.MSELoss()), optimizer)).train(3, BATCHES)
    for each in (net, other, third):
        assert same([p.asnumpy() for p in each.get_parameters()], ended(BATCHES))


def test_initial_epoch_and_a_second_training():
    model, net, optimizer = built()
    model.train(1, BATCHES)
    seen = []
    model.train(3, BATCHES, initial_epoch=1, callbacks=LambdaCallback(on_train_epoch_begin=seen.append))
    assert len(seen) == 2 and seen[0].original_args().cur_epoch_num == 3
    assert same([p.asnumpy() for p in net.get_parameters()], ended(BATCHES))
    assert int(optimizer.global_step.asnumpy()[0]) == 12


def test_steps_of_an_epoch_where_the_length_is_not_known(capsys):
    model, _, _ = built()
    model.train(2, Anew(), callbacks=[LossMonitor(), TimeMonitor()])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines if line.startswith("epoch:")] == [
        f"epoch: {epoch} step: {step}" for epoch in (1, 2) for step in (1, 2, 3, 4)
    ]
    epoch, step = map(float, re.findall(r"([\d.]+) ms", lines[4]))
    assert step == pytest.approx(epoch / 4, abs=2e-3)
    sizes = []
    seen = LambdaCallback(on_train_step_end=lambda run: sizes.append(run.original_args().batch_num))
    model.train(2, Anew(), callbacks=seen)
    assert sizes == [1, 2, 3, 4, 4, 4, 4, 4]


def test_modes(torch):
    """Training and evaluation set the network's mode; prediction records no gradient."""
    model, net, _ = built(metrics={"loss"})
    modes = []

    class Seen(Callback):
        def step_end(self, run_context):
            modes.append(net.training)

    model.fit(2, BATCHES[:1], BATCHES[:1], callbacks=Seen())
    assert modes == [True, False, True, False]
    outputs = model.predict(X)
    assert not net.training and not outputs.requires_grad and isinstance(outputs, ms.Tensor)
    np.testing.assert_array_equal(outputs.asnumpy(), net(ms.Tensor(X)).asnumpy())


def test_metrics_of_ones_own_and_an_evaluation_network():
    class Largest(Metric):
        def clear(self):
            self.found = 0.0

        def update(self, *inputs):
            (error,) = self.arrays(inputs, ("error",))
            self.found = max(self.found, float(error.max()))

        def eval(self):
            return self.found

    class Errors(nn.Cell):
        def __init__(self, net):
            super().__init__(auto_prefix=False)
            self.net = net

        def construct(self, x, y):
            return abs(self.net(x) - y)

    _, net, _ = built()
    model = Model(net, metrics={"largest": Largest()}, eval_network=Errors(net))
    expected = np.abs(net(ms.Tensor(X)).asnumpy() - Y).max()
    assert model.eval(BATCHES)["largest"] == pytest.approx(expected, rel=1e-6)


def test_eval_loss_is_over_all_batches():
    """MindSpore's History keeps the last batch's."""
    model, _, _ = built(metrics={"loss", "mae"})
    history = History()
    model.fit(2, BATCHES, BATCHES, callbacks=history)
    assert history.epoch == {"epoch": [1, 2]}
    assert history.history["eval_loss"] == history.history["loss"]
    assert history.history["loss"][-1] == pytest.approx(model.eval(BATCHES)["loss"])


# ---- callbacks


def test_the_function_sees_the_shortest_decimal_whatever_numpy_prints():
    model, _, optimizer = built(lr=1e-4)
    seen = []
    with np.printoptions(precision=2):
        model.train(1, BATCHES, callbacks=LearningRateScheduler(lambda lr, step: seen.append((lr, step)) or lr / 3))
    assert seen[0] == (1e-4, 1) and [step for _, step in seen] == [1, 2, 3, 4]
    assert seen[1][0] == float(str(np.float32(1e-4 / 3)))
    assert float(optimizer.learning_rate.asnumpy()) == pytest.approx(1e-4 / 81, rel=1e-6)


def test_a_plateau_that_nobody_measures():
    model, _, optimizer = built(metrics={"mae"})
    with pytest.raises(ValueError, match="nobody measures 'eval_loss' in this training; use"):
        model.train(1, BATCHES, callbacks=ReduceLROnPlateau())
    assert int(optimizer.global_step.asnumpy()[0]) == 0
    with pytest.raises(ValueError, match="'loss_' is not measured; there are loss, eval_loss, mae"):
        model.fit(1, BATCHES, BATCHES, callbacks=ReduceLROnPlateau("loss_"))
    scheduled, _, _ = built(lr=[0.1] * 9)
    with pytest.raises(ValueError, match="For 'ReduceLROnPlateau': the optimizer's learning_rate changes by itself"):
        scheduled.train(1, BATCHES, callbacks=ReduceLROnPlateau("loss"))


def test_stopping():
    class Third(Callback):
        ended = False

        def step_end(self, run_context):
            if run_context.original_args().cur_step_num == 3:
                run_context.request_stop()

        def end(self, run_context):
            self.ended = run_context.get_stop_requested()

    model, _, optimizer = built()
    third = Third()
    model.train(5, BATCHES, callbacks=[third])
    assert third.ended and int(optimizer.global_step.asnumpy()[0]) == 3


def test_callbacks_are_left_also_by_errors():
    left = []

    class Guard(Callback):
        def __exit__(self, kind, error, trace):
            left.append((kind, str(error)))

        def on_train_step_end(self, run_context):
            raise OSError("full")

    model, _, _ = built()
    with pytest.raises(OSError, match="full"):
        model.train(1, BATCHES, callbacks=[Guard()])
    assert left == [(OSError, "full")]


def test_a_loss_that_is_not_finite_ends_the_training():
    model, _, _ = built()
    bad = [(X[:8], np.full((8, 1), np.inf, "f4"))]
    with pytest.raises(ValueError, match="in epoch 1, step 1 the loss is inf; training ends"):
        model.train(1, bad, callbacks=LossMonitor())


def test_what_callbacks_may_ask():
    model, net, optimizer = built()
    asked = []
    model.train(1, BATCHES, callbacks=LambdaCallback(on_train_end=asked.append))
    told = asked[0].original_args()
    assert told.network is net and told.optimizer is optimizer and told.train_dataset is BATCHES
    assert told.train_network is model.train_network and told["mode"] == told.mode == "train"
    assert len(told.train_dataset_element) == 2 and told.batch_num == 4
    with pytest.raises(AttributeError, match=r"know nothing called 'cur_step' \(did you mean 'cur_step_num'"):
        told.cur_step  # noqa: B018


# ---- loss scales


def test_a_dynamic_scale_leaves_steps_out():
    """Overflow at step 2 by data: nothing moves then, the clock neither; the schedule goes on where it was."""
    rates = [0.05, 0.04, 0.03]
    manager = amp.DynamicLossScaleManager(2.0**10, 2, 2)
    model, net, optimizer = built(lr=rates, loss_scale_manager=manager)
    rows = []
    seen = LambdaCallback(
        on_train_step_end=lambda run: rows.append([float(x) for x in run.original_args().net_outputs])
    )
    model.train(1, [BATCHES[0], (X[:8], np.full((8, 1), np.inf, "f4")), BATCHES[1]], callbacks=seen)
    assert len(rows) == 3
    assert [row[1] for row in rows] == [0.0, 1.0, 0.0]
    assert [row[2] for row in rows] == [1024.0, 512.0, 512.0]
    assert manager.get_loss_scale() == 512.0
    assert int(optimizer.global_step.asnumpy()[0]) == 2
    other, twin, _ = built(lr=rates)
    other.train(1, [BATCHES[0], BATCHES[1]])
    for p, q in zip(net.get_parameters(), twin.get_parameters(), strict=True):
        np.testing.assert_allclose(p.asnumpy(), q.asnumpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("drops", [True, False])
def test_a_fixed_scale_changes_nothing(drops):
    scaled = ended(
        BATCHES, loss_scale_manager=amp.FixedLossScaleManager(2.0**8, drops), loss_scale=1.0 if drops else 256.0
    )
    for a, b in zip(scaled, ended(BATCHES), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_scale_that_nobody_divides_by():
    with pytest.warns(UserWarning, match="multiplied by 256, and the optimizer divides gradients by its loss_scale 1"):
        built(loss_scale_manager=amp.FixedLossScaleManager(256.0, False))


def test_a_scale_does_not_leave_float32():
    """MindSpore's becomes inf there, and every later step overflows."""
    update = nn.DynamicLossScaleUpdateCell(2.0**127, 4, 1)
    scale = ms.Parameter(2.0**127, name="scale", requires_grad=False)
    update(scale, ms.Tensor(False))
    assert float(scale) == 2.0**127
    update(scale, ms.Tensor(True))
    assert float(scale) == 2.0**125


def test_a_thousand_overflows_in_a_row():
    manager = amp.DynamicLossScaleManager()
    for _ in range(1000):
        manager.update_loss_scale(True)
    assert manager.get_loss_scale() == 1
    with pytest.raises(RuntimeError, match="not finite in 1001 steps in a row"):
        manager.update_loss_scale(True)


def test_a_loop_of_ones_own_with_a_scaler():
    _, net, optimizer = built()
    loss, scaler = nn.MSELoss(), amp.DynamicLossScaler(2.0**10, 2, 100)

    def forward(x, y):
        value = loss(net(x), y)
        return scaler.scale(value), value

    gradient = ms.value_and_grad(forward, None, optimizer.parameters, has_aux=True)
    net.set_train()
    for _ in range(3):
        for x, y in BATCHES:
            _, grads = gradient(ms.Tensor(x), ms.Tensor(y))
            grads = scaler.unscale(grads)
            finite = amp.all_finite(grads)
            if finite:
                optimizer(grads)
            scaler.adjust(finite)
    for p, b in zip(net.get_parameters(), ended(BATCHES), strict=True):
        np.testing.assert_allclose(p.asnumpy(), b, rtol=1e-5, atol=1e-7)


# ---- files


def test_checkpoints_hold_network_and_optimizer(tmp_path):
    """Three files are kept, and training goes on from the last as if it had not stopped."""
    whole, net, _ = built()
    whole.train(4, BATCHES)
    first, _, _ = built()
    config = CheckpointConfig(
        save_checkpoint_steps=2, keep_checkpoint_max=3, append_info=["epoch_num", {"note": "mine"}]
    )
    saver = ModelCheckpoint("run", tmp_path / "files", config)
    first.train(2, BATCHES, callbacks=saver)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        "run-1_4.ckpt",
        "run-2_2.ckpt",
        "run-2_4.ckpt",
    ]
    assert saver.latest_ckpt_file_name == str(tmp_path / "files" / "run-2_4.ckpt")
    params = ms.load_checkpoint(saver.latest_ckpt_file_name)
    assert int(np.asarray(params.pop("epoch_num").asnumpy())) == 2 and params.pop("note") == "mine"
    second, other, optimizer = built()
    ms.load_param_into_net(other, params)
    ms.load_param_into_net(optimizer, params)
    second.train(4, BATCHES, initial_epoch=2)
    for p, q in zip(net.get_parameters(), other.get_parameters(), strict=True):
        np.testing.assert_array_equal(p.asnumpy(), q.asnumpy())


def test_names_that_are_taken(tmp_path):
    for expected in ("CKP-1_4.ckpt", "CKP_1-1_4.ckpt", "CKP_2-1_4.ckpt"):
        model, _, _ = built()
        saver = ModelCheckpoint(directory=tmp_path, config=CheckpointConfig(save_checkpoint_steps=100))
        model.train(1, BATCHES, callbacks=[saver])
        assert saver.latest_ckpt_file_name == str(tmp_path / expected)


def test_names_and_places_by_functions(tmp_path):
    model, _, _ = built()
    saver = ModelCheckpoint(
        lambda told: f"at{told.cur_step_num}",
        lambda told: tmp_path / str(told.cur_epoch_num),
        CheckpointConfig(save_checkpoint_steps=3, keep_checkpoint_max=9, format="safetensors"),
    )
    model.train(2, BATCHES, callbacks=[saver])
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.safetensors"))
    assert found == ["1/at3.safetensors", "2/at6.safetensors", "2/at8.safetensors"]


def test_a_file_when_training_raises(tmp_path):
    def fails(run_context):
        if run_context.original_args().cur_step_num == 6:
            raise OSError("gone")

    model, net, _ = built()
    config = CheckpointConfig(save_checkpoint_steps=100, exception_save=True)
    with pytest.raises(OSError, match="gone"):
        model.train(
            3, BATCHES, callbacks=[ModelCheckpoint("x", tmp_path, config), LambdaCallback(on_train_step_end=fails)]
        )
    assert [path.name for path in tmp_path.iterdir()] == ["x-2_2_breakpoint.ckpt"]
    params = ms.load_checkpoint(str(tmp_path / "x-2_2_breakpoint.ckpt"))
    np.testing.assert_array_equal(params["0.weight"].asnumpy(), net[0].weight.asnumpy())


def test_real_mindspore_reads_the_files(mindspore, tmp_path):
    model, net, _ = built()
    saver = ModelCheckpoint("x", tmp_path, CheckpointConfig(save_checkpoint_steps=100))
    model.train(1, BATCHES, callbacks=saver)
    real = mindspore.nn.SequentialCell(mindspore.nn.Dense(4, 8), mindspore.nn.Tanh(), mindspore.nn.Dense(8, 1))
    optimizer = mindspore.nn.Momentum(real.trainable_params(), 0.5, 0.5)
    params = mindspore.load_checkpoint(saver.latest_ckpt_file_name)
    assert mindspore.load_param_into_net(optimizer, params)[0] == []
    np.testing.assert_array_equal(real[0].weight.asnumpy(), net[0].weight.asnumpy())
    assert int(optimizer.global_step.asnumpy()[0]) == 4 and float(optimizer.learning_rate.asnumpy()) == np.float32(0.05)


# ---- the bar


def test_nothing_but_what_was_asked_for_is_printed(capsys):
    model, _, _ = built()
    model.train(1, BATCHES)
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


def test_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("rich")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    from calando.mindspore.train.callback.progress import bar_for

    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    bars = bar_for(screen)
    model, _, _ = built(metrics={"loss"})
    model.fit(2, BATCHES, BATCHES, callbacks=bars, progress=False)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert "epoch 2/2" in text and "8/8" in text and "lr 0.05" in text and "loss" in text
    assert bar_for(io.StringIO()) == []


# ---- refusals: a sentence, and nothing has changed


def once():
    class Once:
        rows = iter(BATCHES)

        def __iter__(self):
            return self.rows

    return Once()


TRAINING = {
    "epochs 0": (lambda m: m.train(0, BATCHES), ValueError, "'epoch' must be at least 1, but got 0"),
    "epochs 1.0": (lambda m: m.train(1.0, BATCHES), TypeError, "'epoch' must be an int, but got 1.0"),
    "epochs True": (lambda m: m.train(True, BATCHES), TypeError, "'epoch' must be an int, but got True"),
    "initial": (lambda m: m.train(2, BATCHES, initial_epoch=2), ValueError, "must be above 'initial_epoch', but got 2"),
    "no data": (lambda m: m.train(1, None), TypeError, "a dataset gives batches, .* but got None"),
    "one array": (lambda m: m.train(1, X), TypeError, r"but got ndarray of shape \(32, 4\)"),
    "empty": (lambda m: m.train(1, []), ValueError, "the dataset is empty: it has no batches"),
    "empty iterable": (lambda m: m.train(1, iter(())), ValueError, "it gave no batches in epoch 1"),
    "iterator": (lambda m: m.train(2, iter(BATCHES)), ValueError, "would be empty after the first of 2 epochs"),
    "pair of arrays": (lambda m: m.train(1, (X, Y)), ValueError, r"a batch is \(data, label\), .* gave 1 member$"),
    "triples": (lambda m: m.train(1, [(X, Y, Y)]), ValueError, "the dataset gave 3 members"),
    "class": (lambda m: m.train(1, BATCHES, LossMonitor), TypeError, r"the class LossMonitor; make one"),
    "none": (lambda m: m.train(1, BATCHES, [None]), TypeError, "callback 0 must be a Callback .* but got None"),
    "number": (lambda m: m.train(1, BATCHES, 3), TypeError, "'callbacks' must be a Callback .* but got int"),
    "sink": (lambda m: m.train(1, BATCHES, None, True, 3), ValueError, "'sink_size' must be -1 or .* 4, but got 3"),
    "sink of none": (lambda m: m.train(1, BATCHES, None, False, 0), ValueError, "'sink_size' must be at least 1, but"),
    "no metrics": (lambda m: m.eval(BATCHES), ValueError, "the Model has no 'metrics'"),
    "fit without": (lambda m: m.fit(1, BATCHES, BATCHES), ValueError, "the Model has no 'metrics'"),
    "frequency": (lambda m: m.fit(1, BATCHES, None, 0), ValueError, "'valid_frequency' must be an int from 1 on"),
    "no number": (
        lambda m: m.train(1, BATCHES[:0] or [BATCHES[0]], LearningRateScheduler(3)),
        TypeError,
        r"must be a function of \(lr, step\), but got 3",
    ),
}


@pytest.mark.parametrize("case", TRAINING)
def test_refusals_in_training(case):
    call, kind, sentence = TRAINING[case]
    model, net, optimizer = built()
    before = [parameter.asnumpy().copy() for parameter in net.get_parameters()]
    with pytest.raises(kind, match=sentence):
        call(model)
    assert same(before, [parameter.asnumpy() for parameter in net.get_parameters()])
    assert int(optimizer.global_step.asnumpy()[0]) == 0


def test_an_object_that_does_not_begin_anew():
    model, _, _ = built()
    with pytest.raises(ValueError, match="no batches in epoch 2, after 4 before: its __iter__ must begin anew"):
        model.train(2, once())


def test_rates_that_change_by_themselves():
    scheduler = LearningRateScheduler(lambda lr, step: lr)
    model, net, optimizer = built(lr=[0.1] * 100)
    with pytest.raises(ValueError, match=r"changes by itself, as Listed\(.* …\); give the optimizer a number"):
        model.train(1, BATCHES, callbacks=scheduler)
    assert int(optimizer.global_step.asnumpy()[0]) == 0
    weights, biases = net.trainable_params()[::2], net.trainable_params()[1::2]
    grouped = nn.SGD([{"params": weights, "lr": 0.1}, {"params": biases}], 0.2)
    with pytest.raises(ValueError, match="the optimizer's groups have learning rates of their own"):
        Model(net, nn.MSELoss(), grouped).train(1, BATCHES, callbacks=scheduler)


@pytest.mark.parametrize(
    "returned, kind, sentence",
    [
        (None, TypeError, "halved must return a number, but at step 1 it returned None"),
        (-0.1, ValueError, r"For 'Momentum': 'learning_rate' must lie in \[0, inf\), but got -0.1"),
        (float("nan"), ValueError, "but got nan"),
    ],
    ids=["nothing", "negative", "nan"],
)
def test_what_the_function_may_not_return(returned, kind, sentence):
    def halved(lr, cur_step_num):
        return returned

    model, _, optimizer = built()
    with pytest.raises(kind, match=sentence):
        model.train(1, BATCHES, callbacks=LearningRateScheduler(halved))
    assert float(optimizer.learning_rate.asnumpy()) == np.float32(0.05)


def sgd(net):
    return nn.SGD(net.trainable_params(), 0.1)


NET = nn.Dense(4, 1)
BUILDING = {
    "module": (lambda: Model(torch.nn.Linear(1, 1)), TypeError, "a torch Module; calando.torch trains those"),
    "class": (lambda: Model(nn.Dense), TypeError, r"call the class: Dense\(…\)"),
    "none": (lambda: Model(None), TypeError, "must be a Cell of calando.mindspore.nn, but got None"),
    "loss class": (lambda: Model(NET, nn.MSELoss), TypeError, r"'loss_fn' is the class MSELoss; make one: MSELoss\(\)"),
    "loss name": (lambda: Model(NET, "mse"), TypeError, "'loss_fn' must be a Cell or a function, but got str"),
    "optimizer class": (lambda: Model(NET, None, nn.SGD), TypeError, "'optimizer' must be an optimizer .* but got SGD"),
    "other net": (lambda: Model(NET, None, sgd(nn.Dense(4, 1))), ValueError, "trains none of the network's parameters"),
    "list": (lambda: Model(NET, nn.MSELoss(), metrics=["acc"]), TypeError, "so that each has a name, but got list"),
    "slip": (lambda: Model(NET, nn.MSELoss(), metrics={"acuracy"}), KeyError, "did you mean 'accuracy'"),
    "metric class": (lambda: Model(NET, nn.MSELoss(), metrics={"a": Accuracy}), TypeError, r"make one: Accuracy\(\)"),
    "no loss": (lambda: Model(NET, metrics={"acc"}), ValueError, "'metrics' need a 'loss_fn', or an 'eval_network'"),
    "level": (lambda: Model(NET, None, sgd(NET), amp_level="O2"), ValueError, "'amp_level' must be 'O0', but got 'O2'"),
    "manager": (lambda: Model(NET, None, sgd(NET), loss_scale_manager=8), TypeError, "must be a FixedLossScaleManager"),
    "alone": (
        lambda: Model(NET, loss_scale_manager=amp.FixedLossScaleManager()),
        ValueError,
        "'loss_scale_manager' needs an 'optimizer'",
    ),
    "untrained": (lambda: Model(NET, nn.MSELoss()).train(1, BATCHES), ValueError, "nothing would be trained"),
    "no loss_fn": (
        lambda: Model(NET, None, sgd(NET)).train(1, BATCHES),
        TypeError,
        "called with all 2 members of a batch and gives the loss, but Dense.construct does not take them",
    ),
    "indexes": (
        lambda: Model(NET, metrics={"acc"}, eval_network=NET, eval_indexes=[0, 1]),
        ValueError,
        "'eval_indexes' must be a list with the places",
    ),
    "evaluated": (
        lambda: Model(NET, eval_network=3),
        TypeError,
        "For 'Model': 'eval_network' must be a Cell .* got int",
    ),
    "context": (lambda: RunContext(3), TypeError, "'original_args' must be a dict, but got int"),
    "metric": (lambda: get_metric_fn("f1"), KeyError, "no metric is called 'f1'"),
    "event": (lambda: LambdaCallback(on_step=print), TypeError, "no event is called 'on_step'"),
    "times": (lambda: LossMonitor(-1), ValueError, "'per_print_times' must be an int from 0 on, but got -1"),
    "size": (lambda: TimeMonitor(0), ValueError, "'data_size' must be an int from 1 on, but got 0"),
    "by 1": (lambda: ReduceLROnPlateau(factor=1), ValueError, r"'factor' must lie in \(0, 1\), but got 1"),
    "wait": (lambda: ReduceLROnPlateau(patience=-1), ValueError, "'patience' must be an int from 0 on, but got -1"),
    "way": (lambda: ReduceLROnPlateau(mode="up"), ValueError, "'mode' must be one of auto, min, max, but got 'up'"),
    "prefix": (lambda: ModelCheckpoint("a/b"), ValueError, "a name without '/', or a function .* but got 'a/b'"),
    "config": (lambda: ModelCheckpoint(config={}), TypeError, "'config' must be a CheckpointConfig, but got dict"),
    "never": (lambda: CheckpointConfig(0), ValueError, "else nothing is saved"),
    "key": (lambda: CheckpointConfig(enc_key=b"x"), ValueError, "checkpoints are not encrypted here"),
    "format": (lambda: CheckpointConfig(format="pt"), ValueError, "must be one of ckpt, safetensors, but got 'pt'"),
    "fixed": (lambda: amp.FixedLossScaleManager(0.5), ValueError, "'loss_scale' must be at least 1, but got 0.5"),
    "text": (lambda: amp.FixedLossScaleManager("8"), TypeError, "'loss_scale' must be a number, but got '8'"),
    "truth": (lambda: amp.DynamicLossScaleManager(True), TypeError, "'init_loss_scale' must be a number, but got True"),
    "endless": (
        lambda: amp.FixedLossScaleManager(float("inf")),
        ValueError,
        "'loss_scale' must be at least 1, but got",
    ),
    "cell": (
        lambda: nn.FixedLossScaleUpdateCell(0.5),
        ValueError,
        "'loss_scale_value' must be at least 1, but got 0.5",
    ),
    "factor": (lambda: amp.DynamicLossScaleManager(8, 1), ValueError, "'scale_factor' must be above 1, but got 1"),
    "small": (
        lambda: amp.DynamicLossScaleManager(8, 0.5),
        ValueError,
        "'scale_factor' must be above 1, but got 0.5",
    ),
    "window": (lambda: amp.DynamicLossScaleManager(8, 2, 0), ValueError, "'scale_window' must be an int from 1 on"),
    "scaler": (lambda: amp.StaticLossScaler(0), ValueError, "'scale_value' must be a number from 1 on, but got 0"),
    "sens": (lambda: nn.TrainOneStepCell(NET, sgd(NET), 0), ValueError, "'sens' multiplies the loss and must not be 0"),
    "scale": (
        lambda: nn.TrainOneStepWithLossScaleCell(NET, sgd(NET), 128),
        TypeError,
        r"'scale_sense' must be a Cell with get_loss_scale\(\) or a Tensor, but got int",
    ),
    "shape": (
        lambda: nn.TrainOneStepWithLossScaleCell(NET, sgd(NET), ms.Tensor([1.0, 2.0])),
        ValueError,
        r"a scale has shape \(\) or \(1,\), but got \(2,\)",
    ),
    "not here": (lambda: ms.train.SummaryCollector, AttributeError, "has no 'SummaryCollector'; it has F1, MAE, "),
    "slip of a name": (lambda: ms.train.LossMonitors, AttributeError, "did you mean 'LossMonitor'"),
    "precision": (lambda: amp.auto_mixed_precision, AttributeError, "has no 'auto_mixed_precision'; it has Dynamic"),
}


@pytest.mark.parametrize("case", BUILDING)
def test_refusals_in_building(case):
    call, kind, sentence = BUILDING[case]
    with pytest.raises(kind, match=sentence):
        call()


def test_networks_of_real_mindspore(mindspore):
    with pytest.raises(TypeError, match="but got Dense of real MindSpore; train it there"):
        Model(mindspore.nn.Dense(2, 1))
