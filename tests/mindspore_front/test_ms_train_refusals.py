"""What Model and its callbacks refuse: a sentence, and nothing has changed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are built on it")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import amp, nn  # noqa: E402
from calando.mindspore.train import (  # noqa: E402
    Accuracy,
    CheckpointConfig,
    LambdaCallback,
    LearningRateScheduler,
    LossMonitor,
    Model,
    ModelCheckpoint,
    ReduceLROnPlateau,
    RunContext,
    TimeMonitor,
    get_metric_fn,
)
from mindspore_front.small_model import BATCHES, X, Y, built, same  # noqa: E402


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
    "scaler's kind": (lambda: amp.StaticLossScaler("8"), ValueError, "a number from 1 on, but got '8'"),
    "sens that is a text": (
        lambda: nn.TrainOneStepCell(NET, sgd(NET), "x"),
        TypeError,
        "'sens' must be one number or None, but got 'x'",
    ),
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
