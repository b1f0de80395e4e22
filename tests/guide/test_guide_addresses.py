"""Where people import MindSpore's things from: one class of each name; and MindSpore's schedules as schedules."""

from importlib import import_module

import numpy as np
import pytest

ADDRESSES = [  # as in scripts written for MindSpore
    ("common", "Parameter", "Parameter"),
    ("common", "float32", "float32"),
    ("common", "set_seed", "set_seed"),
    ("common.dtype", "float32", "float32"),
    ("common.parameter", "Parameter", "Parameter"),
    ("common.parameter", "ParameterTuple", "ParameterTuple"),
    ("common.tensor", "Tensor", "Tensor"),
    ("common.api", "jit", "jit"),
    ("context", "set_context", "set_context"),
    ("nn.cell", "Cell", "nn.Cell"),
    ("nn.dynamic_lr", "cosine_decay_lr", "nn.cosine_decay_lr"),
    ("nn.learning_rate_schedule", "LearningRateSchedule", "nn.LearningRateSchedule"),
    ("nn.learning_rate_schedule", "CosineDecayLR", "nn.CosineDecayLR"),
    ("nn.layer", "Conv2d", "nn.Conv2d"),
    ("nn.layer.activation", "ReLU", "nn.ReLU"),
    ("nn.layer.basic", "Dense", "nn.Dense"),
    ("nn.layer.container", "SequentialCell", "nn.SequentialCell"),
    ("nn.layer.conv", "Conv2d", "nn.Conv2d"),
    ("nn.layer.embedding", "Embedding", "nn.Embedding"),
    ("nn.layer.normalization", "BatchNorm2d", "nn.BatchNorm2d"),
    ("nn.layer.pooling", "MaxPool2d", "nn.MaxPool2d"),
    ("nn.loss", "MSELoss", "nn.MSELoss"),
    ("nn.loss.loss", "SoftmaxCrossEntropyWithLogits", "nn.SoftmaxCrossEntropyWithLogits"),
    ("nn.metrics", "Accuracy", "nn.Accuracy"),
    ("nn.optim", "Momentum", "nn.Momentum"),
    ("nn.optim.adam", "AdamWeightDecay", "nn.AdamWeightDecay"),
    ("nn.optim.ada_grad", "Adagrad", "nn.Adagrad"),
    ("nn.optim.lazyadam", "LazyAdam", "nn.LazyAdam"),
    ("nn.optim.momentum", "Momentum", "nn.Momentum"),
    ("nn.optim.optimizer", "Optimizer", "nn.Optimizer"),
    ("nn.optim.proximal_ada_grad", "ProximalAdagrad", "nn.ProximalAdagrad"),
    ("nn.wrap", "WithLossCell", "nn.WithLossCell"),
    ("nn.wrap.cell_wrapper", "TrainOneStepCell", "nn.TrainOneStepCell"),
    ("nn.wrap.loss_scale", "TrainOneStepWithLossScaleCell", "nn.TrainOneStepWithLossScaleCell"),
    ("ops.functional", "cast", "ops.cast"),
    ("ops.operations", "Cast", "ops.Cast"),
    ("train.amp", "build_train_network", "amp.build_train_network"),
    ("train.callback", "LearningRateScheduler", "LearningRateScheduler"),
    ("train.callback._callback", "Callback", "Callback"),
    ("train.callback._checkpoint", "CheckpointConfig", "CheckpointConfig"),
    ("train.callback._checkpoint", "ModelCheckpoint", "ModelCheckpoint"),
    ("train.callback._history", "History", "History"),
    ("train.callback._lambda_callback", "LambdaCallback", "LambdaCallback"),
    ("train.callback._loss_monitor", "LossMonitor", "LossMonitor"),
    ("train.callback._lr_scheduler_callback", "LearningRateScheduler", "train.LearningRateScheduler"),
    ("train.callback._reduce_lr_on_plateau", "ReduceLROnPlateau", "ReduceLROnPlateau"),
    ("train.callback._time_monitor", "TimeMonitor", "TimeMonitor"),
    ("train.loss_scale_manager", "FixedLossScaleManager", "FixedLossScaleManager"),
    ("train.metrics", "Accuracy", "nn.Accuracy"),
    ("train.model", "Model", "Model"),
    ("train.serialization", "load_checkpoint", "load_checkpoint"),
]


