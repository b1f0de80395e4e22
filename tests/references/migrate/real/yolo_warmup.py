"""Three groups with add_param_group after the constructor, LambdaLR per epoch, and a warm-up that interpolates lr and momentum."""
import math

import numpy as np
import torch
import torch.nn as nn
from torch.optim import SGD, lr_scheduler

hyp = {"lr0": 0.05, "lrf": 0.1, "momentum": 0.937, "weight_decay": 5e-4, "warmup_momentum": 0.8, "warmup_bias_lr": 0.1}
epochs = 5
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
train_loader = [(torch.randn(8, 4), torch.randint(0, 2, (8,))) for _ in range(4)]
nb = len(train_loader)  # number of batches
nw = max(round(2 * nb), 5)  # number of warmup iterations

pg0, pg1, pg2 = [], [], []  # optimizer parameter groups
for k, v in model.named_modules():
    if hasattr(v, "bias") and isinstance(v.bias, nn.Parameter):
        pg2.append(v.bias)  # biases
    if isinstance(v, nn.BatchNorm1d):
        pg0.append(v.weight)  # no decay
    elif hasattr(v, "weight") and isinstance(v.weight, nn.Parameter):
        pg1.append(v.weight)  # apply decay

optimizer = SGD(pg0, lr=hyp["lr0"], momentum=hyp["momentum"], nesterov=True)
optimizer.add_param_group({"params": pg1, "weight_decay": hyp["weight_decay"]})  # add pg1 with weight_decay
optimizer.add_param_group({"params": pg2})  # add pg2 (biases)
del pg0, pg1, pg2

# Scheduler
lf = lambda x: (1 - x / epochs) * (1.0 - hyp["lrf"]) + hyp["lrf"]  # linear
scheduler = lr_scheduler.LambdaLR(optimizer, lr_lambda=lf)
compute_loss = nn.CrossEntropyLoss()

for epoch in range(epochs):
    model.train()
    optimizer.zero_grad()
    for i, (imgs, targets) in enumerate(train_loader):
        ni = i + nb * epoch  # number integrated batches (since train start)

        # Warmup
        if ni <= nw:
            xi = [0, nw]  # x interp
            for j, x in enumerate(optimizer.param_groups):
                # bias lr falls from 0.1 to lr0, all other lrs rise from 0.0 to lr0
                x["lr"] = np.interp(ni, xi, [hyp["warmup_bias_lr"] if j == 2 else 0.0, x["initial_lr"] * lf(epoch)])
                if "momentum" in x:
                    x["momentum"] = np.interp(ni, xi, [hyp["warmup_momentum"], hyp["momentum"]])

        # Forward
        pred = model(imgs)
        loss = compute_loss(pred, targets)

        # Backward
        loss.backward()

        # Optimize
        optimizer.step()
        optimizer.zero_grad()

    # Scheduler
    lr = [x["lr"] for x in optimizer.param_groups]  # for loggers
    scheduler.step()
    print(epoch, lr, loss.item())
