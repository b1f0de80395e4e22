"""Semantic segmentation: polynomial rate per iteration, ten times as much for the new layers, written by group index."""
import torch
from torch import nn

base_lr, power, index_split, epochs = 0.01, 0.9, 1, 4


def poly_learning_rate(base_lr, curr_iter, max_iter, power=0.9):
    """poly learning rate policy"""
    lr = base_lr * (1 - float(curr_iter) / max_iter) ** power
    return lr


class PSPNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer0 = nn.Linear(4, 8)
        self.ppm = nn.Linear(8, 8)
        self.cls = nn.Linear(8, 3)

    def forward(self, x, y):
        out = self.cls(torch.relu(self.ppm(torch.relu(self.layer0(x)))))
        return out.argmax(1), nn.functional.cross_entropy(out, y)


torch.manual_seed(0)
model = PSPNet()
modules_ori = [model.layer0]
modules_new = [model.ppm, model.cls]
params_list = []
for module in modules_ori:
    params_list.append(dict(params=module.parameters(), lr=base_lr))
for module in modules_new:
    params_list.append(dict(params=module.parameters(), lr=base_lr * 10))
optimizer = torch.optim.SGD(params_list, lr=base_lr, momentum=0.9, weight_decay=1e-4)
train_loader = [(torch.randn(6, 4), torch.randint(0, 3, (6,))) for _ in range(4)]

for epoch in range(epochs):
    model.train()
    max_iter = epochs * len(train_loader)
    for i, (input, target) in enumerate(train_loader):
        output, main_loss = model(input, target)
        loss = main_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        current_iter = epoch * len(train_loader) + i + 1
        current_lr = poly_learning_rate(base_lr, current_iter, max_iter, power=power)
        for index in range(0, index_split):
            optimizer.param_groups[index]["lr"] = current_lr
        for index in range(index_split, len(optimizer.param_groups)):
            optimizer.param_groups[index]["lr"] = current_lr * 10
    print(epoch, loss.item(), current_lr)