def thing(root, path):
    found = import_module(root)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("address, name, known", ADDRESSES, ids=[f"{a}.{n}" for a, n, _ in ADDRESSES])
def test_one_thing_under_two_addresses(torch, address, name, known):
    assert getattr(import_module(f"calando.mindspore.{address}"), name) is thing("calando.mindspore", known)


@pytest.mark.parametrize("address, name, known", ADDRESSES, ids=[f"{a}.{n}" for a, n, _ in ADDRESSES])
def test_these_are_mindspores_addresses(mindspore, address, name, known):
    assert getattr(import_module(f"mindspore.{address}"), name) is thing("mindspore", known.replace("nn.Lea", LONG))


LONG = "nn.learning_rate_schedule.Lea"  # MindSpore does not show LearningRateSchedule in nn


@pytest.mark.parametrize("address", ["common.thor", "nn.optim.thor"])
def test_thor_says_why_it_is_not_here(torch, address):
    with pytest.raises(ImportError, match=f"there is no calando.mindspore.{address}: THOR reads the activations of"):
        import_module(f"calando.mindspore.{address}")


@pytest.mark.parametrize("address", ["common.profiler", "nn.optim.tft_wrapper", "nn.layer.thor_layer", "numpy"])
def test_no_other_addresses(torch, address):
    room, _, name = f"calando.mindspore.{address}".rpartition(".")
    with pytest.raises(ModuleNotFoundError, match=f"module '{room}' has no '{name}'.* It covers optimizers, schedules"):
        import_module(f"calando.mindspore.{address}")


def test_what_is_here_and_no_module(torch):
    with pytest.raises(ModuleNotFoundError, match="No module named 'calando"):
        import_module("calando.mindspore.common.train")


@pytest.mark.parametrize(
    "line, sentence",
    [
        (
            "from calando.mindspore.nn import Conv3d",
            r"'calando.mindspore.nn' has no 'Conv3d' \(did you mean 'Conv2d'\?\)",
        ),
        ("from calando.mindspore import nn, hal", "'calando.mindspore' has no 'hal'.* It covers optimizers, schedules"),
        ("import calando.mindspore.hal.optim", "'calando.mindspore' has no 'hal'"),
        ("from calando.mindspore.ops import conv3d", r"torch.conv3d\(…\) works on these Tensors instead, with torch's"),
        ("from calando.mindspore.ops import ApplyKerasMomentum", "take its parameters and gradients"),
    ],
)
def test_imports_of_what_is_not_here_say_where_to_go(torch, line, sentence):
    """Python alone would say "cannot import name" and no more."""
    with pytest.raises(ImportError, match=sentence):
        exec(line)


SCRIPT = """
import sys
import calando.mindspore
sys.modules["mindspore"] = calando.mindspore

import mindspore
import mindspore.nn as nn
import mindspore.common.dtype as mstype
from mindspore import Tensor, ops
from mindspore.common.initializer import initializer
from mindspore.nn.learning_rate_schedule import LearningRateSchedule
from mindspore.nn.optim.momentum import Momentum
from mindspore.ops import operations as P
from mindspore.train.callback import LossMonitor, Callback

class Halving(LearningRateSchedule):
    def construct(self, global_step):
        return 0.1 * ops.pow(0.5, P.Cast()(global_step, mstype.float32))

class Rates(Callback):
    def on_train_step_end(self, run_context):
        print(run_context.original_args().optimizer.get_lr())

net = nn.Dense(2, 1)
data = [(Tensor([[1.0, 2.0]]), Tensor([[1.0]]))] * 2
model = mindspore.train.Model(net, nn.MSELoss(), Momentum(net.trainable_params(), Halving(), 0.9))
model.train(1, data, callbacks=[Rates()])
for alias, module in (("mindspore.nn", nn), ("mindspore.nn.cell", nn.cell), ("mindspore.train.callback", None)):
    ours = sys.modules["calando." + alias] if module is None else module
    assert sys.modules.get(alias, ours) is ours, alias
assert nn.Momentum is Momentum is calando.mindspore.nn.Momentum
try:
    import mindspore.numpy
except ImportError as error:
    print(str(error).partition(". ")[0])
"""


