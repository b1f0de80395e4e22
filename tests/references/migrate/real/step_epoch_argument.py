"""scheduler.step(epoch) at the top of an epoch, the way of PyTorch before 1.1, and a warm-up class for the first epoch."""
import torch
from torch import nn, optim
from torch.optim.lr_scheduler import MultiStepLR

MILESTONES = [2, 4]
torch.manual_seed(0)
net = nn.Linear(3, 2)
training_loader = [(torch.randn(6, 3), torch.randint(0, 2, (6,))) for _ in range(4)]
loss_function = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
train_scheduler = MultiStepLR(optimizer, milestones=MILESTONES, gamma=0.2)

for epoch in range(1, 7):
    if epoch > 1:
        train_scheduler.step(epoch)
    for batch_index, (images, labels) in enumerate(training_loader):
        optimizer.zero_grad()
        outputs = net(images)
        loss = loss_function(outputs, labels)
        loss.backward()
        optimizer.step()
    print("Epoch: {epoch}\tLR: {:0.6f}".format(optimizer.param_groups[0]["lr"], epoch=epoch))
