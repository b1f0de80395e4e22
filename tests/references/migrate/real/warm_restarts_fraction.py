"""CosineAnnealingWarmRestarts stepped with a fraction of an epoch, as its documentation shows."""
import torch
from torch import nn, optim

torch.manual_seed(0)
net = nn.Linear(3, 1)
loader = [(torch.randn(5, 3), torch.randn(5, 1)) for _ in range(4)]
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
iters = len(loader)
for epoch in range(6):
    for i, sample in enumerate(loader):
        inputs, labels = sample
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = nn.functional.mse_loss(outputs, labels)
        loss.backward()
        optimizer.step()
        scheduler.step(epoch + i / iters)
    print(epoch, loss.item(), scheduler.get_last_lr())