def test_a_script_that_says_mindspore_and_means_calando(torch, run):
    """``sys.modules["mindspore"] = calando.mindspore``: every address is calando's, and nothing is there twice."""
    assert run(SCRIPT).splitlines() == ["0.05", "0.025", "module 'calando.mindspore' has no 'numpy'"]


@pytest.mark.parametrize("address", ["nn.optim.adasum", "nn.wrap.grad_reducer", "communication", "parallel", "boost"])
def test_addresses_of_several_processes_say_what_does_their_work(torch, address):
    with pytest.raises(ImportError, match=f"there is no calando.mindspore.{address}: .*See docs/distributed.md"):
        import_module(f"calando.mindspore.{address}")


def test_what_is_in_neither_room(torch):
    from calando.mindspore import common

    with pytest.raises(AttributeError, match="has no 'Momentm'"):
        _ = common.Momentm
    with pytest.raises(AttributeError, match=r"has no 'Momentm' \(did you mean 'Momentum'\?\)"):
        _ = import_module("calando.mindspore.nn.optim").Momentm


def test_optimizers_need_no_torch(run):
    code = """
import sys
from calando.mindspore.nn.optim.momentum import Momentum
from calando.mindspore.nn.optim import Adam
print("torch" in sys.modules)
"""
    assert run(code) == "False\n"


SCHEDULES = [  # MindSpore's formula at step 3
    ("CosineDecayLR", (0.01, 0.1, 10), 0.01 + 0.09 * (1 + np.cos(0.3 * np.pi)) / 2),
    ("ExponentialDecayLR", (0.1, 0.5, 4), 0.1 * 0.5**0.75),
    ("InverseDecayLR", (0.1, 0.5, 4), 0.1 / (1 + 0.5 * 0.75)),
    ("NaturalExpDecayLR", (0.1, 0.5, 4), 0.1 * np.exp(-1.5)),
    ("PolynomialDecayLR", (0.1, 0.01, 4, 0.5), 0.055),
    ("WarmUpLR", (0.1, 4), 0.075),
]


@pytest.mark.parametrize("name, arguments, value", SCHEDULES, ids=[row[0] for row in SCHEDULES])
def test_mindspores_schedules_are_schedules(torch, name, arguments, value):
    """Exact (not rounded to float32), printed, stored, and called by their name in a group and in set()."""
    from calando.mindspore import nn

    def made(rate):
        return nn.Momentum([{"params": [np.ones(2, "f4")], "lr": rate}], 0.5, 0.9)

    optimizer = made(getattr(nn, name)(*arguments))
    assert optimizer.at(3)[0]["lr"] == pytest.approx(value, rel=1e-12)
    assert "Function" not in repr(optimizer)
    other = made(0.25)
    other.set("lr", getattr(nn, name)(*arguments))
    assert other.at(3)[0]["lr"] == optimizer.at(3)[0]["lr"]
    resumed = made(0.25)
    resumed.restore(optimizer.snapshot())
    assert resumed.at(3)[0]["lr"] == optimizer.at(3)[0]["lr"]


def test_a_subclass_of_them_computes_as_it_says(torch):
    from calando.mindspore import nn

    class Doubled(nn.WarmUpLR):
        def construct(self, global_step):
            return 2 * super().construct(global_step)

    optimizer = nn.SGD([np.ones(2, "f4")], Doubled(0.1, 4))
    assert optimizer.at(2)["lr"] == pytest.approx(0.1, rel=1e-6)
