"""MAE's fine-tuning: groups by layer with lr_scale, adjust_learning_rate(optimizer, fractional epoch, args) per iteration."""
import argparse
import math

import torch
from torch import nn

args = argparse.Namespace(lr=1e-2, min_lr=1e-4, warmup_epochs=1, epochs=4, layer_decay=0.65, weight_decay=0.05)


def adjust_learning_rate(optimizer, epoch, args):
    """Decay the learning rate with half-cycle cosine after warmup"""
    if epoch < args.warmup_epochs:
        lr = args.lr * epoch / args.warmup_epochs
    else:
        lr = args.min_lr + (args.lr - args.min_lr) * 0.5 * \
            (1. + math.cos(math.pi * (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)))
    for param_group in optimizer.param_groups:
        if "lr_scale" in param_group:
            param_group["lr"] = lr * param_group["lr_scale"]
        else:
            param_group["lr"] = lr
    return lr


def param_groups_lrd(model, weight_decay=0.05, layer_decay=.75):
    param_groups = {}
    num_layers = len(model) + 1
    layer_scales = list(layer_decay ** (num_layers - i) for i in range(num_layers + 1))
    for n, p in model.named_parameters():
        if not p.requires_grad:
            continue
        # no decay: all 1D parameters and model specific ones
        if p.ndim == 1:
            g_decay = "no_decay"
            this_decay = 0.
        else:
            g_decay = "decay"
            this_decay = weight_decay
        layer_id = int(n.split(".")[0])
        group_name = "layer_%d_%s" % (layer_id, g_decay)
        if group_name not in param_groups:
            param_groups[group_name] = {
                "lr_scale": layer_scales[layer_id],
                "weight_decay": this_decay,
                "params": [],
            }
        param_groups[group_name]["params"].append(p)
    return list(param_groups.values())


def train_one_epoch(model, criterion, data_loader, optimizer, epoch, args):
    model.train(True)
    for data_iter_step, (samples, targets) in enumerate(data_loader):
        # we use a per iteration (instead of per epoch) lr scheduler
        adjust_learning_rate(optimizer, data_iter_step / len(data_loader) + epoch, args)
        outputs = model(samples)
        loss = criterion(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        min_lr = 10.
        max_lr = 0.
        for group in optimizer.param_groups:
            min_lr = min(min_lr, group["lr"])
            max_lr = max(max_lr, group["lr"])
    print(epoch, loss.item(), max_lr, min_lr)


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
loader = [(torch.randn(6, 4), torch.randint(0, 2, (6,))) for _ in range(4)]
optimizer = torch.optim.AdamW(param_groups_lrd(net, args.weight_decay, args.layer_decay), lr=args.lr)
criterion = nn.CrossEntropyLoss()
for epoch in range(args.epochs):
    train_one_epoch(net, criterion, loader, optimizer, epoch, args)
