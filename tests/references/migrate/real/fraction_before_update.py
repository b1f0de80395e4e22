import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts as CAWR

torch.manual_seed(0)
net = nn.Linear(3, 2)
train_loader = [(torch.randn(4, 3), torch.randint(0, 2, (4,))) for _ in range(5)]
opt = SGD(net.parameters(), lr=0.2, momentum=0.9, nesterov=True, weight_decay=5e-4)
sched = CAWR(opt, T_0=2, T_mult=1, eta_min=1e-3)
n = len(train_loader)
for epoch in range(5):
    for i, (x, y) in enumerate(train_loader):
        sched.step(epoch + i / n)
        opt.zero_grad()
        out = net(x)
        loss = nn.CrossEntropyLoss()(out, y)
        loss.backward()
        opt.step()
    print(epoch, loss.item())
