import torch
from torch import nn, optim


def build(model, lr, total):
    opt = optim.Adam(model.parameters(), lr=lr)
    sched = optim.lr_scheduler.LinearLR(opt, 1.0, 0.1, total_iters=total)
    return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


def fit(model, data, epochs):
    built = build(model, 1e-2, epochs * len(data))
    opt = built["optimizer"]
    sched = built["lr_scheduler"]["scheduler"]
    for _ in range(epochs):
        for x, y in data:
            opt.zero_grad()
            loss = (model(x) - y).abs().mean()
            loss.backward()
            opt.step()
            sched.step()
    return loss.item(), sched.get_last_lr()


torch.manual_seed(0)
print(fit(nn.Linear(2, 1), [(torch.randn(4, 2), torch.randn(4, 1)) for _ in range(4)], 3))
