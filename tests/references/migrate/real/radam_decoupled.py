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
opt = optim.RAdam(model.parameters(), lr=2e-3, weight_decay=1e-1, decoupled_weight_decay=True)
for x, y in data * 2:
    opt.zero_grad()
    criterion(model(x), y).backward()
    opt.step()
