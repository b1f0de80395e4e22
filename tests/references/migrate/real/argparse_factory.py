"""Optimizer and scheduler picked by name from the command line, in factories of the script's own."""
import argparse

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--opt", default="adamw")
    p.add_argument("--sched", default="cosine")
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--weight-decay", type=float, default=0.02)
    p.add_argument("--momentum", type=float, default=0.9)
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--decay-rate", type=float, default=0.1)
    return p.parse_args([])


def create_optimizer(args, model):
    opt_lower = args.opt.lower()
    weight_decay = args.weight_decay
    parameters = model.parameters()
    if opt_lower == "sgd":
        optimizer = optim.SGD(parameters, lr=args.lr, momentum=args.momentum, weight_decay=weight_decay, nesterov=True)
    elif opt_lower == "adam":
        optimizer = optim.Adam(parameters, lr=args.lr, weight_decay=weight_decay)
    elif opt_lower == "adamw":
        optimizer = optim.AdamW(parameters, lr=args.lr, weight_decay=weight_decay)
    elif opt_lower == "rmsprop":
        optimizer = optim.RMSprop(parameters, lr=args.lr, alpha=0.9, momentum=args.momentum, weight_decay=weight_decay)
    else:
        raise ValueError("Invalid optimizer")
    return optimizer


def create_scheduler(args, optimizer):
    if args.sched == "cosine":
        lr_sched = lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs, eta_min=1e-5)
    elif args.sched == "step":
        lr_sched = lr_scheduler.StepLR(optimizer, step_size=2, gamma=args.decay_rate)
    else:
        lr_sched = None
    return lr_sched


def main():
    args = get_args()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 1))
    loader = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(5)]
    optimizer = create_optimizer(args, model)
    scheduler = create_scheduler(args, optimizer)
    criterion = nn.SmoothL1Loss()
    for epoch in range(args.epochs):
        for x, y in loader:
            output = model(x)
            loss = criterion(output, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if scheduler is not None:
            scheduler.step()
        print(epoch, loss.item(), optimizer.param_groups[0]["lr"])


main()
