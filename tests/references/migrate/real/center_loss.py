import torch
import torch.nn as nn
from torch.optim import lr_scheduler


class CenterLoss(nn.Module):
    def __init__(self, num_classes=3, feat_dim=2):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(num_classes, feat_dim))

    def forward(self, x, labels):
        return ((x - self.centers[labels]) ** 2).sum(1).mean()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.feat = nn.Sequential(nn.Linear(4, 8), nn.PReLU(), nn.Linear(8, 2))
        self.out = nn.Linear(2, 3)

    def forward(self, x):
        f = self.feat(x)
        return f, self.out(f)


torch.manual_seed(0)
weight_cent = 0.5
model = Net()
criterion_xent = nn.CrossEntropyLoss()
criterion_cent = CenterLoss()
optimizer_model = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=5e-04, momentum=0.9)
optimizer_centloss = torch.optim.SGD(criterion_cent.parameters(), lr=0.5)
scheduler = lr_scheduler.StepLR(optimizer_model, step_size=2, gamma=0.5)
loader = [(torch.randn(8, 4), torch.randint(0, 3, (8,))) for _ in range(3)]
for epoch in range(4):
    for data, labels in loader:
        features, outputs = model(data)
        loss_xent = criterion_xent(outputs, labels)
        loss_cent = criterion_cent(features, labels)
        loss_cent *= weight_cent
        loss = loss_xent + loss_cent
        optimizer_model.zero_grad()
        optimizer_centloss.zero_grad()
        loss.backward()
        optimizer_model.step()
        # by doing so, weight_cent would not impact on the learning of centers
        for param in criterion_cent.parameters():
            param.grad.data *= (1. / weight_cent)
        optimizer_centloss.step()
    scheduler.step()
