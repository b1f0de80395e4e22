"""Rate multiplied in place every few epochs, and cut when the loss plateaus; the rate printed from the state."""
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(5, 1)
loader = [(torch.randn(8, 5), torch.randn(8, 1)) for _ in range(4)]
criterion = nn.L1Loss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)


def update_lr(optimizer, lr):
    for param_group in optimizer.param_groups:
        param_group["lr"] = lr


def shrink(optimizer, factor):
    for i in range(len(optimizer.param_groups)):
        optimizer.param_groups[i]["lr"] *= factor


curr_lr = 0.05
history = []
for epoch in range(6):
    for i, (x, y) in enumerate(loader):
        outputs = model(x)
        loss = criterion(outputs, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # Decay learning rate
    if (epoch + 1) % 2 == 0:
        curr_lr /= 3
        update_lr(optimizer, curr_lr)
    history.append(loss.item())
    if len(history) > 3 and history[-1] > history[-2]:
        shrink(optimizer, 0.5)
    print(epoch, optimizer.state_dict()["param_groups"][0]["lr"], loss.item())
