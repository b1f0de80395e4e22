"""EarlyStopping: what MindSpore documents, written out as a list of figures and where it stops."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calando.mindspore import nn  # noqa: E402
from calando.mindspore.train import Callback, EarlyStopping, Model  # noqa: E402
from calando.mindspore.train.callback.callback import CallbackParams, RunContext  # noqa: E402


def epochs(stopping, figures, monitor="acc"):
    """In which epoch a training with these figures stops; the last one where it does not."""
    told = CallbackParams(valid_dataset=[1], network=nn.Dense(1, 1))
    context = RunContext(told)
    stopping.on_train_begin(context)
    for epoch, figure in enumerate(figures, 1):
        told.update(cur_epoch_num=epoch, eval_results=None if figure is None else {monitor: figure})
        stopping.on_train_epoch_end(context)
        if context.get_stop_requested():
            return epoch
    return len(figures)


@pytest.mark.parametrize(
    "options, figures, last",
    [
        ({"patience": 2}, [0.5, 0.6, 0.6, 0.55, 0.9], 4),
        ({"patience": 0}, [0.5, 0.6, 0.6, 0.9], 3),
        ({"patience": 1}, [0.5, 0.6, 0.6, 0.9], 3),
        ({"patience": 2, "min_delta": 0.1}, [0.5, 0.55, 0.58, 0.9], 3),
        ({"patience": 2, "min_delta": -0.1}, [0.5, 0.55, 0.58, 0.9], 3),
        ({"patience": 2}, [0.5, None, None, 0.4, None, 0.4, 0.9], 6),
        ({"patience": 3, "baseline": 0.9}, [0.5, 0.6, 0.7, 0.8], 3),
        ({"patience": 3, "baseline": 0.6}, [0.5, 0.7, 0.7, 0.7, 0.7], 5),
        ({"patience": 2, "mode": "min"}, [0.5, 0.4, 0.0, 0.1, 0.1, 0.0], 5),
        ({"patience": 2, "monitor": "mse"}, [3, 2, 1, 1.5, 1.2, 1], 5),
    ],
)
def test_it_stops_where_the_figures_say(options, figures, last):
    assert epochs(EarlyStopping(**{"monitor": "acc", **options}), figures, options.get("monitor", "acc")) == last


class Recorder(Callback):
    def __init__(self):
        self.weights = []

    def on_train_epoch_end(self, run_context):
        told = run_context.original_args()
        self.weights.append((told.eval_results["mse"], told.network.weight.asnumpy().copy()))


def test_the_best_weights_come_back(capsys):
    x = np.linspace(-1, 1, 16, dtype="f4").reshape(16, 1)
    batches = [(x, 3 * x)]
    net = nn.Dense(1, 1, weight_init="zeros", has_bias=False)
    rates = [0.3, 0.3, 0.3, 5.0, 5.0, 5.0]  # gets better, then flies away
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), rates), {"mse"})
    seen, stopping = Recorder(), EarlyStopping("mse", patience=2, verbose=True, restore_best_weights=True)
    model.fit(6, batches, batches, callbacks=[seen, stopping])
    assert len(seen.weights) == stopping.stopped_epoch == 5
    best = min(seen.weights, key=lambda pair: pair[0])[1]
    assert np.array_equal(net.weight.asnumpy(), best) and not np.array_equal(seen.weights[-1][1], best)
    assert "Epoch 00005: early stopping" in capsys.readouterr().out


def test_a_figure_that_nobody_measures_is_told_before_training():
    net = nn.Dense(1, 1)
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.1))
    before = net.weight.asnumpy().copy()
    with pytest.raises(ValueError, match=r"For 'EarlyStopping': nobody measures 'acc' .* use Model.fit"):
        model.train(1, [(np.ones((2, 1), "f4"), np.ones((2, 1), "f4"))], callbacks=[EarlyStopping("acc")])
    assert np.array_equal(net.weight.asnumpy(), before)


@pytest.mark.parametrize(
    "options, told",
    [
        ({"monitor": 3}, "'monitor' must be a name"),
        ({"patience": -1}, "'patience' must be an int from 0 on"),
        ({"mode": "up"}, "'mode' must be one of auto, min, max"),
        ({"baseline": "0.5"}, "'baseline' must be a number"),
        ({"min_delta": None}, "'min_delta' must be a number"),
    ],
)
def test_refused_in_one_sentence(options, told):
    with pytest.raises((TypeError, ValueError), match=f"For 'EarlyStopping': {told}"):
        EarlyStopping(**options)
