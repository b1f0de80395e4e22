"""A fresh network, optimizer and scheduler for every fold."""
import torch
from torch import nn

torch.manual_seed(0)
X, Y = torch.randn(30, 4), torch.randn(30, 1)
scores = []
for fold in range(3):
    held_out = torch.arange(30) % 3 == fold
    x, y = X[~held_out], Y[~held_out]
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
    for epoch in range(4):
        for i in range(0, 20, 5):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[i:i + 5]), y[i:i + 5])
            loss.backward()
            optimizer.step()
        scheduler.step()
    scores.append(loss.item())
print(scores)
