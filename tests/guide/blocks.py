"""The code blocks of MindSpore's migration guide, and the names that the guide leaves to its readers."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "references" / "guide" / "blocks.md"
BLOCK = re.compile(r"^## (\w+) (\d+): .*?\n\n```python\n(.*?)\n```$", re.S | re.M)
BLOCKS = {(side, int(number)): code for side, number, code in BLOCK.findall(FILE.read_text(encoding="utf-8"))}


def read_as(library, code):
    """A block with ``import mindspore`` read as an import of that library."""
    code = re.sub(r"^import mindspore$", f"import {library} as mindspore", code, flags=re.M)
    code = re.sub(r"^import mindspore as", f"import {library} as", code, flags=re.M)
    return re.sub(r"^from mindspore import", f"from {library} import", code, flags=re.M)


def mindspore_names(library, optimizer=None):
    """What a reader of the guide has on the table, in the words of calando.mindspore or of mindspore.

    Args:
        library: ``"calando.mindspore"`` or ``"mindspore"``.
        optimizer: what ``opt`` and ``optimizer`` are, if there are such names.
    """
    ms = import_module(library)
    nn = ms.nn
    net = network(ms)
    loss_fn = nn.CrossEntropyLoss()

    def forward_fn(data, label):
        logits = net(data)
        return loss_fn(logits, label), logits

    names = {
        "mindspore": ms,
        "nn": nn,
        "ops": ms.ops,
        "Cell": nn.Cell,
        "LearningRateSchedule": import_module(f"{library}.nn.learning_rate_schedule").LearningRateSchedule,
        "P": import_module(f"{library}.ops.operations"),
        "mstype": import_module(f"{library}.common.dtype"),
        "model": net,
        "net": net,
        "params": net.trainable_params(),
        "param_groups": net.trainable_params(),
        "forward_fn": forward_fn,
        "save_path": "opt.ckpt",
    }
    if optimizer is not None:
        names["opt"] = names["optimizer"] = optimizer(names)
    return names


def network(ms):
    """A convolution and a dense layer with fixed first values."""

    class Net(ms.nn.Cell):
        def __init__(self):
            super().__init__()
            self.conv = ms.nn.Conv2d(1, 2, 3, has_bias=True)
            self.flatten = ms.nn.Flatten()
            self.fc = ms.nn.Dense(32, 3)

        def construct(self, x):
            return self.fc(self.flatten(self.conv(x)))

    net = Net()
    rng = np.random.default_rng(7)
    for parameter in net.trainable_params():
        parameter.set_data(ms.Tensor(rng.normal(0, 0.3, parameter.shape).astype("f4")))
    return net


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 1, 4, 4)).astype("f4"), rng.integers(0, 3, 4).astype("i4")


def values(parameters):
    """Copies of their values, as one array."""
    return np.concatenate([np.array(p.asnumpy(), "f8").ravel() for p in parameters])
