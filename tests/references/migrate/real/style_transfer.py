"""The optimized thing is an image, not a network."""
import torch
from torch import nn, optim

torch.manual_seed(0)
features = nn.Conv2d(3, 4, 3)
for p in features.parameters():
    p.requires_grad_(False)
content = torch.rand(1, 3, 8, 8)
target = features(content).detach()
input_img = torch.rand(1, 3, 8, 8).requires_grad_(True)
optimizer = optim.Adam([input_img], lr=0.05)
for step in range(10):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(features(input_img), target)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        input_img.clamp_(0, 1)
