"""Parameters are collected in one function and handed to the one that makes the optimizer; several classes to choose from."""
import torch
from torch import nn, optim


def build_optimizer(args, params):
    weight_decay = args["weight_decay"]
    filter_fn = filter(lambda p: p.requires_grad, params)
    if args["opt"] == "adam":
        optimizer = optim.Adam(filter_fn, lr=args["lr"], weight_decay=weight_decay)
    elif args["opt"] == "adamax":
        optimizer = optim.Adamax(filter_fn, lr=args["lr"], weight_decay=weight_decay)
    elif args["opt"] == "sgd":
        optimizer = optim.SGD(filter_fn, lr=args["lr"], momentum=0.95, weight_decay=weight_decay)
    if args["opt_scheduler"] == "none":
        return None, optimizer
    elif args["opt_scheduler"] == "step":
        scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    elif args["opt_scheduler"] == "cos":
        scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    return scheduler, optimizer


def train(loader, model, args):
    scheduler, opt = build_optimizer(args, model.parameters())
    for epoch in range(args["epochs"]):
        total_loss = 0
        model.train()
        for x, y in loader:
            opt.zero_grad()
            pred = model(x)
            loss = nn.functional.cross_entropy(pred, y)
            loss.backward()
            opt.step()
            total_loss += loss.item()
        if scheduler is not None:
            scheduler.step()
        print(epoch, total_loss)


torch.manual_seed(0)
data = [(torch.randn(8, 3), torch.randint(0, 2, (8,))) for _ in range(4)]
train(data, nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2)),
      {"opt": "adamax", "lr": 0.01, "weight_decay": 1e-3, "opt_scheduler": "step", "epochs": 5})
