"""A project of several files: the optimizer is made in one, stepped in another, scheduled here."""
import torch
from engine import evaluate, train_one_epoch
from model import build_model
from solver import make_lr_scheduler, make_optimizer
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(0)
    cfg = {"lr": 0.05, "bias_lr_factor": 2, "weight_decay": 1e-3, "epochs": 5, "milestones": [2, 4], "gamma": 0.1}
    x = torch.randn(48, 6)
    train_loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=8, shuffle=True)
    model = build_model()
    optimizer = make_optimizer(cfg, model)
    scheduler = make_lr_scheduler(cfg, optimizer)
    for epoch in range(cfg["epochs"]):
        loss = train_one_epoch(model, train_loader, optimizer, max_norm=5.0)
        scheduler.step()
        print(epoch, loss, evaluate(model, train_loader), scheduler.get_last_lr()[0])


if __name__ == "__main__":
    main()
