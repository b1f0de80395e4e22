"""Hugging Face without their Trainer: accelerate prepares everything, a scheduler from their library."""
import torch
from torch import nn

try:
    from accelerate import Accelerator
    from transformers import get_scheduler
except ImportError:
    raise SystemExit(0)

accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
train_dataloader = torch.utils.data.DataLoader([(torch.randn(4), torch.randn(1)) for _ in range(16)], batch_size=4)
lr_scheduler = get_scheduler("linear", optimizer=optimizer, num_warmup_steps=2, num_training_steps=8)
model, optimizer, train_dataloader, lr_scheduler = accelerator.prepare(model, optimizer, train_dataloader, lr_scheduler)
for epoch in range(4):
    for x, y in train_dataloader:
        with accelerator.accumulate(model):
            loss = nn.functional.mse_loss(model(x), y)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
