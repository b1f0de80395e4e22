"""Fine-tuning with layers unfrozen in the loop and a new optimizer for the second phase."""
import torch
from torch import nn, optim

torch.manual_seed(0)
backbone, head = nn.Linear(4, 8), nn.Linear(8, 2)
for param in backbone.parameters():
    param.requires_grad = False
criterion = nn.CrossEntropyLoss()
batches = [(torch.randn(6, 4), torch.randint(0, 2, (6,))) for _ in range(4)]
optimizer = optim.Adam(head.parameters(), lr=0.01)

for epoch in range(4):
    if epoch == 2:
        for param in backbone.parameters():
            param.requires_grad = True
        optimizer = optim.Adam(list(backbone.parameters()) + list(head.parameters()), lr=0.001)
    for x, y in batches:
        optimizer.zero_grad()
        loss = criterion(head(torch.relu(backbone(x))), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
