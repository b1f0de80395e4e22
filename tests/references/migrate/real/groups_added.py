"""add_param_group right after the constructor, and a StepLR over all groups."""
import torch
import torch.nn as nn

torch.manual_seed(0)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(4, 6)
        self.neck = nn.LayerNorm(6)
        self.head = nn.Linear(6, 1)

    def forward(self, x):
        return self.head(self.neck(torch.relu(self.backbone(x))))


model = Detector()
optimizer = torch.optim.SGD(model.backbone.parameters(), lr=0.01, momentum=0.9)
optimizer.add_param_group({"params": list(model.neck.parameters()), "weight_decay": 0.0})
optimizer.add_param_group({"params": model.head.parameters(), "lr": 0.05})
lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
batches = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(5)]

for epoch in range(6):
    for x, y in batches:
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
    lr_scheduler.step()
    print("lr:", optimizer.param_groups[0]["lr"], optimizer.param_groups[-1]["lr"])
