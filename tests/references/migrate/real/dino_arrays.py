"""DINO: cosine arrays for rate, weight decay and teacher momentum, written per iteration; an EMA teacher."""
import math

import numpy as np
import torch
from torch import nn


def cosine_scheduler(base_value, final_value, epochs, niter_per_ep, warmup_epochs=0, start_warmup_value=0):
    warmup_schedule = np.array([])
    warmup_iters = warmup_epochs * niter_per_ep
    if warmup_epochs > 0:
        warmup_schedule = np.linspace(start_warmup_value, base_value, warmup_iters)
    iters = np.arange(epochs * niter_per_ep - warmup_iters)
    schedule = np.array([final_value + 0.5 * (base_value - final_value) * (1 + math.cos(math.pi * i / (len(iters)))) for i in iters])
    schedule = np.concatenate((warmup_schedule, schedule))
    assert len(schedule) == epochs * niter_per_ep
    return schedule


def get_params_groups(model):
    regularized = []
    not_regularized = []
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        # we do not regularize biases nor Norm parameters
        if name.endswith(".bias") or len(param.shape) == 1:
            not_regularized.append(param)
        else:
            regularized.append(param)
    return [{"params": regularized}, {"params": not_regularized, "weight_decay": 0.}]


def train_one_epoch(student, teacher, data_loader, optimizer, lr_schedule, wd_schedule, momentum_schedule, epoch, clip_grad):
    for it, (images, _) in enumerate(data_loader):
        # update weight decay and learning rate according to their schedule
        it = len(data_loader) * epoch + it  # global training iteration
        for i, param_group in enumerate(optimizer.param_groups):
            param_group["lr"] = lr_schedule[it]
            if i == 0:  # only the first group is regularized
                param_group["weight_decay"] = wd_schedule[it]

        teacher_output = teacher(images).detach()
        student_output = student(images)
        loss = ((teacher_output - student_output) ** 2).sum(1).mean() + 0.1 * student_output.abs().mean()

        # student update
        optimizer.zero_grad()
        loss.backward()
        if clip_grad:
            torch.nn.utils.clip_grad_norm_(student.parameters(), clip_grad)
        optimizer.step()

        # EMA update for the teacher
        with torch.no_grad():
            m = momentum_schedule[it]  # momentum parameter
            for param_q, param_k in zip(student.parameters(), teacher.parameters()):
                param_k.data.mul_(m).add_((1 - m) * param_q.detach().data)
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"])


torch.manual_seed(0)
epochs = 3
student = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
teacher = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
data_loader = [(torch.randn(6, 4), 0) for _ in range(4)]
optimizer = torch.optim.AdamW(get_params_groups(student))
lr_schedule = cosine_scheduler(5e-3, 1e-5, epochs, len(data_loader), warmup_epochs=1)
wd_schedule = cosine_scheduler(0.04, 0.4, epochs, len(data_loader))
momentum_schedule = cosine_scheduler(0.9, 1, epochs, len(data_loader))
for epoch in range(epochs):
    train_one_epoch(student, teacher, data_loader, optimizer, lr_schedule, wd_schedule, momentum_schedule, epoch, 3.0)
