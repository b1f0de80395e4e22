"""A scheduler that may be None, groups with rates of their own under a cosine, a step() function inside main(), semicolons."""
import argparse

import torch
from torch import nn
from torch.optim import *
from torch.optim.lr_scheduler import *


def main(args):
    torch.manual_seed(0)
    body, head = nn.Linear(3, 6), nn.Linear(6, 1)
    loader = [torch.randn(5, 3) for _ in range(4)]
    opt: Optimizer = AdamW([{"params": body.parameters()}, {"params": head.parameters(), "lr": args.lr * 10}], lr=args.lr)
    sched = CosineAnnealingLR(opt, T_max=args.epochs, eta_min=1e-5) if args.cosine else None

    def step(batch):
        loss = (head(torch.relu(body(batch))) - batch.sum(1, keepdim=True)).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step()
        return loss.detach()

    for epoch in range(args.epochs):
        for batch in loader:
            last = step(batch)
        if sched:
            sched.step()
        print(f"{epoch} {last.item():.3f} {sched.get_last_lr()[0] if sched else args.lr:.6f}")


main(argparse.Namespace(lr=0.01, epochs=5, cosine=True))
