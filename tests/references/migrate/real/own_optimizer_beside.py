"""Two optimizers in one function; one of them cannot be rewritten."""
import torch
from torch import nn


class Weird(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, dict(lr=lr))

    @torch.no_grad()
    def step(self, closure=None):
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is not None:
                    p.add_(p.grad.sign(), alpha=-g["lr"])


torch.manual_seed(0)
enc = nn.Linear(4, 3)
dec = nn.Linear(3, 4)


def train(steps):
    enc_opt = torch.optim.Adam(enc.parameters(), lr=1e-2)
    dec_opt = Weird(dec.parameters(), lr=1e-3)
    for _ in range(steps):
        x = torch.randn(8, 4)
        enc_opt.zero_grad()
        loss = (dec(enc(x)) - x).pow(2).mean()
        loss.backward()
        enc_opt.step()
        dec_opt.zero_grad()
        loss2 = (dec(enc(x).detach()) - x).abs().mean()
        loss2.backward()
        dec_opt.step()


train(5)
