"""Gradient accumulation that also updates at the end of an uneven epoch."""
import torch
import torch.nn as nn

torch.manual_seed(0)
model = nn.Linear(4, 1)
train_loader = [(torch.randn(5, 4), torch.randn(5, 1)) for _ in range(7)]
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
gradient_accumulation_steps = 3

model.zero_grad()
for epoch in range(3):
    for step, (x, y) in enumerate(train_loader):
        loss = criterion(model(x), y)
        loss = loss / gradient_accumulation_steps
        loss.backward()
        if (step + 1) % gradient_accumulation_steps == 0 or (step + 1) == len(train_loader):
            optimizer.step()
            optimizer.zero_grad()
    print(epoch, loss.item())
