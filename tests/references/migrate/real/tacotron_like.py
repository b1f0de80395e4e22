import os
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)


def _learning_rate_decay(init_lr, global_step):
    warmup_steps = 4.0
    step = global_step + 1.
    lr = init_lr * warmup_steps**0.5 * np.minimum(step * warmup_steps**-1.5, step**-0.5)
    return lr


def train(model, data_loader, optimizer, init_lr=0.002, checkpoint_interval=None, nepochs=None, clip_thresh=1.0):
    model.train()
    global global_step, global_epoch
    criterion = nn.L1Loss()
    while global_epoch < nepochs:
        running_loss = 0.
        for step, (x, y) in enumerate(data_loader):
            # Decay learning rate
            current_lr = _learning_rate_decay(init_lr, global_step)
            for param_group in optimizer.param_groups:
                param_group['lr'] = current_lr
            optimizer.zero_grad()
            # Feed data
            outputs = model(x)
            mel_loss = criterion(outputs, y)
            linear_loss = 0.5 * criterion(outputs[:, :1], y[:, :1]) + 0.5 * criterion(outputs, y)
            loss = mel_loss + linear_loss
            if global_step > 0 and global_step % 1000 == 0:
                print("saving")
            # Update
            loss.backward(retain_graph=False)
            grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip_thresh)
            optimizer.step()
            # Logs
            print("loss", float(loss.item()), "grad norm", float(grad_norm), current_lr)
            global_step += 1
            running_loss += loss.item()
        global_epoch += 1


global_step, global_epoch = 0, 0
model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.002, betas=(0.9, 0.999), weight_decay=0.0)
train(model, [(torch.randn(8, 4), torch.randn(8, 2)) for _ in range(4)], optimizer, nepochs=3)
