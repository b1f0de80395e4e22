import torch
from torch import nn


class OptimWrapper:
    """Optimizer with its schedule, as in many speech repositories."""

    def __init__(self, model, lr, warmup, d_model=8):
        self._optimizer = torch.optim.Adam(model.parameters(), lr=lr, betas=(0.9, 0.98), eps=1e-9)
        self._step, self.warmup, self.d_model = 0, warmup, d_model

    @property
    def lr(self):
        return self._optimizer.param_groups[0]["lr"]

    def zero_grad(self):
        self._optimizer.zero_grad()

    def rate(self, step=None):
        step = step or self._step
        return self.d_model ** -0.5 * min(step ** -0.5, step * self.warmup ** -1.5)

    def step(self):
        self._step += 1
        for p in self._optimizer.param_groups:
            p["lr"] = self.rate()
        self._optimizer.step()

    def state_dict(self):
        return {"step": self._step, "opt": self._optimizer.state_dict()}


def run_epoch(data, model, loss_compute, opt):
    tot = 0.0
    for src, tgt in data:
        out = model(src)
        tot += loss_compute(out, tgt, opt)
    return tot / len(data)


class SimpleLossCompute:
    def __init__(self, generator, criterion):
        self.generator, self.criterion = generator, criterion

    def __call__(self, x, y, opt=None):
        x = self.generator(x)
        loss = self.criterion(x, y)
        if opt is not None:
            opt.zero_grad()
            loss.backward()
            opt.step()
        return loss.item()


torch.manual_seed(0)
body, gen = nn.Linear(4, 8), nn.Linear(8, 2)
model = nn.Sequential(body, gen)
opt = OptimWrapper(model, 0.0, 4)
compute = SimpleLossCompute(gen, nn.MSELoss())
data = [(torch.randn(3, 4), torch.randn(3, 2)) for _ in range(4)]
for e in range(3):
    print(run_epoch(data, body, compute, opt), opt.lr)
