"""LambdaLR with one function for each group: the backbone follows a cosine, the head decays by powers."""
import math

import torch
from torch import nn, optim

EPOCHS, LRF = 6, 0.1
torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(torch.relu(self.backbone(x)))


net = Net()
data = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(4)]
optimizer = optim.SGD([
    {"params": net.backbone.parameters(), "lr": 0.01},
    {"params": net.head.parameters()},
], lr=0.1, momentum=0.9)
lf = lambda x: ((1 - math.cos(x * math.pi / EPOCHS)) / 2) * (LRF - 1) + 1
scheduler = optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=[lf, lambda epoch: 0.9 ** epoch])

for epoch in range(EPOCHS):
    for x, y in data:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    lrs = [group["lr"] for group in optimizer.param_groups]
    print(epoch, lrs, loss.item())
