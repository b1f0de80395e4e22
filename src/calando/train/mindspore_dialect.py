"""The guide's network and its training, as one writes them for MindSpore."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import calando.mindspore as ms
from calando.mindspore import nn

from .options import Plan

TORCH_WORDS = {  # MindSpore's name of a parameter → the one in a run's checkpoint
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


class Network(nn.Cell):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.SequentialCell([
            nn.Conv2d(1, 12, kernel_size=3, pad_mode="pad", padding=1),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2, stride=2),
        ])  # fmt: skip
        self.layer2 = nn.SequentialCell([
            nn.Conv2d(12, 4, kernel_size=3, pad_mode="pad", padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2, stride=2),
        ])  # fmt: skip
        self.pool = nn.AdaptiveMaxPool2d((5, 5))
        self.fc = nn.Dense(100, 10)

    def construct(self, x):
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.pool(x)
        x = x.view((-1, 100))
        return self.fc(x)


def groups(net: nn.Cell, plan: Plan) -> list[dict[str, Any]]:
    """The guide's four groups; the last one follows the optimizer's own lr and weight decay."""
    conv_weight, bn_weight, dense_weight = [], [], []
    for _, cell in net.cells_and_names():
        if isinstance(cell, nn.Conv2d):
            conv_weight.append(cell.weight)
        elif isinstance(cell, nn.BatchNorm2d):
            bn_weight.append(cell.gamma)
            bn_weight.append(cell.beta)
        elif isinstance(cell, nn.Dense):
            dense_weight.append(cell.weight)
    chosen = {param.name for param in conv_weight + bn_weight + dense_weight}
    other_param = [param for param in net.trainable_params() if param.name not in chosen]
    lr, decay = plan.lr, plan.weight_decay
    return [
        {"order_params": net.trainable_params()},
        {"params": conv_weight, "weight_decay": decay["conv"], "lr": lr["conv"]},
        {"params": bn_weight, "weight_decay": decay["bn"], "lr": lr["bn"]},
        {"params": dense_weight, "weight_decay": decay["dense"], "lr": lr["dense"]},
        {"params": other_param},
    ]


def build_optimizer(name: str, net: nn.Cell, plan: Plan, max_norm: float | None) -> nn.Optimizer:
    params = groups(net, plan)
    shared: Any = {
        "learning_rate": plan.lr["other"],
        "weight_decay": plan.weight_decay["other"],
        "max_norm": max_norm,
    }
    if name == "sgd":
        return nn.SGD(params, **shared)
    if name == "momentum":
        return nn.Momentum(params, momentum=0.9, **shared)
    if name == "adam":
        return nn.Adam(params, **shared)
    return nn.AdamWeightDecay(params, **shared)


class Trainer:
    """Network, optimizer and loss; images and labels come as NumPy arrays."""

    def __init__(self, optimizer: str, plan: Plan, max_norm: float | None) -> None:
        self.net = Network()
        self.optimizer: Any = build_optimizer(optimizer, self.net, plan, max_norm)
        self.loss_fn = nn.CrossEntropyLoss()
        self.grad_fn = ms.value_and_grad(self.forward_fn, None, self.optimizer.parameters, has_aux=True)

    def forward_fn(self, data: Any, label: Any) -> tuple[Any, Any]:
        logits = self.net(data)
        return self.loss_fn(logits, label), logits

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """Train on one batch; its loss before the update, and how many digits were right."""
        self.net.set_train()
        (loss, logits), grads = self.grad_fn(ms.Tensor(images), ms.Tensor(labels, ms.int32))
        self.optimizer(grads)
        return float(loss.asnumpy()), int((logits.asnumpy().argmax(1) == labels).sum())

    def test(self, images: np.ndarray, labels: np.ndarray) -> int:
        """How many digits are recognised, with BatchNorm's moving statistics."""
        self.net.set_train(False)
        logits = self.net(ms.Tensor(images))
        return int((logits.asnumpy().argmax(1) == labels).sum())

    def values(self) -> dict[str, np.ndarray]:
        """Parameters and BatchNorm statistics by torch's names, so that the dialects can be compared."""
        return {torch_name(param.name): param.asnumpy().copy() for param in self.net.get_parameters()}

    def load(self, values: Mapping[str, np.ndarray]) -> None:
        """Take over parameters and, where they are there, statistics."""
        for param in self.net.get_parameters():
            if torch_name(param.name) in values:
                param.set_data(ms.Tensor(values[torch_name(param.name)]))


def torch_name(name: str) -> str:
    """``layer1.1.gamma`` → ``layer1.1.weight``."""
    path, _, word = name.rpartition(".")
    return f"{path}.{TORCH_WORDS.get(word, word)}"
