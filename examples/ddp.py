"""``torchrun --nproc-per-node 2 examples/ddp.py``. Needs: calando[torch].

Every process has all gradients after backward, so ``max_norm`` bounds the true norm. Under ZeroRedundancyOptimizer each
process steps its share of the parameters: clip with torch.nn.utils.clip_grad_norm_ there.
"""

import torch
import torch.distributed as dist
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel

from calando.schedules import Cosine
from calando.torch import AdamW

dist.init_process_group("gloo")
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(8, 1))
rate = Cosine(0.1, 0.0, steps=20)
for optimizer in (
    AdamW(model.parameters(), lr=rate, max_norm=1.0),
    ZeroRedundancyOptimizer(model.parameters(), optimizer_class=AdamW, lr=rate),
):
    for _ in range(10):
        optimizer.zero_grad()
        model(torch.randn(16, 8)).square().mean().backward()
        optimizer.step()
    if dist.get_rank() == 0:
        group = optimizer.param_groups[0]
        print(f"{type(optimizer).__name__}: updates {group['step']}, lr {group['lr']:.4f}", flush=True)
dist.destroy_process_group()
