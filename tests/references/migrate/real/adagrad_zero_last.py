"""Collaborative filtering: Adagrad, zero_grad after the step with a first one before the loop, a bare parameter list."""
import torch
from torch import nn, optim

torch.manual_seed(0)
users, items = nn.Embedding(10, 4), nn.Embedding(12, 4)
params = list(users.parameters()) + list(items.parameters())
optimizer = optim.Adagrad(params, lr=0.1, initial_accumulator_value=0.1)
triples = [(torch.randint(0, 10, (8,)), torch.randint(0, 12, (8,)), torch.rand(8)) for _ in range(5)]
optimizer.zero_grad()
for epoch in range(4):
    total = 0.0
    for u, v, r in triples:
        score = (users(u) * items(v)).sum(1)
        loss = ((score - r) ** 2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
    print(epoch, total)
