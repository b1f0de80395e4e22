import torch
from torch import nn
from transformers import get_scheduler, get_cosine_schedule_with_warmup

torch.manual_seed(0)
EPOCHS = 3
loader = [(torch.randn(4, 3), torch.randn(4, 1)) for _ in range(5)]
model = nn.Linear(3, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-2)
num_training_steps = EPOCHS * len(loader)
lr_scheduler = get_scheduler("linear", optimizer=optimizer, num_warmup_steps=0, num_training_steps=num_training_steps)
for epoch in range(EPOCHS):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()

second = nn.Linear(3, 1)
opt2 = torch.optim.Adam(second.parameters(), lr=1e-2)
sched2 = get_cosine_schedule_with_warmup(opt2, 3, num_training_steps)
for epoch in range(EPOCHS):
    for x, y in loader:
        opt2.zero_grad()
        loss = (second(x) - y).abs().mean()
        loss.backward()
        opt2.step()
        sched2.step()
