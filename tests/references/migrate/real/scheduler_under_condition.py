import torch
from torch import nn, optim

torch.manual_seed(0)
model = nn.Linear(2, 1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
warm = optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 5))
global_step = 0
for epoch in range(4):
    for i in range(3):
        optimizer.zero_grad()
        loss = model(torch.randn(3, 2)).pow(2).mean()
        loss.backward()
        optimizer.step()
        global_step += 1
        if global_step <= 5:
            warm.step()
    print(epoch, optimizer.param_groups[0]["lr"])
