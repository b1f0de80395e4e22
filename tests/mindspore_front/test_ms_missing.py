"""What is said of names that are not here, and what is loaded for those that are."""

import pytest

import calando.mindspore as ms
from calando.mindspore import nn, ops

# What this front end does not have.


@pytest.mark.parametrize(
    "module, name, hint",
    [
        (ms, "Modell", ""),
        (ms, "Tenso", "'Tensor'"),
        (nn, "Conv2dd", "'Conv2d'"),
        (nn, "FocalLoss", "'Loss'"),
        (ops, "asign", "'assign'"),
    ],
)
def test_unknown_names(request, module, name, hint):
    request.getfixturevalue("torch")  # calando.mindspore.ops needs it
    with pytest.raises(AttributeError) as problem:
        getattr(module, name)
    said = str(problem.value)
    assert said.startswith(f"module '{module.__name__}' has no '{name}'")
    assert "It covers" in said and "torch" in said and "real MindSpore" in said
    assert hint in said
    assert not hasattr(module, name) and getattr(module, name, 5) == 5


@pytest.mark.parametrize(
    "module, name, way",
    [
        (nn, "LSTM", r"torch.nn.LSTM\(…\) works in a Cell instead, with torch's arguments; its parameters become"),
        (nn, "Conv2dTranspose", r"torch.nn.ConvTranspose2d\(…\) works in a Cell instead"),
        (ops, "cumsum", r"torch.cumsum\(…\) works on these Tensors instead, with torch's arguments"),
        (ops, "interpolate", r"torch.nn.functional.interpolate\(…\) works on these Tensors instead"),
        (nn, "thor", "THOR reads the activations of layers of its own on Ascend and GPU .* nn.LBFGS uses curvature"),
        (nn, "SpeedAdamW", "it is AdamW in one kernel of Ascend; calando.torch.AdamW is that optimizer"),
    ],
)
def test_what_does_the_work_instead(torch, module, name, way):
    with pytest.raises(AttributeError, match=rf"^module '{module.__name__}' has no '{name}'.*: {way}"):
        getattr(module, name)


@pytest.mark.parametrize("module", [ms, nn, ops])
def test_dir_is_what_there_is(request, module):
    request.getfixturevalue("torch")
    names = [name for name in dir(module) if not name.startswith("_")]
    assert names and all(getattr(module, name) is not None for name in names)
    assert {"assign"} <= set(names) if module is ops else True
    assert {"SGD", "Momentum", "Adam", "AdamWeightDecay", "Cell", "Conv2d"} <= set(names) if module is nn else True


def test_from_import_of_what_is_not_there():
    with pytest.raises(ImportError):
        from calando.mindspore import Modell  # noqa: F401


# Light.


def test_numpy_needs_neither_torch_nor_mindspore(run):
    code = """
import sys, numpy as np
import calando.mindspore
from calando.mindspore import nn
p = [np.ones((3, 2), "f4"), np.ones(2, "f4")]
for optimizer in (nn.Adam(p), nn.SGD(p, 0.1), nn.Momentum(p, 0.1, 0.9), nn.AdamWeightDecay(p)):
    optimizer(tuple(np.ones_like(x) for x in p))
    optimizer.learning_rate = [0.1, 0.2]
    repr(optimizer), optimizer.get_lr(), optimizer.parameters, optimizer.global_step, optimizer.snapshot(), dir(nn)
print(sorted({"torch", "mindspore"} & set(sys.modules)))
"""
    assert run(code).strip() == "[]"


def test_calandos_own_parameters_do_not_load_mindspore(run, torch):
    code = """
import sys
import calando.mindspore as ms
from calando.mindspore import nn, ops
net = nn.Dense(2, 3)
optimizer = nn.Adam(net.trainable_params())
optimizer(tuple(ms.Tensor(p.asnumpy() * 0) for p in net.trainable_params()))
ops.assign(optimizer.learning_rate, 0.5)
print("mindspore" in sys.modules)
"""
    assert run(code).strip() == "False"
