"""A Trainer that keeps optimizer and scheduler on self, saves and loads both, steps per batch."""
import os
import tempfile

import torch
import torch.nn as nn


class Trainer(object):
    def __init__(self, model, train_loader, lr=1e-2, epochs=3, warmup=4):
        self.model = model
        self.train_loader = train_loader
        self.epochs = epochs
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=1e-4)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lr_lambda=lambda step: min(1.0, (step + 1) / warmup)
        )
        self.global_step = 0

    def train_step(self, batch):
        x, y = batch
        self.model.train()
        self.optimizer.zero_grad()
        output = self.model(x)
        loss = self.criterion(output, y)
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.scheduler.step()
        self.global_step += 1
        return loss.item(), grad_norm

    def train(self):
        for epoch in range(self.epochs):
            for batch in self.train_loader:
                loss, grad_norm = self.train_step(batch)
            print("epoch %d loss %.4f norm %.4f lr %.6f" % (epoch, loss, grad_norm, self.get_lr()))

    def get_lr(self):
        return self.optimizer.param_groups[0]["lr"]

    def save(self, path):
        torch.save({
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "global_step": self.global_step,
        }, path)

    def load(self, path):
        state = torch.load(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.global_step = state["global_step"]


if __name__ == "__main__":
    torch.manual_seed(0)
    data = [(torch.randn(6, 3), torch.randn(6, 1)) for _ in range(4)]
    trainer = Trainer(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)), data)
    trainer.train()
    file = os.path.join(tempfile.mkdtemp(), "ckpt.pth")
    trainer.save(file)
    trainer.load(file)
    trainer.train()
