"""accelerate: accumulation, one tick per update. Needs: calando[torch] accelerate."""

import torch
from accelerate import Accelerator

from calando.schedules import Cosine
from calando.torch import AdamW

torch.manual_seed(0)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=4)
model = torch.nn.Linear(8, 1)
inputs = torch.randn(160, 8)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=8)
optimizer = AdamW(model.parameters(), lr=Cosine(0.1, 0.0, steps=15))
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for _ in range(3):
    for x, y in loader:
        with accelerator.accumulate(model):
            accelerator.backward(torch.nn.functional.mse_loss(model(x), y))
            optimizer.step()
            optimizer.zero_grad()
print("updates:", optimizer.param_groups[0]["step"], " lr:", optimizer.param_groups[0]["lr"])
