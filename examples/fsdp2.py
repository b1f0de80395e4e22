"""``torchrun --nproc-per-node 2 examples/fsdp2.py``. Needs: calando[torch].

Parameters, gradients and moments lie in pieces on all processes; ``max_norm`` bounds the norm of the whole.
"""

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard

from calando.schedules import Cosine
from calando.torch import AdamW


def made():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    for layer in model:
        fully_shard(layer)
    fully_shard(model)
    return model, AdamW(model.parameters(), lr=Cosine(0.1, 0.0, steps=20), max_norm=1.0)


dist.init_process_group("gloo")
model, optimizer = made()
for _ in range(10):
    optimizer.zero_grad()
    model(torch.randn(16, 8)).square().mean().backward()
    optimizer.step()
weights, state = get_state_dict(model, optimizer)
dcp.save({"model": weights, "optimizer": state}, checkpoint_id="runs/fsdp2")

model, optimizer = made()
weights, state = get_state_dict(model, optimizer)  # asking before training changes nothing
found = {"model": weights, "optimizer": state}
dcp.load(found, checkpoint_id="runs/fsdp2")
set_state_dict(model, optimizer, model_state_dict=found["model"], optim_state_dict=found["optimizer"])
if dist.get_rank() == 0:
    values = optimizer.current()[0]
    print(f"goes on at step {optimizer.param_groups[0]['step']}, lr {values['lr']:.4f}", flush=True)
dist.destroy_process_group()
