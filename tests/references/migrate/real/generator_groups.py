import math
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torch.nn.functional as F
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Linear(4, 8)
        self.bn = nn.BatchNorm1d(4)
        self.fc = nn.Linear(8, 2)
    def forward(self, x):
        return self.fc(torch.relu(self.conv(self.bn(x))))
model = Net()
criterion = nn.CrossEntropyLoss()
data = [(torch.randn(6, 4), torch.randint(0, 2, (6,))) for _ in range(5)]
def get_params(model, key):
    for m in model.named_modules():
        if key == "conv" and isinstance(m[1], nn.Linear):
            yield m[1].weight
        if key == "bias" and isinstance(m[1], nn.Linear):
            yield m[1].bias
        if key == "bn" and isinstance(m[1], nn.BatchNorm1d):
            for p in m[1].parameters():
                yield p
opt = optim.SGD([
    {"params": get_params(model, "conv"), "lr": 0.1},
    {"params": get_params(model, "bias"), "lr": 0.2, "weight_decay": 0},
    {"params": get_params(model, "bn"), "lr": 0.05, "weight_decay": 0},
], lr=0.1, momentum=0.9, weight_decay=1e-3)
for x, y in data:
    opt.zero_grad()
    criterion(model(x), y).backward()
    opt.step()
