"""A smaller rate for lower layers. Needs: calando[torch]; with timm the groups are
``timm.optim.param_groups_layer_decay(model, weight_decay=0.05, layer_decay=0.5)``."""

import torch

from calando.schedules import Cosine
from calando.torch import AdamW

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Linear(16, 16), torch.nn.Linear(16, 1))
groups = [
    {"params": layer.parameters(), "lr_scale": 0.5 ** (len(model) - 1 - depth), "name": f"layer {depth}"}
    for depth, layer in enumerate(model)
]
optimizer = AdamW(groups, lr=Cosine(0.02, 0.0, steps=30))
for _ in range(30):
    optimizer.zero_grad()
    model(torch.randn(32, 8)).square().mean().backward()
    optimizer.step()
for depth in range(len(model)):
    rates = optimizer.trace("lr", range(0, 30, 10), group=f"layer {depth}").tolist()
    print(f"layer {depth}:", [round(rate, 5) for rate in rates])
