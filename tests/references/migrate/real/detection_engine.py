"""torchvision's detection reference: train_one_epoch gets optimizer and scheduler, a warm-up of its own in the first epoch."""
import math
import sys

import torch
from torch import nn


def train_one_epoch(model, optimizer, data_loader, device, epoch, print_freq, scaler=None):
    model.train()
    lr_scheduler = None
    if epoch == 0:
        warmup_factor = 1.0 / 1000
        warmup_iters = min(1000, len(data_loader) - 1)
        lr_scheduler = torch.optim.lr_scheduler.LinearLR(
            optimizer, start_factor=warmup_factor, total_iters=warmup_iters
        )
    for images, targets in data_loader:
        loss_dict = model(images, targets)
        losses = sum(loss for loss in loss_dict.values())
        loss_value = losses.item()
        if not math.isfinite(loss_value):
            print(f"Loss is {loss_value}, stopping training")
            sys.exit(1)

        optimizer.zero_grad()
        losses.backward()
        optimizer.step()

        if lr_scheduler is not None:
            lr_scheduler.step()
    print(epoch, loss_value, optimizer.param_groups[0]["lr"])


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(4, 8)
        self.cls, self.box = nn.Linear(8, 2), nn.Linear(8, 4)

    def forward(self, images, targets):
        h = torch.relu(self.backbone(images))
        return {"loss_cls": nn.functional.cross_entropy(self.cls(h), targets[0]),
                "loss_box": nn.functional.smooth_l1_loss(self.box(h), targets[1])}


def main():
    torch.manual_seed(0)
    model = Detector()
    data_loader = [(torch.randn(6, 4), (torch.randint(0, 2, (6,)), torch.randn(6, 4))) for _ in range(5)]
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(params, lr=0.02, momentum=0.9, weight_decay=1e-4)
    lr_scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 3], gamma=0.1)
    for epoch in range(4):
        train_one_epoch(model, optimizer, data_loader, "cpu", epoch, 10)
        lr_scheduler.step()


if __name__ == "__main__":
    main()
