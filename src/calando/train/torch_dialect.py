"""The guide's network and its training, as one writes them for PyTorch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from calando.torch import SGD, Adam, AdamW

from .options import Plan


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(
            nn.Conv2d(1, 12, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2, stride=2),
        )
        self.layer2 = nn.Sequential(
            nn.Conv2d(12, 4, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2, stride=2),
        )
        self.pool = nn.AdaptiveMaxPool2d((5, 5))
        self.fc = nn.Linear(100, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.pool(x)
        x = x.view((-1, 100))
        return self.fc(x)


def groups(net: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """The guide's four groups; the last one follows the optimizer's own lr and weight decay."""
    conv, bn, dense = [], [], []
    for path, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            conv.append((f"{path}.weight", module.weight))
        elif isinstance(module, nn.BatchNorm2d):
            bn.append((f"{path}.weight", module.weight))
            bn.append((f"{path}.bias", module.bias))
        elif isinstance(module, nn.Linear):
            dense.append((f"{path}.weight", module.weight))
    chosen = {name for name, _ in conv + bn + dense}
    other = [(name, p) for name, p in net.named_parameters() if name not in chosen]
    lr, decay = plan.lr, plan.weight_decay
    return [
        {"name": "conv", "params": conv, "lr": lr["conv"], "weight_decay": decay["conv"]},
        {"name": "bn", "params": bn, "lr": lr["bn"], "weight_decay": decay["bn"]},
        {"name": "dense", "params": dense, "lr": lr["dense"], "weight_decay": decay["dense"]},
        {"name": "other", "params": other},
    ]


def build_optimizer(name: str, net: nn.Module, plan: Plan, max_norm: float | None) -> torch.optim.Optimizer:
    params = groups(net, plan)
    shared: Any = {"lr": plan.lr["other"], "weight_decay": plan.weight_decay["other"], "max_norm": max_norm}
    if name == "sgd":
        return SGD(params, **shared)
    if name == "momentum":
        return SGD(params, momentum=0.9, **shared)
    if name == "adam":
        return Adam(params, **shared)
    return AdamW(params, **shared)


class Trainer:
    """Network, optimizer and loss; images and labels come as NumPy arrays."""

    def __init__(self, optimizer: str, plan: Plan, max_norm: float | None) -> None:
        self.net = Network()
        self.optimizer: Any = build_optimizer(optimizer, self.net, plan, max_norm)
        self.loss_fn = nn.CrossEntropyLoss()

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """Train on one batch; its loss before the update, and how many digits were right."""
        self.net.train()
        input, target = torch.from_numpy(images), torch.from_numpy(labels)
        self.optimizer.zero_grad()
        output = self.net(input)
        loss = self.loss_fn(output, target)
        loss.backward()
        self.optimizer.step()
        return loss.item(), int((output.argmax(1) == target).sum())

    @torch.no_grad()
    def test(self, images: np.ndarray, labels: np.ndarray) -> int:
        """How many digits are recognised, with BatchNorm's moving statistics."""
        self.net.eval()
        output = self.net(torch.from_numpy(images))
        return int((output.argmax(1) == torch.from_numpy(labels)).sum())

    def values(self) -> dict[str, np.ndarray]:
        """Parameters and BatchNorm statistics by their names."""
        return {name: tensor.numpy().copy() for name, tensor in self.net.state_dict().items()}

    def load(self, values: Mapping[str, np.ndarray]) -> None:
        """Take over parameters and, where they are there, statistics."""
        state = {name: torch.from_numpy(np.array(array)) for name, array in values.items()}
        self.net.load_state_dict({**self.net.state_dict(), **state})
