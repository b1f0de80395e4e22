"""The class of the optimizer and of the scheduler looked up with getattr."""
import torch
from torch import nn

config = {"optimizer": "RAdam", "scheduler": "MultiplicativeLR"}
torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = getattr(torch.optim, config["optimizer"])(model.parameters(), lr=0.01)
scheduler = getattr(torch.optim.lr_scheduler, config["scheduler"])(optimizer, lr_lambda=lambda epoch: 0.95)
fixed = nn.Linear(4, 1)
second = getattr(torch.optim, "NAdam")(fixed.parameters(), lr=0.01)
decay = torch.optim.lr_scheduler.MultiplicativeLR(second, lr_lambda=lambda epoch: 0.9)
x, y = torch.randn(12, 4), torch.randn(12, 1)
for epoch in range(5):
    for i in range(0, 12, 4):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[i:i + 4]), y[i:i + 4])
        loss.backward()
        optimizer.step()
        second.zero_grad()
        other = nn.functional.mse_loss(fixed(x[i:i + 4]), y[i:i + 4])
        other.backward()
        second.step()
    scheduler.step()
    decay.step()
