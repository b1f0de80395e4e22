import copy
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(5)
global_step = 0


def linear_rampup(current, rampup_length):
    if rampup_length == 0:
        return 1.0
    current = np.clip(current, 0.0, rampup_length)
    return float(current) / rampup_length


def cosine_rampdown(current, rampdown_length):
    return float(.5 * (np.cos(np.pi * current / rampdown_length) + 1))


def update_ema_variables(model, ema_model, alpha, global_step):
    alpha = min(1 - 1 / (global_step + 1), alpha)
    for ema_param, param in zip(ema_model.parameters(), model.parameters()):
        ema_param.data.mul_(alpha).add_(param.data, alpha=1 - alpha)


def adjust_learning_rate(optimizer, epoch, step_in_epoch, total_steps_in_epoch, base=0.05):
    lr = base
    epoch = epoch + step_in_epoch / total_steps_in_epoch
    lr = linear_rampup(epoch, 1) * (lr - 0.0) + 0.0
    lr *= cosine_rampdown(epoch, 6)
    for param_group in optimizer.param_groups:
        param_group['lr'] = lr


def create_model(ema=False):
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    if ema:
        for param in model.parameters():
            param.detach_()
    return model


def train(train_loader, model, ema_model, optimizer, epoch):
    global global_step
    class_criterion = nn.CrossEntropyLoss(reduction='sum')
    model.train()
    ema_model.train()
    for i, ((input, ema_input), target) in enumerate(train_loader):
        adjust_learning_rate(optimizer, epoch, i, len(train_loader))
        minibatch_size = len(target)
        ema_model_out = ema_model(ema_input)
        model_out = model(input)
        ema_logit = torch.autograd.Variable(ema_model_out.detach().data, requires_grad=False)
        class_loss = class_criterion(model_out, target) / minibatch_size
        consistency_weight = 10 * linear_rampup(epoch, 2)
        consistency_loss = consistency_weight * F.mse_loss(model_out.softmax(1), ema_logit.softmax(1)) / minibatch_size
        loss = class_loss + consistency_loss
        assert not np.isnan(loss.item()), 'Loss explosion: {}'.format(loss.item())
        # compute gradient and do SGD step
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        global_step += 1
        update_ema_variables(model, ema_model, 0.97, global_step)


model, ema_model = create_model(), create_model(ema=True)
optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=2e-4, nesterov=True)
loader = [((x, x + 0.05), torch.randint(0, 3, (8,))) for x in torch.randn(4, 8, 4)]
for epoch in range(4):
    train(loader, model, ema_model, optimizer, epoch)
