"""Model on calando's own: what it trains on, what its callbacks see, the bar."""

import io
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are built on it")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import dataset as ds  # noqa: E402
from calando.mindspore import nn  # noqa: E402
from calando.mindspore.train import (  # noqa: E402
    Callback,
    History,
    LambdaCallback,
    LearningRateScheduler,
    LossMonitor,
    Metric,
    Model,
    ReduceLROnPlateau,
    TimeMonitor,
)
from mindspore_front.small_model import BATCHES, X, Y, built, ended, same  # noqa: E402

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
