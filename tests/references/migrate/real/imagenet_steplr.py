"""The newer ImageNet example: StepLR per epoch, its state in the checkpoint, resume by hand."""
import os
import tempfile

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


def train(train_loader, model, criterion, optimizer, epoch, device):
    model.train()
    for i, (images, target) in enumerate(train_loader):
        output = model(images)
        loss = criterion(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 3 == 0:
            print("Epoch: [{0}][{1}/{2}] loss {3:.4f}".format(epoch, i, len(train_loader), loss.item()))


def main_worker(path, start_epoch, epochs):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)

    """Sets the learning rate to the initial LR decayed by 10 every 3 epochs"""
    scheduler = StepLR(optimizer, step_size=3, gamma=0.1)

    if os.path.isfile(path):
        checkpoint = torch.load(path)
        start_epoch = checkpoint["epoch"]
        model.load_state_dict(checkpoint["state_dict"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])

    data = torch.randn(40, 5)
    labels = (data.sum(1) > 0).long()
    train_loader = DataLoader(TensorDataset(data, labels), batch_size=8, shuffle=False)
    for epoch in range(start_epoch, epochs):
        train(train_loader, model, criterion, optimizer, epoch, "cpu")
        scheduler.step()
        torch.save({
            "epoch": epoch + 1,
            "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict()
        }, path)


if __name__ == "__main__":
    path = os.path.join(tempfile.mkdtemp(), "checkpoint.pth.tar")
    main_worker(path, 0, 3)
    main_worker(path, 0, 5)
