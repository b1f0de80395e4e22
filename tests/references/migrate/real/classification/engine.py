import torch
import torch.nn.functional as F


def train_one_epoch(model, data_loader, optimizer, max_norm=0.0):
    model.train()
    for samples, targets in data_loader:
        outputs = model(samples)
        loss = F.cross_entropy(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        if max_norm > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
    return loss.item()


@torch.no_grad()
def evaluate(model, data_loader):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in data_loader)
    return right / len(data_loader.dataset)
