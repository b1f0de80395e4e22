"""Gradient accumulation with autocast and GradScaler, the schedule stepped at every update, loss divided in place."""
import torch
import torch.nn as nn
from torch.cuda.amp import GradScaler, autocast

accum_iter = 4
epochs = 3
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 1))
loader = [(torch.randn(5, 4), torch.randn(5, 1)) for _ in range(8)]
criterion = nn.MSELoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader) // accum_iter)
scaler = GradScaler(enabled=False)

for epoch in range(epochs):
    model.train(True)
    optimizer.zero_grad()
    for data_iter_step, (samples, targets) in enumerate(loader):
        with autocast(enabled=False):
            outputs = model(samples)
            loss = criterion(outputs, targets)
        loss_value = loss.item()
        loss /= accum_iter
        scaler.scale(loss).backward()
        if (data_iter_step + 1) % accum_iter == 0:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            optimizer.zero_grad()
    print(epoch, loss_value, optimizer.param_groups[0]["lr"])
