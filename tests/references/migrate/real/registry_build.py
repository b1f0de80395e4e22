import torch
from torch import nn, optim

OPTIMIZER_REGISTRY = {}


def register_optimizer(name):
    def wrap(fn):
        OPTIMIZER_REGISTRY[name] = fn
        return fn
    return wrap


@register_optimizer("sgd")
def build_sgd(params, cfg):
    return optim.SGD(params, lr=cfg["lr"], momentum=cfg.get("momentum", 0.9), weight_decay=cfg.get("wd", 0.0))


@register_optimizer("adamw")
def build_adamw(params, cfg):
    return optim.AdamW(params, lr=cfg["lr"], weight_decay=cfg.get("wd", 0.01))


def build_optimizer(model, cfg):
    return OPTIMIZER_REGISTRY[cfg["name"]](model.parameters(), cfg)


torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = build_optimizer(model, {"name": "sgd", "lr": 0.1})
for step in range(8):
    optimizer.zero_grad()
    loss = model(torch.randn(8, 4)).pow(2).mean()
    loss.backward()
    optimizer.step()
