import torch
from torch import nn
from torch.optim import lr_scheduler

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode='min', factor=0.5, patience=0, threshold=1e-2, min_lr=1e-5)
x, y = torch.randn(20, 3), torch.randn(20, 1)
early_stop, wait = 4, 0
best = None
for epoch in range(12):
    model.train()
    optimizer.zero_grad()
    loss = nn.MSELoss()(model(x), y)
    loss.backward()
    optimizer.step()
    val = loss.item()
    scheduler.step(val)
    if best is None or val < best:
        best, wait = val, 0
    else:
        wait += 1
    if wait > early_stop:
        break
    print(epoch, val, optimizer.param_groups[0]['lr'], scheduler.num_bad_epochs)
