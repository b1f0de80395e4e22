"""pytorch-cifar100: MultiStepLR per epoch, and beside it a warm-up class of the script's own per batch in the first epoch."""
import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim.lr_scheduler import _LRScheduler


class WarmUpLR(_LRScheduler):
    """warmup_training learning rate scheduler"""

    def __init__(self, optimizer, total_iters, last_epoch=-1):
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base_lr * self.last_epoch / (self.total_iters + 1e-8) for base_lr in self.base_lrs]


torch.manual_seed(0)
net = nn.Linear(4, 3)
cifar100_training_loader = [(torch.randn(6, 4), torch.randint(0, 3, (6,))) for _ in range(5)]
loss_function = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
train_scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 5], gamma=0.2)  # learning rate decay
iter_per_epoch = len(cifar100_training_loader)
warmup_scheduler = WarmUpLR(optimizer, iter_per_epoch * 1)

for epoch in range(1, 7):
    if epoch > 1:
        train_scheduler.step(epoch)
    for batch_index, (images, labels) in enumerate(cifar100_training_loader):
        optimizer.zero_grad()
        outputs = net(images)
        loss = loss_function(outputs, labels)
        loss.backward()
        optimizer.step()
        if epoch <= 1:
            warmup_scheduler.step()
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"])
