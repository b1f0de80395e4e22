from __future__ import print_function, division
import copy
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
BASE_LR = 0.01
EPOCH_DECAY = 2
DECAY_WEIGHT = 0.1


def train_model(model, criterion, optimizer, lr_scheduler, num_epochs=6):
    best_model = model
    for epoch in range(num_epochs):
        for phase in ['train', 'val']:
            if phase == 'train':
                optimizer = lr_scheduler(optimizer, epoch)
                model.train()
            else:
                model.eval()
            running_loss = 0.0
            for inputs, labels in dset_loaders[phase]:
                # Set gradient to zero to delete history of computations in previous epoch.
                optimizer.zero_grad()
                outputs = model(inputs)
                _, preds = torch.max(outputs.data, 1)
                loss = criterion(outputs, labels)
                if phase == 'train':
                    loss.backward()
                    optimizer.step()
                running_loss += loss.item()
            print(phase, running_loss)
    return best_model


def exp_lr_scheduler(optimizer, epoch, init_lr=BASE_LR, lr_decay_epoch=EPOCH_DECAY):
    """Decay learning rate by a factor of DECAY_WEIGHT every lr_decay_epoch epochs."""
    lr = init_lr * (DECAY_WEIGHT**(epoch // lr_decay_epoch))
    if epoch % lr_decay_epoch == 0:
        print('LR is set to {}'.format(lr))
    for param_group in optimizer.param_groups:
        param_group['lr'] = lr
    return optimizer


dset_loaders = {k: [(torch.randn(8, 4), torch.randint(0, 3, (8,))) for _ in range(2)] for k in ('train', 'val')}
model_ft = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
criterion = nn.CrossEntropyLoss()
optimizer_ft = optim.RMSprop(model_ft.parameters(), lr=0.0001)
model_ft = train_model(model_ft, criterion, optimizer_ft, exp_lr_scheduler, num_epochs=6)
