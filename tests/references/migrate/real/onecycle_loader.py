"""OneCycleLR over a DataLoader, stepped per batch, AdamW's beta1 cycled with it, clipping by value."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_lr(optimizer):
    for param_group in optimizer.param_groups:
        return param_group["lr"]


def fit_one_cycle(epochs, max_lr, model, train_loader, weight_decay=0, grad_clip=None, opt_func=torch.optim.SGD):
    history = []
    optimizer = torch.optim.AdamW(model.parameters(), max_lr, weight_decay=weight_decay)
    # Set up one-cycle learning rate scheduler
    sched = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, epochs=epochs, steps_per_epoch=len(train_loader))
    for epoch in range(epochs):
        # Training Phase
        model.train()
        train_losses = []
        lrs = []
        for batch in train_loader:
            images, labels = batch
            loss = nn.functional.cross_entropy(model(images), labels)
            train_losses.append(loss.detach())
            loss.backward()

            # Gradient clipping
            if grad_clip:
                nn.utils.clip_grad_value_(model.parameters(), grad_clip)

            optimizer.step()
            optimizer.zero_grad()

            # Record & update learning rate
            lrs.append(get_lr(optimizer))
            sched.step()
        history.append((torch.stack(train_losses).mean().item(), lrs))
    return history


torch.manual_seed(0)
x = torch.randn(48, 5)
loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=12)
net = nn.Sequential(nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 2))
for result in fit_one_cycle(4, 0.02, net, loader, weight_decay=1e-3, grad_clip=0.1):
    print(result[0], result[1][-1])
