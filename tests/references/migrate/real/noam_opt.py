"""The annotated transformer's NoamOpt: step() of the wrapper sets the rate and steps the optimizer."""
import torch
import torch.nn as nn


class NoamOpt:
    "Optim wrapper that implements rate."

    def __init__(self, model_size, factor, warmup, optimizer):
        self.optimizer = optimizer
        self._step = 0
        self.warmup = warmup
        self.factor = factor
        self.model_size = model_size
        self._rate = 0

    def step(self):
        "Update parameters and rate"
        self._step += 1
        rate = self.rate()
        for p in self.optimizer.param_groups:
            p["lr"] = rate
        self._rate = rate
        self.optimizer.step()

    def rate(self, step=None):
        "Implement `lrate` above"
        if step is None:
            step = self._step
        return self.factor * (self.model_size ** (-0.5) * min(step ** (-0.5), step * self.warmup ** (-1.5)))


def run_epoch(data, model, criterion, opt):
    total = 0
    for x, y in data:
        out = model(x)
        loss = criterion(out, y)
        loss.backward()
        opt.step()
        opt.optimizer.zero_grad()
        total += loss.item()
    return total


torch.manual_seed(0)
model = nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 9))
model_opt = NoamOpt(16, 0.5, 6, torch.optim.Adam(model.parameters(), lr=0, betas=(0.9, 0.98), eps=1e-9))
data = [(torch.randint(0, 9, (6,)), torch.randint(0, 9, (6,))) for _ in range(4)]
for epoch in range(4):
    print(epoch, run_epoch(data, model, nn.CrossEntropyLoss(), model_opt), model_opt._rate)
