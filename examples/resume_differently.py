"""Resuming differently on purpose. Needs: calando[torch]."""

import io

import torch

from calando.schedules import Cosine
from calando.torch import AdamW


def network(classes):
    torch.manual_seed(0)
    return torch.nn.ModuleDict({"body": torch.nn.Linear(8, 8), "head": torch.nn.Linear(8, classes)})


def train(model, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        model["head"](model["body"](torch.randn(32, 8))).square().mean().backward()
        optimizer.step()


model = network(classes=4)
optimizer = AdamW(model.named_parameters(), lr=Cosine(0.02, 0.0, steps=20))
train(model, optimizer, 20)
torch.save(optimizer.state_dict(), file := io.BytesIO())
file.seek(0)
stored = torch.load(file, weights_only=True)

longer = AdamW(model.named_parameters(), lr=Cosine(0.02, 0.0, steps=100))
longer.resume(stored, keep="lr")  # moments and clock from the file, the schedule from here
print("the longer schedule goes on at", longer.current()[0]["lr"])

again = AdamW(model.named_parameters(), lr=Cosine(0.01, 0.0, steps=20))
again.resume(stored, keep="lr", clock=0)  # the same moments, the schedule from its start
print("the schedule begins anew at", again.current()[0]["lr"])

other = network(classes=6)
fresh = AdamW(other.named_parameters(), lr=Cosine(0.02, 0.0, steps=100))
print(fresh.resume(stored, keep="lr", by_name=True))
train(other, fresh, 1)
print("lr", fresh.param_groups[0]["lr"])
