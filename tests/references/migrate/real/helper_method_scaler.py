"""The helper is a method, in AMP, and returns a number; its loss is an expression."""
import torch
import torch.nn as nn


class Engine:
    def __init__(self, net, lr):
        self.net = net
        self.optim = torch.optim.AdamW(net.parameters(), lr=lr)
        self.scaler = torch.amp.GradScaler("cpu", enabled=False)
        self.lrs = torch.optim.lr_scheduler.LambdaLR(self.optim, lambda k: 1 / (1 + 0.1 * k))

    def optimize(self, loss, clip=None):
        self.optim.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optim)
        nn.utils.clip_grad_norm_(self.net.parameters(), 0.3)
        self.scaler.step(self.optim)
        self.scaler.update()
        self.lrs.step()
        return float(loss.detach())


def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.SiLU(), nn.Linear(5, 2))
    eng = Engine(net, 5e-3)
    mean = 0.0
    for it in range(10):
        x = torch.randn(6, 3)
        y = (x.sum(1) > 0).long()
        logits = net(x)
        mean += eng.optimize(nn.functional.cross_entropy(logits, y), clip=1.0)
        print(it, mean, logits.argmax(1).eq(y).float().mean().item())


main()
